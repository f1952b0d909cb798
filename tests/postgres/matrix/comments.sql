CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, total integer CHECK (total > 0), note text);
CREATE INDEX by_note ON shop.orders (note);
COMMENT ON TABLE shop.orders IS 'old; words';
COMMENT ON COLUMN shop.orders.note IS 'old';
COMMENT ON CONSTRAINT orders_total_check ON shop.orders IS 'old';
COMMENT ON INDEX shop.by_note IS 'old';
CREATE FUNCTION shop.f(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT 1';
COMMENT ON FUNCTION shop.f(integer, text) IS 'old';
CREATE PROCEDURE shop.p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE shop.a(integer) (sfunc = int4pl, stype = integer);
CREATE TYPE shop.pair AS (a integer, b text);
COMMENT ON COLUMN shop.pair.a IS 'old';
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE FOREIGN TABLE shop.far (a integer) SERVER s;
CREATE PUBLICATION pub;
CREATE FUNCTION shop.eq(shop.pair, shop.pair) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT true';
CREATE OPERATOR shop.=== (LEFTARG = shop.pair, RIGHTARG = shop.pair, FUNCTION = shop.eq);
INSERT INTO shop.orders VALUES (1, 10, 'x');

--- changed
-- new:
COMMENT ON TABLE shop.orders IS 'new
line';
COMMENT ON COLUMN shop.orders.note IS 'it''s';
COMMENT ON CONSTRAINT orders_total_check ON shop.orders IS E'back\\slash';
COMMENT ON INDEX shop.by_note IS '$$';
COMMENT ON FUNCTION shop.f(integer, text) IS 'new';
COMMENT ON COLUMN shop.pair.a IS 'new';

--- gone
-- new:
COMMENT ON TABLE shop.orders IS NULL;
COMMENT ON COLUMN shop.orders.note IS NULL;
COMMENT ON CONSTRAINT orders_total_check ON shop.orders IS NULL;
COMMENT ON INDEX shop.by_note IS NULL;
COMMENT ON FUNCTION shop.f(integer, text) IS NULL;
COMMENT ON COLUMN shop.pair.a IS NULL;

--- on what has none
-- new:
COMMENT ON PROCEDURE shop.p() IS 'p';
COMMENT ON AGGREGATE shop.a(integer) IS 'a';
COMMENT ON TYPE shop.pair IS 't';
COMMENT ON FOREIGN DATA WRAPPER w IS 'w';
COMMENT ON SERVER s IS 's';
COMMENT ON FOREIGN TABLE shop.far IS 'f';
COMMENT ON COLUMN shop.far.a IS 'fa';
COMMENT ON PUBLICATION pub IS 'p';
COMMENT ON OPERATOR shop.=== (shop.pair, shop.pair) IS 'o';
COMMENT ON SCHEMA shop IS 's';
COMMENT ON SCHEMA public IS 'mine';
COMMENT ON CONSTRAINT orders_pkey ON shop.orders IS 'key';
COMMENT ON EXTENSION plpgsql IS 'other words';
COMMENT ON LANGUAGE plpgsql IS 'l';

--- on new things
-- new:
CREATE COLLATION shop.plain (provider = libc, locale = 'C');
COMMENT ON COLLATION shop.plain IS 'c';
CREATE TEXT SEARCH DICTIONARY shop.d (TEMPLATE = simple);
COMMENT ON TEXT SEARCH DICTIONARY shop.d IS 'd';
CREATE TEXT SEARCH CONFIGURATION shop.c (COPY = english);
COMMENT ON TEXT SEARCH CONFIGURATION shop.c IS 'c';
CREATE CAST (shop.pair AS text) WITH INOUT;
COMMENT ON CAST (shop.pair AS text) IS 'c';
CREATE OPERATOR FAMILY shop.fam USING btree;
COMMENT ON OPERATOR FAMILY shop.fam USING btree IS 'f';
CREATE CONVERSION shop.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION shop.conv IS 'c';
CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD pile IS 'p';
