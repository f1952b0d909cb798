"""Constraints: added NOT VALID and validated, built by index, swapped without a gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Change
from zero_downtime.plan import tables
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Step

_NOT_VALID = " NOT VALID"


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """A CHECK, FOREIGN KEY, UNIQUE, PRIMARY KEY or EXCLUDE constraint."""
    table, name = change.identity.of, change.identity.name
    what = str(change.identity)
    if change.kind == "removed":
        if pool.is_gone(table):
            return
        yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {name}", what, f"drop {name}")
        return
    assert change.new is not None
    definition = change.new.definition
    if change.kind == "added":
        yield from _add(pool, what, table, name, definition)
        return
    assert change.old is not None
    if change.old.definition == definition + _NOT_VALID:
        yield _validate(what, table, name)
    elif definition.startswith(("CHECK", "FOREIGN KEY")):
        yield from _swap(what, table, name, definition)
    elif definition.startswith(("UNIQUE", "PRIMARY KEY")) and not pool.is_partitioned(table):
        yield from _swap_by_index(what, table, name, definition)
    else:
        pool.refuse(change, "an EXCLUDE constraint can't be built beside its predecessor")


def renames(pool: Pool) -> Iterator[Step]:
    """Constraints that only changed their name."""
    removed = {
        (i.of, c.old.definition): c
        for i, c in pool.changes.items()
        if i.kind == "constraint" and c.kind == "removed" and c.old and not pool.is_gone(i.of)
    }
    for change in list(pool.changes.values()):
        if change.identity.kind != "constraint" or change.kind != "added" or not change.new:
            continue
        table, name = change.identity.of, change.identity.name
        twin = removed.pop((table, change.new.definition), None)
        if twin is not None:
            pool.take("constraint", name, of=table)
            pool.take("constraint", twin.identity.name, of=table)
            sql = f"ALTER TABLE {table} RENAME CONSTRAINT {twin.identity.name} TO {name}"
            yield Step(sql, str(change.identity), f"another name for {twin.identity.name}")


def _add(pool: Pool, what: str, table: str, name: str, definition: str) -> Iterable[Step]:
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name}"
    if pool.is_new(table):
        other = tables.referred_to(definition)
        alone = other is not None and not pool.is_new(other)
        yield Step(f"{add} {definition}", what, f"{name}", alone=alone)
    elif definition.startswith(("CHECK", "FOREIGN KEY")) and " NOT ENFORCED" not in definition:
        wanted_invalid = definition.endswith(_NOT_VALID)
        unchecked = definition if wanted_invalid else definition + _NOT_VALID
        yield Step(f"{add} {unchecked}", what, f"{name}: new rows from now on")
        if not wanted_invalid:
            yield _validate(what, table, name)
    elif definition.startswith(("UNIQUE", "PRIMARY KEY")) and not pool.is_partitioned(table):
        yield _build_index(what, table, name, definition)
        yield Step(f"{add} {_using_index(definition, name)}", what, f"{name} takes that index")
    else:
        yield Step(f"{add} {definition}", what, f"{name}: no way to build it online")


def _validate(what: str, table: str, name: str) -> Step:
    sql = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
    return Step(sql, what, "all rows, while readers and writers go on")


def _swap(what: str, table: str, name: str, definition: str) -> Iterable[Step]:
    """The successor is enforced before the predecessor goes: no unguarded moment."""
    beside = _beside(name)
    valid = definition.removesuffix(_NOT_VALID)
    add = f"ALTER TABLE {table} ADD CONSTRAINT {beside} {valid}{_NOT_VALID}"
    yield Step(add, what, f"the successor of {name}: new rows from now on")
    if valid == definition:
        yield _validate(what, table, beside)
    yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {name}", what, "the predecessor")
    yield Step(f"ALTER TABLE {table} RENAME CONSTRAINT {beside} TO {name}", what, "its name")


def _swap_by_index(what: str, table: str, name: str, definition: str) -> Iterable[Step]:
    beside = _beside(name)
    yield _build_index(what, table, beside, definition)
    sql = (
        f"ALTER TABLE {table} DROP CONSTRAINT {name}, "
        f"ADD CONSTRAINT {name} {_using_index(definition, beside)}"
    )
    yield Step(sql, what, f"{name} takes that index")


def _build_index(what: str, table: str, index: str, definition: str) -> Step:
    columns = re.sub(r"^(?:UNIQUE|PRIMARY KEY)\s*", "", definition)
    nulls = "NULLS NOT DISTINCT" if columns.startswith("NULLS NOT DISTINCT") else ""
    columns = columns.removeprefix("NULLS NOT DISTINCT").strip()
    columns = re.sub(r"\s*(?:NOT )?DEFERRABLE.*$| INITIALLY .*$", "", columns)
    # NULLS NOT DISTINCT stands behind INCLUDE in an index and before the columns in a constraint.
    tail = f" {nulls}" if nulls else ""
    sql = f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} {columns}{tail}"
    return Step(sql, what, "its index, while readers and writers go on")


def _using_index(definition: str, index: str) -> str:
    kind = "PRIMARY KEY" if definition.startswith("PRIMARY KEY") else "UNIQUE"
    deferrable = re.search(r" (?:NOT )?DEFERRABLE.*$| INITIALLY .*$", definition)
    return f"{kind} USING INDEX {index}{deferrable[0] if deferrable else ''}"


def _beside(name: str) -> str:
    """A name for the successor while the predecessor still has its own; at most 63 bytes."""
    if name.startswith('"'):
        return f'{name[:-1][:58]}_new"'
    return f"{name[:59]}_new"
