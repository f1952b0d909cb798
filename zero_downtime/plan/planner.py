"""The planner: takes every change out of a pool, and what is left over is not planned.

Order of steps: renames first (they free names), then what is added or altered in the order of the
new dump (pg_dump writes in order of dependencies), then what is removed against the order of the
old dump. A replacement therefore stands before what it replaces is gone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace

from zero_downtime.catalog import Catalog, Change, Comparison, Identity
from zero_downtime.plan import (
    aside,
    children,
    columns,
    constraints,
    counters,
    indexes,
    objects,
    partitions,
    privileges,
    rebuild,
    tables,
    types,
)
from zero_downtime.plan.clusters import Cluster, clusters, end_of_relations
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Phase, Plan, Step, as_group
from zero_downtime.plan.swaps import KINDS

Handler = Callable[[Pool, Change], Iterable[Step]]
Rank = tuple[int, float, int]


# Which function plans which kind of fact; a kind without an entry goes to objects.change.
HANDLERS: dict[str, Handler] = {
    "table": tables.change,
    "partition": partitions.change,
    "index partition": indexes.change_attachment,
    "column": columns.change,
    "default": columns.change_default,
    "not null": columns.change_not_null,
    "identity": columns.change_identity,
    "generated": columns.change_generated,
    "constraint": constraints.change,
    "index": indexes.change,
    "invalid index": indexes.change_invalid,
    "invalid partitioned index": indexes.change_invalid,
    "domain": types.change_domain,
    "domain default": types.change_domain_default,
    "domain not null": types.change_domain_not_null,
    "domain constraint": types.change_domain_constraint,
}


def _handler(identity: Identity) -> Handler:
    if identity.subscribes:
        return objects.refuse_subscription
    if identity.kind.endswith(" comment"):
        return objects.change_comment
    if identity.kind.endswith(" privileges"):
        return privileges.change
    return HANDLERS.get(identity.kind, objects.change)


def plan(
    comparison: Comparison, old: Catalog, new: Catalog, asked: Iterable[Identity] = ()
) -> Plan:
    """The steps that lead from ``old`` to ``new``, whose difference is ``comparison``.

    ``asked`` names views and functions to be dropped and created, where CREATE OR REPLACE was
    tried and refused by the server.
    """
    pool = Pool(old, new, {change.identity: change for change in comparison.changes})
    tables.leave_out_what_follows_the_parent(pool)
    asides = [*aside.of_columns(pool)]
    tables.leave_out_what_goes_with_its_column(pool)
    objects.leave_out_what_moves(pool)
    children.leave_out(pool)
    aside.attachments(pool)
    renames = [
        *constraints.renames(pool),
        *indexes.renames(pool),
        *objects.renames(pool),
        *types.renames(pool),
        *aside.of_tables(pool),
        *asides,
    ]
    groups = itertools.count(1)
    exchanges = [step for made in counters.exchanges(pool) for step in as_group(made, next(groups))]
    retyped = {i for i, c in pool.changes.items() if i.kind == "column" and c.kind == "altered"}
    rebuilt = [(each.rank(pool), each) for each in clusters(pool, asked)]
    exchanges += indexes.make_way(pool, retyped)
    exchanges += constraints.make_way(pool, retyped)
    forward: list[Step] = []
    backward: list[Step] = []
    swapped = {each for _, cluster in rebuilt for each in cluster.causes if each.kind in KINDS}
    swapped |= {
        each
        for _, cluster in rebuilt
        for each in cluster.dropped
        if each.kind == "column" and each in pool.new
    }
    on_swapped = pool.standing_on(swapped)
    breaks = False  # whether what is made anew breaks clients: what stands on it waits too
    for rank, change in _in_order(pool, on_swapped):
        while rebuilt and min(rebuilt, key=_rank)[0] <= rank:
            made = as_group(_rebuilt(pool, rebuilt), next(groups))
            breaks |= any(step.phase is Phase.CONTRACT for step in made)
            forward += made
        for entry in [each for each in rebuilt if each[1].is_below(pool, change)]:
            made = as_group(_rebuilt(pool, rebuilt, entry), next(groups))
            breaks |= any(step.phase is Phase.CONTRACT for step in made)
            forward += made
        if change.identity not in pool.changes:
            continue  # planned together with an earlier one
        del pool.changes[change.identity]
        made = list(_handler(change.identity)(pool, change))
        if sum(not step.alone for step in made) > 1 and not pool.is_new(_relation(change)):
            made = as_group(made, next(groups))
        if breaks and change.identity in on_swapped:
            made = [replace(step, phase=Phase.CONTRACT) for step in made]
        (backward if change.kind == "removed" else forward).extend(made)
    while rebuilt:
        forward += as_group(_rebuilt(pool, rebuilt), next(groups))
    return Plan(
        steps=_contract_last((*renames, *exchanges, *forward, *backward)),
        not_planned=tuple(pool.not_planned),
        noted=tuple((str(identity), remark) for identity, remark in comparison.notes),
        loses_data=tuple(pool.losses),
    )


def _relation(change: Change) -> str:
    return change.identity.of or change.identity.name


def _rebuilt(
    pool: Pool,
    left: list[tuple[Rank, Cluster]],
    entry: tuple[Rank, Cluster] | None = None,
) -> list[Step]:
    """The steps of the next cluster, or of this one, which is taken off the list."""
    first = entry or min(left, key=_rank)
    left.remove(first)
    return list(rebuild.steps(pool, first[1], HANDLERS))


def _rank(entry: tuple[Rank, Cluster]) -> Rank:
    return entry[0]


# What tables are made of and may stand on: it goes after them.
_BELOW_TABLES = {
    "access method", "aggregate", "cast", "collation", "domain", "extension",
    "foreign data wrapper", "function", "operator", "operator class", "operator family",
    "procedural language", "procedure", "schema", "sequence", "server",
    "text search configuration", "text search dictionary", "text search parser",
    "text search template", "type", "user mapping",
}  # fmt: skip


def _in_order(pool: Pool, on_swapped: set[Identity]) -> list[tuple[Rank, Change]]:
    """Additions and alterations as the new dump has them, removals against the old one.

    What will stand on a type or column that is made anew waits until that has happened.
    """
    drop_order = tables.drop_order(pool)
    end = end_of_relations(pool)

    def is_generated(column: Identity) -> bool:
        return Identity("generated", column.name, column.of) in pool.old

    def rank(change: Change) -> Rank:
        way, position, inner = plain_rank(change)
        deep = children.depth_among_changes(pool, change.identity)
        if change.identity.kind == "column" and deep:  # merged with its parent's
            position = children.place_of_parents(pool, change.identity)
            position = position - deep / 100 if change.new else -position + deep / 100
        return (way, position, inner)

    def plain_rank(change: Change) -> Rank:
        # A table takes its columns along, and a column what is said of it; a constraint that
        # goes must go while its columns are there.
        first = {"table": 0, "constraint": 1} if change.new is None else {"table": 0}
        inner = first.get(change.identity.kind, 3 if change.identity.kind == "column" else 4)
        if change.new is None and inner == 3 and is_generated(change.identity):
            inner = 2  # it is computed from others
        if change.kind == "altered" and change.identity.kind == "constraint":
            # The type of its column may change: its successor is for the new one.
            return (0, max(change.new.position if change.new else 0, end + 0.6), inner)
        if change.identity.kind == "schema privileges" and privileges.only_revoked(change):
            return (1, 0, inner)  # who granted inside the schema needs them until then
        if tables.becomes_child(change):
            return (0, end + 0.8, inner)  # it must have by then what its parents have
        if change.new is not None and change.identity in on_swapped:
            return (0, max(change.new.position, end + 0.7), inner)
        if change.new is not None:
            return (0, change.new.position, inner)
        assert change.old is not None
        table = change.identity.name if change.identity.kind == "table" else change.identity.of
        if table in drop_order:  # what is inside goes with the table
            return (2, drop_order.index(table), inner)
        group = 3 if change.identity.kind in _BELOW_TABLES else 1
        return (group, -change.old.position, inner)

    ranked = ((rank(change), change) for change in pool.changes.values())
    return sorted(ranked, key=lambda pair: pair[0])


def _contract_last(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Contract steps that no expand step depends on move to the end; renames stay in front."""
    first = next(
        (n for n, step in enumerate(steps) if step.phase is not Phase.CONTRACT), len(steps)
    )
    rest = steps[first:]
    return (
        *steps[:first],
        *(step for step in rest if step.phase is not Phase.CONTRACT),
        *(step for step in rest if step.phase is Phase.CONTRACT),
    )
