"""A ledger of rows: which rows every table holds and what is in them, as one number a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from psycopg import sql

from zero_downtime.rehearse.result import Lost
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import Table, Tables

_COLUMNS = """
SELECT attname FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""

# Per table (schema.name): its rows by key, each with a hash of its content.
Ledger = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Shape:
    """What of a table is written into a ledger."""

    table: str
    identifier: sql.Identifier
    key: tuple[str, ...]  # empty: a row is known by its content
    columns: tuple[str, ...]


def shapes(tables: Tables, skip: Iterable[str] = ()) -> list[Shape]:
    """Whole rows of all tables."""
    left_out = set(skip)
    return [
        Shape(t.qualified, t.identifier, t.key, tuple(c.name for c in t.columns))
        for t in tables
        if t.kind != "f" and t.qualified not in left_out
    ]


def common_shapes(old: Tables, new: Tables, skip: Iterable[str] = ()) -> list[Shape]:
    """What both schemas know of the rows: tables of the same key, columns of the same type."""
    found = []
    for shape in shapes(old, skip):
        table, later = old.named(shape.table), new.named(shape.table)
        if table is None or later is None:
            continue
        columns = _same(table, later)
        if shape.key and set(shape.key) <= set(columns):
            found.append(Shape(shape.table, shape.identifier, shape.key, columns))
    return found


def changed_shapes(new: Tables, common: Iterable[Shape]) -> list[Shape]:
    """Whole rows of the tables of which both schemas know a part only."""
    parts = {shape.table: shape for shape in common}
    return [
        shape
        for shape in shapes(new)
        if (part := parts.get(shape.table))
        and shape.key == part.key
        and set(shape.columns) != set(part.columns)
    ]


def _same(old: Table, new: Table) -> tuple[str, ...]:
    definitions = {c.name: c.definition for c in new.columns}
    return tuple(c.name for c in old.columns if definitions.get(c.name) == c.definition)


def read_ledger(connection: Connection, wanted: Iterable[Shape], now: Tables) -> Ledger:
    """The rows as they are, over the columns of each shape that exist ``now``."""
    ledger: dict[str, dict[str, int]] = {}
    for shape in wanted:
        table = now.named(shape.table)
        if table is None:
            continue
        present = {c.name for c in table.columns}
        columns = [name for name in shape.columns if name in present]
        key = shape.key if set(shape.key) <= present else ()
        content = sql.SQL("hashtextextended(ROW({})::text, 0)").format(_list(columns))
        known_by = sql.SQL("ROW({})::text").format(_list(key))
        if not key:  # two equal rows are two rows
            known_by = sql.SQL("{0}::text || '#' || row_number() OVER (PARTITION BY {0})").format(
                content
            )
        query = sql.SQL("SELECT {}, {} FROM {}").format(known_by, content, shape.identifier)
        ledger[shape.table] = dict(rows_of(connection, query))
    return ledger


def _list(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def existing_rows(
    before: Ledger, after: Ledger, clients: Mapping[str, Collection[str]], followed: Collection[str]
) -> tuple[Lost, ...]:
    """What became of the rows that existed before a revision went up and down.

    What ``clients`` changed under the new schema is theirs; rows that are new in a table tell
    something where those of clients could be ``followed``.
    """
    found = []
    changes = changed_keys(before, after, clients)
    for table, rows in before.items():
        now = after.get(table, {})
        theirs = clients.get(table, ())
        lost = sum(1 for key in rows if key not in now and key not in theirs)
        changed = len(changes.get(table, ()))
        left = 0
        if table in followed:
            left = sum(1 for key in now if key not in rows and key not in theirs)
        if lost or changed or left:
            found.append(Lost(table, lost, changed, left))
    return tuple(found)


def changed_keys(
    before: Ledger, after: Ledger, clients: Mapping[str, Collection[str]]
) -> dict[str, frozenset[str]]:
    """Per table, the keys of rows that existed and are there with other content."""
    return {
        table: frozenset(
            key
            for key, content in rows.items()
            if now.get(key, content) != content and key not in theirs
        )
        for table, rows in before.items()
        for now, theirs in [(after.get(table, {}), clients.get(table, ()))]
    }


def differing(*pairs: tuple[Ledger, Ledger]) -> dict[str, set[str]]:
    """Per table, the keys of rows that any of these pairs of ledgers tells apart."""
    found: dict[str, set[str]] = {}
    for before, after in pairs:
        for table in before.keys() & after.keys() if before is not after else ():
            first, second = before[table], after[table]
            keys = {k for k in first.keys() | second.keys() if first.get(k) != second.get(k)}
            found.setdefault(table, set()).update(keys)
    return found


def written_rows(upgraded: Ledger, written: Ledger, after: Ledger) -> tuple[Lost, ...]:
    """What became of the rows that were written under the new schema."""
    found = []
    for table, rows in written.items():
        first, now = upgraded.get(table, {}), after.get(table, {})
        theirs = {key: content for key, content in rows.items() if first.get(key) != content}
        lost = sum(1 for key in theirs if key not in now)
        changed = sum(1 for key, content in theirs.items() if now.get(key, content) != content)
        if lost or changed:
            found.append(Lost(table, lost, changed, since=True))
    return tuple(found)


def changed_columns(
    table: Table, keys: frozenset[str], before: Connection, after: Connection
) -> tuple[str, ...]:
    """The columns in which these rows of a table differ between two databases, or that are gone."""
    if not table.key:
        return ()
    there = {row[0] for row in rows_of(after, _COLUMNS, (table.identifier.as_string(None),))}
    gone = [c.name for c in table.columns if c.name not in there]
    if set(gone) & set(table.key):
        return tuple(gone)
    names = [c.name for c in table.columns if c.name in there]
    query = sql.SQL("SELECT ROW({})::text, {} FROM {} WHERE ROW({})::text = ANY (%s)").format(
        _list(table.key),
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(n)) for n in names),
        table.identifier,
        _list(table.key),
    )
    some = [sorted(keys)[:1000]]
    old = {row[0]: row[1:] for row in rows_of(before, query, some)}
    new = {row[0]: row[1:] for row in rows_of(after, query, some)}
    other = {
        name
        for place, name in enumerate(names)
        if any(old[key][place] != new[key][place] for key in old.keys() & new.keys())
    }
    return tuple(c.name for c in table.columns if c.name in other or c.name in gone)
