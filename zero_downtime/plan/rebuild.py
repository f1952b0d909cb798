"""The steps of a cluster: dropped and made again in one transaction.

Nobody ever sees the schema without what is in it. It comes back with its comments, privileges,
indexes and triggers, which DROP takes along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan import beside, columns, objects, privileges, swaps, tables
from zero_downtime.plan.clusters import Cluster
from zero_downtime.plan.objects import DROPPED_BY_NAME, create_steps, drop_sql
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Phase, Step

Handler = Callable[[Pool, Change], Iterable[Step]]


def steps(pool: Pool, cluster: Cluster, handlers: dict[str, Handler]) -> Iterator[Step]:
    """The steps of a cluster; all in the contract phase when clients notice."""
    gone = (each for each in cluster.dropped if each not in pool.new)
    breaks = cluster.breaks or any(each.kind in objects.USED_BY_CLIENTS for each in gone)
    for step in _steps(pool, cluster, handlers):
        yield replace(step, phase=Phase.CONTRACT) if breaks else step


def _steps(pool: Pool, cluster: Cluster, handlers: dict[str, Handler]) -> Iterator[Step]:
    if cluster.blocked_by is not None:
        for change in cluster.causes.values() or (
            Change(each, pool.old.facts.get(each), pool.new.facts.get(each))
            for each in sorted(cluster.dropped)
        ):
            pool.refuse(change, f"{cluster.blocked_by} stands on it and can't be made anew")
        return
    besides = {fact.identity: fact for fact in _built_beside(pool, cluster)}
    for fact in besides.values():
        yield from beside.build(pool, fact)
    exchanged = [
        step
        for identity, cause in cluster.causes.items()
        if identity.kind == "constraint"
        for step in handlers["constraint"](pool, cause)
    ]
    yield from (step for step in exchanged if _is_online(step))
    for identity in [i for i in cluster.dropped if i.kind == "index" and i not in pool.new]:
        cluster.dropped.discard(identity)
        yield from handlers["index"](pool, Change(identity, pool.old.facts[identity], None))
    down = sorted(cluster.dropped, key=lambda each: _order(pool, each), reverse=True)
    for identity in down:
        yield from _drop(pool, cluster, identity)
    for cause in sorted(cluster.causes.values(), key=lambda c: c.new.position if c.new else 0):
        if cause.identity.kind == "column":
            yield from _together(_retyped(pool, cluster, cause))
    yield from _together(each for each in exchanged if not _is_online(each, _VALIDATE))
    swapped = {each: cause for each, cause in cluster.causes.items() if each.kind in swaps.KINDS}
    if swapped:
        yield from swaps.swap(pool, swapped, cluster.dropped)
    unvalidated: list[Fact] = []
    for fact, pulled in _made(pool, cluster):
        if fact.identity in cluster.late and not swapped:
            continue
        if fact.identity in besides:
            yield from beside.take_place(pool, fact)
            continue
        if pulled is not None:
            yield from _together(_pulled_in(pool, cluster, pulled, handlers))
            continue
        for step in _create(pool, fact):
            loose = step.sql.endswith(" NOT VALID") and not fact.definition.endswith(" NOT VALID")
            if loose and fact.identity.kind == "constraint":
                unvalidated.append(fact)
            yield step
    for fact in unvalidated:
        sql = f"ALTER TABLE {fact.identity.of} VALIDATE CONSTRAINT {fact.identity.name}"
        yield Step(sql, str(fact.identity), "all rows, while readers and writers go on")
    yield from (step for step in exchanged if _VALIDATE in step.sql)
    for identity in sorted(cluster.late & pool.new.facts.keys() if not swapped else ()):
        yield from handlers["index"](pool, Change(identity, None, pool.new.facts[identity]))


def _retyped(pool: Pool, cluster: Cluster, cause: Change) -> Iterator[Step]:
    """A column of another type, and its default if that is not set in the same statement."""
    identity = Identity("default", cause.identity.name, cause.identity.of)
    default = next((each for each in cluster.held if each.identity == identity), None)
    if default is not None:
        pool.changes[identity] = default
    yield from columns.alter_type(pool, cause)
    if pool.changes.pop(identity, None) is not None and default is not None:
        yield from columns.change_default(pool, default)


_VALIDATE = " VALIDATE CONSTRAINT "


def _is_online(step: Step, *words: str) -> bool:
    """Whether a step of an exchange stands before or after its transaction."""
    return any(each in step.sql for each in (" INDEX CONCURRENTLY ", *words))


def _pulled_in(
    pool: Pool, cluster: Cluster, pulled: Change, handlers: dict[str, Handler]
) -> Iterator[Step]:
    inside = {fact.identity for fact in belongings(pool.new, pulled.identity)}
    ours = [each for each in cluster.held if each.identity in inside]
    pool.changes.update((each.identity, each) for each in ours)
    for change in (pulled, *ours):
        if change is pulled or pool.changes.pop(change.identity, None) is not None:
            if change.identity.kind.endswith(" comment"):
                handler: Handler = objects.change_comment
            elif change.identity.kind.endswith(" privileges"):
                handler = privileges.change
            else:
                handler = handlers.get(change.identity.kind, objects.change)
            yield from handler(pool, change)


def _built_beside(pool: Pool, cluster: Cluster) -> Iterator[Fact]:
    """The materialized views that need nothing that is altered or made here."""
    made = {fact.identity for fact, _ in _made(pool, cluster)} | cluster.causes.keys()
    for fact, _ in _made(pool, cluster):
        if fact.identity.kind == "materialized view":
            below = pool.new.depends.get(fact.identity, frozenset())
            if not below & made:
                yield fact


def _made(pool: Pool, cluster: Cluster) -> list[tuple[Fact, Change | None]]:
    """What is made again, and what is new or altered and can only be made now, in order."""
    made: list[tuple[Fact, Change | None]] = [
        (pool.new.facts[each], None) for each in cluster.dropped if each in pool.new
    ]
    made += [(change.new, change) for change in cluster.pulled if change.new is not None]
    return sorted(made, key=lambda pair: _order_new(pair[0]))


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
    elif identity.kind == "table" and pool.old.facts[identity].definition.startswith("FOREIGN "):
        sql = f"DROP FOREIGN TABLE {identity.name}"
    elif identity.kind == "table":
        yield from _together(tables.change(pool, Change(identity, pool.old.facts[identity], None)))
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
    elif identity.kind == "table":
        yield from _foreign_table(pool, fact)
        return
    else:
        yield from create_steps(fact)
    for inside in belongings(pool.new, identity):
        if identity.kind == "column" and inside.identity.kind in columns.SAID_WITH_THE_COLUMN:
            continue
        if inside.identity.kind == "default" and identity.kind == "column":
            continue
        yield from create_steps(inside)


def _foreign_table(pool: Pool, fact: Fact) -> Iterator[Step]:
    for inside in belongings(pool.new, fact.identity):
        pool.changes[inside.identity] = Change(inside.identity, None, inside)
    yield from _together(tables.change(pool, Change(fact.identity, None, fact)))
    for inside in belongings(pool.new, fact.identity):
        if pool.changes.pop(inside.identity, None) is not None:
            yield from create_steps(inside)


def _together(made: Iterable[Step]) -> Iterator[Step]:
    return (replace(step, alone=False) for step in made)


def _order(pool: Pool, identity: Identity) -> tuple[int, int]:
    """Against this order things are dropped: what belongs to tables goes last."""
    fact = pool.old.facts[identity]
    return (identity.kind not in ("column",), fact.position)


def _order_new(fact: Fact) -> tuple[int, int]:
    return (fact.identity.kind not in ("column",), fact.position)
