"""What the application does, derived from the tables as it knows them: a few little operations.

The workload is made before a revision runs and does not change while it runs, as an application
that is already deployed does not. It names its columns one by one, as an ORM does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from random import Random

from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import Table, Unique
from zero_downtime.rehearse.traffic.operations import (
    Operation,
    browsing,
    changes,
    joins,
    readings,
    refusal,
    stored_keys,
)

_SOON = 0.1  # seconds that reading from a view may take
_ROWS = 150  # rows of a table that clients insert, at most


@dataclass(frozen=True)
class Workload:
    """The operations of the readers and the writers, and the tables whose doors are watched.

    ``constraints`` and ``required`` are what the application already lives with: a row that
    breaks one of them is the workload's own mistake, not the migration's. But a value that the
    server gives is never a mistake of the application's (``numbered`` keys), and neither is an
    enum's value that was one (``labels``).
    """

    reads: tuple[Operation, ...]
    writes: tuple[Operation, ...]
    watched: tuple[Table, ...]
    constraints: frozenset[str]
    required: frozenset[tuple[str, str]]  # table, NOT NULL column without a default
    columns: frozenset[tuple[str, str]]  # table, column that the application fills
    numbered: frozenset[str]  # unique constraints and indexes whose values the server gives
    labels: frozenset[tuple[str, str]]  # enum, value
    transactions: tuple[Operation, ...] = ()  # each with a client of its own

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
                for reading in browsing(name, columns)
                if _answers_soon(connection, reading, keep)
            ]
            continue
        watched.append(table)
        columns = [c.name for c in table.columns if known(name, c.name)]
        known_key = table.key and set(table.key) <= set(columns)
        keys = stored_keys(connection, table) if known_key else []
        rows = [{n: v for n, v in row.items() if n in columns} for row in data.draw(table, _ROWS)]
        referenced = any(k.target == table.oid for t in data.tables for k in t.foreign_keys)
        candidates = readings(table, columns, keys)
        candidates += joins(table, data.tables, keys, known)
        candidates += changes(table, columns, keys, rows if new_values else [], referenced)
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
    fills: Callable[[str, str], bool] | None = None,
) -> Workload:
    """These operations with what the application lives with in this database.

    It fills all columns that it knows, if nothing else is said.
    """
    fills = fills or known
    connection = data.connection
    constraints = rows_of(connection, "SELECT conname FROM pg_constraint")
    indexes = rows_of(
        connection,
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indisunique",
    )
    labels = rows_of(
        connection,
        "SELECT t.typname, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid",
    )
    numbered = frozenset(unique.name for table in watched for unique in _numbered(table))
    return Workload(
        tuple(reads),
        tuple(writes),
        tuple(watched),
        frozenset(str(row[0]) for row in constraints + indexes) - numbered,
        frozenset(
            (t.name, c.name)
            for t in data.tables
            for c in t.columns
            if c.not_null and not (c.identity or c.default) and known(t.qualified, c.name)
        ),
        frozenset(
            (t.name, c.name)
            for t in watched
            for c in t.columns
            if not c.numbered_by_server and fills(t.qualified, c.name)
        ),
        numbered,
        frozenset(labels),
    )


def _numbered(table: Table) -> list[Unique]:
    """The keys for which the server has all the values."""
    by_server = {column.name for column in table.columns if column.numbered_by_server}
    return [u for u in table.uniques if u.plain and by_server.issuperset(u.columns)]


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
