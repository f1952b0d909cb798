"""Partitions, enums and data: where their rules speak and where not."""

from __future__ import annotations

import pytest

from zero_downtime.lint import Options, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.sql.script import read_script
from zero_downtime.sql.state import State

TIMEOUT = "SET lock_timeout = '2s'; "


def found(sql: str, state: State | None = None, major: int = 18) -> list[str]:
    unit = unit_of_script(read_script(TIMEOUT + sql, "m.sql"), "m.sql")
    return [f.rule for f in lint_units([unit], state or example_state(), Options(major)).findings]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE readings_5 PARTITION OF readings FOR VALUES IN (5);",
        "ALTER TABLE readings ATTACH PARTITION readings_4 FOR VALUES IN (4);",
        "CREATE TABLE readings_5 (LIKE readings);"
        " ALTER TABLE readings ATTACH PARTITION readings_5 FOR VALUES IN (5);",
        "ALTER TABLE events DETACH PARTITION events_1;",
        "CREATE TABLE p (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        " CREATE TABLE p_1 PARTITION OF p DEFAULT;"
        " CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');"
        " ALTER TABLE p DETACH PARTITION p_2; DROP TABLE p_2;",
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY HASH (id);",
        "CREATE TABLE p (id int, d date) PARTITION BY RANGE ((id + 1));",
        "CREATE UNIQUE INDEX ON ONLY readings (id, kind);",
    ],
)
def test_partitions_that_harm_nobody_are_silent(sql: str) -> None:
    assert found(sql) == []


def test_a_proof_counts_where_the_parent_was_never_shown() -> None:
    sql = (
        "ALTER TABLE e_3 ADD CONSTRAINT b CHECK (at >= '2026-03-01' AND at < '2026-04-01')"
        " NOT VALID; ALTER TABLE e_3 VALIDATE CONSTRAINT b; ALTER TABLE e ATTACH PARTITION e_3"
        " FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');"
    )
    assert found(sql, State()) == []
    assert found(sql[sql.index("ALTER TABLE e ATTACH") :], State()) == ["attach-partition-scan"]
    state = State()
    state.apply("CREATE TABLE e_3 (at date NOT NULL)")
    state.unit += 1
    assert found(sql, state) == []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE p (id int UNIQUE, d date) PARTITION BY RANGE ((id + 1))",
        "CREATE TABLE p (id int, d date, UNIQUE (id)) PARTITION BY RANGE (d)",
        "CREATE UNIQUE INDEX ON ONLY events (id)",
        "ALTER TABLE readings ADD COLUMN n int UNIQUE",
    ],
)
def test_a_unique_key_without_the_partition_key_is_refused(sql: str) -> None:
    assert "unique-without-partition-key" in found(sql)


def test_dropping_a_table_with_its_partitions_speaks_of_the_table() -> None:
    assert found("DROP TABLE readings_1") == ["drop-partition"]
    assert found("DROP TABLE readings") == ["drop-table", "other-table-locked"]


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TYPE mood ADD VALUE 'tired'; UPDATE orders SET state = 'tired' WHERE id = 1;",
        "BEGIN; ALTER TYPE mood ADD VALUE 'tired'; COMMENT ON TYPE mood IS 'tired'; COMMIT;",
        "BEGIN; ALTER TYPE mood ADD VALUE 'tired'; UPDATE orders SET state = 'calm'"
        " WHERE id = 1; COMMIT;",
        "BEGIN; ALTER TYPE mood ADD VALUE 'tired'; UPDATE orders SET note = 'tired'"
        " WHERE id = 1; COMMIT;",
        "BEGIN; CREATE TYPE size AS ENUM ('small'); ALTER TYPE size ADD VALUE 'large';"
        " CREATE TABLE boxes (size size DEFAULT 'large'); COMMIT;",
        "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'busy';",
        "CREATE TYPE size AS ENUM ('small'); ALTER TYPE size RENAME VALUE 'small' TO 's';",
        "DO $$ BEGIN CREATE TYPE mood AS ENUM ('calm'); EXCEPTION WHEN duplicate_object THEN NULL;"
        " END $$;",
    ],
)
def test_enum_values_in_their_time_are_silent(sql: str) -> None:
    assert found(sql) == []


@pytest.mark.parametrize(
    "use",
    [
        "INSERT INTO orders (customer_id, state) VALUES (1, 'tired')",
        "ALTER TABLE orders ALTER state SET DEFAULT 'tired'",
        "CREATE VIEW v AS SELECT * FROM orders WHERE state = 'tired'",
        "SELECT 'tired'::mood",
    ],
)
def test_each_use_of_a_new_enum_value_is_found(use: str) -> None:
    sql = f"BEGIN; ALTER TYPE mood ADD VALUE 'tired'; {use}; COMMIT;"
    assert found(sql) == ["enum-value-used-early"]


