"""An application's own statements as traffic: from a workload file, or from pg_stat_statements.

Their parameters are ``$1`` and so on. What they are given comes from the rows that are there: of
the column that the file names, or that the statement compares the parameter with.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from msgspec import Struct
from psycopg import sql

from zero_downtime.errors import InputError
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.rows.trial import Row
from zero_downtime.rehearse.session import Connection, one_line, rows_of
from zero_downtime.rehearse.tables import Table
from zero_downtime.rehearse.traffic.operations import Operation, refusal
from zero_downtime.rehearse.traffic.workload import Workload, assembled
from zero_downtime.sql.tree import Node, NotParsed, fields_of, names_of, parse, tagged
from zero_downtime.stats import read_stats

_SLOW_MS = 50  # a statement that takes longer is known to do so
_MOST_TIMES = 20  # that a statement is in the list from which clients draw
# The statement is right, the values that we found for it are not.
_OF_VALUES = ("23505", "23503", "23514", "23P01", "22003", "22001")
_ROWS = 200  # of a table from which values are taken
_NEW_ROWS = 150  # that INSERTs have to give


class Written(Struct, frozen=True, forbid_unknown_fields=True):
    """One statement of a workload.

    ``parameters`` has, for each of them, the column (``table.column``) or the list that its
    values are taken from. An application that sends it is there ``until`` a revision.
    """

    sql: str
    weight: float = 1.0
    parameters: list[str | list[str | int | float | bool | None]] | None = None
    until: str | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    statement: list[Written]


def read_statements(path: Path) -> tuple[Written, ...]:
    """A workload file (TOML), or what ``zd stats pull --statements`` wrote. Raises InputError."""
    if path.suffix == ".json":
        found = tuple(Written(each.sql, each.calls) for each in read_stats(path).statements)
        if not found:
            raise InputError(
                where=path,
                reason="has no statements",
                advice="Take them with zd stats pull --statements",
            )
        return found
    try:
        written = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File)
    except OSError as error:
        raise InputError(
            where=path, reason=f"can't be read ({error.strerror})", advice="Check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise InputError(
            where=path,
            reason=f"is no workload ({error})",
            advice="It has a table [[statement]] for each statement, with its sql",
        ) from error
    for number, each in enumerate(written.statement, 1):
        _check(each, f"{path} statement {number}")
    return tuple(written.statement)


def _check(statement: Written, where: str) -> None:
    reason = ""
    try:
        count = _parameters(parse(statement.sql)[1])
        if statement.parameters is not None and len(statement.parameters) != count:
            reason = f"has {count} parameters, but values for {len(statement.parameters)}"
        elif [] in (statement.parameters or ()):
            reason = "has an empty list of values"
    except NotParsed as error:
        reason = f"is not SQL ({error})"
    if statement.weight <= 0:
        reason = "has a weight that is not above 0"
    if reason:
        raise InputError(
            where=where, reason=reason, advice="Parameters are written $1, $2 and so on"
        )


def _parameters(tree: Node) -> int:
    return max((fields.get("number", 0) for fields in tagged(tree, "ParamRef")), default=0)


@dataclass(frozen=True)
class Source:
    """Where the values of one parameter come from: a column's rows, or a list."""

    table: Table | None = None
    column: str = ""
    values: tuple[object, ...] = (None,)


def operation(data: Data, statement: Written) -> Operation:
    """A statement as something that clients do. Raises NotParsed."""
    kind, tree = parse(statement.sql)
    tables = _tables(tree, data)
    first = next(iter(tables.values()), None)
    sources = _sources(data, statement, kind, tree, tables)
    inserted = first if kind == "InsertStmt" else None
    run = _Run(statement.sql, sources, _pools(data, sources, inserted), inserted)
    return Operation(first.qualified if first else "", _kind(kind, tree), run)


def _kind(kind: str, tree: Node) -> Any:
    writing = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "LockingClause")
    reads = kind == "SelectStmt" and not any(any(tagged(tree, each)) for each in writing)
    return "query" if reads else "change"


@dataclass(frozen=True)
class Planned:
    """A workload of written statements, and those that don't run on this database, with why."""

    workload: Workload
    refused: tuple[tuple[Written, str], ...]


