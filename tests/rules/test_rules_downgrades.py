"""A downgrade that only takes back what its upgrade made is no finding."""

from __future__ import annotations

import pytest
from msgspec import structs

from zero_downtime.lint import Options, Unit, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.sql.script import read_script
from zero_downtime.sql.statement import Direction, Statement


def _statements(sql: str, direction: Direction, alone: bool) -> tuple[Statement, ...]:
    text = f"SET lock_timeout = '2s';\n{sql}"
    return tuple(
        structs.replace(each, revision="ab12", direction=direction)
        for each in read_script(text, "r.py", in_transaction=not alone).statements
    )


def _told(upgrade: str, downgrade: str, alone: bool = False) -> list[tuple[str, str]]:
    unit = Unit(
        "r.py",
        _statements(upgrade, "upgrade", alone),
        _statements(downgrade, "downgrade", alone),
        revision="ab12",
    )
    found = lint_units([unit], example_state(), Options()).findings
    return [(finding.rule, finding.direction) for finding in found]


@pytest.mark.parametrize(
    ("upgrade", "downgrade"),
    [
        ("ALTER TABLE orders ADD COLUMN gift boolean", "ALTER TABLE orders DROP COLUMN gift"),
        (
            "ALTER TABLE lines ADD COLUMN c bigint REFERENCES customers",
            "ALTER TABLE lines DROP COLUMN c",
        ),
        (
            "ALTER TABLE lines ADD CONSTRAINT k FOREIGN KEY (customer_id) REFERENCES customers"
            " NOT VALID",
            "ALTER TABLE lines DROP CONSTRAINT k",
        ),
        (
            "ALTER TABLE lines ADD CONSTRAINT k CHECK (id > 0) NOT VALID",
            "ALTER TABLE lines DROP CONSTRAINT k",
        ),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, o bigint REFERENCES orders);"
            "CREATE INDEX t_o ON t (o)",
            "DROP INDEX t_o; DROP TABLE t",
        ),
        (
            "CREATE MATERIALIZED VIEW m AS SELECT id FROM orders; CREATE UNIQUE INDEX ON m (id)",
            "DROP MATERIALIZED VIEW m",
        ),
        ("CREATE SEQUENCE s", "DROP SEQUENCE s"),
        ("CREATE TYPE colour AS ENUM ('red')", "DROP TYPE colour"),
        ("CREATE DOMAIN d AS int CHECK (VALUE > 0)", "DROP DOMAIN d"),
        ("ALTER TABLE orders ALTER note TYPE text", "SELECT 1"),
        (
            "ALTER TABLE orders ALTER known SET NOT NULL",
            "ALTER TABLE orders ALTER known SET NOT NULL",
        ),
    ],
)
def test_taking_back_is_silent(upgrade: str, downgrade: str) -> None:
    assert _told(upgrade, downgrade) == []


@pytest.mark.parametrize(
    ("upgrade", "downgrade"),
    [
        (
            "CREATE INDEX CONCURRENTLY i ON orders (amount)",
            "DROP INDEX CONCURRENTLY i",
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY i ON orders (amount)",
            "DROP INDEX CONCURRENTLY i",
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY i ON orders (amount);"
            "ALTER TABLE orders ADD CONSTRAINT c UNIQUE USING INDEX i",
            "ALTER TABLE orders DROP CONSTRAINT c",
        ),
        (
            "DROP INDEX CONCURRENTLY orders_note",
            "CREATE INDEX CONCURRENTLY orders_note ON orders (note)",
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON orders (note, total);"
            "DROP INDEX CONCURRENTLY orders_note",
            "CREATE INDEX CONCURRENTLY orders_note ON orders (note);DROP INDEX CONCURRENTLY i",
        ),
    ],
)
def test_taking_back_outside_a_transaction_is_silent(upgrade: str, downgrade: str) -> None:
    assert _told(upgrade, downgrade, alone=True) == []


def test_a_downgrade_that_blocks_is_told_as_an_upgrade_would_be() -> None:
    narrower = "ALTER TABLE orders ALTER note TYPE varchar(20)"
    assert _told("ALTER TABLE orders ALTER note TYPE text", narrower) == [
        ("type-change-rewrite", "downgrade")
    ]
    drop = "ALTER TABLE lines DROP CONSTRAINT lines_order"
    add = "ALTER TABLE lines ADD CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders"
    assert _told(drop, add) == [
        ("other-table-locked", "upgrade"),
        ("foreign-key-without-not-valid", "downgrade"),
    ]


def test_not_null_as_a_constraint_is_taken_back_too() -> None:
    add = "ALTER TABLE orders ADD CONSTRAINT n NOT NULL amount NOT VALID"
    assert _told(add, "ALTER TABLE orders ALTER amount DROP NOT NULL") == []
