"""Transactions: where the rules about their borders and their contents speak and where not."""

from __future__ import annotations

import pytest
from msgspec import structs

from zero_downtime.lint import Unit, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.sql.script import read_script

START = "BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE orders ADD a int; "


def found(sql: str, in_transaction: bool = False) -> list[str]:
    unit = unit_of_script(read_script(sql, "m.sql", in_transaction), "m.sql")
    return [f.rule for f in lint_units([unit], example_state()).findings]


def in_revision(sql: str) -> list[str]:
    statements = read_script(sql, "r.py", in_transaction=True).statements
    unit = Unit("r.py", tuple(structs.replace(s, revision="ab12") for s in statements), (),
                revision="ab12")  # fmt: skip
    return [f.rule for f in lint_units([unit], example_state()).findings]


@pytest.mark.parametrize(
    "sql",
    [
        START + "COMMIT;",
        START + "SAVEPOINT s; COMMENT ON COLUMN orders.a IS 'x'; RELEASE s; COMMIT;",
        START + "SAVEPOINT s; SELECT 1; ROLLBACK TO SAVEPOINT s; COMMIT;",
        START + "SELECT setval('orders_id_seq', (SELECT max(id) FROM orders)); COMMIT;",
        START + "SELECT * FROM orders WHERE id = 1; SELECT id FROM orders LIMIT 1; COMMIT;",
        START + "CREATE TABLE boxes (id int); CREATE TABLE more AS SELECT * FROM boxes; COMMIT;",
        START + "ALTER TABLE orders ADD b int; ALTER TABLE orders ALTER b SET DEFAULT 1; COMMIT;",
        "BEGIN; SELECT count(*) FROM orders; ANALYZE orders; COMMIT;",
        "BEGIN; SELECT count(*) FROM orders; ROLLBACK;",
        "BEGIN; SELECT 1;",
        "COMMIT;",
        "DO $$ BEGIN RAISE NOTICE 'commit'; END $$;",
        "DO $$ BEGIN PERFORM 1; COMMIT; END $$;",
        "SET lock_timeout = '2s'; CREATE INDEX CONCURRENTLY a ON orders (amount);"
        " CREATE INDEX CONCURRENTLY b ON orders (total);",
    ],
)
def test_well_formed_transactions_are_silent(sql: str) -> None:
    assert found(sql) == []


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        (START + "SELECT pg_sleep(5); COMMIT;", "work-under-lock"),
        (START + "SELECT count(*) FROM customers; COMMIT;", "work-under-lock"),
        (START + "ANALYZE orders; COMMIT;", "work-under-lock"),
        (START + "COPY orders TO '/dev/null'; COMMIT;", "work-under-lock"),
        ("BEGIN; UPDATE orders SET note = 'x' WHERE id = 1; ABORT;", "rolled-back-migration"),
        ("START TRANSACTION; DELETE FROM lines WHERE id = 1;", "unfinished-transaction"),
    ],
)
def test_a_transaction_that_is_wrong_is_found(sql: str, rule: str) -> None:
    assert found(sql) == [rule]


def test_the_runner_owns_its_transaction() -> None:
    assert found("SELECT 1; COMMIT;", in_transaction=True) == ["commit-in-runners-transaction"]
    assert found("BEGIN; SELECT 1; COMMIT;") == []
    assert in_revision("SELECT 1; COMMIT; SELECT 2") == ["commit-in-runners-transaction"]
    assert in_revision("SELECT 1; BEGIN; SELECT 2") == ["nested-begin"]
    assert in_revision("SELECT 1; ROLLBACK") == ["commit-in-runners-transaction"]
    assert in_revision("SELECT 1") == []
