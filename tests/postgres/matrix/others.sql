--- comments on all kinds
-- new:
COMMENT ON SCHEMA shop IS 's';
COMMENT ON TABLE shop.orders
    IS E'a\nb\\';
COMMENT ON TYPE shop.state IS 't';
COMMENT ON DOMAIN shop.email IS 'd';
COMMENT ON FUNCTION shop.twice(integer) IS 'f';
COMMENT ON SEQUENCE shop.numbers IS 'q';
COMMENT ON STATISTICS shop.orders_stats IS 'st';
COMMENT ON POLICY own ON shop.orders IS 'p';
COMMENT ON TRIGGER touched ON shop.orders IS 'tr';
COMMENT ON MATERIALIZED VIEW shop.sales
    IS 'm';
COMMENT ON CONSTRAINT has_at ON DOMAIN shop.email IS 'c';
COMMENT ON COLUMN shop.recent.id IS 'v';
COMMENT ON COLUMN shop.size.width IS 'w';

--- comment changed and gone
-- new:
COMMENT ON COLUMN shop.orders.total IS NULL;
COMMENT ON VIEW shop.recent IS 'other';

--- extension
-- new:
CREATE EXTENSION citext;
ALTER TABLE shop.customers ADD c citext;

--- schema
-- new:
CREATE SCHEMA app;
CREATE TABLE app.x (id integer PRIMARY KEY, o bigint REFERENCES shop.orders);

--- statistics
-- new:
CREATE STATISTICS shop.more (ndistinct) ON total, placed FROM shop.orders;
ALTER STATISTICS shop.more SET STATISTICS 50;

--- statistics changed
-- new:
ALTER STATISTICS shop.orders_stats SET STATISTICS 9;

--- publication
-- since: 15
-- new:
CREATE PUBLICATION p FOR TABLE shop.customers (id, name) WHERE (id > 0);
CREATE PUBLICATION q FOR TABLES IN SCHEMA shop WITH (publish = 'insert');

--- foreign server and table
-- new:
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s
    FOREIGN DATA WRAPPER w OPTIONS (host 'x');
CREATE USER MAPPING FOR PUBLIC SERVER s
    OPTIONS (u 'v');
CREATE FOREIGN TABLE shop.remote (a integer OPTIONS (c 'd') NOT NULL,
    b text DEFAULT 'q') SERVER s OPTIONS (t 'z');

--- cast and operator
-- new:
CREATE FUNCTION shop.same(shop.size, shop.size) RETURNS boolean
    LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR shop.=== (LEFTARG = shop.size,
    RIGHTARG = shop.size, FUNCTION = shop.same);
CREATE FUNCTION shop.area(shop.size)
    RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE CAST (shop.size AS integer) WITH FUNCTION shop.area(shop.size);

--- operator class
-- new:
CREATE OPERATOR CLASS shop.backwards FOR TYPE integer USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <,
    FUNCTION 1 btint4cmp(integer, integer);
CREATE INDEX i ON shop.bookings
    (plain shop.backwards);

--- text search
-- new:
CREATE TEXT SEARCH DICTIONARY shop.d (TEMPLATE = simple, stopwords = english);
CREATE TEXT SEARCH CONFIGURATION shop.c (COPY = english);
ALTER TEXT SEARCH CONFIGURATION shop.c ALTER MAPPING FOR asciiword WITH shop.d, simple;

--- access method
-- new:
CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE shop.piled (a integer) USING pile;
