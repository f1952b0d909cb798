"""What the application does, derived from the tables as it knows them: a few little operations.

The workload is made before a revision runs and does not change while it runs, as an application
that is already deployed does not. It names its columns one by one, as an ORM does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Literal

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.rows.trial import Row
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import Table, Tables

# The last two are statements that somebody wrote.
Kind = Literal["select", "range", "join", "insert", "update", "replace", "query", "change"]
Run = Callable[[Connection, Random], None]

_KEYS = 500  # rows of a table that clients ask for
_MOST_JOINS = 2  # with other tables, of one
_SOON = 0.1  # seconds that reading from a view may take
_ROWS = 150  # rows of a table that clients insert, at most


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


@dataclass(frozen=True)
class Workload:
    """The operations of the readers and the writers, and the tables whose doors are watched.

    ``constraints`` and ``required`` are what the application already lives with: a row that
    breaks one of them is the workload's own mistake, not the migration's.
    """

    reads: tuple[Operation, ...]
    writes: tuple[Operation, ...]
    watched: tuple[Table, ...]
    constraints: frozenset[str]
    required: frozenset[tuple[str, str]]  # table, NOT NULL column
    columns: frozenset[tuple[str, str]]  # table, column that the application fills

    @property
    def idle(self) -> bool:
        """Whether there is no table to work on."""
        return not self.reads and not self.writes


def plan_workload(
    data: Data,
    tables: Sequence[str],
    *,
    seed: int,
    known: Callable[[str, str], bool] = lambda table, column: True,
    new_values: bool = True,
    keep: Callable[[Operation, str | None], bool] = lambda operation, sqlstate: False,
) -> Workload:
    """The workload on these tables (``schema.name``), as far as they hold rows and have a key.

    ``known`` says which columns (table, column) the application uses. Without ``new_values`` it
    writes only what is there already. Operations that don't work as it is are left out, but those
    that ``keep`` wants, given the SQLSTATE with which they fail.
    """
    connection = data.connection
    reads: list[Operation] = []
    writes: list[Operation] = []
    watched: list[Table] = []
    views = _views(data, tables)
    for name in tables:
        table = data.tables.named(name)
        if table is None or table.kind == "f":
            columns = [column for column in views.get(name, ()) if known(name, column)]
            reads += [
                reading
                for reading in _browsing(name, columns)
                if _answers_soon(connection, reading, keep)
            ]
            continue
        watched.append(table)
        columns = [c.name for c in table.columns if known(name, c.name)]
        keys = _keys(connection, table) if table.key and set(table.key) <= set(columns) else []
        rows = [{n: v for n, v in row.items() if n in columns} for row in data.draw(table, _ROWS)]
        referenced = any(k.target == table.oid for t in data.tables for k in t.foreign_keys)
        candidates = _reading(table, columns, keys)
        candidates += _joining(table, data.tables, keys, known)
        candidates += _writing(table, columns, keys, rows if new_values else [], referenced)
        random = Random(f"{seed}:{name}")
        for operation in candidates:
            refused = refusal(connection, operation, random)
            if refused is None or keep(operation, refused.sqlstate):
                (writes if operation.writes else reads).append(operation)
    return assembled(data, reads, writes, watched, known)


def assembled(
    data: Data,
    reads: Sequence[Operation],
    writes: Sequence[Operation],
    watched: Sequence[Table],
    known: Callable[[str, str], bool],
) -> Workload:
    """These operations with what the application lives with in this database."""
    connection = data.connection
    constraints = rows_of(connection, "SELECT conname FROM pg_constraint")
    indexes = rows_of(
        connection,
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indisunique",
    )
    return Workload(
        tuple(reads),
        tuple(writes),
        tuple(watched),
        frozenset(str(row[0]) for row in constraints + indexes),
        frozenset(
            (t.name, c.name)
            for t in data.tables
            for c in t.columns
            if c.not_null and not c.numbered_by_server and known(t.qualified, c.name)
        ),
        frozenset(
            (t.name, c.name)
            for t in watched
            for c in t.columns
            if not c.numbered_by_server and known(t.qualified, c.name)
        ),
    )


def touched(data: Data, relations: Collection[str], most: int) -> list[str]:
    """The tables and views of these that clients use, at most so many, those named first."""
    partitions = _roots(data)
    named = list(dict.fromkeys(partitions.get(name, name) for name in relations))
    views = _views(data, named)
    chosen = [n for n in named if data.tables.named(n) is not None or n in views]
    return chosen[:most]


def _views(data: Data, names: Collection[str]) -> dict[str, list[str]]:
    """Those of the names that are views, materialized ones among them, with their columns."""
    left = [name for name in names if data.tables.named(name) is None]
    if not left:
        return {}
    rows = rows_of(
        data.connection,
        "SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text ORDER BY a.attnum) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "WHERE c.relkind IN ('v', 'm') AND n.nspname || '.' || c.relname = ANY (%s) "
        "GROUP BY 1",
        [left],
    )
    return dict(rows)


def _browsing(view: str, columns: Sequence[str]) -> list[Operation]:
    if not columns:
        return []
    query = sql.SQL("SELECT {} FROM {} LIMIT 20").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*view.split(".", 1))
    )
    return [Operation(view, "range", _select(query, [()]))]


def _answers_soon(
    connection: Connection,
    operation: Operation,
    keep: Callable[[Operation, str | None], bool],
) -> bool:
    """Whether a reading works, and does not take so long that it would be in the way itself."""
    start = time.monotonic()
    refused = refusal(connection, operation, Random(0))
    if refused is not None:
        return keep(operation, refused.sqlstate)
    return time.monotonic() - start < _SOON


def _roots(data: Data) -> dict[str, str]:
    """Partitions and sequences by their name, with the table of which they are a part."""
    root_of = {oid: table.qualified for table in data.tables for oid in table.partitions}
    root_of |= {oid: table.qualified for oid, table in data.tables.by_oid.items()}
    rows = rows_of(
        data.connection,
        "SELECT n.nspname || '.' || c.relname, coalesce(d.refobjid, c.oid) FROM pg_class c "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid "
        "AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S' "
        "WHERE c.relispartition OR c.relkind = 'S'",
    )
    return {name: root_of[oid] for name, oid in rows if oid in root_of}


def _reading(
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


def _joining(
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
        pairs = zip(key.columns, key.target_columns, strict=True)
        query = sql.SQL("SELECT {} FROM {} c JOIN {} p ON {} WHERE {}").format(
            sql.SQL(", ").join(sql.Identifier("p", name) for name in key.target_columns),
            table.identifier,
            target.identifier,
            sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(sql.Identifier("c", mine), sql.Identifier("p", theirs))
                for mine, theirs in pairs
            ),
            sql.SQL(" AND ").join(
                sql.SQL("{} = %s").format(sql.Identifier("c", name)) for name in table.key
            ),
        )
        operations.append(Operation(table.qualified, "join", _select(query, keys)))
    return operations[:_MOST_JOINS]


def _writing(
    table: Table,
    columns: Sequence[str],
    keys: Sequence[tuple[str, ...]],
    rows: list[Row],
    referenced: bool,
) -> list[Operation]:
    operations = []
    if rows and rows[0]:
        operations.append(Operation(table.qualified, "insert", _insert(table, rows)))
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
    """An update that changes nothing but takes every lock of one."""
    plain = [
        c.name
        for c in table.columns
        if c.name in columns and c.name not in table.key and not c.generated and not c.identity
    ]
    name = sql.Identifier((plain or table.key)[-1])
    query = sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
        table.identifier, name, name, _equal(table.key)
    )

    def run(connection: Connection, random: Random) -> None:
        connection.execute(query, random.choice(keys))

    return run


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


def _keys(connection: Connection, table: Table) -> list[tuple[str, ...]]:
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
