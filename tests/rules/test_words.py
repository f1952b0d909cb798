"""Names in advice are as SQL wants them, so that it can be copied."""

from __future__ import annotations

import pytest

from zero_downtime.lint import Options, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.lint.words import quoted, short
from zero_downtime.sql.script import read_script
from zero_downtime.sql.state import State


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("public.orders", "orders"),
        ("public.Order", '"Order"'),
        ("public.user", '"user"'),
        ("archive.old_orders", "archive.old_orders"),
        ("Shop.my orders", '"Shop"."my orders"'),
        ("orders", "orders"),
    ],
)
def test_a_relation_is_named_as_sql_wants_it(key: str, wanted: str) -> None:
    assert short(key) == wanted


def test_quotes_in_a_name_are_doubled() -> None:
    assert quoted('a"b') == '"a""b"'


@pytest.mark.parametrize(
    ("sql", "advice"),
    [
        (
            'ALTER TABLE "User" ALTER "order" SET NOT NULL',
            'ALTER TABLE "User" ADD CONSTRAINT "User_order_not_null" NOT NULL "order" NOT VALID;',
        ),
        (
            'ALTER TABLE "User" ALTER "createdAt" TYPE date',
            'ALTER TABLE "User" ADD COLUMN "createdAt_new" date;',
        ),
        (
            'ALTER TABLE "User" ADD UNIQUE ("orgId", email)',
            'CREATE UNIQUE INDEX CONCURRENTLY "User_orgId_email_key" ON "User" ("orgId", email);',
        ),
        (
            'ALTER TABLE "User" ADD n serial',
            'CREATE SEQUENCE "User_n_seq";',
        ),
    ],
)
def test_the_advice_can_be_copied(sql: str, advice: str) -> None:
    script = read_script(f"SET lock_timeout = 9;\n{sql}", "m.sql")
    finding = lint_units([unit_of_script(script, "m.sql")], State(), Options()).findings[0]
    assert advice in finding.safe


def test_a_type_change_names_the_other_ends_of_foreign_keys() -> None:
    script = read_script(
        "SET lock_timeout = 9;\nALTER TABLE lines ALTER order_id TYPE int", "m.sql"
    )
    finding = lint_units([unit_of_script(script, "m.sql")], example_state(), Options()).findings[0]
    assert "The same holds for orders, by foreign keys." in finding.message
