CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, customer_id bigint, total numeric(10,2),
    note text, placed date);
CREATE TABLE shop.customers (id bigint PRIMARY KEY, name varchar(20));
CREATE VIEW shop.recent AS SELECT id, customer_id, total FROM shop.orders;
COMMENT ON VIEW shop.recent IS 'the last ones';
COMMENT ON COLUMN shop.recent.total IS 'with tax';
GRANT SELECT ON shop.recent TO pg_monitor;
GRANT SELECT (id) ON shop.recent TO pg_read_all_data;
CREATE VIEW shop.sums AS SELECT customer_id, sum(total) AS total FROM shop.recent GROUP BY 1;
CREATE VIEW shop.top AS SELECT * FROM shop.sums WHERE total > 5;
GRANT SELECT ON shop.top TO pg_monitor;
CREATE FUNCTION shop.best() RETURNS SETOF shop.top LANGUAGE sql AS 'SELECT * FROM shop.top';
INSERT INTO shop.orders VALUES (1, 1, 10, 'x', now()), (2, 1, 20, 'y', now());

--- another condition
-- new:
CREATE OR REPLACE VIEW shop.recent AS SELECT id, customer_id, total FROM shop.orders
    WHERE placed > '2026-01-01';

--- a column goes that nobody above uses
-- new:
DROP VIEW shop.recent CASCADE;
CREATE VIEW shop.recent AS SELECT customer_id, total FROM shop.orders;
COMMENT ON VIEW shop.recent IS 'the last ones';
COMMENT ON COLUMN shop.recent.total IS 'with tax';
GRANT SELECT ON shop.recent TO pg_monitor;
CREATE VIEW shop.sums AS SELECT customer_id, sum(total) AS total FROM shop.recent GROUP BY 1;
CREATE VIEW shop.top AS SELECT * FROM shop.sums WHERE total > 5;
GRANT SELECT ON shop.top TO pg_monitor;
CREATE FUNCTION shop.best() RETURNS SETOF shop.top LANGUAGE sql AS 'SELECT * FROM shop.top';

--- a column with another name
-- new:
ALTER VIEW shop.recent RENAME COLUMN total TO price;

--- a column of another type below a chain of views
-- unsafe down: the table is written anew
-- new:
DROP VIEW shop.recent CASCADE;
ALTER TABLE shop.customers ALTER name TYPE text;
CREATE VIEW shop.recent AS SELECT id, customer_id, total::double precision AS total
    FROM shop.orders;
CREATE VIEW shop.sums AS SELECT customer_id, sum(total) AS total FROM shop.recent GROUP BY 1;

--- the type of a column that a chain of views reads
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
DROP VIEW shop.recent CASCADE;
ALTER TABLE shop.orders ALTER total TYPE double precision;
CREATE VIEW shop.recent AS SELECT id, customer_id, total FROM shop.orders;
COMMENT ON VIEW shop.recent IS 'the last ones';
COMMENT ON COLUMN shop.recent.total IS 'with tax';
GRANT SELECT ON shop.recent TO pg_monitor;
GRANT SELECT (id) ON shop.recent TO pg_read_all_data;
CREATE VIEW shop.sums AS SELECT customer_id, sum(total) AS total FROM shop.recent GROUP BY 1;
CREATE VIEW shop.top AS SELECT * FROM shop.sums WHERE total > 5;
GRANT SELECT ON shop.top TO pg_monitor;
CREATE FUNCTION shop.best() RETURNS SETOF shop.top LANGUAGE sql AS 'SELECT * FROM shop.top';

--- a column that a view reads goes with it
-- old:
CREATE VIEW shop.notes AS SELECT id, note FROM shop.orders;
CREATE OR REPLACE VIEW shop.recent AS SELECT id, customer_id, total, note FROM shop.orders;
-- new:
ALTER TABLE shop.orders DROP note;

--- a view becomes a table
-- new:
DROP VIEW shop.recent CASCADE;
CREATE TABLE shop.recent (id bigint, customer_id bigint, total numeric);

--- a view becomes a materialized view
-- new:
DROP VIEW shop.recent CASCADE;
CREATE MATERIALIZED VIEW shop.recent AS SELECT id, customer_id, total FROM shop.orders;

--- a chain of new views
-- new:
CREATE VIEW shop.a_last AS SELECT id FROM shop.orders;
CREATE VIEW shop.a_first AS SELECT id FROM shop.a_last;
CREATE VIEW shop.a_second AS SELECT a.id FROM shop.a_first a JOIN shop.a_last USING (id);

--- security options
-- since: 15
-- new:
ALTER VIEW shop.top SET (security_invoker = true, security_barrier = true);

--- check option
-- new:
CREATE VIEW shop.mine AS SELECT id, note FROM shop.orders WHERE id > 0 WITH LOCAL CHECK OPTION;

--- check option goes
-- old:
CREATE VIEW shop.mine AS SELECT id, note FROM shop.orders WHERE id > 0
    WITH CASCADED CHECK OPTION;
-- new:
CREATE VIEW shop.mine AS SELECT id, note FROM shop.orders WHERE id > 0;

--- a view with a trigger and a rule
-- old:
CREATE FUNCTION shop.put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE VIEW shop.writable AS SELECT id, customer_id, note FROM shop.orders;
CREATE TRIGGER put INSTEAD OF INSERT ON shop.writable FOR EACH ROW EXECUTE FUNCTION shop.put();
CREATE RULE keep AS ON DELETE TO shop.writable DO INSTEAD NOTHING;
ALTER VIEW shop.writable ALTER note SET DEFAULT 'x';
COMMENT ON TRIGGER put ON shop.writable IS 'p';
-- new:
CREATE FUNCTION shop.put() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE VIEW shop.writable AS SELECT note, id FROM shop.orders;
CREATE TRIGGER put INSTEAD OF INSERT ON shop.writable FOR EACH ROW EXECUTE FUNCTION shop.put();
CREATE RULE keep AS ON DELETE TO shop.writable DO INSTEAD NOTHING;
ALTER VIEW shop.writable ALTER note SET DEFAULT 'x';
COMMENT ON TRIGGER put ON shop.writable IS 'p';

--- a view over a function with another return type
-- old:
CREATE FUNCTION shop.now() RETURNS date LANGUAGE sql STABLE AS 'SELECT current_date';
CREATE VIEW shop.today AS SELECT id, shop.now() AS day FROM shop.orders;
-- new:
CREATE FUNCTION shop.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT current_timestamp';
CREATE VIEW shop.today AS SELECT id, shop.now() AS day FROM shop.orders;

--- odd names
-- new:
CREATE VIEW shop."My View" AS SELECT id AS "The Id", note AS "select" FROM shop.orders;
COMMENT ON COLUMN shop."My View"."The Id" IS 'a; b';
GRANT SELECT ("select") ON shop."My View" TO pg_monitor;

--- views swap their names
-- old:
CREATE VIEW shop.one AS SELECT 1 AS a;
CREATE VIEW shop.two AS SELECT 'x'::text AS b;
-- new:
CREATE VIEW shop.two AS SELECT 1 AS a;
CREATE VIEW shop.one AS SELECT 'x'::text AS b;
