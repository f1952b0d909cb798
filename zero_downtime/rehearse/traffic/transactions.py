"""Transactions of the application that lock two tables the other way round than a revision does.

One that changes a row and then a row that it belongs to, or that belongs to it, is in every
application. A revision whose transaction holds a lock on the one table when it wants the other
waits for it in a circle, if it meets it in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

from psycopg import sql

from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.measure.exact import Observed
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import ForeignKey, Table
from zero_downtime.rehearse.traffic.operations import Operation, Run, idle_update, joined, refusal

_MOST = 4  # each has a client of its own
_PAIRS = 500  # of rows
_LOCK = LockMode.ROW_EXCLUSIVE  # what who changes a row takes


def opposite(observed: Iterable[Observed]) -> list[tuple[str, str]]:
    """Pairs of tables: one that a transaction locks, in the way of writers, behind the other."""
    pairs: dict[tuple[str, str], None] = {}
    held: list[str] = []
    transaction: int | None = None
    for seen in observed:
        if seen.statement.transaction is None or seen.statement.transaction != transaction:
            transaction, held = seen.statement.transaction, []
        locked = [name for _, name, mode in seen.locks if mode.conflicts_with(_LOCK)]
        for name in locked:
            pairs |= {(name, earlier): None for earlier in held if earlier != name}
        if transaction is not None:
            held += locked
    return list(pairs)


def transactions(
    data: Data, pairs: Sequence[tuple[str, str]], known: Callable[[str, str], bool]
) -> list[Operation]:
    """A transaction for each pair with a foreign key between them, and rows that it works on.

    ``known`` says which columns (table, column) the application uses.
    """
    found = []
    for names in pairs:
        first, second = (data.tables.named(name) for name in names)
        if first is None or second is None:
            continue
        run = _between(data.connection, first, second, known)
        if run is not None:
            operation = Operation(first.qualified, "transaction", run)
            if refusal(data.connection, operation, Random(0)) is None:
                found.append(operation)
    return found[:_MOST]


def _between(
    connection: Connection, first: Table, second: Table, known: Callable[[str, str], bool]
) -> Run | None:
    """What changes a row of the first table and then one of the second that goes with it."""
    keys = [(first, second, k) for k in first.foreign_keys if k.target == second.oid]
    keys += [(second, first, k) for k in second.foreign_keys if k.target == first.oid]
    for child, parent, key in keys:
        used = [(child.qualified, name) for name in (*child.key, *key.columns)]
        used += [(parent.qualified, name) for name in (*parent.key, *key.target_columns)]
        if child.key and parent.key and all(known(*place) for place in used):
            rows = _pairs(connection, child, parent, key, (first, second))
            return _changing(first, second, rows, known) if rows else None
    return None


def _pairs(
    connection: Connection,
    child: Table,
    parent: Table,
    key: ForeignKey,
    order: tuple[Table, Table],
) -> list[tuple[str, ...]]:
    """The keys of rows that go together, those of the first table in front."""
    called = {child.oid: "c", parent.oid: "p"}
    columns = [sql.Identifier(called[t.oid], name) for t in order for name in t.key]
    query = sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT {}").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(column) for column in columns),
        joined(child, parent, key),
        sql.SQL(", ").join(columns),
        sql.Literal(_PAIRS),
    )
    return rows_of(connection, query)


def _changing(
    first: Table,
    second: Table,
    rows: Sequence[tuple[str, ...]],
    known: Callable[[str, str], bool],
) -> Run:
    one, other = (
        idle_update(table, [c.name for c in table.columns if known(table.qualified, c.name)])
        for table in (first, second)
    )
    width = len(first.key)

    def run(connection: Connection, random: Random) -> None:
        row = random.choice(rows)
        with connection.transaction():
            connection.execute(one, row[:width])
            connection.execute(other, row[width:])

    return run
