--- function body
-- new:
CREATE OR REPLACE FUNCTION shop.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS
    'SELECT n + n';

--- function goes
-- new:
DROP FUNCTION shop.twice;

--- another return type
-- new:
DROP FUNCTION shop.twice;
CREATE FUNCTION shop.twice(n integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
GRANT ALL ON FUNCTION shop.twice TO pg_monitor;
COMMENT ON FUNCTION shop.twice IS 'c';

--- another name of an argument
-- new:
DROP FUNCTION shop.twice;
CREATE FUNCTION shop.twice(value integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT
    value * 2';

--- another overload
-- new:
CREATE FUNCTION shop.twice(n text, VARIADIC more integer[]) RETURNS SETOF text LANGUAGE sql AS
    'SELECT n';

--- body with semicolons and quotes
-- new:
CREATE FUNCTION shop.talk(OUT a text, OUT b text)
    LANGUAGE plpgsql AS $f$ BEGIN a := 'x;''y'; b := $q$ ; -- $q$; RETURN; END $f$;

--- standard SQL body
-- new:
CREATE FUNCTION shop.rows() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM shop.customers; END;

--- procedure and aggregate
-- new:
CREATE PROCEDURE shop.run(INOUT n integer) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE shop.add(integer) (sfunc = int4pl, stype = integer);

--- function privileges
-- new:
REVOKE ALL ON FUNCTION shop.twice(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION shop.twice(integer) TO pg_monitor WITH GRANT OPTION;

--- trigger
-- new:
CREATE TRIGGER t AFTER INSERT ON shop.orders REFERENCING NEW TABLE AS n FOR EACH STATEMENT
    EXECUTE FUNCTION shop.touch();

--- trigger changed
-- new:
CREATE OR REPLACE TRIGGER touched BEFORE UPDATE OF total ON shop.orders FOR EACH ROW EXECUTE
    FUNCTION shop.touch();

--- trigger disabled
-- new:
ALTER TABLE shop.orders DISABLE TRIGGER touched;

--- trigger for replicas
-- new:
ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER touched;
COMMENT ON TRIGGER touched ON shop.orders IS 't';

--- constraint trigger
-- new:
CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON shop.orders DEFERRABLE INITIALLY DEFERRED FOR EACH
    ROW EXECUTE FUNCTION shop.touch();

--- event trigger
-- new:
CREATE FUNCTION shop.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION shop.on_ddl();
ALTER EVENT TRIGGER watch DISABLE;

--- rule
-- new:
CREATE RULE keep AS ON DELETE TO shop.bookings DO INSTEAD NOTHING;
ALTER TABLE shop.bookings DISABLE RULE keep;
COMMENT ON RULE keep ON shop.bookings IS 'r';