def plan_statements(
    data: Data, statements: Sequence[Written], watched: Sequence[str], seed: int
) -> Planned:
    """What clients do who send these statements; the tables ``watched`` have probes."""
    reads: list[Operation] = []
    writes: list[Operation] = []
    refused = []
    heaviest = max((each.weight for each in statements), default=1.0)
    random = Random(f"{seed}:statements")
    for each in statements:
        try:
            made = operation(data, each)
        except NotParsed as error:
            refused.append((each, str(error)))
            continue
        start = time.monotonic()
        said = refusal(data.connection, made, random)
        took = (time.monotonic() - start) * 1000
        if took >= _SLOW_MS:
            made = replace(made, usual_ms=took)
        if said is None or said.sqlstate in _OF_VALUES:
            times = max(1, round(_MOST_TIMES * each.weight / heaviest))
            (writes if made.writes else reads).extend([made] * times)
        else:
            refused.append((each, one_line(said)))
    tables = [table for name in watched if (table := data.tables.named(name)) is not None]
    doors = [table for table in tables if table.kind != "f"]
    filled = {place for each in statements for place in _filled(data, each)}
    everything = assembled(
        *(data, reads, writes, doors, lambda table, column: True),
        fills=lambda *place: place in filled,
    )
    return Planned(everything, tuple(refused))


class _Run:
    """Sends the statement with values that belong together: of one row of each table."""

    def __init__(
        self,
        text: str,
        sources: Sequence[Source],
        pools: Mapping[int, list[Row]],
        inserted: Table | None,
    ) -> None:
        self._text = text
        self._sources = sources
        self._pools = pools
        self._inserted = inserted

    def __call__(self, connection: Connection, random: Random) -> None:
        rows: dict[int, Row] = {}
        for oid, pool in self._pools.items():
            if self._inserted is not None and oid == self._inserted.oid:
                try:
                    rows[oid] = pool.pop()
                except IndexError:  # all are in: bounded by intention
                    return
            else:
                rows[oid] = pool[int(len(pool) * random.random() ** 2)] if pool else {}
        values = [
            rows[source.table.oid].get(source.column)
            if source.table is not None
            else random.choice(source.values)
            for source in self._sources
        ]
        with psycopg.RawCursor(connection) as cursor:
            cursor.execute(self._text.encode(), values)
            if cursor.description:
                cursor.fetchall()


def _filled(data: Data, statement: Written) -> list[tuple[str, str]]:
    """The columns, with their table, for which an INSERT or an UPDATE has a value."""
    try:
        kind, tree = parse(statement.sql)
    except NotParsed:
        return []
    table = next(iter(_tables(tree, data).values()), None)
    named = {"InsertStmt": "cols", "UpdateStmt": "targetList"}.get(kind)
    if table is None or named is None:
        return []
    columns = [str(fields_of(each).get("name", "")) for each in tree.get(named, ())]
    return [(table.qualified, name) for name in columns or [c.name for c in table.columns]]


def _tables(tree: Node, data: Data) -> dict[str, Table]:
    """The tables that a statement names, by the names that it calls them."""
    found: dict[str, Table] = {}
    ranges = [tree["relation"]] if "relation" in tree else []
    for node in (*ranges, *tagged(tree, "RangeVar")):
        name, schema = node.get("relname", ""), node.get("schemaname")
        for table in sorted(data.tables, key=lambda table: table.schema != "public"):
            if table.name == name and schema in (None, table.schema):
                found.setdefault(node.get("alias", {}).get("aliasname") or name, table)
                break
    return found


def _sources(
    data: Data, statement: Written, kind: str, tree: Node, tables: Mapping[str, Table]
) -> list[Source]:
    count = _parameters(tree)
    if statement.parameters is not None:
        return [_given(each, data) for each in statement.parameters]
    columns = _compared(kind, tree, tables)
    types = {} if len(columns) == count else _types(data.connection, statement.sql)
    return [
        Source(*columns[number])
        if number in columns
        else Source(values=(_SIMPLE.get(types.get(number, "")),))
        for number in range(1, count + 1)
    ]


def _given(given: str | list[Any], data: Data) -> Source:
    if not isinstance(given, str):
        return Source(values=tuple(given))
    name, _, column = given.rpartition(".")
    for table in sorted(data.tables, key=lambda table: table.schema != "public"):
        if name in (table.name, table.qualified) and any(c.name == column for c in table.columns):
            return Source(table, column)
    return Source()


