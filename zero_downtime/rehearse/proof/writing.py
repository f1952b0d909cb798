"""Rows written under the new schema, for the way back to carry: edge cases included."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import psycopg
from psycopg import sql

from zero_downtime.rehearse.proof.ledger import Shape
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.rows.making import Hints
from zero_downtime.rehearse.rows.trial import Row
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import Table
from zero_downtime.rehearse.traffic.operations import free_columns

_MOST_TABLES = 12  # into which rows are written under the new schema


def write_rows(
    connection: Connection,
    seed: int,
    skip: frozenset[str],
    hints: Hints,
    names: Sequence[str],
    common: Sequence[Shape],
) -> None:
    """Insert, update and delete some rows as the new application might, edge cases included.

    Updates and deletes keep to tables whose rows can be followed through the downgrade.
    """
    data = Data(connection, seed + 1, skip, hints)
    followed = {shape.table for shape in common}
    tables = [data.tables.named(name) for name in dict.fromkeys(names)]
    chosen = [t for t in tables if t is not None and t.kind != "f" and t.qualified not in skip]
    for table in chosen[:_MOST_TABLES]:
        rows = data.draw(table, 8)
        for row in rows[:5]:
            _insert(connection, table, row)
        for row, edge in zip(rows[5:], (_largest, _emptiest, _longest), strict=False):
            _insert(connection, table, edge(data, table, row))
        if table.qualified in followed and table.key:
            _change(connection, data, table, rows)


def _insert(connection: Connection, table: Table, row: Row) -> None:
    names = list(row)
    query = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        table.identifier,
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.Placeholder() for _ in names),
    )
    if not names:
        query = sql.SQL("INSERT INTO {} DEFAULT VALUES").format(table.identifier)
    with contextlib.suppress(psycopg.Error):
        connection.execute(query, list(row.values()))


def _change(connection: Connection, data: Data, table: Table, rows: Sequence[Row]) -> None:
    keys = rows_of(
        connection,
        sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT 6").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(n)) for n in table.key),
            table.identifier,
            sql.SQL(", ").join(map(sql.Identifier, table.key)),
        ),
    )
    where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(n)) for n in table.key)
    columns = [table.column(n) for n in rows[0]] if rows else []
    free = set(free_columns(table, [c.name for c in columns], rows))
    for key, column in zip(keys[:4], [c for c in columns if c.name in free], strict=False):
        value = None if not column.not_null else rows[0][column.name]
        update = sql.SQL("UPDATE {} SET {} = %s WHERE {}").format(
            table.identifier, sql.Identifier(column.name), where
        )
        with contextlib.suppress(psycopg.Error):
            connection.execute(update, [value, *key])
    if not any(k.target == table.oid for t in data.tables for k in t.foreign_keys):
        delete = sql.SQL("DELETE FROM {} WHERE {}").format(table.identifier, where)
        for key in keys[4:]:
            with contextlib.suppress(psycopg.Error):
                connection.execute(delete, key)


def _emptiest(data: Data, table: Table, row: Row) -> Row:
    """NULL wherever the new schema allows it."""
    return {n: None if not table.column(n).not_null else value for n, value in row.items()}


def _largest(data: Data, table: Table, row: Row) -> Row:
    """The largest numbers that the types hold."""
    edge = {"int2": "32767", "int4": "2147483647", "int8": "9223372036854775807"}
    return _with(data, table, row, lambda name, room: edge.get(name))


def _longest(data: Data, table: Table, row: Row) -> Row:
    """Texts as long as they may be."""

    def edge(name: str, room: int) -> str | None:
        return "x" * room if name in ("text", "varchar") else None

    return _with(data, table, row, edge)


def _with(data: Data, table: Table, row: Row, edge: Callable[[str, int], str | None]) -> Row:
    changed = dict(row)
    for name in free_columns(table, list(row), [row]):
        column = table.column(name)
        kind, modifier = data.values.base(column.type, column.modifier)
        value = edge(kind.name, modifier - 4 if modifier >= 4 else 300)
        if value is not None and not column.identity:
            changed[name] = value
    return changed
