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

--- a partition
-- new:
CREATE TABLE shop.events_mar PARTITION OF shop.events FOR VALUES FROM ('2026-03-01') TO
    ('2026-04-01');

--- a default partition
-- new:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;

--- a table becomes a partition
-- new:
ALTER TABLE shop.events_feb ADD CONSTRAINT events_feb_pkey PRIMARY KEY (id, at);
CREATE INDEX events_feb_at_idx ON shop.events_feb (at);
ALTER TABLE shop.events ATTACH PARTITION shop.events_feb FOR VALUES FROM ('2026-02-01') TO
    ('2026-03-01');

--- another bound
-- unsafe up: detached and attached in one moment
-- unsafe down: detached and attached in one moment
-- new:
ALTER TABLE shop.events DETACH PARTITION shop.events_jan;
ALTER TABLE shop.events ATTACH PARTITION shop.events_jan FOR VALUES FROM ('2025-12-01') TO
    ('2026-02-01');

--- sub-partitions
-- new:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01') PARTITION BY HASH (id);
CREATE TABLE shop.events_apr_0 PARTITION OF shop.events_apr
    FOR VALUES WITH (modulus 2, remainder 0);

--- column of a partitioned table
-- new:
ALTER TABLE shop.events ADD note text NOT NULL DEFAULT 'x';

--- check of a partitioned table
-- new:
ALTER TABLE shop.events ADD CONSTRAINT pos CHECK (id > 0);

--- check of a partition
-- new:
ALTER TABLE shop.events_jan ADD CONSTRAINT pos CHECK (id > 0);

--- a partitioned table
-- new:
CREATE TABLE shop.logs (id integer PRIMARY KEY, t text)
    PARTITION BY HASH (id);
CREATE TABLE shop.logs_0 PARTITION OF shop.logs
    FOR VALUES WITH (modulus 1, remainder 0);
CREATE INDEX ON shop.logs (t);

--- a default partition goes
-- old:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
-- new:

--- a partition is detached
-- new:
ALTER TABLE shop.events DETACH PARTITION shop.events_jan;

--- a partition is detached beside a default
-- old:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
-- new:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
ALTER TABLE shop.events DETACH PARTITION shop.events_jan;

--- a partition is attached beside a default
-- old:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
-- new:
CREATE TABLE shop.events_rest PARTITION OF shop.events DEFAULT;
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');

--- a list, a hash and a range
-- new:
CREATE TABLE shop.by_list (a text, b integer) PARTITION BY LIST (a);
CREATE TABLE shop.list_1 PARTITION OF shop.by_list FOR VALUES IN ('x', NULL);
CREATE TABLE shop.by_range (a text, b integer) PARTITION BY RANGE (b, a);
CREATE TABLE shop.range_1 PARTITION OF shop.by_range FOR VALUES FROM (MINVALUE, MINVALUE) TO (9, 'z');
CREATE TABLE shop.by_expression (a text, b date) PARTITION BY LIST (lower(a));

--- another list
-- unsafe up: detached and attached in one moment
-- unsafe down: detached and attached in one moment
-- old:
CREATE TABLE shop.by_list (a text, b integer) PARTITION BY LIST (a);
CREATE TABLE shop.list_1 PARTITION OF shop.by_list FOR VALUES IN ('x');
INSERT INTO shop.by_list VALUES ('x', 1);
-- new:
CREATE TABLE shop.by_list (a text, b integer) PARTITION BY LIST (a);
CREATE TABLE shop.list_1 PARTITION OF shop.by_list FOR VALUES IN ('x', 'y');
INSERT INTO shop.by_list VALUES ('x', 1);

--- another partition key
-- old:
CREATE TABLE shop.keyed (a integer, b integer) PARTITION BY LIST (a);
-- new:
CREATE TABLE shop.keyed (a integer, b integer) PARTITION BY LIST (b);

--- a table becomes partitioned
-- new:
DROP TABLE shop.bookings;
CREATE TABLE shop.bookings (room integer, during tstzrange, size shop.size, plain integer)
    PARTITION BY LIST (room);
CREATE TABLE shop.bookings_rest PARTITION OF shop.bookings DEFAULT;

--- a partition of its own storage
-- new:
CREATE UNLOGGED TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01') WITH (fillfactor = 70);

--- a default of one partition
-- new:
ALTER TABLE shop.events_jan ALTER what SET DEFAULT 'jan';

--- another default of the parent
-- old:
ALTER TABLE shop.events ALTER what SET DEFAULT 'x';
-- new:
ALTER TABLE shop.events ALTER what SET DEFAULT 'y';

--- a default of the parent alone
-- new:
ALTER TABLE ONLY shop.events ALTER what SET DEFAULT 'y';

--- required in the parent
-- new:
ALTER TABLE shop.events ALTER what SET NOT NULL;

--- type of a column of the parent
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.events ALTER id TYPE integer;

--- a column of the parent goes
-- new:
ALTER TABLE shop.events DROP what;

--- a trigger of a partitioned table
-- new:
CREATE TRIGGER t AFTER INSERT ON shop.events FOR EACH ROW EXECUTE FUNCTION shop.touch();

--- a partition with its own index and check
-- new:
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE INDEX mar_what ON shop.events_mar (what);
ALTER TABLE shop.events_mar ADD CONSTRAINT c CHECK (what <> 'x');

--- a partition goes with its index
-- old:
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE INDEX mar_what ON shop.events_mar (what);
INSERT INTO shop.events VALUES (3, '2026-03-05', 'm');
-- new:

--- a partition is split
-- old:
CREATE TABLE shop.events_q2 PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-07-01');
-- new:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
CREATE TABLE shop.events_may PARTITION OF shop.events
    FOR VALUES FROM ('2026-05-01') TO ('2026-07-01');

--- a sub-partition is attached
-- old:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01') PARTITION BY LIST (id);
CREATE TABLE shop.events_apr_1 (id bigint NOT NULL, at date NOT NULL, what text);
INSERT INTO shop.events_apr_1 VALUES (1, '2026-04-02', 'q');
-- new:
CREATE TABLE shop.events_apr PARTITION OF shop.events
    FOR VALUES FROM ('2026-04-01') TO ('2026-05-01') PARTITION BY LIST (id);
CREATE TABLE shop.events_apr_1 PARTITION OF shop.events_apr FOR VALUES IN (1);
INSERT INTO shop.events VALUES (1, '2026-04-02', 'q');

--- a partition and a column
-- new:
CREATE TABLE shop.events_mar PARTITION OF shop.events
    FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
ALTER TABLE shop.events ADD note text DEFAULT 'n';

--- an attached table with a check that proves its bound
-- old:
ALTER TABLE shop.events_feb ADD CONSTRAINT proof
    CHECK (at IS NOT NULL AND at >= '2026-02-01' AND at < '2026-03-01');
-- new:
ALTER TABLE shop.events_feb ADD CONSTRAINT proof
    CHECK (at IS NOT NULL AND at >= '2026-02-01' AND at < '2026-03-01');
ALTER TABLE shop.events ATTACH PARTITION shop.events_feb
    FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
