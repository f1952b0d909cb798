CREATE SCHEMA shop;
CREATE FOREIGN DATA WRAPPER w OPTIONS (debug 'true');
CREATE SERVER s TYPE 'oracle' VERSION '9' FOREIGN DATA WRAPPER w OPTIONS (host 'x', port '1');
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (u 'v', p 'it''s');
CREATE FOREIGN TABLE shop.remote (a integer OPTIONS (c 'd') NOT NULL, b text DEFAULT 'q',
    CONSTRAINT positive CHECK (a > 0)) SERVER s OPTIONS (t 'z');
CREATE VIEW shop.seen AS SELECT a FROM shop.remote;

--- options of all
-- new:
ALTER FOREIGN DATA WRAPPER w OPTIONS (SET debug 'false', ADD more 'x');
ALTER SERVER s OPTIONS (DROP port, SET host 'y', ADD "Odd" 'z');
ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (DROP p);
ALTER FOREIGN TABLE shop.remote OPTIONS (ADD k 'l');
ALTER FOREIGN TABLE shop.remote ALTER a OPTIONS (SET c 'e', ADD f 'g');

--- version of a server
-- new:
ALTER SERVER s VERSION '10';

--- another server
-- new:
CREATE SERVER s2 FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR CURRENT_USER SERVER s2;
DROP FOREIGN TABLE shop.remote CASCADE;
CREATE FOREIGN TABLE shop.remote (a integer OPTIONS (c 'd') NOT NULL, b text DEFAULT 'q',
    CONSTRAINT positive CHECK (a > 0)) SERVER s2 OPTIONS (t 'z');

--- columns
-- new:
DROP VIEW shop.seen;
ALTER FOREIGN TABLE shop.remote ADD c date OPTIONS (x 'y'), DROP b, ALTER a TYPE bigint;
CREATE VIEW shop.seen AS SELECT a FROM shop.remote;

--- constraints and defaults
-- new:
ALTER FOREIGN TABLE shop.remote DROP CONSTRAINT positive, ADD CHECK (b <> 'x'),
    ALTER a DROP NOT NULL, ALTER b SET NOT NULL, ALTER b DROP DEFAULT;

--- comments and privileges
-- new:
COMMENT ON FOREIGN TABLE shop.remote IS 'r';
COMMENT ON COLUMN shop.remote.a IS 'a';
GRANT SELECT ON shop.remote TO pg_monitor;

--- all gone
-- new:
DROP FOREIGN DATA WRAPPER w CASCADE;

--- a handler
-- new:
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'x', dbname 'y');
CREATE FOREIGN TABLE shop.others (id bigint) SERVER elsewhere OPTIONS (schema_name 'public');

--- a trigger of a foreign table
-- new:
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE INSERT ON shop.remote FOR EACH ROW EXECUTE FUNCTION shop.touch();

--- a foreign partition
-- new:
CREATE TABLE shop.events (id bigint, day date) PARTITION BY RANGE (day);
CREATE FOREIGN TABLE shop.events_old PARTITION OF shop.events
    FOR VALUES FROM ('2020-01-01') TO ('2021-01-01') SERVER s OPTIONS (t 'old');

--- a table instead
-- new:
DROP FOREIGN TABLE shop.remote CASCADE;
CREATE TABLE shop.remote (a integer NOT NULL, b text DEFAULT 'q',
    CONSTRAINT positive CHECK (a > 0));
CREATE VIEW shop.seen AS SELECT a FROM shop.remote;

--- a subscription
-- new:
CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p
    WITH (connect = false, slot_name = NONE);

--- beside a subscription
-- old:
CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p
    WITH (connect = false, slot_name = NONE);
-- new:
CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p
    WITH (connect = false, slot_name = NONE);
ALTER SERVER s VERSION '10';
