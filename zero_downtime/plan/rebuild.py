"""Things that go while what they stand on is altered, and come back in the same transaction.

A view over a column whose type changes, a policy with another expression, a function with another
return type and what uses it: nobody ever sees the schema without them. They come back with their
comments, privileges, indexes and triggers, which DROP takes along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan import columns, enums, objects
from zero_downtime.plan.objects import DROPPED_BY_NAME, create_steps, drop_sql
from zero_downtime.plan.options import without_options
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Step
from zero_downtime.plan.types import is_composite

Handler = Callable[[Pool, Change], Iterable[Step]]

# Altered only by making it anew.
_ANEW = {
    "access method", "cast", "collation", "conversion", "event trigger", "materialized view",
    "operator", "operator class", "operator family", "policy", "publication", "publication schema",
    "publication table", "statistics", "text search dictionary", "text search parser",
    "text search template", "transform",
}  # fmt: skip
# What PostgreSQL does not carry through ALTER COLUMN … TYPE by itself.
_BLOCKS_TYPE_CHANGE = {
    "view", "materialized view", "rule", "policy", "trigger", "generated", "function", "procedure",
    "publication table",
}  # fmt: skip
# What comes after all tables and views in a dump.
_POST_DATA = {
    "index", "policy", "trigger", "rule", "statistics", "publication", "publication table",
    "publication schema", "event trigger",
}  # fmt: skip
_PULLED_IN = {"view", "materialized view", "function", "procedure", "aggregate", "generated"}
_HOLD_ROWS = {"table", "type", "domain", "sequence"}


@dataclass
class Cluster:
    """What is dropped and made again in one transaction, around the changes that ask for it."""

    dropped: set[Identity] = field(default_factory=set)
    causes: dict[Identity, Change] = field(default_factory=dict)  # done in between
    pulled: list[Change] = field(default_factory=list)  # what can only be made after them
    blocked_by: Identity | None = None  # something that holds rows and can't be dropped

    def touches(self, other: Cluster) -> bool:
        """Whether the two must be one."""
        return bool((self.dropped | self.causes.keys()) & (other.dropped | other.causes.keys()))

    def rank(self, pool: Pool) -> tuple[int, float, int]:
        """Where the cluster stands among the forward steps: after all tables and views."""
        members = [pool.new.facts[each] for each in self.dropped if each in pool.new]
        if not self.causes and all(fact.identity.kind in _POST_DATA for fact in members):
            return (0, max((fact.position for fact in members), default=0), 0)
        return (0, end_of_relations(pool) + 0.5, 0)


def clusters(pool: Pool, asked: Iterable[Identity] = ()) -> list[Cluster]:
    """The clusters that the changes need; ``asked`` are those that the server refused to replace.

    The changes that they cover are taken out of the pool.
    """
    found: list[Cluster] = []
    for seed in [*_seeds(pool), *(_closure(pool, each) for each in asked if each in pool.old)]:
        for other in [each for each in found if each.touches(seed)]:
            found.remove(other)
            seed.dropped |= other.dropped
            seed.causes |= other.causes
            seed.blocked_by = seed.blocked_by or other.blocked_by
        found.append(seed)
    for cluster in found:
        for identity in cluster.causes:
            pool.changes.pop(identity, None)
        for identity in cluster.dropped:
            pool.changes.pop(identity, None)
            for catalog in (pool.old, pool.new):
                for fact in belongings(catalog, identity):
                    pool.changes.pop(fact.identity, None)
    for cluster in found:
        below = {*cluster.dropped, *cluster.causes}
        while (pulled := _pulled(pool, below)) is not None:
            cluster.pulled.append(pool.changes.pop(pulled.identity))
            below.add(pulled.identity)
    return found


def steps(pool: Pool, cluster: Cluster, handlers: dict[str, Handler]) -> Iterator[Step]:
    """The steps of a cluster."""
    if cluster.blocked_by is not None:
        for change in cluster.causes.values() or (
            Change(each, pool.old.facts.get(each), pool.new.facts.get(each))
            for each in sorted(cluster.dropped)
        ):
            pool.refuse(change, f"{cluster.blocked_by} stands on it and can't be made anew")
        return
    down = sorted(cluster.dropped, key=lambda each: _order(pool, each), reverse=True)
    for identity in down:
        yield from _drop(pool, cluster, identity)
    for cause in sorted(cluster.causes.values(), key=lambda c: c.new.position if c.new else 0):
        if cause.identity.kind == "type":
            yield from _together(enums.swap(pool, cause))
        else:
            yield from _together(columns.alter_type(pool, cause))
    unvalidated: list[Fact] = []
    for fact, pulled in _made(pool, cluster):
        if pulled is not None:
            handler = handlers.get(pulled.identity.kind, objects.change)
            yield from _together(handler(pool, pulled))
            continue
        for step in _create(pool, fact):
            if step.sql.endswith(" NOT VALID") and not fact.definition.endswith(" NOT VALID"):
                unvalidated.append(fact)
            yield step
    for fact in unvalidated:
        sql = f"ALTER TABLE {fact.identity.of} VALIDATE CONSTRAINT {fact.identity.name}"
        yield Step(sql, str(fact.identity), "all rows, while readers and writers go on")


def _seeds(pool: Pool) -> Iterator[Cluster]:
    for identity, change in pool.changes.items():
        if change.old is None or change.new is None:
            if identity.kind == "generated" and columns.made_anew(pool, change):
                column = Identity("column", identity.name, identity.of)
                if column in pool.old and column in pool.new:
                    yield _closure(pool, column)
            continue
        if identity.kind == "column" and not _generated_anew(pool, identity):
            cluster = _closure(pool, identity, _BLOCKS_TYPE_CHANGE)
            cluster.dropped.discard(identity)
            if cluster.dropped:
                cluster.causes[identity] = change
                yield cluster
        elif identity.kind == "generated" and columns.made_anew(pool, change):
            yield _closure(pool, Identity("column", identity.name, identity.of))
        elif identity.kind == "type" and enums.needs_swap(change):
            yield _swapped_enum(pool, change)
        elif _is_made_anew(change):
            yield _closure(pool, identity)


def _generated_anew(pool: Pool, column: Identity) -> bool:
    change = pool.changes.get(Identity("generated", column.name, column.of))
    return change is not None and columns.made_anew(pool, change)


def _is_made_anew(change: Change) -> bool:
    assert change.old is not None and change.new is not None
    kind, old, new = change.identity.kind, change.old.sql, change.new.sql
    if kind in ("server", "foreign data wrapper", "user mapping"):
        return without_options(old) != without_options(new)
    if kind == "trigger":  # CREATE OR REPLACE does not know constraint triggers
        return any(sql.startswith("CREATE CONSTRAINT TRIGGER") for sql in (old, new))
    if kind == "type":
        return not (" AS ENUM " in new and " AS ENUM " in old) and not (
            is_composite(old) and is_composite(new)
        )
    return kind in _ANEW


def _closure(pool: Pool, seed: Identity, kinds: Iterable[str] = ()) -> Cluster:
    """A thing and all that must go before it can; at the first level only these kinds."""
    cluster = Cluster({seed})
    waiting = [(seed, each) for each in pool.dependents.get(seed, ())]
    if kinds:
        waiting = [pair for pair in waiting if pair[1].kind in kinds]
    while waiting:
        _, identity = waiting.pop()
        if identity.kind in ("generated", "column"):
            column = Identity("column", identity.name, identity.of)
            if identity.kind == "column" and column != seed:
                cluster.blocked_by = column
            identity = column
        if identity in cluster.dropped or identity not in pool.old:
            continue
        if any(identity.of == other.name for other in cluster.dropped if not other.of):
            continue  # it goes with its view
        if identity.kind in _HOLD_ROWS:
            cluster.blocked_by = identity
            continue
        if identity.kind == "index" and seed.kind not in ("column", "materialized view"):
            cluster.blocked_by = identity
            continue
        cluster.dropped.add(identity)
        waiting += [(identity, each) for each in pool.dependents.get(identity, ())]
    return cluster


def _swapped_enum(pool: Pool, change: Change) -> Cluster:
    """An enum type under the same name; its columns are rewritten."""
    cluster = Cluster(set(), {change.identity: change})
    for identity in pool.dependents.get(change.identity, ()):
        if identity.kind == "column":
            inner = _closure(pool, identity, _BLOCKS_TYPE_CHANGE)
            inner.dropped.discard(identity)
        elif identity.kind in _HOLD_ROWS:
            inner = Cluster(blocked_by=identity)
        elif identity.kind == "default":
            continue  # the swap takes it off the column and puts it on again
        else:
            inner = _closure(pool, identity)
            # The table is rewritten anyway, and its indexes with it.
            if inner.blocked_by and inner.blocked_by.kind == "index":
                inner.dropped.add(inner.blocked_by)
                inner.blocked_by = None
        cluster.dropped |= inner.dropped
        cluster.blocked_by = cluster.blocked_by or inner.blocked_by
    return cluster


def _made(pool: Pool, cluster: Cluster) -> list[tuple[Fact, Change | None]]:
    """What is made again, and what is new or altered and can only be made now, in order."""
    made: list[tuple[Fact, Change | None]] = [
        (pool.new.facts[each], None) for each in cluster.dropped if each in pool.new
    ]
    made += [(change.new, change) for change in cluster.pulled if change.new is not None]
    return sorted(made, key=lambda pair: _order_new(pair[0]))


def _pulled(pool: Pool, below: set[Identity]) -> Change | None:
    """A change that makes something on top of what this cluster makes or alters."""
    for identity, others in pool.new.depends.items():
        if identity.kind not in _PULLED_IN or not others & below:
            continue
        if identity.kind == "generated":
            identity = Identity("column", identity.name, identity.of)
        change = pool.changes.get(identity)
        if change is not None and change.new is not None:
            return change
    return None


def _drop(pool: Pool, cluster: Cluster, identity: Identity) -> Iterator[Step]:
    what, why = str(identity), f"{identity} is made anew"
    if identity.of and pool.is_gone(identity.of) and identity.kind not in ("publication table",):
        return
    if identity.kind == "column":
        sql = f"ALTER TABLE {identity.of} DROP COLUMN {identity.name}"
        columns.note_values_lost(pool, identity)
    elif identity.kind == "constraint":
        sql = f"ALTER TABLE {identity.of} DROP CONSTRAINT {identity.name}"
    elif identity.kind == "domain constraint":
        sql = f"ALTER DOMAIN {identity.of} DROP CONSTRAINT {identity.name}"
    elif identity.kind == "default":
        sql = f"ALTER TABLE {identity.of} ALTER COLUMN {identity.name} DROP DEFAULT"
    elif identity.kind == "index":
        sql = f"DROP INDEX {identity.name}"
    elif identity.kind in ("publication table", "publication schema"):
        member = "TABLE" if identity.kind == "publication table" else "TABLES IN SCHEMA"
        sql = f"ALTER PUBLICATION {identity.of} DROP {member} {identity.name}"
        if Identity("publication", identity.of) in cluster.dropped:
            return
    elif identity.kind in DROPPED_BY_NAME:
        sql = drop_sql(identity)
    else:
        cluster.blocked_by = identity
        return
    yield Step(sql, what, why, alone=False)


def _create(pool: Pool, fact: Fact) -> Iterator[Step]:
    identity = fact.identity
    if identity.kind == "column":
        yield from _together(columns.add(pool, identity, facts_from_new=True))
    elif identity.kind == "constraint" and fact.definition.startswith(("CHECK", "FOREIGN KEY")):
        loose = fact.definition.endswith(" NOT VALID") or " NOT ENFORCED" in fact.definition
        sql = fact.sql if loose else f"{fact.sql} NOT VALID"
        yield Step(sql, str(identity), alone=False)
    else:
        yield from create_steps(fact)
    for inside in belongings(pool.new, identity):
        if identity.kind == "column" and inside.identity.kind in columns.SAID_WITH_THE_COLUMN:
            continue
        if inside.identity.kind == "default" and identity.kind == "column":
            continue
        yield from create_steps(inside)


def _together(made: Iterable[Step]) -> Iterator[Step]:
    return (replace(step, alone=False) for step in made)


def _order(pool: Pool, identity: Identity) -> tuple[int, int]:
    """Against this order things are dropped: what belongs to tables goes last."""
    fact = pool.old.facts[identity]
    return (identity.kind not in ("column",), fact.position)


def _order_new(fact: Fact) -> tuple[int, int]:
    return (fact.identity.kind not in ("column",), fact.position)


def end_of_relations(pool: Pool) -> int:
    """The place in the new dump behind which no table, view or function is made."""
    kinds = {"table", "view", "materialized view", "sequence", "function", "procedure", "type"}
    return max((f.position for i, f in pool.new.facts.items() if i.kind in kinds), default=0)
