CREATE SCHEMA shop;
CREATE SEQUENCE shop.numbers;
CREATE SEQUENCE shop.small AS smallint INCREMENT BY -1 MAXVALUE 100 START 50 CYCLE;
CREATE TABLE shop.orders (id serial PRIMARY KEY, number bigint DEFAULT nextval('shop.numbers'),
    other integer);
INSERT INTO shop.orders (other) VALUES (1), (2);

--- a new sequence with all options
-- new:
CREATE SEQUENCE shop.more AS integer INCREMENT 10 MINVALUE 5 MAXVALUE 5000 START 15 CACHE 20 CYCLE;
COMMENT ON SEQUENCE shop.more IS 'm';
GRANT USAGE ON SEQUENCE shop.more TO pg_monitor;

--- options
-- new:
ALTER SEQUENCE shop.numbers INCREMENT 2 CACHE 50 MAXVALUE 100000 CYCLE;

--- options back to what is usual
-- new:
ALTER SEQUENCE shop.small AS bigint INCREMENT BY 1 NO MAXVALUE NO MINVALUE START 1 NO CYCLE;

--- start
-- new:
ALTER SEQUENCE shop.numbers START 1000;

--- type
-- new:
ALTER SEQUENCE shop.orders_id_seq AS bigint;

--- owned by another column
-- new:
ALTER SEQUENCE shop.numbers OWNED BY shop.orders.number;

--- owned by none
-- old:
ALTER SEQUENCE shop.small OWNED BY shop.orders.other;
-- new:
ALTER SEQUENCE shop.small OWNED BY NONE;

--- from one owner to another
-- old:
ALTER SEQUENCE shop.small OWNED BY shop.orders.other;
-- new:
ALTER SEQUENCE shop.small OWNED BY shop.orders.number;

--- unlogged
-- since: 15
-- new:
ALTER SEQUENCE shop.numbers SET UNLOGGED;

--- a sequence in a default goes
-- new:
ALTER TABLE shop.orders ALTER number DROP DEFAULT;
DROP SEQUENCE shop.numbers;

--- odd names
-- new:
CREATE SEQUENCE shop."Order No";
ALTER TABLE shop.orders ALTER other SET DEFAULT nextval('shop."Order No"');

--- to another schema
-- old:
CREATE SEQUENCE shop.alone;
-- new:
CREATE SCHEMA more;
CREATE SEQUENCE more.alone;
GRANT USAGE ON SEQUENCE more.alone TO pg_monitor;

--- downwards
-- new:
DROP SEQUENCE shop.numbers CASCADE;
CREATE SEQUENCE shop.numbers INCREMENT BY -1;
ALTER TABLE shop.orders ALTER number SET DEFAULT nextval('shop.numbers');
