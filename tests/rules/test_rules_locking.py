"""Locks that are strong, on other tables, or held for longer than needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = Callable[..., list[str]]

OTHER = "other-table-locked (warning)"


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        ("REFRESH MATERIALIZED VIEW sales", ["refresh-not-concurrent"]),
        ("REFRESH MATERIALIZED VIEW sales WITH NO DATA", ["materialized-view-emptied"]),
        ("LOCK TABLE orders", ["explicit-lock"]),
        ("LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE", ["explicit-lock (warning)"]),
        ("ALTER TABLE orders_note RENAME TO n", ["index-renamed-as-table (warning)"]),
        ("ALTER TABLE orders SET (autovacuum_enabled = off)", ["autovacuum-left-off (warning)"]),
        ("ALTER TABLE lines DROP CONSTRAINT lines_order", [OTHER]),
        ("ALTER TABLE readings DROP CONSTRAINT readings_customer_id_fkey", [OTHER]),
        ("ALTER TABLE archive.old_orders ALTER customer_id TYPE bigint", [OTHER]),
        ("DROP TABLE lines", ["drop-table", OTHER]),
        ("DROP TABLE archive.old_orders", ["drop-table", OTHER]),
        (
            "BEGIN; ALTER SEQUENCE numbers INCREMENT BY 5; ALTER TABLE lines ADD a int; COMMIT",
            ["sequence-locked (warning)"],
        ),
    ],
)
def test_a_lock_that_hurts_is_found(sql: str, rules: list[str], found: Found) -> None:
    assert sorted(found(sql)) == sorted(rules)


@pytest.mark.parametrize(
    "function", ["DROP FUNCTION touch() CASCADE", "DROP DOMAIN positive CASCADE"]
)
def test_what_cascade_locks_is_told(function: str, found: Found) -> None:
    assert OTHER in found(function)


@pytest.mark.parametrize(
    "sql",
    [
        "REFRESH MATERIALIZED VIEW CONCURRENTLY sales",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; REFRESH MATERIALIZED VIEW m WITH NO DATA",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; REFRESH MATERIALIZED VIEW m",
        "LOCK TABLE orders IN ROW EXCLUSIVE MODE",
        "LOCK TABLE orders IN SHARE UPDATE EXCLUSIVE MODE",
        "CREATE TABLE t (id int); BEGIN; LOCK TABLE t; COMMIT",
        "CREATE TABLE t (id bigint REFERENCES orders, c bigint REFERENCES customers)",
        "CREATE TABLE t (id bigint CONSTRAINT k REFERENCES orders);"
        "ALTER TABLE t DROP CONSTRAINT k; DROP TABLE t",
        "ALTER TABLE lines DROP CONSTRAINT quantity_positive",
        "ALTER TABLE lines ADD CONSTRAINT k FOREIGN KEY (customer_id) REFERENCES customers"
        " NOT VALID; ALTER TABLE lines DROP CONSTRAINT k",
        "ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.01)",
        "ALTER TABLE orders SET (autovacuum_enabled = false); VACUUM orders;"
        "ALTER TABLE orders RESET (autovacuum_enabled)",
        "ALTER SEQUENCE numbers INCREMENT BY 5; ALTER TABLE lines ADD a int",
        "BEGIN; ALTER TABLE lines ADD a int; ALTER SEQUENCE numbers INCREMENT BY 5; COMMIT",
        "BEGIN; CREATE SEQUENCE s; ALTER SEQUENCE s OWNED BY lines.id;"
        "ALTER TABLE lines ADD a int; COMMIT",
        "DROP TYPE IF EXISTS nothing",
    ],
)
def test_a_lock_that_is_weak_or_brief_is_no_finding(sql: str, found: Found) -> None:
    assert found(sql) == []


def test_refresh_concurrently_needs_a_unique_index(found: Found, unknown: Found) -> None:
    refresh = "REFRESH MATERIALIZED VIEW CONCURRENTLY m"
    make = "CREATE MATERIALIZED VIEW m AS SELECT id FROM orders"
    assert found(make, refresh) == ["refresh-concurrently-refused"]
    assert unknown(make, refresh) == ["refresh-concurrently-refused (warning)"]
    assert unknown(refresh) == []
    assert found(f"{make}; CREATE UNIQUE INDEX ON m (id)", refresh) == []
    partial = "CREATE UNIQUE INDEX ON m (id) WHERE id > 0"
    assert found(f"{make}; {partial}", refresh) == ["refresh-concurrently-refused"]


def test_a_sequence_that_was_never_shown_is_no_table(unknown: Found) -> None:
    assert unknown("ALTER SEQUENCE s INCREMENT BY 10") == []
    assert unknown("ALTER SEQUENCE s OWNED BY t.id; ALTER SEQUENCE s AS bigint") == []
    assert unknown("BEGIN; ALTER TABLE t ADD a int; ALTER SEQUENCE s AS bigint; COMMIT") == []


def test_several_alter_tables_can_be_told_to_be_one(found: Found) -> None:
    sql = "ALTER TABLE orders ADD a int; ALTER TABLE orders ADD b int"
    assert found(sql) == []
    assert found(sql, enable=("alter-tables-to-combine",)) == ["alter-tables-to-combine (warning)"]
    assert found(f"BEGIN; {sql}; COMMIT", enable=("alter-tables-to-combine",)) == []


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        ("ALTER TABLE orders ADD a int; ALTER TABLE customers ADD a int", True),
        ("ALTER TABLE lines ADD FOREIGN KEY (id) REFERENCES cache NOT VALID;"
         "ALTER TABLE customers ADD a int", True),
        ("CREATE TABLE t (o bigint REFERENCES orders); CREATE TABLE u (c bigint REFERENCES"
         " customers)", False),
        ("CREATE TABLE t (o bigint); ALTER TABLE t ADD FOREIGN KEY (o) REFERENCES orders;"
         "CREATE TABLE u (c bigint); ALTER TABLE u ADD FOREIGN KEY (c) REFERENCES customers",
         False),
        ("CREATE TABLE t (o bigint REFERENCES orders); ALTER TABLE customers ADD a int", False),
        ("ALTER TABLE orders ADD a int; ALTER TABLE orders ADD b int", False),
    ],
)  # fmt: skip
def test_a_second_table_in_one_transaction(sql: str, rules: bool, found: Found) -> None:
    told = found(f"BEGIN; {sql}; COMMIT")
    assert told == (["several-tables-locked (warning)"] if rules else [])


@pytest.mark.parametrize(
    "call", ["SELECT f()", "SELECT 1 FROM f()", "DO $$ BEGIN PERFORM f(); END $$"]
)
def test_what_a_called_function_reads_under_lock_is_found(call: str, found: Found) -> None:
    make = (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS"
        " 'BEGIN CREATE INDEX ON orders (total); RETURN 1; END'"
    )
    assert found(make, call) == ["scan-under-lock"]
    assert found(make.replace("CREATE INDEX ON orders (total)", "DELETE FROM lines"), call) == []
