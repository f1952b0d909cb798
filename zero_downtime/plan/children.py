"""Columns of tables that inherit: merged with their parents' and left to the children."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from zero_downtime.catalog import Catalog, Change, Identity
from zero_downtime.plan import tables
from zero_downtime.plan.pool import Pool

_NOT_NULL_IN_DUMP = 18  # of a child too, since then it is a constraint with a name


def leave_out(pool: Pool) -> None:
    """Take what follows from the parents' columns, and refuse what can't be undone.

    A column that the parent alone loses stays in the children as their own; one that a child has
    as its own can't become one that is only inherited.
    """
    for identity in [each for each in pool.changes if each.kind == "column"]:
        change = pool.changes.get(identity)
        if change is None or pool.is_gone(identity.of) or pool.is_new(identity.of):
            continue
        inherited = [_inherits(catalog, identity) for catalog in (pool.old, pool.new)]
        if change.kind == "removed" and inherited[1]:
            pool.refuse(change, "its own column can't become one that is only inherited")
            del pool.changes[identity]
        elif change.kind == "added" and inherited == [True, False]:
            _keep(pool, identity)
    for identity in [each for each in pool.changes if each.kind == "table"]:
        if pool.changes[identity].kind == "altered" and pool.new.major < _NOT_NULL_IN_DUMP:
            _require_as_parents(pool, identity.name)


def depth_among_changes(pool: Pool, column: Identity) -> int:
    """How many of its parents' columns change with it: added before them, dropped after them."""
    change = pool.changes.get(column)
    if change is None or change.kind == "altered":
        return 0
    side = pool.new if change.new is not None else pool.old
    above = [Identity("column", column.name, each) for each in _parents(side, column.of)]
    deep = [depth_among_changes(pool, each) + 1 for each in above if each in pool.changes]
    return max(deep, default=0)


def place_of_parents(pool: Pool, column: Identity) -> float:
    """Where the first of the columns of this name that change stands in its dump."""
    return min(
        fact.position
        for identity, change in pool.changes.items()
        if identity.kind == "column" and identity.name == column.name
        for fact in (change.new or change.old,)
        if fact is not None
    )


def is_kept_below(pool: Pool, column: Identity) -> bool:
    """Whether a child has this column as its own from now on."""
    return column in pool.kept_below


def without(pool: Pool, column: Identity) -> Iterator[str]:
    """The children that do not keep a column which others keep."""
    for table in pool.old.tables:
        own = Identity("column", column.name, table)
        if column.of in _parents(pool.old, table) and own not in pool.new:
            yield table


def _require_as_parents(pool: Pool, table: str) -> None:
    """What is NOT NULL in new parents has to be so in the child before it becomes one.

    A dump leaves that to the parents, as if the child's own NOT NULL had gone.
    """
    for parent in set(_parents(pool.new, table)) - set(_parents(pool.old, table)):
        for column in pool.old.columns(table):
            own = Identity("not null", column, table)
            inherited = pool.new.get("not null", column, parent)
            if inherited is None or own in pool.new:
                continue
            if pool.changes.pop(own, None) is None:
                pool.changes[own] = Change(own, None, replace(inherited, identity=own))


def _keep(pool: Pool, column: Identity) -> None:
    del pool.changes[column]
    for parent in _parents(pool.old, column.of):
        above = Identity("column", column.name, parent)
        pool.kept_below.add(above)
        for kind in ("default", "not null"):
            own = Identity(kind, column.name, column.of)
            inherited = pool.old.get(kind, column.name, parent)
            change = pool.changes.get(own)
            said = change.new.definition if change and not change.old and change.new else None
            if inherited and inherited.definition == said:
                del pool.changes[own]


def _inherits(catalog: Catalog, column: Identity) -> bool:
    return any(
        Identity("column", column.name, parent) in catalog
        or _inherits(catalog, Identity("column", column.name, parent))
        for parent in _parents(catalog, column.of)
    )


def _parents(catalog: Catalog, table: str) -> tuple[str, ...]:
    fact = catalog.get("table", table)
    return tables.parents(fact) if fact is not None else ()
