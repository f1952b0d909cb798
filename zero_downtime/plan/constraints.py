"""Constraints: added NOT VALID and validated, built by index, swapped without a gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Change, Identity
from zero_downtime.plan import tables
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Step

_NOT_VALID = " NOT VALID"
_NOT_ENFORCED = " NOT ENFORCED"
_PARTITIONED_NOT_VALID = 18  # NOT VALID foreign keys of partitioned tables exist from here on


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """A CHECK, FOREIGN KEY, UNIQUE, PRIMARY KEY or EXCLUDE constraint."""
    table, name = change.identity.of, change.identity.name
    what = str(change.identity)
    if change.kind == "removed":
        if pool.is_gone(table):
            return
        if pool.is_detached(table) and _is_of_the_parent(pool, table, name):
            pool.changes[change.identity] = change  # it can go when the table is detached
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
    elif _without_timing(change.old.definition) == _without_timing(definition) and (
        definition.startswith("FOREIGN KEY")
    ):
        timing = re.search(r"(?:NOT )?DEFERRABLE.*", definition.removesuffix(_NOT_VALID))
        words = timing[0] if timing else "NOT DEFERRABLE"
        yield Step(f"ALTER TABLE {table} ALTER CONSTRAINT {name} {words}", what, "in place")
    elif definition.startswith(("CHECK", "FOREIGN KEY")):
        yield from _swap(what, table, name, definition)
    else:
        yield from _swap_key(pool, change, definition)
    yield from _comment_again(pool, change)


def _is_of_the_parent(pool: Pool, table: str, name: str) -> bool:
    index = f"{table.rpartition('.')[0]}.{name}"
    parent = Identity("constraint", name, pool.old.parent(table) or "")
    return parent in pool.old or any(
        identity.kind == "index partition" and identity.name == index for identity in pool.old.facts
    )


def _without_timing(definition: str) -> str:
    return re.sub(r" (?:NOT )?DEFERRABLE| INITIALLY \w+", "", definition)


def _comment_again(pool: Pool, change: Change) -> Iterator[Step]:
    """A successor starts without the comment of its predecessor."""
    identity = Identity("constraint comment", change.identity.name, change.identity.of)
    if identity in pool.new and identity not in pool.changes:
        yield Step(pool.new.facts[identity].sql, str(identity))


def renames(pool: Pool) -> Iterator[Step]:
    """Constraints that only changed their name."""
    for old, new in pool.take_renamed("constraint"):
        sql = f"ALTER TABLE {new.of} RENAME CONSTRAINT {old.name} TO {new.name}"
        yield Step(sql, str(new), f"another name for {old.name}")


def _add(pool: Pool, what: str, table: str, name: str, definition: str) -> Iterable[Step]:
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name}"
    other = tables.referred_to(definition)
    if pool.is_new(table) and (other is None or pool.is_new(other)):
        yield Step(f"{add} {definition}", what, name, alone=False)
    elif definition.startswith(("CHECK", "FOREIGN KEY")) and _NOT_ENFORCED not in definition:
        wanted_invalid = definition.endswith(_NOT_VALID)
        unchecked = definition if wanted_invalid else definition + _NOT_VALID
        if (
            definition.startswith("FOREIGN KEY")
            and pool.is_partitioned(table)
            and (pool.new.major < _PARTITIONED_NOT_VALID)
        ):
            yield Step(f"{add} {definition}", what, f"{name}: NOT VALID is for ordinary tables")
            return
        yield Step(f"{add} {unchecked}", what, f"{name}: new rows from now on")
        if not wanted_invalid:
            yield _validate(what, table, name)
    elif _takes_an_index(pool, table, definition):
        yield _build_index(what, table, name, definition)
        yield Step(f"{add} {_using_index(definition, name)}", what, f"{name} takes that index")
    elif definition.startswith(("CHECK", "FOREIGN KEY")):
        yield Step(f"{add} {definition}", what, f"{name}: said, never checked")
    else:
        yield Step(f"{add} {definition}", what, f"{name}: no way to build it online")


def _takes_an_index(pool: Pool, table: str, definition: str) -> bool:
    """Whether the index of a key can be built before: not for partitions, not for periods."""
    return (
        definition.startswith(("UNIQUE", "PRIMARY KEY"))
        and not pool.is_partitioned(table)
        and " WITHOUT OVERLAPS" not in definition
    )


def _validate(what: str, table: str, name: str) -> Step:
    sql = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
    return Step(sql, what, "all rows, while readers and writers go on")


def _swap(what: str, table: str, name: str, definition: str) -> Iterable[Step]:
    """The successor is enforced before the predecessor goes: no unguarded moment."""
    beside = _beside(name)
    valid = definition.removesuffix(_NOT_VALID)
    enforced = _NOT_ENFORCED not in definition
    add = f"ALTER TABLE {table} ADD CONSTRAINT {beside} {valid}{_NOT_VALID if enforced else ''}"
    yield Step(add, what, f"the successor of {name}: new rows from now on")
    if valid == definition and enforced:
        yield _validate(what, table, beside)
    yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {name}", what, "the predecessor")
    yield Step(f"ALTER TABLE {table} RENAME CONSTRAINT {beside} TO {name}", what, "its name")


def _swap_key(pool: Pool, change: Change, definition: str) -> Iterable[Step]:
    """A UNIQUE, PRIMARY KEY or EXCLUDE constraint; foreign keys that refer to it follow."""
    table, name, what = change.identity.of, change.identity.name, str(change.identity)
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {name}"
    if _takes_an_index(pool, table, definition):
        beside = _beside(name)
        yield _build_index(what, table, beside, definition)
        swap = f"{drop}, ADD CONSTRAINT {name} {_using_index(definition, beside)}"
        why = f"{name} takes that index"
    else:
        swap = f"{drop}, ADD CONSTRAINT {name} {definition}"
        why = f"{name}: no way to build it online"
    referring = [
        pool.new.facts[each]
        for each in pool.dependents.get(change.identity, ())
        if each.kind == "constraint" and each in pool.new and each not in pool.changes
    ]
    if not referring:
        yield Step(swap, what, why)
        return
    for fact in referring:
        sql = f"ALTER TABLE {fact.identity.of} DROP CONSTRAINT {fact.identity.name}"
        yield Step(sql, str(fact.identity), "it refers to this key", alone=False)
    yield Step(swap, what, why, alone=False)
    for fact in referring:
        sql = fact.sql.removesuffix(_NOT_VALID) + _NOT_VALID
        yield Step(sql, str(fact.identity), "new rows from now on", alone=False)
    for fact in referring:
        if not fact.definition.endswith(_NOT_VALID):
            yield _validate(str(fact.identity), fact.identity.of, fact.identity.name)


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