def test_a_type_of_the_same_transaction_is_excepted_from_17_on() -> None:
    sql = (
        "BEGIN; CREATE TYPE size AS ENUM ('small'); ALTER TYPE size ADD VALUE 'large';"
        " CREATE TABLE boxes (size size DEFAULT 'large'); COMMIT;"
    )
    assert found(sql, major=17) == []
    assert found(sql, major=16) == ["enum-value-used-early"]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE boxes (id int); INSERT INTO boxes VALUES (1), (2); UPDATE boxes SET id = 3;"
        " DELETE FROM boxes; TRUNCATE boxes;",
        "CREATE TEMP TABLE boxes AS SELECT id FROM orders; DELETE FROM boxes;",
        "UPDATE orders SET note = 'x' WHERE code = 'y';",
        "UPDATE orders SET note = 'x' WHERE note IS NULL AND id > 1000 AND id <= 2000;",
        "UPDATE orders SET note = 'x' WHERE id IN (1, 2, 3);",
        "UPDATE orders SET note = 'x' WHERE id IN (SELECT id FROM orders WHERE note IS NULL"
        " ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED);",
        "WITH b AS (SELECT id FROM orders WHERE note IS NULL LIMIT 500)"
        " UPDATE orders o SET note = 'x' FROM b WHERE b.id = o.id;",
        "UPDATE orders SET note = 'x' WHERE placed < '2020-01-01';",
        "UPDATE alembic_version SET version_num = 'ab12';",
        "DELETE FROM lines WHERE id = 5; DELETE FROM lines WHERE quantity = 0;",
        "INSERT INTO scratch_notes (id, note) VALUES (1, 'x'); INSERT INTO scratch_notes"
        " SELECT id, note FROM orders;",
        "INSERT INTO orders (customer_id, code) VALUES (1, 'x') ON CONFLICT (code) DO UPDATE"
        " SET note = excluded.note;",
        "INSERT INTO orders (customer_id, code) VALUES (1, 'x') ON CONFLICT DO NOTHING;",
        "UPDATE orders SET note = gen_random_uuid()::text WHERE id < 9;",
        "UPDATE orders o SET note = (SELECT c.name FROM customers c WHERE c.id = o.customer_id)"
        " WHERE id < 9;",
        "UPDATE orders SET note = (SELECT name FROM customers WHERE id = 1) WHERE id < 9;",
        "SELECT setval('orders_id_seq', (SELECT max(id) FROM orders));",
        "SELECT setval('orders_id_seq', 100000);",
        "ALTER SEQUENCE numbers RESTART WITH 100000;",
        "CREATE SEQUENCE s; ALTER SEQUENCE s RESTART; SELECT setval('s', 1);",
        "BEGIN; ALTER TABLE lines DISABLE TRIGGER lines_touch; UPDATE lines SET quantity = 1"
        " WHERE id = 4; ALTER TABLE lines ENABLE TRIGGER lines_touch; COMMIT;",
        "DO $$ BEGIN FOR i IN 1..3 LOOP RAISE NOTICE '%', i; END LOOP; END $$;",
        "INSERT INTO customers (email) VALUES ('a');",
        "UPDATE orders o SET note = v.n FROM (VALUES (1, 'a')) AS v (id, n) WHERE o.id = v.id",
        "WITH v (id, n) AS (VALUES (1, 'a')) UPDATE orders o SET note = n FROM v WHERE v.id = o.id",
        "UPDATE orders o SET note = 'x' FROM unnest('{1,2}'::int[]) AS v (id) WHERE v.id = o.id",
        "DELETE FROM lines USING (VALUES (1)) AS v (id) WHERE v.id = lines.id",
        "DELETE FROM lines WHERE id IN (VALUES (1), (2))",
    ],
)
def test_data_changes_that_harm_nobody_are_silent(sql: str) -> None:
    assert found(sql) == []


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("UPDATE orders SET note = 'x'", "unbatched-update"),
        ("UPDATE orders SET note = 'x' WHERE true", "unbatched-update"),
        ("UPDATE orders SET note = 'x' WHERE 1 = 1", "unbatched-update"),
        ("UPDATE orders SET note = 'x' WHERE note <> 'x'", "unbatched-update"),
        ("UPDATE orders o SET note = c.name FROM customers c WHERE c.id = o.customer_id",
         "unbatched-update"),
        ("UPDATE orders o SET note = 'x' FROM (VALUES (1)) AS v (id) WHERE o.id <> v.id",
         "unbatched-update"),
        ("DELETE FROM lines WHERE quantity IS NULL", "unbatched-delete"),
        ("DELETE FROM unseen", "delete-without-where"),
        ("TRUNCATE lines, cache", "truncate-table"),
        ("UPDATE orders SET customer_id = (SELECT id FROM customers ORDER BY random() LIMIT 1)"
         " WHERE id < 9", "one-value-for-all-rows"),
        ("SELECT setval('orders_id_seq', 1, false)", "sequence-restarted"),
        ("ALTER TABLE lines DISABLE TRIGGER ALL", "disabled-trigger"),
        ("UPDATE pg_catalog.pg_attribute SET attnotnull = true WHERE attname = 'x'",
         "catalog-written"),
    ],
)  # fmt: skip
def test_a_data_change_in_another_form_is_found(sql: str, rule: str) -> None:
    assert found(sql, State() if "unseen" in sql else None) == [rule]


def test_a_table_whose_content_is_replaced_is_only_a_warning() -> None:
    sql = "DELETE FROM lines; INSERT INTO lines (id) VALUES (1);"
    unit = unit_of_script(read_script(sql, "m.sql"), "m.sql")
    result = lint_units([unit], example_state())
    assert [(f.rule, f.severity) for f in result.findings] == [("delete-without-where", "warning")]
