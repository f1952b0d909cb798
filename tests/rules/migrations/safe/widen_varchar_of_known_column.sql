SET lock_timeout = '2s';
SET statement_timeout = '30s';

CREATE TABLE tags (id bigint PRIMARY KEY, label varchar(20));
ALTER TABLE tags ALTER COLUMN label TYPE varchar(50);
