"""The little operations that an application does with a table, made up from the catalog."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.trial import Row
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import ForeignKey, Table, Tables

# The last two are statements that somebody wrote.
Kind = Literal[
    "select", "range", "join", "insert", "update", "replace", "transaction", "query", "change"
]
Run = Callable[[Connection, Random], None]

_KEYS = 500  # rows of a table that clients ask for
_MOST_JOINS = 2  # with other tables, of one


@dataclass(frozen=True)
class Operation:
    """One thing the application does with one table, and the SQL a report shows for it."""

    table: str
    kind: Kind
    run: Run = field(repr=False)
    usual_ms: float = 0.0  # how long a slow one takes when nobody is in its way

    @property
    def writes(self) -> bool:
        """Whether it changes rows."""
        return self.kind not in ("select", "range", "join", "query")


def browsing(view: str, columns: Sequence[str]) -> list[Operation]:
    if not columns:
        return []
    query = sql.SQL("SELECT {} FROM {} LIMIT 20").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*view.split(".", 1))
    )
    return [Operation(view, "range", _select(query, [()]))]


def readings(
    table: Table, columns: Sequence[str], keys: Sequence[tuple[str, ...]]
) -> list[Operation]:
    selected = sql.SQL(", ").join(map(sql.Identifier, columns))
    if not columns:
        return []
    if not keys:
        query = sql.SQL("SELECT {} FROM {} LIMIT 20").format(selected, table.identifier)
        return [Operation(table.qualified, "range", _select(query, [()]))]
    one = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        selected, table.identifier, _equal(table.key)
    )
    some = sql.SQL("SELECT {} FROM {} WHERE {} >= %s ORDER BY {} LIMIT 20").format(
        selected,
        table.identifier,
        sql.Identifier(table.key[0]),
        sql.SQL(", ").join(map(sql.Identifier, table.key)),
    )
    return [
        Operation(table.qualified, "select", _select(one, keys)),
        Operation(table.qualified, "range", _select(some, [key[:1] for key in keys])),
    ]


def joins(
    table: Table,
    tables: Tables,
    keys: Sequence[tuple[str, ...]],
    known: Callable[[str, str], bool],
) -> list[Operation]:
    """A row with the one that it points at, by each foreign key."""
    operations = []
    for key in table.foreign_keys if keys else ():
        target = tables.by_oid.get(key.target)
        if target is None:
            continue
        used = [(table.qualified, name) for name in key.columns]
        used += [(target.qualified, name) for name in key.target_columns]
        if not all(known(*place) for place in used):
            continue
        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.SQL(", ").join(sql.Identifier("p", name) for name in key.target_columns),
            joined(table, target, key),
            sql.SQL(" AND ").join(
                sql.SQL("{} = %s").format(sql.Identifier("c", name)) for name in table.key
            ),
        )
        operations.append(Operation(table.qualified, "join", _select(query, keys)))
    return operations[:_MOST_JOINS]


def joined(child: Table, parent: Table, key: ForeignKey) -> sql.Composed:
    """Both ends of a foreign key, for FROM: the table as c, the one that it points at as p."""
    pairs = zip(key.columns, key.target_columns, strict=True)
    return sql.SQL("{} c JOIN {} p ON {}").format(
        child.identifier,
        parent.identifier,
        sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(sql.Identifier("c", mine), sql.Identifier("p", theirs))
            for mine, theirs in pairs
        ),
    )


def changes(
    table: Table,
    columns: Sequence[str],
    keys: Sequence[tuple[str, ...]],
    rows: list[Row],
    referenced: bool,
) -> list[Operation]:
    inserted = _told_and_left_out(table, rows)
    operations = [Operation(table.qualified, "insert", _insert(table, each)) for each in inserted]
    if not keys:
        return operations
    free = free_columns(table, columns, rows)
    if not rows:
        operations.append(Operation(table.qualified, "update", _rewrite(table, columns, keys)))
    elif free:
        operations.append(Operation(table.qualified, "update", _update(table, free, keys, rows)))
    # Rows that others point at are left alone: an application does not delete those either.
    if not referenced:
        stored = [c.name for c in table.columns if c.name in columns and not c.generated]
        operations.append(Operation(table.qualified, "replace", _replace(table, stored, keys)))
    return operations


def _told_and_left_out(table: Table, rows: list[Row]) -> list[list[Row]]:
    """Rows with all their values, and others that leave to the server what has a default."""
    defaults = {column.name for column in table.columns if column.default is not None}
    if not defaults.intersection(*rows[:1]):
        return [rows] if rows and rows[0] else []
    left_out = [{n: v for n, v in row.items() if n not in defaults} for row in rows[1::2]]
    return [found for found in (rows[::2], left_out) if found and found[0]]


def free_columns(table: Table, columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Columns that may take another row's value without breaking anything."""
    bound = {name for unique in table.uniques for name in unique.columns}
    bound |= {name for check in table.checks for name in check.columns}
    bound |= {name for key in table.foreign_keys for name in key.columns}
    bound |= {name for exclusion in table.exclusions for name in exclusion.columns}
    bound |= {n for leaf in table.leaves for names, _, _ in leaf.bounds for n in names}
    made = rows[0] if rows else {}
    return [
        c.name
        for c in table.columns
        if c.name in columns and c.name in made and c.name not in bound and not c.generated
    ]