def _compared(kind: str, tree: Node, tables: Mapping[str, Table]) -> dict[int, tuple[Table, str]]:
    """The column whose values each parameter stands for, where the statement says it."""
    found: dict[int, tuple[Table, str]] = {}
    target = next(iter(tables.values()), None)

    def note(value: Node, column: tuple[Table, str] | None) -> None:
        if column is not None:
            for fields in _params(value):
                found.setdefault(fields.get("number", 0), column)

    for compared in tagged(tree, "A_Expr"):
        left, right = compared.get("lexpr", {}), compared.get("rexpr", {})
        note(right, _column(left, tables))
        note(left, _column(right, tables))
    if target is not None and kind == "InsertStmt":
        names = [fields_of(each).get("name", "") for each in tree.get("cols", ())]
        names = names or [column.name for column in target.columns]
        lists = fields_of(tree.get("selectStmt")).get("valuesLists", ())
        for values in lists:
            for name, value in zip(names, fields_of(values).get("items", ()), strict=False):
                note(value, _own(target, name))
    if target is not None and kind == "UpdateStmt":
        for each in tree.get("targetList", ()):
            assigned = fields_of(each)
            note(assigned.get("val", {}), _own(target, assigned.get("name", "")))
    return found


def _params(value: Node) -> Collection[Node]:
    """A parameter, one with a cast, or a list of them; not those inside of an expression."""
    if "TypeCast" in value:
        return _params(value["TypeCast"].get("arg", {}))
    if "List" in value:
        return [each for item in value["List"].get("items", ()) for each in _params(item)]
    return [value["ParamRef"]] if "ParamRef" in value else []


def _column(node: Node, tables: Mapping[str, Table]) -> tuple[Table, str] | None:
    if "ColumnRef" not in node:
        return None
    *called, column = names_of(node["ColumnRef"].get("fields")) or ("",)
    chosen = [tables[called[-1]]] if called and called[-1] in tables else list(tables.values())
    return next(filter(None, (_own(table, column) for table in chosen)), None)


def _own(table: Table, column: str) -> tuple[Table, str] | None:
    return (table, column) if any(c.name == column for c in table.columns) else None


# For a parameter that stands for no column: a LIMIT, an argument of a function.
_SIMPLE: Mapping[str, object] = {
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision"), "10"),
    **dict.fromkeys(("text", "character varying"), "x"),
    **dict.fromkeys(("date", "timestamp without time zone", "timestamp with time zone"), "now"),
    "boolean": "true",
    "interval": "1 day",
    "uuid": str(UUID(int=1)),
}


def _types(connection: Connection, text: str) -> dict[int, str]:
    """The types that the server finds for the parameters, by number."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"PREPARE zd_types AS {text}".encode(), prepare=False)
            rows = rows_of(
                connection,
                "SELECT parameter_types::text[] FROM pg_prepared_statements "
                "WHERE name = 'zd_types'",
            )
            connection.execute("DEALLOCATE zd_types")
    except psycopg.Error:
        return {}
    return dict(enumerate(rows[0][0], 1)) if rows else {}


def _pools(data: Data, sources: Sequence[Source], inserted: Table | None) -> dict[int, list[Row]]:
    """Rows of every table from which values are taken; new ones for the one inserted into."""
    wanted: dict[int, dict[str, None]] = {}
    tables: dict[int, Table] = {}
    for source in sources:
        if source.table is not None:
            tables[source.table.oid] = source.table
            wanted.setdefault(source.table.oid, {})[source.column] = None
    pools: dict[int, list[Row]] = {}
    for oid, columns in wanted.items():
        table = tables[oid]
        if inserted is not None and oid == inserted.oid:
            pools[oid] = data.draw(table, _NEW_ROWS)
            continue
        listed = sql.SQL(", ").join(
            sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns
        )
        order = table.key or tuple(columns)
        query = sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT {}").format(
            listed,
            table.identifier,
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(n)) for n in order),
            sql.Literal(_ROWS),
        )
        rows = rows_of(data.connection, query)
        pools[oid] = [dict(zip(columns, row, strict=True)) for row in rows]
    return pools
