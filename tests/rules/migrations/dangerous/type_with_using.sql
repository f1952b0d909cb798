SET lock_timeout = '2s';
SET statement_timeout = '30s';

ALTER TABLE events ALTER COLUMN payload TYPE jsonb USING payload::jsonb;
