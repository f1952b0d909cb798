"""The forms of statements that the lock model is held to, over one small shop.

``docs/locks.md`` is :func:`~zero_downtime.sql.effects.predict` over these forms; the tests run each
of them on a real server and compare what it did.
"""

from __future__ import annotations

from collections.abc import Mapping

SCHEMA = """
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN plain AS text;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION dice() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 4; END';
CREATE FUNCTION tenant() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1::bigint';
CREATE FUNCTION today() RETURNS date LANGUAGE sql STABLE AS 'SELECT CURRENT_DATE';

CREATE TABLE customers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email varchar(100) NOT NULL UNIQUE,
  name text,
  city varchar(50) DEFAULT 'Kyoto',
  since timestamp NOT NULL DEFAULT now(),
  CHECK (length(city) < 60)
);
CREATE TABLE orders (
  id bigserial PRIMARY KEY,
  customer_id bigint NOT NULL REFERENCES customers,
  state mood DEFAULT 'calm',
  total numeric(10, 2),
  amount int,
  note varchar(20),
  code text,
  label plain,
  rank positive,
  known text CONSTRAINT known_given CHECK (known IS NOT NULL),
  placed timestamptz(3) DEFAULT now(),
  twice bigint GENERATED ALWAYS AS (id * 2) STORED
);
CREATE INDEX orders_note ON orders (note);
CREATE UNIQUE INDEX orders_code ON orders (code);
CREATE UNIQUE INDEX orders_known ON orders (known);
CREATE TABLE lines (
  id int PRIMARY KEY,
  order_id bigint CONSTRAINT lines_order REFERENCES orders (id) ON DELETE CASCADE,
  quantity int,
  customer_id bigint
);
ALTER TABLE lines ADD CONSTRAINT lines_customer FOREIGN KEY (customer_id) REFERENCES
  customers NOT VALID;
ALTER TABLE lines ADD CONSTRAINT quantity_positive CHECK (quantity > 0) NOT VALID;
CREATE TRIGGER lines_touch BEFORE UPDATE ON lines FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY own ON customers USING (id = tenant());
CREATE STATISTICS lines_statistics ON order_id, quantity FROM lines;

CREATE TABLE events (id bigint NOT NULL, at date NOT NULL, kind text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT;
CREATE INDEX events_kind ON events (kind);
CREATE TABLE events_3 (id bigint NOT NULL, at date NOT NULL, kind text);
CREATE TABLE events_4 (id bigint NOT NULL, at date NOT NULL, kind text,
  CHECK (at >= '2026-04-01' AND at < '2026-05-01'));
CREATE TABLE readings (id bigint NOT NULL, kind int NOT NULL, customer_id bigint
  REFERENCES customers)
  PARTITION BY LIST (kind);
CREATE TABLE readings_1 PARTITION OF readings FOR VALUES IN (1);
CREATE TABLE readings_2 PARTITION OF readings FOR VALUES IN (2);
CREATE TABLE readings_3 (id bigint NOT NULL, kind int NOT NULL, customer_id bigint);
CREATE TABLE readings_4 (id bigint NOT NULL, kind int NOT NULL, customer_id bigint, CHECK
  (kind = 4));

CREATE TRIGGER readings_touch BEFORE UPDATE ON readings FOR EACH ROW EXECUTE FUNCTION touch();

CREATE TABLE animals (id int, name text);
CREATE TABLE dogs (tail int) INHERITS (animals);
CREATE TABLE scratch_notes (id int, note text);
CREATE UNLOGGED TABLE cache (id int PRIMARY KEY, body text);
CREATE POLICY own ON cache USING (
  EXISTS (SELECT FROM orders o WHERE o.id = cache.id AND o.total > 0)
);
CREATE SEQUENCE numbers;
CREATE VIEW busy_orders AS SELECT id, customer_id, total FROM orders WHERE state = 'busy';
CREATE VIEW busy_customers AS SELECT c.id FROM customers c JOIN busy_orders o ON
  o.customer_id = c.id;
CREATE MATERIALIZED VIEW sales AS SELECT customer_id, sum(total) AS total FROM orders
  GROUP BY customer_id;
CREATE UNIQUE INDEX sales_customer ON sales (customer_id);
CREATE SCHEMA archive;
CREATE TABLE archive.old_orders (id bigint PRIMARY KEY, customer_id bigint REFERENCES customers);

INSERT INTO customers (email, name) SELECT 'e' || i, 'n' || i FROM generate_series(1, 500) i;
INSERT INTO orders (customer_id, total, amount, note, code, rank, known)
  SELECT i, i, i, 'n' || i, 'c' || i, i, 'k' || i FROM generate_series(1, 500) i;
INSERT INTO lines SELECT i, i, i, i FROM generate_series(1, 500) i;
INSERT INTO events SELECT i, '2026-01-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO events SELECT i, '2026-09-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO events_3 SELECT i, '2026-03-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO events_4 SELECT i, '2026-04-10', 'k' FROM generate_series(1, 50) i;
INSERT INTO readings SELECT i, 1 + i % 2, i FROM generate_series(1, 50) i;
INSERT INTO readings_3 SELECT i, 3, i FROM generate_series(1, 50) i;
INSERT INTO readings_4 SELECT i, 4, i FROM generate_series(1, 50) i;
INSERT INTO animals SELECT i, 'a' FROM generate_series(1, 50) i;
INSERT INTO dogs SELECT i, 'd', 1 FROM generate_series(1, 50) i;
INSERT INTO cache SELECT i, 'b' FROM generate_series(1, 50) i;
INSERT INTO scratch_notes SELECT i, 'b' FROM generate_series(1, 50) i;
INSERT INTO archive.old_orders SELECT i, i FROM generate_series(1, 50) i;
"""

