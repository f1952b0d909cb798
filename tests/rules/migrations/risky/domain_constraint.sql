SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE DOMAIN us_zip AS text;
ALTER DOMAIN us_zip ADD CONSTRAINT five CHECK (VALUE ~ '^[0-9]{5}$');
ALTER DOMAIN email_address ADD CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
