SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE TEMP TABLE staging (id bigint, body text);
CREATE INDEX ON staging (id);
DROP TABLE staging;
