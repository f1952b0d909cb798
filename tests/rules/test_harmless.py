"""Statements that harm nobody: with a lock_timeout in force not one rule says a word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = Callable[..., list[str]]

COLUMNS = [
    "ALTER TABLE orders ADD COLUMN gift boolean",
    "ALTER TABLE orders ADD COLUMN gift boolean DEFAULT false",
    "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false",
    "ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text",
    "ALTER TABLE orders ADD COLUMN seen timestamptz DEFAULT now()",
    "ALTER TABLE orders ADD COLUMN seen timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP",
    "ALTER TABLE orders ADD COLUMN seen date DEFAULT today()",
    "ALTER TABLE orders ADD COLUMN extra jsonb NOT NULL DEFAULT '{}'",
    "ALTER TABLE orders ADD COLUMN tags text[] NOT NULL DEFAULT '{}'",
    "ALTER TABLE orders ADD COLUMN temper mood DEFAULT 'calm'",
    "ALTER TABLE orders ADD COLUMN words plain DEFAULT 'none'",
    "ALTER TABLE orders ADD COLUMN parent bigint REFERENCES customers",
    "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) VIRTUAL",
    "ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b int, ADD COLUMN c text DEFAULT 'x'",
    "ALTER TABLE events ADD COLUMN source text",
    "ALTER TABLE animals ADD COLUMN age int",
    "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'x'",
    "ALTER TABLE orders ALTER COLUMN amount SET DEFAULT nextval('numbers')",
    "ALTER TABLE orders ALTER COLUMN known SET NOT NULL",
    "ALTER TABLE orders ALTER COLUMN customer_id SET NOT NULL",
    "ALTER TABLE events ALTER COLUMN id SET NOT NULL",
    "ALTER TABLE orders ALTER COLUMN note SET STATISTICS 500",
    "ALTER TABLE orders ALTER COLUMN note SET (n_distinct = 5)",
    "ALTER TABLE orders ALTER COLUMN note SET STORAGE EXTERNAL",
    "ALTER TABLE orders ALTER COLUMN note SET COMPRESSION pglz",
]
TYPES = [
    "ALTER TABLE orders ALTER COLUMN note TYPE varchar(40)",
    "ALTER TABLE orders ALTER COLUMN note TYPE varchar(20)",
    "ALTER TABLE orders ALTER COLUMN note TYPE text",
    "ALTER TABLE orders ALTER COLUMN note TYPE text USING note::text",
    "ALTER TABLE orders ALTER COLUMN code TYPE varchar",
    "ALTER TABLE scratch_notes ALTER COLUMN note TYPE citext",
    "ALTER TABLE orders ALTER COLUMN placed TYPE timestamptz",
    "ALTER TABLE orders ALTER COLUMN placed TYPE timestamptz(6)",
    "ALTER TABLE orders ALTER COLUMN label TYPE text",
    "ALTER TABLE orders ALTER COLUMN code TYPE plain",
    "ALTER TABLE orders ALTER COLUMN rank TYPE int",
    "ALTER TABLE orders ALTER COLUMN amount TYPE int",
    "SET TimeZone = 'UTC'; ALTER TABLE customers ALTER COLUMN since TYPE timestamptz",
    "SET TimeZone = 'UTC'; ALTER TABLE customers ALTER COLUMN since TYPE timestamptz USING since",
]
CONSTRAINTS = [
    "ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0) NOT VALID",
    "ALTER TABLE orders ADD CONSTRAINT amount_given CHECK (amount > 0) NOT ENFORCED",
    "ALTER TABLE events ADD CONSTRAINT id_given CHECK (id > 0) NOT VALID",
    "ALTER TABLE orders ADD CONSTRAINT amount_there NOT NULL amount NOT VALID",
    "ALTER TABLE lines ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers"
    " NOT VALID",
    "ALTER TABLE readings ADD CONSTRAINT twice FOREIGN KEY (customer_id) REFERENCES customers"
    " NOT VALID",
    "ALTER TABLE orders ADD CONSTRAINT code_once UNIQUE USING INDEX orders_code",
    "ALTER TABLE lines VALIDATE CONSTRAINT lines_customer",
    "ALTER TABLE lines VALIDATE CONSTRAINT lines_order",
    "ALTER TABLE lines VALIDATE CONSTRAINT quantity_positive",
    "ALTER TABLE lines DROP CONSTRAINT quantity_positive",
    "ALTER TABLE lines ALTER CONSTRAINT lines_order DEFERRABLE",
    "ALTER TABLE lines RENAME CONSTRAINT lines_order TO lines_to_orders",
    "ALTER DOMAIN positive ADD CHECK (VALUE < 1000000) NOT VALID",
]
INDEXES = [
    "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_amount ON orders (amount)",
    "CREATE UNIQUE INDEX CONCURRENTLY orders_amount ON orders (amount)",
    "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount) WHERE amount > 0",
    "CREATE INDEX CONCURRENTLY orders_lower ON orders (lower(code))",
    "CREATE INDEX IF NOT EXISTS orders_note ON orders (note)",
    "CREATE INDEX ON ONLY events (id)",
    "DROP INDEX CONCURRENTLY orders_note",
    "DROP INDEX CONCURRENTLY IF EXISTS orders_note",
    "ALTER INDEX orders_note RENAME TO orders_note_now",
    "ALTER INDEX orders_note SET (fillfactor = 70)",
    "REINDEX TABLE CONCURRENTLY orders",
    "REINDEX INDEX CONCURRENTLY orders_note",
]
TABLES = [
    "CREATE TABLE parcels (id int PRIMARY KEY)",
    "CREATE TABLE parcels (id bigserial PRIMARY KEY, token uuid DEFAULT gen_random_uuid())",
    "CREATE TABLE parcels (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, size positive)",
    "CREATE TABLE parcels (id int PRIMARY KEY, order_id bigint REFERENCES orders)",
    "CREATE TABLE parcels (id int, order_id bigint REFERENCES orders, c bigint REFERENCES"
    " customers, UNIQUE (order_id, c), CHECK (id > 0))",
    "CREATE TABLE parcels (LIKE orders INCLUDING ALL)",
    "CREATE TABLE parcels (id int); CREATE INDEX ON parcels (id); ALTER TABLE parcels ADD UNIQUE"
    " (id), ALTER id TYPE bigint, ALTER id SET NOT NULL, ADD FOREIGN KEY (id) REFERENCES orders",
    "CREATE TABLE parcels (id int); INSERT INTO parcels (id) VALUES (1); UPDATE parcels SET id = 2;"
    "DROP TABLE parcels",
    "CREATE TABLE IF NOT EXISTS orders (id int)",
    "CREATE TEMP TABLE t AS SELECT id FROM orders LIMIT 10; ALTER TABLE t ADD PRIMARY KEY (id);"
    "CREATE INDEX ON t (id); DROP TABLE t",
    "ALTER TABLE orders SET (fillfactor = 70)",
    "ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.02)",
    "ALTER TABLE orders RESET (fillfactor)",
    "ALTER TABLE orders CLUSTER ON orders_note",
    "ALTER TABLE orders SET ACCESS METHOD heap",
    "ALTER TABLE orders SET TABLESPACE pg_default",
    "ALTER TABLE archive.old_orders SET LOGGED",
    "ALTER TABLE cache SET UNLOGGED",
    "COMMENT ON TABLE orders IS 'what was bought'",
    "COMMENT ON COLUMN orders.note IS 'a word'",
    "ANALYZE orders",
    "VACUUM orders",
    "VACUUM (ANALYZE) orders",
    "LOCK TABLE orders IN ROW SHARE MODE",
]
PARTITIONS = [
    "CREATE TABLE readings_9 PARTITION OF readings FOR VALUES IN (9)",
    "ALTER TABLE readings ATTACH PARTITION readings_4 FOR VALUES IN (4)",
    "ALTER TABLE readings DETACH PARTITION readings_1 CONCURRENTLY",
    "CREATE TABLE p (id int, at date) PARTITION BY RANGE (at); CREATE TABLE p_1 PARTITION OF p"
    " FOR VALUES FROM ('2026-01-01') TO ('2026-02-01'); CREATE INDEX ON p (id); CREATE TABLE p_rest"
    " PARTITION OF p DEFAULT",
]
OTHERS = [
    "CREATE VIEW cheap AS SELECT id FROM orders WHERE total < 10",
    "CREATE MATERIALIZED VIEW cheap AS SELECT id FROM orders WITH NO DATA",
    "CREATE MATERIALIZED VIEW cheap AS SELECT id FROM orders; CREATE UNIQUE INDEX ON cheap (id)",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY sales",
    "COMMENT ON VIEW busy_orders IS 'in a hurry'",
    "CREATE SEQUENCE more_numbers",
    "CREATE SEQUENCE more_numbers OWNED BY orders.amount",
    "ALTER SEQUENCE numbers OWNED BY orders.amount",
    "CREATE TYPE colour AS ENUM ('red', 'green')",
    "ALTER TYPE mood ADD VALUE 'tired'",
    "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'tired'",
    "CREATE FUNCTION count_orders() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM"
    " public.orders'",
    "CREATE TRIGGER watch BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
    "CREATE STATISTICS more ON note, code FROM orders",
    "CREATE SCHEMA more",
    "CREATE EXTENSION IF NOT EXISTS citext",
    "SELECT count(*) FROM orders WHERE id = 1",
    "INSERT INTO customers (email) VALUES ('new')",
    "UPDATE orders SET note = 'x' WHERE id = 1",
    "DELETE FROM lines WHERE id = 1",
    "SET statement_timeout = 0; CREATE INDEX CONCURRENTLY i ON orders (amount);"
    "RESET statement_timeout",
]
ALL = [*COLUMNS, *TYPES, *CONSTRAINTS, *INDEXES, *TABLES, *PARTITIONS, *OTHERS]


@pytest.mark.parametrize("sql", ALL)
def test_a_harmless_statement_is_no_finding(sql: str, found: Found) -> None:
    assert found(f"{sql};\nRESET lock_timeout") == []


def test_they_are_many() -> None:
    assert len(ALL) >= 110


# What is said without knowing the old type, the sequence or the constraint may be a warning.
UNKNOWN = [
    *(sql for sql in COLUMNS if "known" not in sql and "NOT NULL" not in sql.split("SET")[-1]),
    *(sql for sql in CONSTRAINTS if "VALID" in sql),
    *(sql for sql in INDEXES if not sql.startswith("CREATE INDEX IF")),
    *(sql for sql in TABLES if "LOGGED" not in sql and "SPACE" not in sql),
]


@pytest.mark.parametrize("sql", UNKNOWN)
def test_it_is_harmless_where_nothing_is_known_of_the_schema_too(sql: str, unknown: Found) -> None:
    assert [rule for rule in unknown(f"{sql};\nRESET lock_timeout") if "warning" not in rule] == []
