"""Enum types: values added in place; removing or reordering means a new type (swaps.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zero_downtime.catalog import Change
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Step


def needs_swap(change: Change) -> bool:
    """Whether values are removed or stand in another order, which takes a new type."""
    assert change.old is not None and change.new is not None
    if " AS ENUM " not in change.old.sql or " AS ENUM " not in change.new.sql:
        return False
    old, new = _labels(change.old.sql), _labels(change.new.sql)
    return [label for label in new if label in old] != old


def add_values(pool: Pool, change: Change) -> Iterable[Step]:
    """ALTER TYPE … ADD VALUE at its place."""
    assert change.old is not None and change.new is not None
    there, new = _labels(change.old.sql), _labels(change.new.sql)
    for position, label in enumerate(new):
        if label in there:
            continue
        place = f" AFTER {new[position - 1]}" if position else ""
        if there and not position:
            place = f" BEFORE {there[0]}"
        sql = f"ALTER TYPE {change.identity.name} ADD VALUE {label}{place}"
        yield Step(sql, str(change.identity), f"a new value of {change.identity.name}")
        there.append(label)


def _labels(sql: str) -> list[str]:
    """The labels of CREATE TYPE … AS ENUM, as string constants."""
    return re.findall(r"'(?:[^']|'')*'", sql.partition(" AS ENUM ")[2])
