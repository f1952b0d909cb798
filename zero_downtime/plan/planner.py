"""The planner: takes every change out of a pool, and what is left over is not planned.

Order of steps: renames first (they free names), then what is added or altered in the order of the
new dump (pg_dump writes in order of dependencies), then what is removed against the order of the
old dump. A replacement therefore stands before what it replaces is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zero_downtime.catalog import Catalog, Change, Comparison
from zero_downtime.plan import columns, constraints, indexes, objects, tables
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Phase, Plan, Step

Handler = Callable[[Pool, Change], Iterable[Step]]


# Which function plans which kind of fact; a kind without an entry goes to objects.change.
HANDLERS: dict[str, Handler] = {
    "table": tables.change,
    "partition": tables.change_partition,
    "index partition": indexes.change_attachment,
    "column": columns.change,
    "default": columns.change_default,
    "not null": columns.change_not_null,
    "identity": columns.change_identity,
    "generated": columns.change_generated,
    "constraint": constraints.change,
    "index": indexes.change,
    "invalid index": indexes.change_invalid,
}


def plan(comparison: Comparison, old: Catalog, new: Catalog, rebuild: Iterable[str] = ()) -> Plan:
    """The steps that lead from ``old`` to ``new``, whose difference is ``comparison``.

    ``rebuild`` names views to be dropped and created, where CREATE OR REPLACE was tried and
    refused by the server.
    """
    changes = {change.identity: change for change in comparison.changes}
    pool = Pool(old, new, changes, frozenset(rebuild))
    tables.leave_out_what_follows_the_parent(pool)
    renames = [*constraints.renames(pool), *indexes.renames(pool), *objects.renames(pool)]
    forward: list[Step] = []
    backward: list[Step] = []
    for change in _in_order(pool):
        if change.identity not in pool.changes:
            continue  # planned together with an earlier one
        del pool.changes[change.identity]
        handler = HANDLERS.get(change.identity.kind, objects.change)
        (backward if change.kind == "removed" else forward).extend(handler(pool, change))
    return Plan(
        steps=_contract_last((*renames, *forward, *backward)),
        not_planned=tuple(pool.not_planned),
        noted=tuple((str(identity), remark) for identity, remark in comparison.notes),
        loses_data=tuple(pool.losses),
    )


# What tables are made of and may stand on: it goes after them.
_BELOW_TABLES = {
    "aggregate", "collation", "domain", "extension", "function", "procedure", "schema", "sequence",
    "type",
}  # fmt: skip


def _in_order(pool: Pool) -> list[Change]:
    """Additions and alterations as the new dump has them, removals against the old one."""
    drop_order = tables.drop_order(pool)

    def rank(change: Change) -> tuple[int, int]:
        if change.new is not None:
            return (0, change.new.position)
        assert change.old is not None
        table = change.identity.name if change.identity.kind == "table" else change.identity.of
        if table in drop_order:  # what is inside goes with the table
            return (2, 2 * drop_order.index(table) + (change.identity.kind != "table"))
        return (3 if change.identity.kind in _BELOW_TABLES else 1, -change.old.position)

    return sorted(pool.changes.values(), key=rank)


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
