"""What a revision may cost, as it is written."""

from __future__ import annotations

import pytest

from zero_downtime.errors import BudgetError
from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.budget import Budget, read_budget


def test_all_that_a_budget_can_say() -> None:
    budget = read_budget("stall=200ms, lock=ACCESS EXCLUSIVE:0.1s,lock=share:2min, rewrite=none")
    assert budget.stall_ms == 200
    assert budget.most_held_ms(LockMode.ACCESS_EXCLUSIVE) == 100
    assert budget.most_held_ms(LockMode.SHARE) == 120_000
    assert budget.most_held_ms(LockMode.SHARE_ROW_EXCLUSIVE) == 120_000
    assert budget.most_held_ms(LockMode.ROW_EXCLUSIVE) is None
    assert not budget.rewrites


def test_what_is_not_named_stays_as_it_was() -> None:
    assert read_budget("", Budget(50)) == Budget(50)
    assert read_budget("rewrite=none", Budget(50)) == Budget(50, rewrites=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stall", "it names no limit"),
        ("stall=", "it names no limit"),
        ("stall=fast", "a number with ms, s or min, not fast"),
        ("stall=200", "a number with ms, s or min, not 200"),
        ("stall=-5ms", "a number with ms, s or min"),
        ("lock=LOUD:1s", "the modes of locks are ACCESS SHARE, ROW SHARE"),
        ("lock=SHARE", "a lock has a mode and a time"),
        ("rewrite=some", "rewrite is none or any"),
        ("wait=1s", "there are stall, lock and rewrite"),
        ("stall=1s rewrite=none", "not 1s rewrite=none"),
    ],
)
def test_what_is_no_budget_is_refused(text: str, said: str) -> None:
    with pytest.raises(BudgetError, match="is no budget") as refused:
        read_budget(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "STALL=200MS; Lock = AccessExclusiveLock : 100 ms; rewrite:none",
        "stall: 0.2s, lock=access_exclusive=0.1s, rewrite=NONE,",
    ],
)
def test_a_budget_may_be_spelt_in_other_ways(text: str) -> None:
    plain = read_budget("stall=200ms, lock=ACCESS EXCLUSIVE:100ms, rewrite=none")
    assert read_budget(text) == plain
