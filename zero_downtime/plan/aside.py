"""Names that something new wants while what has them is still there: that is renamed first."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.catalog import Catalog, Change, Fact, Identity
from zero_downtime.plan import counters
from zero_downtime.plan.columns import not_null_name
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Step
from zero_downtime.postgres.names import bare, beside

_KEYS = ("PRIMARY KEY", "UNIQUE", "EXCLUDE")


def of_tables(pool: Pool) -> Iterator[Step]:
    """What goes makes way: indexes and keys that are wanted for other tables.

    A table that is dropped and made under another name has its indexes called as before.
    """
    yield from _renames(pool, "index", "constraint")


def of_columns(pool: Pool) -> Iterator[Step]:
    """Counters and NOT NULL of columns that go make way for those of others."""
    yield from _renames(pool, "identity")
    yield from _not_nulls(pool)


def _renames(pool: Pool, *kinds: str) -> Iterator[Step]:
    wanted, taken = (dict(_named(pool, kind, kinds)) for kind in ("added", "removed"))
    for name in sorted(wanted.keys() & taken.keys()):
        goes = taken[name]
        if wanted[name].identity.of != goes.identity.of or goes.identity.kind == "identity":
            yield _step(pool, name, goes)


def attachments(pool: Pool) -> None:
    """An index of a new partition may be called as that of one that goes: it is attached anew."""
    tables = [dict(_indexes(catalog)) for catalog in (pool.old, pool.new)]
    for identity, fact in pool.new.facts.items():
        if identity.kind == "index partition" and identity in pool.old:
            before, after = (each.get(identity.name) for each in tables)
            if before != after and before is not None and pool.is_gone(before):
                pool.changes[identity] = Change(identity, None, fact)


def _indexes(catalog: Catalog) -> Iterator[tuple[str, str]]:
    for identity, fact in catalog.facts.items():
        name = _relation_name(identity, fact)
        if name is not None:
            yield name, identity.of


def _named(pool: Pool, kind: str, kinds: tuple[str, ...]) -> Iterator[tuple[str, Fact]]:
    for change in pool.changes.values():
        fact = change.old if kind == "removed" else change.new
        if change.kind == kind and change.identity.kind in kinds and fact is not None:
            name = _relation_name(change.identity, fact)
            if name is not None:
                yield name, fact


def _relation_name(identity: Identity, fact: Fact) -> str | None:
    """The name of the index or sequence that comes with a fact."""
    if identity.kind == "index":
        return identity.name
    if identity.kind == "identity":
        return counters.sequence_of(fact)
    if identity.kind == "constraint" and fact.definition.startswith(_KEYS):
        schema = identity.of.rpartition(".")[0]
        return f"{schema}.{identity.name}" if schema else identity.name
    return None


def _step(pool: Pool, name: str, goes: Fact) -> Step:
    identity, why = goes.identity, "its name is wanted by another"
    aside = beside(name, "old")
    if identity.kind == "constraint":
        pool.aside[identity] = bare(aside)
        sql = f"ALTER TABLE {identity.of} RENAME CONSTRAINT {identity.name} TO {bare(aside)}"
        return Step(sql, str(identity), why)
    pool.aside[identity] = aside
    what = "INDEX" if identity.kind == "index" else "SEQUENCE"
    return Step(f"ALTER {what} {name} RENAME TO {bare(aside)}", str(identity), why)


def _not_nulls(pool: Pool) -> Iterator[Step]:
    named: list[dict[tuple[str, str], Identity]] = [{}, {}]
    for identity, change in pool.changes.items():
        fact = change.new or change.old
        if identity.kind == "not null" and change.kind != "altered" and fact is not None:
            name = not_null_name(fact, identity)
            named[change.kind == "added"][identity.of, name] = identity
    for table, name in sorted(named[0].keys() & named[1].keys()):
        if pool.new.major >= _NAMED_NOT_NULL:
            what = str(named[0][table, name])
            sql = f"ALTER TABLE {table} RENAME CONSTRAINT {name} TO {beside(name, 'old')}"
            yield Step(sql, what, "its name is wanted by another")


_NAMED_NOT_NULL = 18  # NOT NULL constraints have names from here on
