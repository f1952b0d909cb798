CREATE SCHEMA shop;
CREATE SCHEMA app;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, total integer, note text);
CREATE TABLE shop.lines (id bigint PRIMARY KEY, n integer);
CREATE TABLE app.users (id bigint PRIMARY KEY);
CREATE PUBLICATION a_few FOR TABLE shop.orders;
CREATE PUBLICATION everything FOR ALL TABLES;
COMMENT ON PUBLICATION a_few IS 's';
INSERT INTO shop.orders VALUES (1, 10, 'x');

--- a table more
-- new:
ALTER PUBLICATION a_few ADD TABLE shop.lines;

--- another table
-- new:
ALTER PUBLICATION a_few SET TABLE shop.lines, app.users;

--- a list of columns
-- since: 15
-- new:
ALTER PUBLICATION a_few SET TABLE shop.orders (id, total);

--- another list of columns
-- since: 15
-- old:
ALTER PUBLICATION a_few SET TABLE shop.orders (id, total);
-- new:
ALTER PUBLICATION a_few SET TABLE shop.orders (id, note);

--- a filter
-- since: 15
-- unsafe up: updates fail without the key
-- new:
ALTER PUBLICATION a_few SET TABLE shop.orders WHERE (id > 5 AND total <> 3);

--- a filter gone and a schema
-- since: 15
-- old:
ALTER PUBLICATION a_few SET TABLE shop.orders WHERE (id > 5);
-- new:
ALTER PUBLICATION a_few SET TABLES IN SCHEMA app;

--- what is published
-- new:
ALTER PUBLICATION a_few SET (publish = 'insert, update', publish_via_partition_root = true);

--- generated columns
-- since: 18
-- new:
ALTER PUBLICATION a_few SET (publish_generated_columns = stored);

--- from all tables to one
-- new:
DROP PUBLICATION everything;
CREATE PUBLICATION everything FOR TABLE shop.orders;

--- options of one with tables and filters
-- since: 15
-- old:
ALTER PUBLICATION a_few SET TABLE shop.orders WHERE (id > 5), TABLES IN SCHEMA app;
-- new:
ALTER PUBLICATION a_few SET TABLE shop.orders WHERE (id > 5), TABLES IN SCHEMA app;
ALTER PUBLICATION a_few SET (publish = 'delete');

--- the type of a column in a filter
-- since: 15
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER PUBLICATION a_few SET TABLE shop.orders WHERE (total > 5);
ALTER TABLE shop.orders REPLICA IDENTITY FULL;
-- new:
ALTER TABLE shop.orders ALTER total TYPE bigint;
ALTER PUBLICATION a_few SET TABLE shop.orders WHERE (total > 5);
ALTER TABLE shop.orders REPLICA IDENTITY FULL;

--- a published table goes
-- old:
ALTER PUBLICATION a_few ADD TABLE shop.lines;
-- new:
DROP TABLE shop.lines;
