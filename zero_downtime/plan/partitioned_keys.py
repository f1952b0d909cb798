"""UNIQUE and PRIMARY KEY of partitioned tables: indexes are built leaf by leaf, then attached."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.catalog import Catalog, Change, Fact, Identity
from zero_downtime.plan import keys
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Step


def index_of(constraint: Identity) -> str:
    """The index of a key: it is called like its constraint."""
    schema = constraint.of.rpartition(".")[0]
    return f"{schema}.{constraint.name}" if schema else constraint.name


def is_attached(catalog: Catalog, constraint: Identity) -> bool:
    """Whether a key of a partition is part of its parent's, with which it comes and goes."""
    index = index_of(constraint)
    return any(i.kind == "index partition" and i.name == index for i in catalog.facts)


def swap(pool: Pool, change: Change) -> Iterator[Step]:
    """Another definition of a key: all is built beside, then exchanged in one transaction."""
    assert change.new is not None
    what, table = str(change.identity), change.identity.of
    old, new = (list(_below(catalog, change.identity)) for catalog in (pool.old, pool.new))
    if any(pool.is_new(fact.identity.of) for fact, _ in new):
        pool.refuse(change, "a key is replaced while a partition is added: do one first")
        return
    for fact, parent in (*old, *new):
        pool.changes.pop(fact.identity, None)
        pool.take("index partition", index_of(fact.identity), of=parent)
    built = {}
    for fact, _ in new:
        if not pool.is_partitioned(fact.identity.of):
            name = fact.identity.name
            there = fact.identity in pool.old
            built[fact.identity] = keys.beside(name) if there else name
            yield keys.build(what, fact.identity.of, built[fact.identity], fact.definition)
    referring = keys.referring(pool, change.identity)
    yield from keys.cut(referring)
    yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {change.identity.name}", what, alone=False)
    add = f"ADD CONSTRAINT {change.identity.name} {change.new.definition}"
    yield Step(f"ALTER TABLE ONLY {table} {add}", what, "a shell for those below", alone=False)
    for fact, parent in new:
        only, words = ("ONLY ", fact.definition)
        if fact.identity in built:
            only, words = "", keys.using_index(fact.definition, built[fact.identity])
        sql = f"ALTER TABLE {only}{fact.identity.of} ADD CONSTRAINT {fact.identity.name} {words}"
        yield Step(sql, what, alone=False)
        sql = f"ALTER INDEX {parent} ATTACH PARTITION {index_of(fact.identity)}"
        yield Step(sql, what, alone=False)
    yield from keys.joined(referring)


def _below(catalog: Catalog, constraint: Identity) -> Iterator[tuple[Fact, str]]:
    """The keys of the partitions, each with the index that its own is attached to."""
    index = index_of(constraint)
    for identity in catalog.facts:
        if identity.kind != "index partition" or identity.of != index:
            continue
        for other, fact in catalog.facts.items():
            if other.kind == "constraint" and index_of(other) == identity.name:
                yield fact, index
                yield from _below(catalog, other)
