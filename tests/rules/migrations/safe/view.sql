SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE VIEW active_users AS SELECT id, email FROM users WHERE deleted_at IS NULL;
