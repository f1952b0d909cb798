SET lock_timeout = '2s';
SET statement_timeout = '30s';

COMMENT ON COLUMN users.email IS 'Primary address';
GRANT SELECT ON users TO reporting;
ALTER TABLE users ALTER COLUMN locale SET DEFAULT 'en';
