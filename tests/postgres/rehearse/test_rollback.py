"""What a downgrade brings back, and how one that does not is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zero_downtime.rehearse import RehearsalResult, RevisionResult


def test_a_column_that_does_not_come_back_is_named(last: Callable[..., RevisionResult]) -> None:
    drop = (
        'op.drop_column("customers", "note")',
        'op.execute("COMMENT ON TABLE customers IS NULL")',
    )
    revision = last(drop, clients=0)
    assert any("are changed in note by going up" in reason for reason in revision.reasons)


@pytest.mark.parametrize(
    ("up", "down", "outcome", "said"),
    [
        (
            "op.execute(\"ALTER TABLE orders ALTER COLUMN memo SET DEFAULT 'x'\")",
            "op.execute(\"ALTER TABLE orders ALTER COLUMN memo SET DEFAULT 'y'\")",
            "differs",
            "the downgrade does not restore the catalog (left behind: default",
        ),
        ('op.create_index("i", "orders", ["amount"])', "pass", "does-nothing", "does nothing"),
        (
            'op.create_index("i", "orders", ["amount"])',
            'raise NotImplementedError("one way")',
            "raises",
            "r2.py:11: the downgrade raises (NotImplementedError: one way)",
        ),
        (
            'op.create_index("i", "orders", ["amount"])',
            'op.drop_index("wrong")',
            "raises",
            'r2.py:11: the downgrade raises (index "wrong" does not exist)',
        ),
        (
            'op.execute("INSERT INTO customers (id, email) OVERRIDING SYSTEM VALUE '
            "VALUES (-1, 'a')\")",
            'op.execute("SELECT 1")',
            "cannot-repeat",
            "the upgrade can't be repeated after the downgrade (duplicate key value",
        ),
        ('op.execute("DELETE FROM orders WHERE id % 4 = 0")', "pass", "does-nothing", "50 rows"),
        (
            "op.execute(\"UPDATE orders SET memo = 'z' WHERE id % 4 = 0\")",
            'op.execute("SELECT 1")',
            "restores",
            "50 rows of public.orders are changed in memo by going up and down",
        ),
        ('op.execute("SELECT 1")', "pass", "restores", ""),
    ],
)
def test_what_a_downgrade_does(
    up: str, down: str, outcome: str, said: str, last: Callable[..., RevisionResult]
) -> None:
    revision = last((up, down))
    assert revision.rollback is not None
    assert revision.rollback.outcome == outcome
    if said:
        assert any(said in reason for reason in revision.reasons), revision.reasons
    else:
        assert revision.safe


def test_one_broken_downgrade_hides_no_other(run: Callable[..., RehearsalResult]) -> None:
    result = run(
        ('op.create_index("i", "orders", ["amount"])', "pass"),
        ('op.create_index("j", "orders", ["memo"])', "raise RuntimeError('no')"),
        ('op.create_index("k", "orders", ["state"])', 'op.drop_index("k")'),
    )
    outcomes = [r.rollback.outcome for r in result.revisions if r.rollback]
    assert outcomes == ["restores", "does-nothing", "raises", "restores"]


def test_rows_written_since_that_do_not_fit_are_told(last: Callable[..., RevisionResult]) -> None:
    revision = last(
        (
            'op.alter_column("orders", "memo", type_=sa.String(200))',
            'op.alter_column("orders", "memo", type_=sa.String(50))',
        ),
    )
    assert revision.rollback is not None
    assert revision.rollback.outcome == "restores"
    assert any(
        "with rows written under the new schema the downgrade fails: value too long" in warning
        for warning in revision.warnings
    )
