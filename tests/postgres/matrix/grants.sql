CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, total integer, note text);
CREATE VIEW shop.recent AS SELECT id FROM shop.orders;
CREATE SEQUENCE shop.numbers;
CREATE FUNCTION shop.f(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TYPE shop.state AS ENUM ('open');
GRANT SELECT, INSERT ON shop.orders TO pg_monitor;
GRANT SELECT (id), UPDATE (note) ON shop.orders TO pg_read_all_data;
GRANT USAGE ON SCHEMA shop TO pg_monitor;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO pg_monitor;
INSERT INTO shop.orders VALUES (1, 10, 'x');

--- more on a table
-- new:
GRANT UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON shop.orders TO pg_monitor;
GRANT ALL ON shop.orders TO pg_read_all_data;
GRANT SELECT ON shop.orders TO PUBLIC;

--- less on a table
-- new:
REVOKE INSERT ON shop.orders FROM pg_monitor;

--- all gone
-- new:
REVOKE ALL ON shop.orders FROM pg_monitor;
REVOKE ALL (id, note) ON shop.orders FROM pg_read_all_data;

--- grant option comes
-- new:
GRANT SELECT ON shop.orders TO pg_monitor WITH GRANT OPTION;

--- columns
-- new:
REVOKE UPDATE (note) ON shop.orders FROM pg_read_all_data;
GRANT SELECT (total, note), INSERT (note) ON shop.orders TO pg_read_all_data;

--- from the owner
-- new:
REVOKE INSERT ON shop.orders FROM CURRENT_USER;

--- schemas, sequences, views
-- new:
GRANT CREATE ON SCHEMA shop TO pg_monitor;
GRANT USAGE ON SCHEMA shop TO pg_read_all_data WITH GRANT OPTION;
GRANT USAGE, SELECT ON SEQUENCE shop.numbers TO pg_monitor;
GRANT SELECT ON shop.recent TO PUBLIC;

--- functions and types
-- new:
REVOKE EXECUTE ON FUNCTION shop.f FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.f TO pg_monitor;
REVOKE USAGE ON TYPE shop.state FROM PUBLIC;

--- languages, servers
-- new:
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
GRANT USAGE ON FOREIGN DATA WRAPPER w TO pg_monitor;
GRANT USAGE ON FOREIGN SERVER s TO pg_monitor;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;

--- the schema public
-- new:
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO pg_monitor;

--- other default privileges
-- new:
ALTER DEFAULT PRIVILEGES IN SCHEMA shop REVOKE SELECT ON TABLES FROM pg_monitor;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT USAGE ON SEQUENCES TO pg_monitor WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO pg_monitor;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT EXECUTE ON FUNCTIONS TO pg_monitor;

--- default privileges of a role
-- new:
ALTER DEFAULT PRIVILEGES FOR ROLE pg_monitor IN SCHEMA shop GRANT ALL ON TABLES TO pg_read_all_data;
ALTER DEFAULT PRIVILEGES FOR ROLE pg_monitor REVOKE ALL ON TYPES FROM PUBLIC;

--- a table made under default privileges
-- new:
CREATE TABLE shop.made (id bigint);

--- a table made under default privileges, and they go
-- new:
CREATE TABLE shop.made (id bigint);
ALTER DEFAULT PRIVILEGES IN SCHEMA shop REVOKE SELECT ON TABLES FROM pg_monitor;

--- a table without what default privileges give
-- new:
CREATE TABLE shop.made (id bigint);
REVOKE ALL ON shop.made FROM pg_monitor;

--- owner of tables, views, sequences
-- new:
ALTER TABLE shop.orders OWNER TO pg_database_owner;
ALTER VIEW shop.recent OWNER TO pg_database_owner;
ALTER SEQUENCE shop.numbers OWNER TO pg_database_owner;

--- owner of routines, types, schemas
-- new:
ALTER FUNCTION shop.f OWNER TO pg_database_owner;
ALTER TYPE shop.state OWNER TO pg_database_owner;
ALTER SCHEMA shop OWNER TO pg_database_owner;

--- owner of something new
-- new:
CREATE TABLE shop.lines (id bigint);
ALTER TABLE shop.lines OWNER TO pg_database_owner;
CREATE MATERIALIZED VIEW shop.lined AS SELECT id FROM shop.lines;
ALTER MATERIALIZED VIEW shop.lined OWNER TO pg_database_owner;
CREATE FUNCTION shop.g() RETURNS integer LANGUAGE sql AS 'SELECT 1';
ALTER FUNCTION shop.g OWNER TO pg_database_owner;
CREATE PUBLICATION pub;
ALTER PUBLICATION pub OWNER TO pg_database_owner;

--- owner of a view that is made anew
-- old:
ALTER VIEW shop.recent OWNER TO pg_database_owner;
GRANT SELECT ON shop.recent TO pg_monitor;
-- new:
DROP VIEW shop.recent;
CREATE VIEW shop.recent AS SELECT note, id FROM shop.orders;
ALTER VIEW shop.recent OWNER TO pg_database_owner;
GRANT SELECT ON shop.recent TO pg_monitor;

--- large grants to odd names
-- new:
GRANT SELECT ON shop.orders TO "odd role";
GRANT SELECT (note) ON shop.orders TO "odd role" WITH GRANT OPTION;

--- granted on by somebody who may
-- new:
CREATE ROLE zd_between;
GRANT USAGE ON SCHEMA shop TO zd_between;
GRANT SELECT ON shop.orders TO zd_between WITH GRANT OPTION;
SET ROLE zd_between;
GRANT SELECT ON shop.orders TO pg_write_all_data WITH GRANT OPTION;
RESET ROLE;

--- who granted it
-- old:
GRANT USAGE ON SCHEMA shop TO pg_signal_backend;
GRANT SELECT ON shop.orders TO pg_signal_backend WITH GRANT OPTION;
SET ROLE pg_signal_backend;
GRANT SELECT ON shop.orders TO pg_write_all_data;
RESET ROLE;
-- new:
GRANT USAGE ON SCHEMA shop TO pg_signal_backend;
GRANT SELECT ON shop.orders TO pg_signal_backend, pg_write_all_data;

--- owner of a table with a sequence of its own
-- new:
CREATE SEQUENCE shop.owned OWNED BY shop.orders.id;
ALTER TABLE shop.orders OWNER TO pg_monitor;

--- owner of a table whose sequence was there
-- old:
CREATE SEQUENCE shop.owned OWNED BY shop.orders.id;
-- new:
CREATE SEQUENCE shop.owned OWNED BY shop.orders.id;
ALTER TABLE shop.orders OWNER TO pg_monitor;
