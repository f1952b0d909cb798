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

--- enum value at the end
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.state ADD VALUE 'lost';

--- enum value in the middle
-- unsafe down: the table is written anew
-- new:
ALTER TYPE shop.state ADD VALUE 'packed' BEFORE 'sent';

--- an enum and a column of it
-- new:
CREATE TYPE shop.mood AS ENUM ('good', 'it''s');
ALTER TABLE shop.customers ADD mood shop.mood NOT NULL DEFAULT 'good';

--- enum value goes
-- unsafe up: the table is written anew
-- new:
DROP INDEX shop.orders_open;
ALTER TABLE shop.orders ALTER state DROP DEFAULT;
ALTER TYPE shop.state RENAME TO old;
CREATE TYPE shop.state AS ENUM ('open', 'paid');
ALTER TABLE shop.orders ALTER state
    TYPE shop.state USING state::text::shop.state, ALTER state SET DEFAULT 'open';
DROP TYPE shop.old;
CREATE INDEX orders_open ON shop.orders (customer_id) WHERE state = 'open';

--- enum value goes, and more takes the type
-- unsafe up: tables are written anew
-- unsafe down: the table is written anew
-- old:
CREATE TYPE shop.mood AS ENUM ('good', 'bad', 'none');
CREATE TABLE shop.moods (old shop.mood DEFAULT 'good', said text DEFAULT 'good');
INSERT INTO shop.moods VALUES ('good', 'bad');
-- new:
CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE TABLE shop.moods (
    old shop.mood DEFAULT 'good', said shop.mood DEFAULT 'good', new shop.mood DEFAULT 'bad'
);
CREATE TABLE shop.more_moods (mood shop.mood);
CREATE VIEW shop.all_moods AS SELECT new AS mood FROM shop.moods UNION SELECT * FROM shop.more_moods;

--- domain
-- unsafe up: constrained-domain-column, writers-wait
-- new:
CREATE DOMAIN shop.positive AS integer DEFAULT 1 NOT NULL CHECK (VALUE > 0);
ALTER TABLE shop.orders ADD n shop.positive;

--- domain constraint
-- unsafe up: writers-wait
-- unsafe down: writers-wait
-- new:
ALTER DOMAIN shop.email DROP CONSTRAINT has_at;
ALTER DOMAIN shop.email ADD CONSTRAINT has_at CHECK (VALUE LIKE '_%@%');
ALTER DOMAIN shop.email ADD CONSTRAINT short CHECK (length(VALUE) < 99) NOT VALID;
ALTER DOMAIN shop.email SET DEFAULT '@';

--- domain, another base
-- unsafe down: a new column of a domain with a constraint is written
-- new:
ALTER TABLE shop.customers DROP mail;
DROP DOMAIN shop.email;
CREATE DOMAIN shop.email AS varchar;

--- composite attribute
-- new:
ALTER TYPE shop.size ADD ATTRIBUTE depth integer;

--- composite and range types
-- new:
CREATE TYPE shop.pair AS (a integer, b text);
COMMENT ON COLUMN shop.pair.a IS 'first';
CREATE TYPE shop.span AS RANGE (subtype = integer);
COMMENT ON TYPE shop.span IS 's';

--- sequence options
-- new:
ALTER SEQUENCE shop.numbers AS integer INCREMENT 5 MINVALUE 0 MAXVALUE 99 CYCLE;

--- a sequence and its owner
-- new:
CREATE SEQUENCE shop.n2 OWNED BY shop.customers.code;
ALTER TABLE shop.customers ALTER code SET DEFAULT nextval('shop.n2');

--- collation object
-- new:
CREATE COLLATION shop.plain (provider = libc, locale = 'C');
ALTER TABLE shop.customers ADD p text COLLATE shop.plain;
