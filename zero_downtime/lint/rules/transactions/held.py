"""What a transaction does while others wait for the locks that it holds already."""

from __future__ import annotations

from collections.abc import Iterable

from zero_downtime.lint.rule import Seen
from zero_downtime.postgres.locks import LockMode


def heaviest(earlier: Iterable[Seen]) -> tuple[Seen, str, LockMode] | None:
    """The heaviest lock for which writers wait: whose it is, on what, and which."""
    held = [
        (seen, key, mode)
        for seen in earlier
        for key, mode in seen.locks.items()
        if mode.blocks_writes
    ]
    return max(held, key=lambda each: each[2], default=None)
