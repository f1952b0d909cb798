"""Partitions: attached after their indexes are built, detached with their rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from zero_downtime.catalog import Change, Identity
from zero_downtime.plan import constraints, indexes
from zero_downtime.plan.columns import alter_not_null, generated_name
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
        if pool.is_new(child):
            yield from _own_indexes(pool, child)
        alone = not pool.is_new(parent)
        proofs = _proofs(pool, child, parent)
        yield from (step for proof in proofs for step in proof.made(name))
        if not pool.is_new(parent) and not pool.is_foreign(child):
            yield from _foreign_keys_for_attach(pool, child, parent)
        yield Step(change.new.sql, name, f"attach the partition {child}", alone=alone)
        yield from (proof.dropped(name) for proof in proofs)
    elif change.kind == "removed":
        if not pool.is_gone(child):
            yield from _detach(pool, change)
    elif change.old is not None and change.new is not None:
        proofs = _proofs(pool, child, parent)
        yield from (step for proof in proofs for step in proof.made(name))
        why = "another bound"
        yield Step(f"ALTER TABLE {parent} DETACH PARTITION {child}", name, why, alone=False)
        yield Step(change.new.sql, name, alone=False)
        yield from (proof.dropped(name) for proof in proofs)


@dataclass(frozen=True)
class _Proof:
    """A CHECK by which ATTACH knows without reading the rows that they are where they belong."""

    table: str
    check: str
    condition: str

    def made(self, what: str) -> Iterable[Step]:
        """Added and validated while readers and writers go on."""
        alter = f"ALTER TABLE {self.table}"
        sql = f"{alter} ADD CONSTRAINT {self.check} CHECK ({self.condition}) NOT VALID"
        yield Step(sql, what, "a proof of the bound, which spares ATTACH to read the rows")
        yield Step(f"{alter} VALIDATE CONSTRAINT {self.check}", what, "while all go on")

    def dropped(self, what: str) -> Step:
        """The bound itself says it from then on."""
        sql = f"ALTER TABLE {self.table} DROP CONSTRAINT {self.check}"
        return Step(sql, what, "the proof is not needed")


def _proofs(pool: Pool, child: str, parent: str) -> list[_Proof]:
    """For the table itself, and for the default partition, which may hold none of its rows."""
    condition = pool.new.bounds.get(child, "")
    if not condition or "satisfies_hash_partition" in condition:
        return []  # it names the parent by its number, which is another one elsewhere
    proofs = []
    if not pool.is_new(child) and not pool.is_foreign(child):
        proofs.append(_Proof(child, _check_name(child, "bound"), condition))
    default = _default_partition(pool, parent)
    top = pool.new.parent(parent) is None
    if default and default != child and top and not pool.is_foreign(default):
        check = _check_name(default, f"not_{_bare(child)}")
        proofs.append(_Proof(default, check, f"NOT ({condition})"))
    return proofs


def _default_partition(pool: Pool, parent: str) -> str | None:
    """The default partition that is there before and after."""
    for identity, fact in pool.old.facts.items():
        if identity.kind == "partition" and identity.of == parent and fact.sql.endswith(" DEFAULT"):
            return identity.name if identity in pool.new else None
    return None


def _check_name(table: str, label: str) -> str:
    return quoted(generated_name(_bare(table), "", label).replace("__", "_")[:63])


def _bare(table: str) -> str:
    return table.rpartition(".")[2].strip('"')


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


def _own_indexes(pool: Pool, child: str) -> Iterable[Step]:
    """Indexes of a new table, which ATTACH would otherwise make under other names."""
    for change in pool.take_all(child, "index"):
        yield from indexes.change(pool, change)


def _with_parents(pool: Pool, table: str | None) -> Iterator[str]:
    while table is not None:
        yield table
        table = pool.new.parent(table)


_NOT_VALID_IN_TREES = 18  # NOT VALID foreign keys of partitioned tables exist from here on


def _foreign_keys_for_attach(pool: Pool, child: str, parent: str) -> Iterable[Step]:
    """Foreign keys that ATTACH would otherwise check row by row while nobody can write."""
    if pool.is_new(child) and pool.is_partitioned(child) and pool.new.major < _NOT_VALID_IN_TREES:
        return  # it is empty: to check it costs nothing
    own = {fact.definition for fact in pool.old.of(child) if fact.identity.kind == "constraint"}
    for fact in (fact for above in _with_parents(pool, parent) for fact in pool.new.of(above)):
        identity = fact.identity
        if identity.kind != "constraint" or not fact.definition.startswith("FOREIGN KEY"):
            continue
        if fact.definition not in own and identity in pool.old:
            yield from constraints.add_unvalidated(
                str(identity), child, identity.name, fact.definition
            )


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
    said = pool.old.bounds.get(child, key[1])
    columns = [
        c for c in pool.old.columns(child) if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", said)
    ]
    check = quoted(generated_name(_bare(child), "_".join(columns[:1]), "check"))
    if len(columns) > 1:  # those of the levels above are in it
        check = quoted(f"{_bare(child)}_check")
    yield Step(f"{sql} CONCURRENTLY", name, why, Phase.CONTRACT)
    if Identity("constraint", check, child) not in pool.new:
        # It does not leave one behind where another CHECK says as much.
        sql = f"ALTER TABLE {child} DROP CONSTRAINT IF EXISTS {check}"
        yield Step(sql, name, "what the detachment left behind", Phase.CONTRACT)
    yield from _inherited(pool, child)


def _inherited(pool: Pool, child: str) -> Iterable[Step]:
    """Indexes and constraints that the table had as a partition and is not to have any more."""
    for fact in pool.old.of(pool.old.parent(child) or ""):
        identity = Identity("constraint", fact.identity.name, child)
        if fact.definition.startswith("FOREIGN KEY") and identity not in pool.new:
            sql = f"ALTER TABLE {child} DROP CONSTRAINT IF EXISTS {identity.name}"
            yield Step(sql, str(identity), "it had this one as a partition", Phase.CONTRACT)
    for change in pool.take_all(child, "index", "constraint", "not null"):
        what = str(change.identity)
        if change.identity.kind == "not null":
            if change.kind == "altered":
                yield from alter_not_null(change)
            else:
                pool.changes[change.identity] = change
        elif change.new is not None:
            pool.changes[change.identity] = change
        elif change.identity.kind == "index":
            yield Step(f"DROP INDEX CONCURRENTLY {change.identity.name}", what, "", Phase.CONTRACT)
        else:
            sql = f"ALTER TABLE {child} DROP CONSTRAINT {change.identity.name}"
            yield Step(sql, what, "", Phase.CONTRACT)


def _definition(pool: Pool, table: str) -> str:
    fact = pool.old.get("table", table)
    return fact.definition if fact else ""
