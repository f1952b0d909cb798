SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE TABLE countries (code varchar(10) PRIMARY KEY);
ALTER TABLE users ALTER COLUMN country TYPE char(2);
