CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, total integer, note text);
CREATE TABLE shop.events (id bigint, day date) PARTITION BY RANGE (day);
CREATE TABLE shop.events_one PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE FUNCTION shop.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE TRIGGER touched BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE TRIGGER counted AFTER INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch('a', '2');
ALTER TABLE shop.orders DISABLE TRIGGER counted;
CREATE RULE no_delete AS ON DELETE TO shop.orders WHERE old.total > 5 DO INSTEAD NOTHING;
INSERT INTO shop.orders VALUES (1, 10, 'x');
INSERT INTO shop.events VALUES (1, '2026-01-02');

--- a condition and columns
-- new:
CREATE OR REPLACE TRIGGER touched BEFORE INSERT OR UPDATE OF total, note ON shop.orders
    FOR EACH ROW WHEN (new.total > 3) EXECUTE FUNCTION shop.touch();

--- other arguments of one that is disabled
-- new:
DROP TRIGGER counted ON shop.orders;
CREATE TRIGGER counted AFTER INSERT ON shop.orders FOR EACH ROW
    EXECUTE FUNCTION shop.touch('b;', 'c''d');
ALTER TABLE shop.orders DISABLE TRIGGER counted;

--- before becomes after, row becomes statement
-- new:
DROP TRIGGER touched ON shop.orders;
CREATE TRIGGER touched AFTER UPDATE ON shop.orders REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION shop.touch();

--- enabled again, and for replicas
-- new:
ALTER TABLE shop.orders ENABLE TRIGGER counted;
ALTER TABLE shop.orders ENABLE REPLICA TRIGGER touched;

--- renamed
-- new:
ALTER TRIGGER touched ON shop.orders RENAME TO "Touched It";

--- on a partitioned table
-- new:
CREATE TRIGGER touched BEFORE INSERT ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();
CREATE TRIGGER own AFTER INSERT ON shop.events_one FOR EACH ROW EXECUTE FUNCTION shop.touch();

--- disabled on a partitioned table and on its partition
-- old:
CREATE TRIGGER touched BEFORE INSERT ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();
-- new:
CREATE TRIGGER touched BEFORE INSERT ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();
ALTER TABLE shop.events_one DISABLE TRIGGER touched;

--- constraint trigger with other times
-- old:
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON shop.orders DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION shop.touch();
COMMENT ON TRIGGER late ON shop.orders IS 'l';
ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER late;
-- new:
CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON shop.orders DEFERRABLE
    FOR EACH ROW EXECUTE FUNCTION shop.touch();
COMMENT ON TRIGGER late ON shop.orders IS 'l';
ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER late;

--- a trigger that reads a column whose type changes
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE TRIGGER watched BEFORE UPDATE OF total ON shop.orders FOR EACH ROW
    WHEN (new.total > 4) EXECUTE FUNCTION shop.touch();
ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER watched;
-- new:
DROP RULE no_delete ON shop.orders;
ALTER TABLE shop.orders ALTER total TYPE bigint;
CREATE RULE no_delete AS ON DELETE TO shop.orders WHERE old.total > 5 DO INSTEAD NOTHING;
CREATE TRIGGER watched BEFORE UPDATE OF total ON shop.orders FOR EACH ROW
    WHEN (new.total > 4) EXECUTE FUNCTION shop.touch();
ALTER TABLE shop.orders ENABLE ALWAYS TRIGGER watched;

--- rule changed
-- new:
CREATE OR REPLACE RULE no_delete AS ON DELETE TO shop.orders WHERE old.total > 9
    DO ALSO INSERT INTO shop.events VALUES (old.id, '2026-01-03');

--- rule with several statements
-- new:
CREATE RULE log AS ON UPDATE TO shop.orders DO ALSO
    (INSERT INTO shop.events VALUES (new.id, now()); NOTIFY changed);
ALTER TABLE shop.orders ENABLE REPLICA RULE log;

--- rule disabled and goes
-- old:
ALTER TABLE shop.orders DISABLE RULE no_delete;
COMMENT ON RULE no_delete ON shop.orders IS 'r';
-- new:
DROP RULE no_delete ON shop.orders;

--- event trigger with tags
-- old:
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION shop.watch();
-- new:
CREATE EVENT TRIGGER watch ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'DROP TABLE')
    EXECUTE FUNCTION shop.watch();
COMMENT ON EVENT TRIGGER watch IS 'w';

--- event trigger disabled
-- old:
CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION shop.watch();
ALTER EVENT TRIGGER watch ENABLE ALWAYS;
-- new:
CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION shop.watch();
ALTER EVENT TRIGGER watch DISABLE;
