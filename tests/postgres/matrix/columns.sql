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

--- a column
-- new:
ALTER TABLE shop.orders ADD note text;

--- a required column with a default
-- new:
ALTER TABLE shop.orders ADD currency char(3) NOT NULL DEFAULT 'EUR';

--- a column goes
-- new:
ALTER TABLE shop.customers DROP note;

--- required
-- new:
ALTER TABLE shop.orders ALTER customer_id SET NOT NULL;

--- no longer required
-- new:
ALTER TABLE shop.customers ALTER name DROP NOT NULL;

--- a named NOT NULL
-- since: 18
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who NOT NULL customer_id;

--- a default
-- new:
ALTER TABLE shop.customers ALTER note SET DEFAULT 'y', ALTER kind SET DEFAULT 'z';

--- no default
-- new:
ALTER TABLE shop.customers ALTER note DROP DEFAULT;

--- longer varchar
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.customers ALTER name TYPE varchar(50);

--- varchar to text
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.customers ALTER name TYPE text;

--- integer to bigint
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.bookings ALTER plain TYPE bigint;

--- text to integer by USING
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.customers ALTER kind TYPE integer USING kind::integer;

--- a default that blocks the type
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.customers ALTER note DROP DEFAULT, ALTER note TYPE shop.state USING 'open',
    ALTER note SET DEFAULT 'paid';

--- to an array
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.bookings ALTER plain TYPE integer[] USING ARRAY[plain];

--- a type under views, policy, trigger and generated column
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
DROP VIEW shop.totals;
DROP VIEW shop.recent;
DROP MATERIALIZED VIEW shop.sales;
DROP POLICY own ON shop.orders;
DROP TRIGGER touched ON shop.orders;
ALTER TABLE shop.orders DROP doubled;
ALTER TABLE shop.orders ALTER total TYPE bigint;
ALTER TABLE shop.orders ALTER customer_id TYPE integer;
ALTER TABLE shop.orders ADD doubled numeric GENERATED ALWAYS AS (total * 2) STORED;
CREATE VIEW shop.recent AS SELECT id, customer_id, total FROM shop.orders;
COMMENT ON VIEW shop.recent IS 'the last ones';
GRANT SELECT ON shop.recent TO pg_read_all_data;
CREATE VIEW shop.totals AS SELECT customer_id, sum(total) AS total FROM shop.recent
    GROUP BY 1;
CREATE MATERIALIZED VIEW shop.sales AS
    SELECT customer_id, sum(total) AS total FROM shop.orders GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON shop.sales (customer_id);
CREATE POLICY own ON shop.orders USING (customer_id > 0);
CREATE TRIGGER touched BEFORE UPDATE ON shop.orders
    FOR EACH ROW WHEN (new.customer_id > 0) EXECUTE FUNCTION shop.touch();

--- collation
-- new:
ALTER TABLE shop.customers ALTER kind TYPE text COLLATE "C";

--- storage, compression, statistics
-- new:
ALTER TABLE shop.customers ALTER kind SET STORAGE EXTERNAL, ALTER kind SET COMPRESSION pglz,
    ALTER kind SET STATISTICS 300, ALTER kind SET (n_distinct=5);

--- identity options
-- new:
ALTER TABLE shop.orders ALTER id SET INCREMENT BY 10 SET CACHE 5, ALTER id SET GENERATED BY DEFAULT;

--- no identity
-- unsafe up: inserts that leave the column out fail
-- new:
ALTER TABLE shop.orders ALTER id DROP IDENTITY;

--- serial
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.customers ADD n serial;

--- a generated column
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.bookings ADD g integer GENERATED ALWAYS AS (plain * 2) STORED;

--- a virtual column
-- since: 18
-- new:
ALTER TABLE shop.bookings ADD g integer GENERATED ALWAYS AS (plain * 2) VIRTUAL;

--- another expression
-- since: 17
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.orders ALTER doubled SET EXPRESSION AS (total*3);

--- stored becomes virtual
-- since: 18
-- unsafe up: drop-column
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.orders DROP doubled;
ALTER TABLE shop.orders ADD doubled numeric GENERATED ALWAYS AS (total * 2) VIRTUAL;
COMMENT ON COLUMN shop.orders.doubled IS 'v';

--- no longer generated
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.orders ALTER doubled DROP EXPRESSION;

--- column privileges and comments
-- new:
GRANT SELECT (id), UPDATE (note) ON shop.customers
    TO pg_monitor;
COMMENT ON COLUMN shop.customers.note IS 'a ''note''';

--- a required column without a default on an empty table
-- old:
TRUNCATE shop.bookings;
-- new:
TRUNCATE shop.bookings;
ALTER TABLE shop.bookings ADD code text NOT NULL;

--- a required column without a default on rows
-- new:
TRUNCATE shop.bookings;
ALTER TABLE shop.bookings ADD code text NOT NULL;

--- a column with a volatile default
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.orders ADD token uuid DEFAULT gen_random_uuid();

