SET lock_timeout = '2s';
SET statement_timeout = '30s';

ALTER TABLE line_items ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
