"""Enum types: values added in place; removing or reordering means a new type."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zero_downtime.catalog import Change
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Step
from zero_downtime.postgres.names import quoted


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
    yield from _add_values(change, _labels(change.old.sql), _labels(change.new.sql))


def _add_values(change: Change, old: list[str], new: list[str]) -> Iterable[Step]:
    there = list(old)
    for position, label in enumerate(new):
        if label in there:
            continue
        place = f"AFTER {new[position - 1]}" if position else f"BEFORE {there[0]}"
        sql = f"ALTER TYPE {change.identity.name} ADD VALUE {label} {place}"
        yield Step(sql, str(change.identity), f"a new value of {change.identity.name}")
        there.append(label)


def swap(pool: Pool, change: Change) -> Iterable[Step]:
    """A new type under the old name; every column of the type is rewritten to it.

    The way back from ADD VALUE, since PostgreSQL has no DROP VALUE. It fails, and changes
    nothing, while a row still holds a value that goes.
    """
    assert change.new is not None
    name = change.identity.name
    bare = name.rpartition(".")[2]
    what = str(change.identity)
    aside = quoted(f"{bare.strip(chr(34))[:58]}_old")
    schema = name.rpartition(".")[0]
    yield Step(f"ALTER TYPE {name} RENAME TO {aside}", what, "made anew", alone=False)
    yield Step(change.new.sql, what, "with other values", alone=False)
    for fact in pool.old.facts.values():
        if fact.identity.kind != "column" or fact.definition not in (name, f"{name}[]"):
            continue
        column, table = fact.identity.name, fact.identity.of
        if pool.is_gone(table) or pool.new.get("column", column, table) is None:
            continue
        alter_column = f"ALTER TABLE {table} ALTER COLUMN {column}"
        array = "[]" if fact.definition.endswith("[]") else ""
        default = pool.new.get("default", column, table)
        pool.take("default", column, of=table)
        if pool.old.get("default", column, table):
            yield Step(f"{alter_column} DROP DEFAULT", what, alone=False)
        sql = f"{alter_column} TYPE {name}{array} USING {column}::text{array}::{name}{array}"
        yield Step(sql, what, f"{table}.{column}", alone=False)
        if default:
            sql = f"{alter_column} SET DEFAULT {default.definition}"
            yield Step(sql, what, alone=False)
    for fact in belongings(pool.new, change.identity):
        pool.changes.pop(fact.identity, None)
        yield from (Step(sql, str(fact.identity), alone=False) for sql in fact.statements)
    yield Step(f"DROP TYPE {schema}.{aside}" if schema else f"DROP TYPE {aside}", what, alone=False)


def _labels(sql: str) -> list[str]:
    """The labels of CREATE TYPE … AS ENUM, as string constants."""
    return re.findall(r"'(?:[^']|'')*'", sql.partition(" AS ENUM ")[2])
