SET lock_timeout = '2s';
CREATE UNIQUE INDEX CONCURRENTLY users_email_unique ON users (email);
ALTER TABLE users ADD CONSTRAINT users_email_unique UNIQUE USING INDEX users_email_unique;
