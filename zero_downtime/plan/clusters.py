"""Clusters: what has to go while what it stands on is altered, and comes back with it.

A view over a column whose type changes, a policy with another expression, a function with another
return type and what uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from zero_downtime.catalog import Change, Identity
from zero_downtime.plan import columns, enums, objects, swaps, types
from zero_downtime.plan.options import without_options
from zero_downtime.plan.pool import Pool, belongings

# Altered only by making it anew.
_ANEW = {
    "access method", "cast", "conversion", "event trigger", "materialized view",
    "operator", "operator class", "operator family", "policy", "publication", "publication schema",
    "publication table", "statistics", "text search parser",
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
    held: list[Change] = field(default_factory=list)  # what belongs to those
    late: set[Identity] = field(default_factory=set)  # indexes, built again afterwards
    blocked_by: Identity | None = None  # something that holds rows and can't be dropped
    breaks: bool = False  # clients notice: something goes, or has other columns

    def touches(self, other: Cluster) -> bool:
        """Whether the two must be one."""
        return bool((self.dropped | self.causes.keys()) & (other.dropped | other.causes.keys()))

    def is_below(self, pool: Pool, change: Change) -> bool:
        """Whether something new can only be made once all this has happened."""
        members = self.dropped | self.causes.keys()
        return change.new is not None and bool(
            pool.new.depends.get(change.identity, frozenset()) & members
        )

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
    asked_for = (_asked(pool, each) for each in asked if each in pool.old)
    found = _merged([*_seeds(pool), *asked_for])
    for cluster in found:
        cluster.dropped |= _going_checks(pool, cluster)
    for cluster in found:
        _take_out(pool, cluster)
    for cluster in found:
        _pull_in(pool, cluster)
    return found


def _merged(seeds: Iterable[Cluster]) -> list[Cluster]:
    found: list[Cluster] = []
    for seed in seeds:
        for other in [each for each in found if each.touches(seed)]:
            found.remove(other)
            seed.dropped |= other.dropped
            seed.causes |= other.causes
            seed.late |= other.late
            seed.breaks |= other.breaks
            seed.pulled += other.pulled
            seed.blocked_by = seed.blocked_by or other.blocked_by
        found.append(seed)
    return found


def _take_out(pool: Pool, cluster: Cluster) -> None:
    """Take the changes that a cluster makes out of the pool, with what belongs to them."""
    for change in cluster.pulled:
        pool.changes.pop(change.identity, None)
    for identity in cluster.causes:
        pool.changes.pop(identity, None)
        if identity.kind == "domain":  # the new one is made with them
            pool.take("domain default", identity.name)
            pool.take("domain not null", identity.name)
    for identity in (*cluster.dropped, *(i for i in cluster.causes if i.kind in swaps.KINDS)):
        pool.changes.pop(identity, None)
        for catalog in (pool.old, pool.new):
            for fact in belongings(catalog, identity):
                pool.changes.pop(fact.identity, None)


def _pull_in(pool: Pool, cluster: Cluster) -> None:
    """Add what can only be made on top of a cluster, and what belongs to that."""
    for column in [each for each in cluster.causes if each.kind == "column"]:
        default = pool.changes.pop(Identity("default", column.name, column.of), None)
        if default is not None:  # it may fit the one type and not the other
            cluster.held.append(default)
    below = {*cluster.dropped, *cluster.causes, *(each.identity for each in cluster.pulled)}
    while (pulled := _pulled(pool, below)) is not None:
        cluster.pulled.append(pool.changes.pop(pulled.identity))
        below.add(pulled.identity)
    for pulled in cluster.pulled:
        for fact in belongings(pool.new, pulled.identity):
            if fact.identity in pool.changes:
                cluster.held.append(pool.changes.pop(fact.identity))


def _going_checks(pool: Pool, cluster: Cluster) -> set[Identity]:
    """CHECKs that go with the type of a column: they need not fit the new one."""
    columns_ = [each for each in cluster.causes if each.kind == "column"]
    on_them = (each for column in columns_ for each in pool.dependents.get(column, ()))
    return {
        each
        for each in on_them
        if each.kind == "constraint"
        and (change := pool.changes.get(each)) is not None
        and change.new is None
        and change.old is not None
        and change.old.definition.startswith("CHECK")
    }


def _asked(pool: Pool, identity: Identity) -> Cluster:
    """What the server refused to alter in place."""
    if identity.kind not in swaps.KINDS:
        cluster = _closure(pool, identity)
        cluster.breaks = identity.kind == "view" or any(
            each.kind == "view" and each in pool.changes for each in cluster.dropped
        )
        return cluster
    old, new = pool.old.facts.get(identity), pool.new.facts.get(identity)
    return _swapped(pool, pool.changes.get(identity) or Change(identity, old, new))


def _seeds(pool: Pool) -> Iterator[Cluster]:
    for identity, change in pool.changes.items():
        if change.new is None and identity.kind in _REPLACED_BY_OTHERS:
            yield from _replaced(pool, identity)
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
        elif identity.kind == "constraint" and change.new.definition.startswith("PRIMARY KEY"):
            cluster = _closure(pool, identity, ("view", "materialized view", "function", "rule"))
            cluster.dropped.discard(identity)
            if cluster.dropped:  # grouped by the key, and selecting more
                cluster.causes[identity] = change
                yield cluster
        elif identity.kind == "generated" and columns.made_anew(pool, change):
            yield _closure(pool, Identity("column", identity.name, identity.of))
        elif _is_swapped(change):
            yield _swapped(pool, change)
        elif _is_made_anew(change):
            yield _closure(pool, identity)


def _replaced(pool: Pool, identity: Identity) -> Iterator[Cluster]:
    """Something that goes while what stands on it stays, or while another kind takes its name."""
    successors = [
        other
        for each, other in pool.changes.items()
        if other.old is None and each.name == identity.name and each.kind != identity.kind
        and each.kind in _NAMED_ALIKE and not each.of
    ]  # fmt: skip
    stay = [
        each
        for each in pool.dependents.get(identity, ())
        if each in pool.new and each not in pool.changes
    ]
    if successors or (stay and identity.kind != "table"):
        cluster = _closure(pool, identity)
        cluster.pulled += successors
        cluster.breaks = bool(successors)
        yield cluster


_NAMED_ALIKE = {"table", "view", "materialized view", "function", "procedure", "aggregate"}
_REPLACED_BY_OTHERS = {
    "aggregate", "cast", "function", "materialized view", "operator", "operator class",
    "procedure", "table", "view",
}  # fmt: skip


def _is_swapped(change: Change) -> bool:
    """Whether it takes a new type, domain or collation, to which columns are converted."""
    assert change.old is not None and change.new is not None
    if change.identity.kind != "type":
        return change.identity.kind in swaps.KINDS
    in_place = " AS ENUM " in change.old.sql or types.is_composite(change.old.sql)
    alike = " AS ENUM " in change.new.sql or types.is_composite(change.new.sql)
    return enums.needs_swap(change) or types.needs_swap(change) or not (in_place and alike)


def _generated_anew(pool: Pool, column: Identity) -> bool:
    change = pool.changes.get(Identity("generated", column.name, column.of))
    return change is not None and columns.made_anew(pool, change)


def _is_made_anew(change: Change) -> bool:
    assert change.old is not None and change.new is not None
    kind, old, new = change.identity.kind, change.old.sql, change.new.sql
    if kind == "server":  # its version can be altered
        return _UNVERSIONED.sub("", without_options(old)) != _UNVERSIONED.sub(
            "", without_options(new)
        )
    if kind in ("foreign data wrapper", "user mapping"):
        return without_options(old) != without_options(new)
    if kind == "materialized view":
        return not objects.only_options_differ(old, new)
    if kind == "text search configuration":
        return old != new
    if kind == "text search dictionary":
        return objects.template(old) != objects.template(new)
    if kind == "table":
        foreign = [fact.definition.startswith("FOREIGN TABLE") for fact in (change.old, change.new)]
        if foreign == [True, False]:
            return True
        return all(foreign) and without_options(change.old.definition) != without_options(
            change.new.definition
        )
    if kind == "trigger":  # CREATE OR REPLACE does not know constraint triggers
        return any(sql.startswith("CREATE CONSTRAINT TRIGGER") for sql in (old, new))
    return kind in _ANEW


_UNVERSIONED = re.compile(r" VERSION '(?:[^']|'')*'")


def _closure(pool: Pool, seed: Identity, kinds: Iterable[str] = ()) -> Cluster:
    """A thing and all that must go before it can; at the first level only these kinds."""
    cluster = Cluster({seed})
    waiting = [(seed, each) for each in _on(pool, seed)]
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
        if identity.kind in _HOLD_ROWS and not _is_foreign_table(pool, identity):
            cluster.blocked_by = identity
            continue
        if identity.kind == "index" and seed.kind not in ("column", "materialized view"):
            cluster.late.add(identity)
        cluster.dropped.add(identity)
        waiting += [(identity, each) for each in _on(pool, identity)]
    return cluster


def _on(pool: Pool, identity: Identity) -> list[Identity]:
    """What stands on a thing; on the columns of a table too."""
    found = list(pool.dependents.get(identity, ()))
    if identity.kind == "table":
        for column in pool.old.columns(identity.name):
            found += pool.dependents.get(Identity("column", column, identity.name), ())
    return [each for each in found if not (each.of == identity.name and each.kind == "column")]


def _is_foreign_table(pool: Pool, identity: Identity) -> bool:
    return identity.kind == "table" and pool.is_foreign(identity.name)


def _swapped(pool: Pool, change: Change) -> Cluster:
    """A type, domain or collation under the same name, with the types that are made of it."""
    cluster = Cluster(set(), {change.identity: change})
    waiting = [(change.identity, each) for each in pool.dependents.get(change.identity, ())]
    while waiting:
        below, identity = waiting.pop()
        if identity not in pool.old:
            continue  # the functions that make the values of a range
        if identity.kind in ("type", "domain"):
            if identity not in cluster.causes:
                old, new = pool.old.facts.get(identity), pool.new.facts.get(identity)
                cluster.causes[identity] = Change(identity, old, new)
                waiting += [(identity, each) for each in pool.dependents.get(identity, ())]
            continue
        if identity.kind == "default" or identity.of == below.name:
            continue  # the swap takes a default off its column; a domain's constraint goes with it
        if identity.kind == "column":
            inner = _closure(pool, identity, _BLOCKS_TYPE_CHANGE)
            if Identity("generated", identity.name, identity.of) not in pool.old:
                inner.dropped.discard(identity)
        elif identity.kind in _HOLD_ROWS:
            inner = Cluster(blocked_by=identity)
        else:
            inner = _closure(pool, identity)
        cluster.dropped |= inner.dropped
        cluster.blocked_by = cluster.blocked_by or inner.blocked_by
    anew = {each.name for each in cluster.causes}
    cluster.dropped = {each for each in cluster.dropped if each.of not in anew}
    return cluster


def _pulled(pool: Pool, below: set[Identity]) -> Change | None:
    """A change that makes something on top of what this cluster makes or alters."""
    swapped = {each for each in below if each.kind in swaps.KINDS}
    for identity, others in pool.new.depends.items():
        if identity.kind == "column" and others & swapped:
            table = Identity("table", identity.of)
            change = pool.changes.get(table if pool.is_new(identity.of) else identity)
            if change is not None and change.old is None:
                return change
        if identity.kind not in _PULLED_IN:
            continue
        if not others & below and not any(
            each.kind == "column" and Identity("table", each.of) in below for each in others
        ):
            continue
        if identity.kind == "generated":
            identity = Identity("column", identity.name, identity.of)
        change = pool.changes.get(identity)
        if change is not None and change.new is not None:
            return change
    return None


def end_of_relations(pool: Pool) -> int:
    """The place in the new dump behind which no table, view or function is made."""
    kinds = {"table", "view", "materialized view", "sequence", "function", "procedure", "type"}
    return max((f.position for i, f in pool.new.facts.items() if i.kind in kinds), default=0)
