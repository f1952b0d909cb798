SET lock_timeout = '2s';
SET statement_timeout = '30s';

INSERT INTO plans (id, name) VALUES (1, 'free'), (2, 'pro') ON CONFLICT (id) DO NOTHING;
