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
    "text", ["stall", "stall=fast", "lock=LOUD:1s", "lock=SHARE", "rewrite=some", "wait=1s"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(BudgetError, match="is no budget"):
        read_budget(text)
