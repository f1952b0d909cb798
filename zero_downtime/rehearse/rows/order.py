"""The order in which tables are filled, so that foreign keys find rows to point at."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zero_downtime.rehearse.tables import ForeignKey, Table


def in_order(tables: Iterable[Table]) -> tuple[list[Table], dict[int, list[Table]]]:
    """Tables in an order in which foreign keys can be met.

    Also the cycles that must be bootstrapped, each under the oid of its first table: those in
    which no foreign key may be NULL, a table that must point at itself included.
    """
    left = {table.oid: table for table in tables}
    whole = {part: table.oid for table in left.values() for part in table.partitions}
    order: list[Table] = []
    seeds: dict[int, list[Table]] = {}

    def waits_for(table: Table, hard_only: bool) -> set[int]:
        return {
            target
            for key in table.foreign_keys
            if (target := whole.get(key.target, key.target)) in left
            and target != table.oid
            and (not hard_only or must_point(table, key))
        }

    while left:
        ready = [t for t in left.values() if not waits_for(t, False)]
        if not ready:
            around = _walk(left, waits_for, hard_only=False)
            ready = [t for t in around if not waits_for(t, True)][:1]
        if not ready:
            end = _walk(left, waits_for, hard_only=True, start=around[0])
            ready = end[-1:]
            if waits_for(ready[0], True):
                seeds[end[0].oid] = ready = end
        for table in ready:
            if any(
                key.target == table.oid and must_point(table, key) for key in table.foreign_keys
            ):
                seeds.setdefault(table.oid, [table])
            order.append(table)
            del left[table.oid]
    return order, seeds


def must_point(table: Table, key: ForeignKey) -> bool:
    return all(table.column(name).not_null for name in key.columns)


def _walk(
    left: dict[int, Table],
    waits_for: Callable[[Table, bool], set[int]],
    *,
    hard_only: bool,
    start: Table | None = None,
) -> list[Table]:
    """The cycle into which the foreign keys lead; without one, the way to a table that has none."""
    at = start or next(iter(left.values()))
    path: list[Table] = []
    while at not in path:
        path.append(at)
        waits = waits_for(at, hard_only)
        if not waits:
            return path
        at = left[min(waits)]
    return path[path.index(at) :]
