CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, total integer NOT NULL, note text);
CREATE FUNCTION shop.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION shop.twice(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
COMMENT ON FUNCTION shop.twice(integer) IS 'doubles';
CREATE FUNCTION shop.list(a integer DEFAULT 1, b text DEFAULT 'x')
    RETURNS TABLE (id bigint, note text) LANGUAGE sql STABLE AS 'SELECT id, note FROM shop.orders';
CREATE PROCEDURE shop.clean(keep integer) LANGUAGE sql AS 'DELETE FROM shop.orders WHERE false';
CREATE FUNCTION shop.plus(bigint, integer) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS 'SELECT coalesce($1, 0) + coalesce($2, 0)';
CREATE AGGREGATE shop.total(integer) (sfunc = shop.plus, stype = bigint, initcond = '0');
INSERT INTO shop.orders VALUES (1, 10, 'x'), (2, 20, 'y');

--- volatility, cost, rows, parallel, strict, security, leakproof
-- new:
ALTER FUNCTION shop.twice(integer) STABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL SAFE COST 7;
ALTER FUNCTION shop.list(integer, text) ROWS 3;

--- settings of a function
-- new:
ALTER FUNCTION shop.twice(integer) SET search_path = shop, pg_temp;
ALTER FUNCTION shop.twice(integer) SET work_mem = '1MB';
ALTER PROCEDURE shop.clean(integer) SET statement_timeout = '1s';

--- another language
-- new:
CREATE OR REPLACE FUNCTION shop.twice(n integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
    AS 'BEGIN RETURN n * 2; END';

--- a default of an argument more
-- new:
CREATE OR REPLACE FUNCTION shop.twice(n integer DEFAULT 4) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT n * 2';

--- another default of an argument
-- new:
CREATE OR REPLACE FUNCTION shop.list(a integer DEFAULT 2, b text DEFAULT 'y''z')
    RETURNS TABLE (id bigint, note text) LANGUAGE sql STABLE AS 'SELECT id, note FROM shop.orders';

--- an argument more
-- new:
DROP FUNCTION shop.list;
CREATE FUNCTION shop.list(a integer DEFAULT 1, b text DEFAULT 'x', c boolean DEFAULT false)
    RETURNS TABLE (id bigint, note text) LANGUAGE sql STABLE AS 'SELECT id, note FROM shop.orders';

--- a column of the result more
-- new:
DROP FUNCTION shop.list;
CREATE FUNCTION shop.list(a integer DEFAULT 1, b text DEFAULT 'x')
    RETURNS TABLE (id bigint, note text, total integer) LANGUAGE sql STABLE
    AS 'SELECT id, note, total FROM shop.orders';

--- a function becomes a procedure
-- old:
CREATE FUNCTION shop.run(n integer) RETURNS void LANGUAGE sql AS 'SELECT 1';
-- new:
CREATE PROCEDURE shop.run(n integer) LANGUAGE sql AS 'SELECT 1';

--- one overload goes
-- new:
DROP FUNCTION shop.twice(bigint);

--- a new function before the table that uses it
-- new:
CREATE FUNCTION shop.fine(integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE TABLE shop.lines (n integer CHECK (shop.fine(n)), m integer DEFAULT shop.twice(4),
    o integer GENERATED ALWAYS AS (shop.twice(n)) STORED);

--- a check, an index, a default and a policy use a function with another argument name
-- unsafe up: writers wait
-- unsafe down: writers wait
-- old:
CREATE FUNCTION shop.f(a integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT a';
ALTER TABLE shop.orders ADD CONSTRAINT fine CHECK (shop.f(total) > 0),
    ALTER total SET DEFAULT shop.f(1);
CREATE INDEX by_f ON shop.orders (shop.f(total));
CREATE POLICY own ON shop.orders USING (shop.f(total) > 0);
CREATE VIEW shop.fs AS SELECT shop.f(total) AS f FROM shop.orders;
-- new:
CREATE FUNCTION shop.f(b integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT b';
ALTER TABLE shop.orders ADD CONSTRAINT fine CHECK (shop.f(total) > 0),
    ALTER total SET DEFAULT shop.f(1);
CREATE INDEX by_f ON shop.orders (shop.f(total));
CREATE POLICY own ON shop.orders USING (shop.f(total) > 0);
CREATE VIEW shop.fs AS SELECT shop.f(total) AS f FROM shop.orders;

--- the body of a function that a check uses
-- old:
ALTER TABLE shop.orders ADD CONSTRAINT fine CHECK (shop.twice(total) > 0);
-- new:
CREATE OR REPLACE FUNCTION shop.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT n + n';
ALTER TABLE shop.orders ADD CONSTRAINT fine CHECK (shop.twice(total) > 0);

--- a trigger function with another name
-- old:
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
-- new:
CREATE FUNCTION shop.touch_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER touched BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch_it();

--- an aggregate with another state
-- new:
DROP AGGREGATE shop.total(integer);
CREATE FUNCTION shop.plus(numeric, integer) RETURNS numeric LANGUAGE sql IMMUTABLE
    AS 'SELECT $1 + $2';
CREATE AGGREGATE shop.total(integer) (sfunc = shop.plus, stype = numeric, initcond = '0');

--- an aggregate with another start
-- new:
CREATE OR REPLACE AGGREGATE shop.total(integer)
    (sfunc = shop.plus, stype = bigint, initcond = '5');

--- aggregates of all kinds
-- new:
CREATE FUNCTION shop.plus_many(bigint, integer, VARIADIC text[]) RETURNS bigint LANGUAGE sql
    IMMUTABLE AS 'SELECT $1 + $2';
CREATE AGGREGATE shop.both(integer, VARIADIC text[]) (sfunc = shop.plus_many, stype = bigint);
COMMENT ON AGGREGATE shop.total(integer) IS 'all';
GRANT EXECUTE ON FUNCTION shop.total(integer) TO pg_monitor;
CREATE AGGREGATE shop.any_count(*) (sfunc = int8inc, stype = bigint, initcond = '0');

--- routines that take and give all sorts of types
-- new:
CREATE FUNCTION shop.sorts(a character varying, b timestamp with time zone, c numeric[],
    d anyelement, "E e" shop.orders, INOUT f double precision DEFAULT 3, OUT g text)
    LANGUAGE sql AS 'SELECT 1.0::double precision, $$x$$';
COMMENT ON FUNCTION shop.sorts IS 's';
REVOKE ALL ON FUNCTION shop.sorts FROM PUBLIC;
CREATE FUNCTION shop.rows() RETURNS SETOF shop.orders LANGUAGE sql AS 'TABLE shop.orders';

--- a standard body over a table that changes
-- unsafe up: the table is written anew
-- old:
CREATE FUNCTION shop.notes() RETURNS SETOF text BEGIN ATOMIC SELECT note FROM shop.orders; END;
-- new:
ALTER TABLE shop.orders ALTER note TYPE varchar(30);
CREATE FUNCTION shop.notes() RETURNS SETOF text BEGIN ATOMIC SELECT note FROM shop.orders; END;

--- functions that need each other
-- new:
CREATE FUNCTION shop.a_calls_b() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN shop.b(); END';
CREATE FUNCTION shop.b() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop.a_uses_b() RETURNS integer BEGIN ATOMIC SELECT shop.b(); END;

--- a function below a view gives a column more
-- old:
CREATE FUNCTION shop.gives(OUT a integer, INOUT b text) LANGUAGE sql AS 'SELECT 1, b';
CREATE VIEW shop.given AS SELECT * FROM shop.gives('x');
-- new:
CREATE FUNCTION shop.gives(OUT a integer, INOUT b text, OUT c integer) LANGUAGE sql
    AS 'SELECT 1, b, 2';
CREATE VIEW shop.given AS SELECT * FROM shop.gives('x');