FORMS: Mapping[str, tuple[str, ...]] = {
    "Columns": (
        "ALTER TABLE orders ADD COLUMN gift boolean",
        "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false",
        "ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text",
        "ALTER TABLE orders ADD COLUMN seen timestamptz DEFAULT now()",
        "ALTER TABLE orders ADD COLUMN seen date DEFAULT today()",
        "ALTER TABLE orders ADD COLUMN seen timestamptz DEFAULT clock_timestamp()",
        "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE orders ADD COLUMN luck int DEFAULT dice()",
        "ALTER TABLE orders ADD COLUMN number bigserial",
        "ALTER TABLE orders ADD COLUMN number bigint GENERATED BY DEFAULT AS IDENTITY",
        "ALTER TABLE orders ADD COLUMN number bigint DEFAULT nextval('numbers')",
        "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) STORED",
        "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) VIRTUAL",
        "ALTER TABLE orders ADD COLUMN size positive",
        "ALTER TABLE orders ADD COLUMN words plain DEFAULT 'none'",
        "ALTER TABLE orders ADD COLUMN size int CHECK (size > 0)",
        "ALTER TABLE orders ADD COLUMN size int DEFAULT 1 CHECK (size > 0)",
        "ALTER TABLE orders ADD COLUMN slug text UNIQUE",
        "ALTER TABLE orders ADD COLUMN parent bigint REFERENCES customers",
        "ALTER TABLE orders ADD COLUMN parent bigint DEFAULT 1 REFERENCES customers",
        "ALTER TABLE events ADD COLUMN source text",
        "ALTER TABLE events ADD COLUMN token uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE animals ADD COLUMN age int",
        "ALTER TABLE orders DROP COLUMN note",
        "ALTER TABLE orders DROP COLUMN customer_id CASCADE",
        "ALTER TABLE orders DROP COLUMN total CASCADE",
        "ALTER TABLE orders DROP COLUMN id CASCADE",
        "ALTER TABLE lines DROP COLUMN order_id",
        "ALTER TABLE orders RENAME COLUMN note TO remark",
        "ALTER TABLE events RENAME COLUMN kind TO sort",
        "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'x'",
        "ALTER TABLE orders ALTER COLUMN note DROP DEFAULT",
        "ALTER TABLE orders ALTER COLUMN amount SET DEFAULT nextval('numbers')",
        "ALTER TABLE events ALTER COLUMN kind SET DEFAULT 'x'",
        "ALTER TABLE orders ALTER COLUMN amount SET NOT NULL",
        "ALTER TABLE orders ALTER COLUMN known SET NOT NULL",
        "ALTER TABLE orders ALTER COLUMN known SET NOT NULL, DROP CONSTRAINT known_given",
        "ALTER TABLE orders ALTER COLUMN customer_id SET NOT NULL",
        "ALTER TABLE events ALTER COLUMN kind SET NOT NULL",
        "ALTER TABLE events ALTER COLUMN id SET NOT NULL",
        "ALTER TABLE events ALTER COLUMN id DROP NOT NULL",
        "ALTER TABLE events ALTER COLUMN kind DROP NOT NULL",
        "ALTER TABLE animals ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE customers ALTER COLUMN email DROP NOT NULL",
        "ALTER TABLE lines ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE customers ALTER COLUMN id DROP IDENTITY",
        "ALTER TABLE customers ALTER COLUMN id SET GENERATED BY DEFAULT",
        "ALTER TABLE customers ALTER COLUMN id RESTART WITH 1000",
        "ALTER TABLE orders ALTER COLUMN twice DROP EXPRESSION",
        "ALTER TABLE orders ALTER COLUMN twice SET EXPRESSION AS (id * 4)",
        "ALTER TABLE orders ALTER COLUMN note SET STATISTICS 500",
        "ALTER TABLE orders ALTER COLUMN note SET (n_distinct = 5)",
        "ALTER TABLE orders ALTER COLUMN note SET STORAGE EXTERNAL",
        "ALTER TABLE orders ALTER COLUMN note SET COMPRESSION pglz",
    ),
    "Column types": (
        "ALTER TABLE orders ALTER COLUMN amount TYPE bigint",
        "ALTER TABLE orders ALTER COLUMN note TYPE varchar(40)",
        "ALTER TABLE orders ALTER COLUMN note TYPE varchar(10)",
        "ALTER TABLE orders ALTER COLUMN note TYPE text",
        "ALTER TABLE orders ALTER COLUMN note TYPE text USING note::text",
        "ALTER TABLE orders ALTER COLUMN note TYPE text USING upper(note)",
        "ALTER TABLE orders ALTER COLUMN code TYPE varchar",
        "ALTER TABLE orders ALTER COLUMN code TYPE varchar(50)",
        'ALTER TABLE orders ALTER COLUMN code TYPE text COLLATE "C"',
        "ALTER TABLE lines ALTER COLUMN quantity TYPE bigint",
        "ALTER TABLE customers ALTER COLUMN city TYPE varchar(80)",
        "ALTER TABLE customers ALTER COLUMN since TYPE timestamptz",
        "ALTER TABLE orders ALTER COLUMN placed TYPE timestamptz",
        "ALTER TABLE orders ALTER COLUMN placed TYPE timestamptz(1)",
        "ALTER TABLE orders ALTER COLUMN label TYPE text",
        "ALTER TABLE orders ALTER COLUMN amount TYPE positive",
        "ALTER TABLE orders ALTER COLUMN rank TYPE int",
        "ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'busy'",
        "ALTER TABLE lines ALTER COLUMN order_id TYPE int",
        "ALTER TABLE archive.old_orders ALTER COLUMN customer_id TYPE bigint",
        "ALTER TABLE archive.old_orders ALTER COLUMN id TYPE numeric",
        "ALTER TABLE customers ALTER COLUMN name TYPE varchar(90)",
        "ALTER TABLE events ALTER COLUMN id TYPE int",
        "ALTER TABLE events ALTER COLUMN kind TYPE varchar",
        "ALTER TABLE events ALTER COLUMN id TYPE bigint",
    ),
    "Constraints": (
        "ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0)",
        "ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0) NOT VALID",
        "ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0) NOT ENFORCED",
        "ALTER TABLE events ADD CONSTRAINT id_given CHECK (id > 0)",
        "ALTER TABLE animals ADD CONSTRAINT id_given CHECK (id > 0)",
        "ALTER TABLE animals ADD CONSTRAINT id_given CHECK (id > 0) NO INHERIT",
        "ALTER TABLE orders ADD CONSTRAINT amount_there NOT NULL amount",
        "ALTER TABLE orders ADD CONSTRAINT amount_there NOT NULL amount NOT VALID",
        "ALTER TABLE lines ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers",
        "ALTER TABLE lines ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers"
        " NOT VALID",
        "ALTER TABLE readings ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers",
        "ALTER TABLE scratch_notes ADD CONSTRAINT self UNIQUE (id)",
        "ALTER TABLE scratch_notes ADD PRIMARY KEY (id)",
        "ALTER TABLE animals ADD UNIQUE (id)",
        "ALTER TABLE animals ADD PRIMARY KEY (id)",
        "ALTER TABLE animals ADD CONSTRAINT owner FOREIGN KEY (id) REFERENCES lines",
        "ALTER TABLE orders ADD CONSTRAINT code_once UNIQUE USING INDEX orders_code",
        "ALTER TABLE scratch_notes ADD EXCLUDE USING btree (id WITH =)",
        "ALTER TABLE readings ADD CONSTRAINT once UNIQUE (id, kind)",
        "ALTER TABLE readings ADD PRIMARY KEY (id, kind)",
        "ALTER TABLE readings ADD EXCLUDE USING btree (id WITH =, kind WITH =)",
        "ALTER TABLE lines VALIDATE CONSTRAINT lines_customer",
        "ALTER TABLE lines VALIDATE CONSTRAINT lines_order",
        "ALTER TABLE lines VALIDATE CONSTRAINT quantity_positive",
        "ALTER TABLE lines DROP CONSTRAINT lines_order",
        "ALTER TABLE lines DROP CONSTRAINT quantity_positive",
        "ALTER TABLE customers DROP CONSTRAINT customers_email_key",
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey CASCADE",
        "ALTER TABLE readings DROP CONSTRAINT readings_customer_id_fkey",
        "ALTER TABLE lines ALTER CONSTRAINT lines_order DEFERRABLE",
        "ALTER TABLE lines ALTER CONSTRAINT lines_order NOT ENFORCED",
        "ALTER TABLE lines RENAME CONSTRAINT lines_order TO lines_to_orders",
        "ALTER TABLE readings RENAME CONSTRAINT readings_customer_id_fkey TO owner",
        "ALTER TABLE readings VALIDATE CONSTRAINT readings_customer_id_fkey",
        "ALTER DOMAIN positive ADD CHECK (VALUE < 1000000)",
        "ALTER DOMAIN positive ADD CHECK (VALUE < 1000000) NOT VALID",
        "ALTER DOMAIN positive VALIDATE CONSTRAINT positive_check",
        "ALTER DOMAIN positive SET NOT NULL",
    ),
    "Indexes": (
        "CREATE INDEX ON orders (amount)",
        "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount)",
        "CREATE INDEX IF NOT EXISTS orders_note ON orders (note)",
        "CREATE INDEX ON events (id)",
        "CREATE INDEX ON ONLY events (id)",
        "CREATE INDEX ON sales (total)",
        "DROP INDEX orders_note",
        "DROP INDEX CONCURRENTLY orders_note",
        "DROP INDEX events_kind",
        "ALTER INDEX orders_note RENAME TO orders_note_now",
        "ALTER INDEX orders_note SET (fillfactor = 70)",
        "REINDEX INDEX orders_note",
        "REINDEX TABLE orders",
        "REINDEX TABLE CONCURRENTLY orders",
    ),
    "Tables": (
        "CREATE TABLE parcels (id int PRIMARY KEY)",
        "CREATE TABLE parcels (id int DEFAULT nextval('numbers'))",
        "CREATE TABLE parcels (id int PRIMARY KEY, order_id bigint REFERENCES orders)",
        "CREATE TABLE parcels (LIKE orders INCLUDING ALL)",
        "CREATE TABLE parcels (weight int) INHERITS (animals)",
        "CREATE TABLE parcels AS SELECT * FROM orders",
        "CREATE TABLE IF NOT EXISTS orders (id int)",
        "DROP TABLE scratch_notes",
        "DROP TABLE lines",
        "DROP TABLE orders CASCADE",
        "DROP TABLE customers CASCADE",
        "DROP TABLE events_1",
        "DROP TABLE readings_1",
        "DROP TABLE readings",
        "DROP TABLE events",
        "DROP TABLE dogs",
        "ALTER TABLE orders RENAME TO purchases",
        "ALTER TABLE orders SET SCHEMA archive",
        "ALTER TABLE orders OWNER TO pg_monitor",
        "ALTER TABLE scratch_notes SET UNLOGGED",
        "ALTER TABLE archive.old_orders SET LOGGED",
        "ALTER TABLE cache SET LOGGED",
        "ALTER TABLE cache SET UNLOGGED",
        "ALTER TABLE orders SET ACCESS METHOD heap",
        "ALTER TABLE orders SET TABLESPACE pg_default",
        "ALTER TABLE orders SET (fillfactor = 70)",
        "ALTER TABLE orders SET (autovacuum_enabled = false)",
        "ALTER TABLE orders SET (user_catalog_table = true)",
        "ALTER TABLE orders RESET (fillfactor)",
        "ALTER TABLE orders CLUSTER ON orders_note",
        "ALTER TABLE orders REPLICA IDENTITY FULL",
        "ALTER TABLE dogs NO INHERIT animals",
        "ALTER TABLE scratch_notes ADD COLUMN name text, INHERIT animals",
        "COMMENT ON TABLE orders IS 'what was bought'",
        "COMMENT ON COLUMN orders.note IS 'a word'",
        "COMMENT ON CONSTRAINT lines_order ON lines IS 'of'",
        "TRUNCATE lines",
        "TRUNCATE orders CASCADE",
        "TRUNCATE orders RESTART IDENTITY CASCADE",
        "TRUNCATE events",
        "LOCK TABLE orders",
        "LOCK TABLE orders IN SHARE MODE",
        "LOCK TABLE events IN SHARE MODE",
        "LOCK TABLE busy_customers IN SHARE MODE",
        "TRUNCATE ONLY animals",
        "ANALYZE",
        "CLUSTER orders USING orders_note",
        "VACUUM orders",
        "VACUUM FULL orders",
        "ANALYZE orders",
        "ANALYZE events",
        "ANALYZE animals",
        "REINDEX TABLE events_3",
        "GRANT SELECT ON orders, lines TO PUBLIC",
        "GRANT SELECT ON ALL TABLES IN SCHEMA archive TO PUBLIC",
        "REVOKE SELECT ON events FROM PUBLIC",
        "GRANT USAGE ON SEQUENCE numbers TO PUBLIC",
    ),
    "Partitions": (
        "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO"
        " ('2026-03-01')",
        "CREATE TABLE readings_9 PARTITION OF readings FOR VALUES IN (9)",
        "ALTER TABLE events ATTACH PARTITION events_3"
        " FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')",
        "ALTER TABLE events ATTACH PARTITION events_4"
        " FOR VALUES FROM ('2026-04-01') TO ('2026-05-01')",
        "ALTER TABLE readings ATTACH PARTITION readings_3 FOR VALUES IN (3)",
        "ALTER TABLE readings ATTACH PARTITION readings_4 FOR VALUES IN (4)",
        "ALTER TABLE events DETACH PARTITION events_1",
        "ALTER TABLE readings DETACH PARTITION readings_1",
        "ALTER TABLE readings DETACH PARTITION readings_1 CONCURRENTLY",
    ),
    "Triggers, rules, policies": (
        "CREATE TRIGGER watch BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER watch AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER watch AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION touch()",
        "DROP TRIGGER lines_touch ON lines",
        "DROP TRIGGER IF EXISTS nothing ON lines",
        "DROP RULE IF EXISTS nothing ON lines",
        "DROP POLICY IF EXISTS nothing ON lines",
        "ALTER TRIGGER lines_touch ON lines RENAME TO lines_watch",
        "ALTER TABLE lines DISABLE TRIGGER lines_touch",
        "ALTER TABLE lines ENABLE TRIGGER ALL",
        "ALTER TABLE readings DISABLE TRIGGER readings_touch",
        "ALTER TABLE readings DISABLE TRIGGER USER",
        "ALTER TABLE readings DISABLE TRIGGER ALL",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "ALTER TABLE animals DISABLE TRIGGER ALL",
        "DROP TRIGGER readings_touch ON readings",
        "DROP FUNCTION touch() CASCADE",
        "DROP FUNCTION tenant() CASCADE",
        "CREATE RULE quiet AS ON INSERT TO orders DO ALSO INSERT INTO scratch_notes"
        " VALUES (1, 'x')",
        "CREATE POLICY own ON orders USING (customer_id = 1)",
        "CREATE POLICY own ON orders USING (EXISTS (SELECT FROM customers c WHERE c.id"
        " = customer_id))",
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders FORCE ROW LEVEL SECURITY",
        "CREATE STATISTICS more ON note, code FROM orders",
        "DROP STATISTICS lines_statistics",
        "CREATE PUBLICATION feed FOR TABLE orders",
        "CREATE PUBLICATION feed FOR TABLE animals",
    ),
    "Views": (
        "CREATE VIEW cheap AS SELECT id FROM orders WHERE total < 10",
        "CREATE VIEW cheap AS SELECT id FROM busy_customers",
        "CREATE MATERIALIZED VIEW cheap AS SELECT * FROM busy_customers WITH NO DATA",
        "CREATE OR REPLACE VIEW busy_orders AS SELECT id, customer_id, total FROM orders",
        "CREATE MATERIALIZED VIEW cheap AS SELECT id FROM orders WITH NO DATA",
        "REFRESH MATERIALIZED VIEW sales",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY sales",
        "REFRESH MATERIALIZED VIEW sales WITH NO DATA",
        "DROP VIEW busy_customers",
        "DROP VIEW busy_orders CASCADE",
        "DROP MATERIALIZED VIEW sales",
        "ALTER VIEW busy_orders RENAME TO rush_orders",
        "ALTER VIEW busy_orders SET (security_barrier = true)",
        "ALTER VIEW busy_orders ALTER COLUMN total SET DEFAULT 0",
        "COMMENT ON VIEW busy_orders IS 'in a hurry'",
    ),
    "Sequences, types, functions, schemas": (
        "CREATE SEQUENCE more_numbers",
        "CREATE SEQUENCE more_numbers OWNED BY orders.amount",
        "ALTER SEQUENCE numbers RESTART",
        "ALTER SEQUENCE numbers INCREMENT BY 10",
        "ALTER SEQUENCE numbers AS int",
        "ALTER SEQUENCE numbers OWNED BY orders.amount",
        "ALTER SEQUENCE orders_id_seq OWNED BY NONE",
        "ALTER SEQUENCE numbers RENAME TO digits",
        "DROP SEQUENCE numbers",
        "DROP SEQUENCE orders_id_seq CASCADE",
        "ALTER TYPE mood ADD VALUE 'tired'",
        "ALTER TYPE mood RENAME VALUE 'calm' TO 'idle'",
        "ALTER TYPE mood RENAME TO temper",
        "DROP TYPE mood CASCADE",
        "DROP DOMAIN positive CASCADE",
        "CREATE FUNCTION count_orders() RETURNS bigint LANGUAGE sql AS 'SELECT count(*)"
        " FROM orders'",
        "CREATE FUNCTION count_orders() RETURNS bigint LANGUAGE plpgsql"
        " AS 'BEGIN RETURN (SELECT count(*) FROM orders); END'",
        "CREATE SCHEMA more CREATE TABLE boxes (id int, order_id bigint REFERENCES public.orders)",
        "DROP SCHEMA archive CASCADE",
    ),
    "Data": (
        "SELECT * FROM orders",
        "SELECT * FROM busy_customers",
        "SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id FOR UPDATE OF o",
        "SELECT * FROM ONLY animals",
        "SELECT * FROM busy_customers FOR SHARE",
        "UPDATE ONLY animals SET name = 'x'",
        "UPDATE busy_orders SET total = 1 WHERE id = 1",
        "EXPLAIN SELECT * FROM orders",
        "EXPLAIN ANALYZE SELECT * FROM orders",
        "PREPARE question AS SELECT * FROM orders",
        "COPY orders TO '/dev/null'",
        "CREATE TABLE cheap AS SELECT * FROM busy_customers",
        "SELECT nextval('numbers')",
        "SELECT setval('orders_id_seq', 1000)",
        "INSERT INTO customers (email) VALUES ('new')",
        "INSERT INTO orders (customer_id, known) VALUES (1, 'k')",
        "INSERT INTO scratch_notes SELECT id, note FROM orders",
        "UPDATE orders SET note = 'x'",
        "UPDATE orders SET customer_id = 2 WHERE id = 1",
        "UPDATE events SET kind = 'x'",
        "DELETE FROM lines WHERE id = 1",
        "DELETE FROM orders WHERE id = 1",
        "WITH gone AS (DELETE FROM lines RETURNING id) SELECT * FROM gone",
        "MERGE INTO scratch_notes s USING orders o ON s.id = o.id"
        " WHEN MATCHED THEN UPDATE SET note = o.note",
        "SET search_path = archive",
    ),
}
