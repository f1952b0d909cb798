CREATE SCHEMA shop;
CREATE TYPE shop.size AS (width integer, height integer);
CREATE TYPE shop.address AS (street text, town varchar(20), zip text COLLATE "C");
COMMENT ON COLUMN shop.address.town IS 'or village';
CREATE TYPE shop.span AS RANGE (subtype = integer);
CREATE TABLE shop.parcels (id bigint PRIMARY KEY, size shop.size, sizes shop.size[],
    days shop.span);
CREATE FUNCTION shop.area(shop.size) RETURNS integer LANGUAGE sql IMMUTABLE
    AS 'SELECT $1.width * $1.height';
INSERT INTO shop.parcels VALUES (1, (1, 2), ARRAY[ROW(3, 4)::shop.size], '[1,5)');

--- attributes added
-- new:
ALTER TYPE shop.size ADD ATTRIBUTE depth integer, ADD ATTRIBUTE "Note" text COLLATE "C";
COMMENT ON COLUMN shop.size.depth IS 'in mm';

--- attribute renamed
-- new:
ALTER TYPE shop.address RENAME ATTRIBUTE town TO city;

--- attribute of another type
-- new:
ALTER TYPE shop.address ALTER ATTRIBUTE town TYPE text;

--- attribute with another collation
-- new:
ALTER TYPE shop.address ALTER ATTRIBUTE zip TYPE text;

--- attributes in another order
-- new:
DROP TYPE shop.address;
CREATE TYPE shop.address AS (town varchar(20), street text, zip text COLLATE "C");
COMMENT ON COLUMN shop.address.town IS 'or village';

--- a function that takes it comes and goes with it
-- new:
CREATE TYPE shop.point AS (x integer, y integer);
CREATE FUNCTION shop.far(shop.point) RETURNS integer LANGUAGE sql AS 'SELECT $1.x';
CREATE FUNCTION shop.here() RETURNS shop.point LANGUAGE sql AS 'SELECT ROW(1, 2)::shop.point';
CREATE FUNCTION shop.all_here() RETURNS SETOF shop.point LANGUAGE sql AS
    'SELECT ROW(1, 2)::shop.point';
CREATE TYPE shop.line AS (a shop.point, b shop.point);

--- typed table
-- old:
CREATE TYPE shop.row AS (id bigint, name text);
-- new:
CREATE TYPE shop.row AS (id bigint, name text);
CREATE TABLE shop.rows OF shop.row (PRIMARY KEY (id));

--- a range with functions of its own
-- new:
CREATE FUNCTION shop.apart(time, time) RETURNS double precision LANGUAGE sql IMMUTABLE
    AS 'SELECT extract(epoch FROM $1 - $2)::double precision';
CREATE TYPE shop.hours AS RANGE (subtype = time, subtype_diff = shop.apart,
    multirange_type_name = shop.many_hours);
CREATE TABLE shop.opening (day integer, hours shop.hours, closed shop.many_hours);

--- another range that nobody uses
-- old:
CREATE TYPE shop.free AS RANGE (subtype = integer);
COMMENT ON TYPE shop.free IS 'f';
-- new:
CREATE TYPE shop.free AS RANGE (subtype = bigint);
COMMENT ON TYPE shop.free IS 'f';

--- a range that a column uses changes
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.parcels ALTER days TYPE text;
DROP TYPE shop.span;
CREATE TYPE shop.span AS RANGE (subtype = bigint);
ALTER TABLE shop.parcels ALTER days TYPE shop.span USING days::shop.span;

--- a shell and a base type
-- new:
CREATE TYPE shop.later;

--- typed table with a key of its own and its type
-- old:
CREATE TYPE shop.line AS (a integer, b text);
CREATE TABLE shop.lines OF shop.line (a PRIMARY KEY);
INSERT INTO shop.lines VALUES (1, 'x');
-- new:
CREATE TYPE shop.line AS (a integer, b text, c date);
CREATE TABLE shop.lines OF shop.line (a PRIMARY KEY);
