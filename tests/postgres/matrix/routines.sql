CREATE SCHEMA shop;
CREATE TYPE shop.state AS ENUM ('open', 'paid', 'sent');
CREATE TYPE shop.size AS (width integer, height integer);
CREATE DOMAIN shop.email AS text CONSTRAINT has_at CHECK (VALUE LIKE '%@%');
CREATE FUNCTION shop.twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE shop.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(20) NOT NULL,
    mail shop.email,
    code integer,
    note text DEFAULT 'open',
    kind text,
    CONSTRAINT customers_code_key UNIQUE (code)
);
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint,
    code integer CONSTRAINT orders_code_fkey REFERENCES shop.customers (code),
    state shop.state NOT NULL DEFAULT 'open',
    total numeric(10,2) NOT NULL DEFAULT 0,
    placed timestamptz NOT NULL DEFAULT now(),
    doubled numeric GENERATED ALWAYS AS (total * 2) STORED,
    CONSTRAINT orders_total_check CHECK (total >= 0)
);
COMMENT ON COLUMN shop.orders.total IS 'sum; of all lines';
COMMENT ON CONSTRAINT orders_total_check ON shop.orders IS 'never negative';
CREATE INDEX orders_placed ON shop.orders (placed);
COMMENT ON INDEX shop.orders_placed IS 'for the list';
CREATE INDEX orders_open ON shop.orders (customer_id) WHERE state = 'open';
CREATE VIEW shop.recent AS SELECT id, customer_id, total FROM shop.orders;
COMMENT ON VIEW shop.recent IS 'the last ones';
GRANT SELECT ON shop.recent TO pg_read_all_data;
CREATE VIEW shop.totals AS SELECT customer_id, sum(total) AS total FROM shop.recent GROUP BY 1;
CREATE MATERIALIZED VIEW shop.sales AS
    SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer_id);
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON shop.orders USING (customer_id > 0);
CREATE TRIGGER touched BEFORE UPDATE ON shop.orders
    FOR EACH ROW WHEN (new.customer_id > 0) EXECUTE FUNCTION shop.touch();
CREATE TABLE shop.events (id bigint, at date NOT NULL, what text, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);
CREATE TABLE shop.events_jan PARTITION OF shop.events
    FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE INDEX events_at ON shop.events (at);
CREATE TABLE shop.events_feb (id bigint NOT NULL, at date NOT NULL, what text);
CREATE TABLE shop.bookings (room integer, during tstzrange, size shop.size, plain integer);
CREATE SEQUENCE shop.numbers;
CREATE STATISTICS shop.orders_stats ON customer_id, code FROM shop.orders;
INSERT INTO shop.customers (name, mail, code) VALUES ('ann', 'a@b', 1), ('bob', 'b@c', 2);
INSERT INTO shop.orders (customer_id, code, total) VALUES (1, 1, 10), (2, 2, 20);
INSERT INTO shop.events VALUES (1, '2026-01-05', 'x');
INSERT INTO shop.events_feb VALUES (2, '2026-02-05', 'y');
INSERT INTO shop.bookings VALUES (1, '[2026-01-01,2026-01-02)', (1, 2), 5);
REFRESH MATERIALIZED VIEW shop.sales;

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
