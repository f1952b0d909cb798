SET lock_timeout = '2s';
SET statement_timeout = '30s';

ALTER TABLE products ADD COLUMN search tsvector GENERATED ALWAYS AS (to_tsvector('english', name)) STORED;