def _select(query: sql.Composed, keys: Sequence[tuple[str, ...]]) -> Run:
    def run(connection: Connection, random: Random) -> None:
        key = keys[int(len(keys) * random.random() ** 2)]
        connection.execute(query, key).fetchall()

    return run


def _insert(table: Table, rows: list[Row]) -> Run:
    left = list(rows)
    names = list(rows[0])
    query = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        table.identifier,
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.Placeholder() for _ in names),
    )

    def run(connection: Connection, random: Random) -> None:
        try:
            row = left.pop()
        except IndexError:  # all are in: bounded by intention
            return
        connection.execute(query, [row[name] for name in names])

    return run


def _update(
    table: Table, free: Sequence[str], keys: Sequence[tuple[str, ...]], rows: Sequence[Row]
) -> Run:
    queries = {
        name: sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(
            table.identifier, sql.Identifier(name), _equal(table.key)
        )
        for name in free
    }

    def run(connection: Connection, random: Random) -> None:
        name = random.choice(free)
        key = keys[int(len(keys) * random.random() ** 2)]
        connection.execute(queries[name], [random.choice(rows)[name], *key])

    return run


def _rewrite(table: Table, columns: Sequence[str], keys: Sequence[tuple[str, ...]]) -> Run:
    query = idle_update(table, columns)

    def run(connection: Connection, random: Random) -> None:
        connection.execute(query, random.choice(keys))

    return run


def idle_update(table: Table, columns: Sequence[str]) -> sql.Composed:
    """An update of one row that changes nothing but takes every lock of one."""
    plain = [
        c.name
        for c in table.columns
        if c.name in columns and c.name not in table.key and not c.generated and not c.identity
    ]
    name = sql.Identifier((plain or table.key)[-1])
    return sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
        table.identifier, name, name, _equal(table.key)
    )


def _replace(table: Table, stored: Sequence[str], keys: Sequence[tuple[str, ...]]) -> Run:
    delete = sql.SQL("DELETE FROM {} WHERE {} RETURNING {}").format(
        table.identifier,
        _equal(table.key),
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(n)) for n in stored),
    )
    insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        table.identifier,
        sql.SQL(", ").join(map(sql.Identifier, stored)),
        sql.SQL(", ").join(sql.Placeholder() for _ in stored),
    )

    def run(connection: Connection, random: Random) -> None:
        with connection.transaction():
            row = connection.execute(delete, random.choice(keys)).fetchone()
            if row is not None:
                connection.execute(insert, row)

    return run


def _equal(key: Sequence[str]) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(n)) for n in key)


def stored_keys(connection: Connection, table: Table) -> list[tuple[str, ...]]:
    return rows_of(
        connection,
        sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(n)) for n in table.key),
            table.identifier,
            sql.SQL(", ").join(map(sql.Identifier, table.key)),
            sql.Literal(_KEYS),
        ),
    )


def refusal(connection: Connection, operation: Operation, random: Random) -> psycopg.Error | None:
    """Why an operation does not work: it is tried once and taken back."""
    try:
        with connection.transaction(force_rollback=True):
            operation.run(connection, random)
    except psycopg.Error as error:
        return error
    return None
