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
    for part in filter(None, map(str.strip, re.split("[,;]", text))):
        name, value = _halves(part, part, "it names no limit")
        if name == "stall":
            budget = replace(budget, stall_ms=_milliseconds(value, part))
        elif name == "lock":
            mode, limit = _halves(value, part, "a lock has a mode and a time")
            named = {_mode(mode, part): _milliseconds(limit, part)}
            budget = replace(budget, locks={**budget.locks, **named})
        elif name == "rewrite":
            if value not in ("none", "any"):
                raise BudgetError(part=part, reason="rewrite is none or any")
            budget = replace(budget, rewrites=value == "any")
        else:
            raise BudgetError(part=part, reason="there are stall, lock and rewrite")
    return budget


def _halves(text: str, part: str, missing: str) -> tuple[str, str]:
    """What stands before and behind the first sign of a pair, in small letters."""
    first, sign, second = re.split("([=:]|$)", text.lower(), maxsplit=1)
    if not sign or not second.strip():
        raise BudgetError(part=part, reason=missing)
    return " ".join(first.split()), second.strip()


def _milliseconds(text: str, part: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        raise BudgetError(part=part, reason=f"a time is a number with ms, s or min, not {text}")
    return float(found[1]) * _UNITS[found[2]]


def _mode(text: str, part: str) -> LockMode:
    by_name = {mode.in_pg_locks.lower(): mode for mode in LockMode}
    try:
        return by_name.get(text) or LockMode.parse(text)
    except KeyError:
        modes = ", ".join(mode.sql for mode in LockMode)
        raise BudgetError(part=part, reason=f"the modes of locks are {modes}") from None
