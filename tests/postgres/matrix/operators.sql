CREATE SCHEMA shop;
CREATE TYPE shop.pair AS (a integer, b integer);
CREATE FUNCTION shop.eq(shop.pair, shop.pair) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT $1.a = $2.a';
CREATE FUNCTION shop.lt(shop.pair, shop.pair) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS 'SELECT $1.a < $2.a';
CREATE FUNCTION shop.cmp(shop.pair, shop.pair) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT $1.a - $2.a';
CREATE FUNCTION shop.neg(shop.pair) RETURNS shop.pair LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION shop.to_int(shop.pair) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1.a';
CREATE OPERATOR shop.=== (LEFTARG = shop.pair, RIGHTARG = shop.pair, FUNCTION = shop.eq,
    COMMUTATOR = OPERATOR(shop.===), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR shop.<<< (LEFTARG = shop.pair, RIGHTARG = shop.pair, FUNCTION = shop.lt);
CREATE CAST (shop.pair AS integer) WITH FUNCTION shop.to_int(shop.pair);
CREATE OPERATOR FAMILY shop.fam USING btree;
CREATE TABLE shop.things (id bigint PRIMARY KEY, p shop.pair);
INSERT INTO shop.things VALUES (1, (1, 2));

--- an operator of one side
-- new:
CREATE OPERATOR shop.~~~~ (RIGHTARG = shop.pair, FUNCTION = shop.neg);
COMMENT ON OPERATOR shop.~~~~ (NONE, shop.pair) IS 'turns';

--- an operator changes
-- new:
DROP OPERATOR shop.<<< (shop.pair, shop.pair);
CREATE OPERATOR shop.<<< (LEFTARG = shop.pair, RIGHTARG = shop.pair, FUNCTION = shop.lt,
    RESTRICT = scalarltsel);
COMMENT ON OPERATOR shop.<<< (shop.pair, shop.pair) IS 'less';

--- an operator that a view uses changes
-- old:
CREATE VIEW shop.less AS SELECT id FROM shop.things WHERE p OPERATOR(shop.<<<) ROW(3, 4)::shop.pair;
-- new:
DROP OPERATOR shop.<<< (shop.pair, shop.pair);
CREATE OPERATOR shop.<<< (LEFTARG = shop.pair, RIGHTARG = shop.pair, FUNCTION = shop.lt,
    RESTRICT = scalarltsel);
CREATE VIEW shop.less AS SELECT id FROM shop.things WHERE p OPERATOR(shop.<<<) ROW(3, 4)::shop.pair;

--- a cast changes
-- new:
DROP CAST (shop.pair AS integer);
CREATE CAST (shop.pair AS integer) WITH FUNCTION shop.to_int(shop.pair) AS IMPLICIT;

--- casts of all kinds
-- new:
CREATE DOMAIN shop.n AS integer;
CREATE CAST (shop.pair AS text) WITH INOUT AS ASSIGNMENT;

--- an operator class with an operator and a function
-- new:
CREATE OPERATOR CLASS shop.pairs DEFAULT FOR TYPE shop.pair USING hash AS
    OPERATOR 1 shop.===;
COMMENT ON OPERATOR CLASS shop.pairs USING hash IS 'h';

--- operators added to a family
-- new:
ALTER OPERATOR FAMILY shop.fam USING btree ADD
    OPERATOR 1 shop.<<< (shop.pair, shop.pair), FUNCTION 1 shop.cmp(shop.pair, shop.pair);

--- an operator class changes
-- old:
CREATE OPERATOR CLASS shop.pairs FOR TYPE shop.pair USING hash AS OPERATOR 1 shop.===;
-- new:
CREATE OPERATOR FAMILY shop.other USING hash;
CREATE OPERATOR CLASS shop.pairs FOR TYPE shop.pair USING hash FAMILY shop.other AS
    OPERATOR 1 shop.===;

--- the function of a cast changes its result
-- new:
DROP CAST (shop.pair AS integer);
DROP FUNCTION shop.to_int;
CREATE FUNCTION shop.to_int(value shop.pair) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT value.a';
CREATE CAST (shop.pair AS integer) WITH FUNCTION shop.to_int(shop.pair);

--- an access method for indexes
-- new:
CREATE ACCESS METHOD tree TYPE INDEX HANDLER bthandler;

--- a conversion
-- new:
CREATE CONVERSION shop.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

--- tables of another access method beside foreign and partitioned ones
-- new:
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE TABLE shop.a (x integer) USING heap2;
CREATE FOREIGN TABLE shop.f (x integer) SERVER s;
CREATE TABLE shop.p (x integer) PARTITION BY LIST (x);
CREATE MATERIALIZED VIEW shop.m USING heap2 AS SELECT 1 AS x;

--- the access method of a partitioned table
-- since: 17
-- old:
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE shop.p (x integer) PARTITION BY LIST (x);
-- new:
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE shop.p (x integer) PARTITION BY LIST (x) USING heap2;
