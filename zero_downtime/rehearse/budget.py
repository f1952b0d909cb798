"""What a revision may cost: the limits that decide between safe and unsafe."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from zero_downtime.errors import BudgetError
from zero_downtime.postgres.locks import LockMode

_TIME = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min)\s*")
_UNITS = {"ms": 1.0, "s": 1000.0, "min": 60_000.0}


@dataclass(frozen=True)
class Budget:
    """Limits in milliseconds.

    ``locks`` limits how long a lock mode may be held; a stronger mode that is not named has the
    limit of the strongest one below it.
    """

    stall_ms: float = 1000.0  # that a client may wait at most
    locks: Mapping[LockMode, float] = field(default_factory=dict)
    rewrites: bool = True  # whether a table may be rewritten

    def most_held_ms(self, mode: LockMode) -> float | None:
        """How long a lock of this mode may be held; None: as long as it takes."""
        return min((limit for named, limit in self.locks.items() if named <= mode), default=None)


def read_budget(text: str, default: Budget = Budget()) -> Budget:
    """A budget as written: ``stall=200ms, lock=ACCESS EXCLUSIVE:100ms, rewrite=none``.

    What it does not name stays as in ``default``. Raises BudgetError.
    """
    budget = default
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, value = (each.strip() for each in part.partition("="))
        if name == "stall":
            budget = replace(budget, stall_ms=_milliseconds(value, part))
        elif name == "lock":
            mode, _, limit = value.partition(":")
            named = {_mode(mode, part): _milliseconds(limit, part)}
            budget = replace(budget, locks={**budget.locks, **named})
        elif name == "rewrite" and value in ("none", "any"):
            budget = replace(budget, rewrites=value == "any")
        else:
            raise BudgetError(part=part)
    return budget


def _milliseconds(text: str, part: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        raise BudgetError(part=part)
    return float(found[1]) * _UNITS[found[2]]


def _mode(text: str, part: str) -> LockMode:
    try:
        return LockMode.parse(" ".join(text.split()))
    except KeyError as error:
        raise BudgetError(part=part) from error
