SET lock_timeout = '2s';
SET statement_timeout = '30s';

UPDATE users SET plan = 'free';
