"""Partitions: attached after their indexes are built, detached with their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable

from zero_downtime.catalog import Change, Identity
from zero_downtime.plan import constraints, indexes
from zero_downtime.plan.columns import generated_name
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Phase, Step
from zero_downtime.postgres.names import quoted


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """A table became or ceased to be a partition. Source: PostgreSQL docs, 5.12.2.2."""
    child, parent = change.identity.name, change.identity.of
    name = str(change.identity)
    if change.kind == "added":
        assert change.new is not None
        if not pool.is_new(parent) and not pool.is_new(child):
            yield from _indexes_for_attach(pool, child)
        alone = not pool.is_new(parent)
        yield Step(change.new.sql, name, f"attach the partition {child}", alone=alone)
    elif change.kind == "removed":
        if not pool.is_gone(child):
            yield from _detach(pool, change)
    elif change.old is not None and change.new is not None:
        why = "its rows are checked against the new bound"
        yield Step(f"ALTER TABLE {parent} DETACH PARTITION {child}", name, why, alone=False)
        yield Step(change.new.sql, name, alone=False)


def _indexes_for_attach(pool: Pool, child: str) -> Iterable[Step]:
    """Indexes that ATTACH would otherwise build while nobody can use the table."""
    for identity in list(pool.changes):
        if identity.kind != "index partition":
            continue
        change = pool.take("index", identity.name, of=child)
        if change is not None:
            yield from indexes.change(pool, change)
        constraint = identity.name.rpartition(".")[2]
        if Identity("constraint", constraint, child) in pool.changes:
            change = pool.changes.pop(Identity("constraint", constraint, child))
            yield from constraints.change(pool, change)


def _detach(pool: Pool, change: Change) -> Iterable[Step]:
    child, parent = change.identity.name, change.identity.of
    name, why = str(change.identity), f"detach the partition {child}"
    sql = f"ALTER TABLE {parent} DETACH PARTITION {child}"
    key = re.search(r"PARTITION BY (?:RANGE|LIST) \(([^()]+)\)", _definition(pool, parent))
    has_default = any(
        identity.kind == "partition" and identity.of == parent and fact.sql.endswith(" DEFAULT")
        for identity, fact in pool.old.facts.items()
    )
    if key is None or "," in key[1] or has_default:
        yield Step(sql, name, f"{why}: a moment's lock", Phase.CONTRACT)
        yield from _inherited(pool, child)
        return
    # DETACH CONCURRENTLY leaves the bound behind as a CHECK (PostgreSQL docs, ALTER TABLE).
    bare, column = (part.rpartition(".")[2].strip('"') for part in (child, key[1]))
    check = quoted(generated_name(bare, column, "check"))
    yield Step(f"{sql} CONCURRENTLY", name, why, Phase.CONTRACT)
    if Identity("constraint", check, child) not in pool.new:
        sql = f"ALTER TABLE {child} DROP CONSTRAINT {check}"
        yield Step(sql, name, "what the detachment left behind", Phase.CONTRACT)
    yield from _inherited(pool, child)


def _inherited(pool: Pool, child: str) -> Iterable[Step]:
    """Indexes and constraints that the table had as a partition and is not to have any more."""
    for change in pool.take_all(child, "index", "constraint"):
        what = str(change.identity)
        if change.new is not None:
            pool.changes[change.identity] = change
        elif change.identity.kind == "index":
            yield Step(f"DROP INDEX CONCURRENTLY {change.identity.name}", what, "", Phase.CONTRACT)
        else:
            sql = f"ALTER TABLE {child} DROP CONSTRAINT {change.identity.name}"
            yield Step(sql, what, "", Phase.CONTRACT)


def _definition(pool: Pool, table: str) -> str:
    fact = pool.old.get("table", table)
    return fact.definition if fact else ""