--- a column with a check
-- new:
ALTER TABLE shop.orders ADD rate integer CHECK (rate > 0);

--- a column that refers
-- new:
ALTER TABLE shop.bookings ADD customer bigint REFERENCES shop.customers;

--- a unique column
-- new:
ALTER TABLE shop.bookings ADD token text UNIQUE;

--- several columns, one goes
-- new:
ALTER TABLE shop.customers ADD a text, ADD b integer DEFAULT 3, ADD c text COLLATE "C", DROP kind;

--- a column of a domain
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.bookings ADD mail shop.email;

--- a column of an array
-- new:
ALTER TABLE shop.bookings ADD tags text[] NOT NULL DEFAULT '{}';

--- the default of a domain, an array and json
-- new:
ALTER TABLE shop.customers ALTER mail SET DEFAULT 'a@b';
ALTER TABLE shop.bookings ADD more jsonb DEFAULT '{"a": [1, 2]}' NOT NULL;

--- a default by a function
-- new:
ALTER TABLE shop.bookings ALTER plain SET DEFAULT shop.twice(3);

--- required with a default on a filled column
-- old:
UPDATE shop.customers SET kind = 'x';
-- new:
UPDATE shop.customers SET kind = 'x';
ALTER TABLE shop.customers ALTER kind SET DEFAULT 'x', ALTER kind SET NOT NULL;

--- required under another check
-- new:
ALTER TABLE shop.orders ALTER code SET NOT NULL, ADD CONSTRAINT n CHECK (code IS NOT NULL);

--- NOT NULL, not valid
-- since: 18
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who NOT NULL customer_id NOT VALID;

--- NOT NULL is validated
-- since: 18
-- old:
ALTER TABLE shop.orders ADD CONSTRAINT who NOT NULL customer_id NOT VALID;
-- new:
ALTER TABLE shop.orders ADD CONSTRAINT who NOT NULL customer_id;

--- varchar to a longer one under a view
-- unsafe down: the table is written anew
-- old:
CREATE VIEW shop.names AS SELECT id, name FROM shop.customers;
GRANT SELECT ON shop.names TO pg_monitor;
-- new:
ALTER TABLE shop.customers ALTER name TYPE varchar(99);
CREATE VIEW shop.names AS SELECT id, name FROM shop.customers;
GRANT SELECT ON shop.names TO pg_monitor;

--- numeric with more digits
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD price numeric(6, 2) DEFAULT 1.5;
-- new:
ALTER TABLE shop.bookings ADD price numeric(12, 2) DEFAULT 1.5;

--- numeric without limits
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD price numeric(6, 2) DEFAULT 1.5;
-- new:
ALTER TABLE shop.bookings ADD price numeric DEFAULT 1.5;

--- another scale
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD price numeric(6, 2) DEFAULT 1.5;
-- new:
ALTER TABLE shop.bookings ADD price numeric(6, 3) DEFAULT 1.5;

--- precision of a timestamp
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD at timestamp(3) DEFAULT now();
-- new:
ALTER TABLE shop.bookings ADD at timestamp DEFAULT now();

--- timestamp with time zone
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD at timestamp;
-- new:
ALTER TABLE shop.bookings ADD at timestamptz;

--- text to varchar
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.customers ALTER kind TYPE varchar(40);

--- text to an enum
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD state text DEFAULT 'open' NOT NULL;
-- new:
ALTER TABLE shop.bookings ADD state shop.state DEFAULT 'open' NOT NULL;

--- a number to json
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.bookings ALTER plain TYPE jsonb USING to_jsonb(plain);

--- text to json
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD doc text DEFAULT '{}';
-- new:
ALTER TABLE shop.bookings ADD doc jsonb DEFAULT '{}';

--- text to uuid with an index
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD token text;
CREATE UNIQUE INDEX bookings_token ON shop.bookings (token);
-- new:
ALTER TABLE shop.bookings ADD token uuid;
CREATE UNIQUE INDEX bookings_token ON shop.bookings (token);

--- boolean from integer
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD done integer DEFAULT 0 NOT NULL;
-- new:
ALTER TABLE shop.bookings ADD done boolean DEFAULT false NOT NULL;

--- the type of a column in a check and a partial index
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD CONSTRAINT positive CHECK (plain > 0);
CREATE INDEX bookings_plain ON shop.bookings (plain) WHERE plain > 2;
-- new:
ALTER TABLE shop.bookings ALTER plain TYPE bigint;
ALTER TABLE shop.bookings ADD CONSTRAINT positive CHECK (plain > 0);
CREATE INDEX bookings_plain ON shop.bookings (plain) WHERE plain > 2;

--- the type of a key and of what refers to it
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.orders DROP CONSTRAINT orders_code_fkey;
ALTER TABLE shop.customers ALTER code TYPE bigint;
ALTER TABLE shop.orders ALTER code TYPE bigint;
ALTER TABLE shop.orders ADD CONSTRAINT orders_code_fkey FOREIGN KEY (code)
    REFERENCES shop.customers (code);

