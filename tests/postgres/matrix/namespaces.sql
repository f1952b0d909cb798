CREATE SCHEMA shop;
CREATE SCHEMA tools;
COMMENT ON SCHEMA tools IS 't';
CREATE TABLE shop.orders (id bigint PRIMARY KEY, a integer, b integer, note text);
CREATE STATISTICS shop.both ON a, b FROM shop.orders;
COMMENT ON STATISTICS shop.both IS 'b';
CREATE COLLATION shop.plain (provider = libc, locale = 'C');
INSERT INTO shop.orders VALUES (1, 1, 1, 'x');

--- a schema and its owner
-- new:
CREATE SCHEMA "Odd One" AUTHORIZATION pg_database_owner;
COMMENT ON SCHEMA "Odd One" IS 'o';
CREATE TABLE "Odd One"."T 1" ("select" integer PRIMARY KEY);

--- a schema with all in it goes
-- new:
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('a');
CREATE FUNCTION app.f() RETURNS app.mood LANGUAGE sql AS 'SELECT ''a''::app.mood';
CREATE TABLE app.t (id bigint PRIMARY KEY, m app.mood DEFAULT app.f());
CREATE VIEW app.v AS SELECT * FROM app.t;

--- the schema public goes
-- new:
DROP SCHEMA public;

--- a table moves to another schema
-- old:
CREATE TABLE shop.moves (id bigint PRIMARY KEY, m integer);
INSERT INTO shop.moves VALUES (1, 2);
-- new:
CREATE TABLE tools.moves (id bigint PRIMARY KEY, m integer);
INSERT INTO tools.moves VALUES (1, 2);

--- extensions
-- new:
CREATE EXTENSION pg_trgm SCHEMA tools;
CREATE EXTENSION btree_gist;
CREATE INDEX note_like ON shop.orders USING gin (note tools.gin_trgm_ops);

--- an extension in another schema
-- old:
CREATE EXTENSION hstore SCHEMA shop;
ALTER TABLE shop.orders ADD h shop.hstore;
-- new:
CREATE EXTENSION hstore SCHEMA tools;
ALTER TABLE shop.orders ADD h tools.hstore;

--- the comment of an extension
-- old:
CREATE EXTENSION hstore;
-- new:
CREATE EXTENSION hstore;
COMMENT ON EXTENSION hstore IS 'pairs';

--- kinds of statistics
-- new:
DROP STATISTICS shop.both;
CREATE STATISTICS shop.both (dependencies, mcv) ON a, b FROM shop.orders;
COMMENT ON STATISTICS shop.both IS 'b';

--- statistics on expressions
-- new:
CREATE STATISTICS shop.sums ON (a + b), (a - b) FROM shop.orders;
CREATE STATISTICS shop.one ON (a * 2) FROM shop.orders;
ALTER STATISTICS shop.one SET STATISTICS 300;

--- statistics on a column that goes
-- new:
ALTER TABLE shop.orders DROP b;

--- statistics on a column of another type
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE STATISTICS shop.sums ON (a + b) FROM shop.orders;
-- new:
ALTER TABLE shop.orders ALTER b TYPE bigint;
CREATE STATISTICS shop.sums ON (a + b) FROM shop.orders;

--- a statistics target
-- old:
ALTER STATISTICS shop.both SET STATISTICS 100;
-- new:
ALTER STATISTICS shop.both SET STATISTICS 200;

--- a collation that nobody uses changes
-- new:
DROP COLLATION shop.plain;
CREATE COLLATION shop.plain (provider = libc, locale = 'POSIX');

--- a collation that a column uses changes
-- old:
ALTER TABLE shop.orders ADD p text COLLATE shop.plain;
-- new:
DROP COLLATION shop.plain;
CREATE COLLATION shop.plain (provider = libc, locale = 'POSIX');
ALTER TABLE shop.orders ADD p text COLLATE shop.plain;

--- collations of other kinds
-- since: 17
-- new:
CREATE COLLATION shop.inbuilt (provider = builtin, locale = 'C.UTF-8');

--- an extension that a column and a view use moves to another schema
-- needs: hstore
-- old:
CREATE EXTENSION hstore SCHEMA tools;
ALTER TABLE shop.orders ADD COLUMN h tools.hstore;
CREATE VIEW shop.seen AS SELECT h OPERATOR(tools.->) 'x' AS x FROM shop.orders;
-- new:
CREATE EXTENSION hstore SCHEMA shop;
ALTER TABLE shop.orders ADD COLUMN h shop.hstore;
CREATE VIEW shop.seen AS SELECT h OPERATOR(shop.->) 'x' AS x FROM shop.orders;

--- the version of an extension
-- needs: hstore
-- old:
CREATE EXTENSION hstore VERSION '1.4';
-- new:
CREATE EXTENSION hstore;

--- a new extension of a version of its own
-- needs: hstore
-- new:
CREATE EXTENSION hstore SCHEMA tools VERSION '1.4';

--- a statistics target goes with another object
-- old:
ALTER STATISTICS shop.both SET STATISTICS 9;
CREATE STATISTICS tools.both (dependencies) ON a, id FROM shop.orders;
-- new:
COMMENT ON STATISTICS shop.both IS 'of both';