--- the type of a column with statistics
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE STATISTICS shop.b ON room, plain FROM shop.bookings;
-- new:
ALTER TABLE shop.bookings ALTER plain TYPE bigint;
CREATE STATISTICS shop.b ON room, plain FROM shop.bookings;

--- the type of a published column
-- since: 15
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD PRIMARY KEY (room);
CREATE PUBLICATION pub FOR TABLE shop.bookings (room, plain) WHERE (room > 0);
-- new:
ALTER TABLE shop.bookings ADD PRIMARY KEY (room);
ALTER TABLE shop.bookings ALTER plain TYPE bigint;
CREATE PUBLICATION pub FOR TABLE shop.bookings (room, plain) WHERE (room > 0);

--- the type of a column that a function and a trigger use
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
CREATE TRIGGER t BEFORE UPDATE OF plain ON shop.bookings FOR EACH ROW
    EXECUTE FUNCTION shop.touch();
-- new:
ALTER TABLE shop.bookings ALTER plain TYPE bigint;
CREATE TRIGGER t BEFORE UPDATE OF plain ON shop.bookings FOR EACH ROW
    EXECUTE FUNCTION shop.touch();

--- the type of a partition key
-- new:
ALTER TABLE shop.events ALTER what TYPE varchar;

--- collation with an index
-- unsafe up: the index is built anew
-- unsafe down: the index is built anew
-- old:
CREATE INDEX customers_kind ON shop.customers (kind);
-- new:
ALTER TABLE shop.customers ALTER kind TYPE text COLLATE "C";
CREATE INDEX customers_kind ON shop.customers (kind);

--- storage
-- new:
ALTER TABLE shop.customers ALTER kind SET STORAGE MAIN, ALTER note SET STORAGE PLAIN;

--- compression
-- new:
ALTER TABLE shop.customers ALTER kind SET COMPRESSION pglz;

--- statistics target
-- old:
ALTER TABLE shop.customers ALTER kind SET STATISTICS 10;
-- new:
ALTER TABLE shop.customers ALTER kind SET STATISTICS 1000;

--- n_distinct
-- old:
ALTER TABLE shop.customers ALTER kind SET (n_distinct = 5);
-- new:
ALTER TABLE shop.customers ALTER kind SET (n_distinct_inherited = 7);

--- everything said of a column that goes
-- old:
ALTER TABLE shop.customers ALTER kind SET STATISTICS 10, ALTER kind SET STORAGE EXTERNAL,
    ALTER kind SET (n_distinct = 5), ALTER kind SET DEFAULT 'q';
COMMENT ON COLUMN shop.customers.kind IS 'k';
GRANT SELECT (kind) ON shop.customers TO pg_monitor;
-- new:
ALTER TABLE shop.customers DROP kind;

--- a generated column becomes plain
-- since: 15
-- unsafe down: the table is written anew
-- new:
ALTER TABLE shop.orders ALTER doubled DROP EXPRESSION;
ALTER TABLE shop.orders ALTER doubled SET DEFAULT 1;

--- a virtual column with another expression
-- since: 18
-- old:
ALTER TABLE shop.bookings ADD v integer GENERATED ALWAYS AS (plain + 1) VIRTUAL;
-- new:
ALTER TABLE shop.bookings ADD v integer GENERATED ALWAYS AS (plain + 2) VIRTUAL;

--- a virtual column becomes stored
-- since: 18
-- unsafe up: the table is written anew
-- unsafe down: the column is made anew
-- old:
ALTER TABLE shop.bookings ADD v integer GENERATED ALWAYS AS (plain + 1) VIRTUAL;
-- new:
ALTER TABLE shop.bookings ADD v integer GENERATED ALWAYS AS (plain + 1) STORED;

--- the type of a generated column
-- unsafe up: the table is written anew
-- unsafe down: the table is written anew
-- old:
ALTER TABLE shop.bookings ADD g integer GENERATED ALWAYS AS (plain + 1) STORED;
-- new:
ALTER TABLE shop.bookings ADD g bigint GENERATED ALWAYS AS (plain + 1) STORED;

--- an index of a generated column
-- unsafe up: the table is written anew
-- new:
ALTER TABLE shop.bookings ADD g integer GENERATED ALWAYS AS (plain + 1) STORED;
CREATE INDEX bookings_g ON shop.bookings (g);

--- a column that a view uses goes with it
-- unsafe down: the table is written anew
-- new:
DROP VIEW shop.totals;
CREATE OR REPLACE VIEW shop.totals AS SELECT 1 AS one;
DROP VIEW shop.recent CASCADE;
CREATE VIEW shop.recent AS SELECT id, customer_id FROM shop.orders;
GRANT SELECT ON shop.recent TO pg_read_all_data;
DROP MATERIALIZED VIEW shop.sales;
ALTER TABLE shop.orders DROP total CASCADE;
