"""The tables of a database as data generator and clients need them, from pg_catalog alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from psycopg import sql

from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.table_queries import (
    ATTRIBUTES,
    COLUMNS,
    CONSTRAINTS,
    DOMAIN_CHECKS,
    EXCLUDING_EXPRESSIONS,
    FUNCTIONS,
    PARTITION_KEYS,
    PARTITIONS,
    PARTS,
    TABLES,
    TYPES,
    UNIQUES,
)

TypeKind = Literal["base", "array", "enum", "domain", "range", "multirange", "composite"]


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the database; ``element`` is the array's element or the range's subtype."""

    oid: int
    name: str  # without its schema: int4, text, vector
    sql: str  # as format_type writes it without a modifier
    kind: TypeKind
    element: int = 0  # array element, range subtype, multirange's range, domain's base
    modifier: int = -1  # of the domain's base
    labels: tuple[str, ...] = ()  # enum
    attributes: tuple[tuple[str, int, int], ...] = ()  # composite: name, type, modifier
    checks: tuple[str, ...] = ()  # domain: expressions over VALUE
    not_null: bool = False  # domain


@dataclass(frozen=True, slots=True)
class Column:
    """A column that exists now. ``generated`` ones are computed by the server."""

    number: int
    name: str
    type: int
    modifier: int
    not_null: bool
    generated: str  # "" | "s" stored | "v" virtual
    identity: str  # "" | "a" always | "d" by default
    default: str | None  # also the expression of a generated column
    definition: str  # as format_type writes its type, with the modifier

    @property
    def numbered_by_server(self) -> bool:
        """Whether the server gives the next number when the column is left out."""
        return bool(self.identity) or (self.default or "").startswith("nextval(")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: ``columns`` of the child point at ``target_columns`` of ``target``."""

    name: str
    columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]
    cascades: bool


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values may not repeat together; of an index on expressions, those they use."""

    name: str
    columns: tuple[str, ...]
    primary: bool
    plain: bool  # neither expressions nor a predicate
    partial: bool  # with a predicate


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that every row meets, over the table's columns.

    ``source`` is the text from which values are guessed: the condition and what it calls.
    """

    name: str
    expression: str
    columns: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Columns whose values an exclusion constraint or a temporal key keeps apart."""

    name: str
    columns: tuple[str, ...]
    apart: tuple[str, ...]  # the columns compared with something else than "="


@dataclass(frozen=True, slots=True)
class Leaf:
    """A partition that holds rows, with the bounds that lead to it: (key columns, bound text)."""

    name: str
    constraint: str | None
    bounds: tuple[tuple[tuple[str, ...], str, str], ...]  # columns, strategy, FOR VALUES …


@dataclass(frozen=True, slots=True)
class Table:
    """A table into which rows can be put: ordinary or partitioned, never a single partition."""

    oid: int
    schema: str
    name: str
    kind: str  # "r" ordinary | "p" partitioned | "f" foreign
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    partitions: tuple[int, ...] = ()  # oids of all partitions below
    triggers: int = 0  # triggers and rules of users that fire on INSERT

    @property
    def qualified(self) -> str:
        """``schema.name``, as pg_locks' observations and the lock model name it."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name for use in SQL."""
        return sql.Identifier(self.schema, self.name)

    @property
    def alone(self) -> sql.Composable:
        """The table as it stands in FROM, without the tables that inherit from it."""
        return self.identifier if self.kind == "p" else sql.SQL("ONLY {}").format(self.identifier)

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key, else the first plain unique key without NULLs, else nothing."""
        for unique in sorted(self.uniques, key=lambda u: not u.primary):
            if unique.primary or (
                unique.plain and all(self.column(name).not_null for name in unique.columns)
            ):
                return unique.columns
        return ()

    def column(self, name: str) -> Column:
        """The column of this name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Tables:
    """All tables of a database that hold rows of an application, and the types they use."""

    by_oid: dict[int, Table] = field(default_factory=dict)
    types: dict[int, Type] = field(default_factory=dict)
    version_tables: tuple[str, ...] = ()  # Alembic's own, which is not among them
    functions: dict[str, str] = field(default_factory=dict)  # of users: name → body
    partitions: dict[int, sql.Identifier] = field(default_factory=dict)  # oid → name

    def __iter__(self) -> Iterator[Table]:
        return iter(self.by_oid.values())

    def source(self, oid: int) -> sql.Composable | None:
        """The table or partition of this oid as it stands in FROM, if its rows are an
        application's."""
        table = self.by_oid.get(oid)
        return table.alone if table is not None else self.partitions.get(oid)

    def called(self, oid: int) -> str:
        """What messages call the table or partition of this oid."""
        table, part = self.by_oid.get(oid), self.partitions.get(oid)
        if table is not None:
            return table.qualified
        return part.as_string(None).replace('"', "") if part is not None else "a foreign table"

    def named(self, qualified: str) -> Table | None:
        """The table ``schema.name``, if it is there."""
        return next((table for table in self if table.qualified == qualified), None)


def read_tables(connection: Connection) -> Tables:
    """Read the tables outside of system schemas and extensions, in the order of their names."""
    read = rows_of
    columns: dict[int, list[Column]] = {}
    for row in read(connection, COLUMNS):
        columns.setdefault(row[0], []).append(Column(*row[1:]))
    names: dict[int, dict[int, str]] = defaultdict(dict)
    for oid, listed in columns.items():
        names[oid] = {c.number: c.name for c in listed}
    foreign_keys: dict[int, list[ForeignKey]] = {}
    checks: dict[int, list[Check]] = {}
    exclusions: dict[int, list[Exclusion]] = {}
    for oid, name, kind, key, target, target_key, text, cascades, operators in read(
        connection, CONSTRAINTS
    ):
        mine = tuple(names[oid][number] for number in key or () if number in names[oid])
        if kind == "f":
            theirs = tuple(names.get(target, {}).get(number, "") for number in target_key)
            foreign_keys.setdefault(oid, []).append(
                ForeignKey(name, mine, target, theirs, bool(cascades))
            )
        elif kind == "c":
            checks.setdefault(oid, []).append(Check(name, text, mine))
        else:
            apart = tuple(
                names[oid][number]
                for number, operator in zip(key, operators, strict=False)
                if number in names[oid] and operator != "="
            )
            exclusions.setdefault(oid, []).append(Exclusion(name, mine, apart or mine))
    for oid, name, key, operators, used in read(connection, EXCLUDING_EXPRESSIONS):
        apart_numbers = [n for n, operator in zip(key, operators, strict=False) if operator != "="]
        apart = tuple(names[oid][n] for n in apart_numbers if n)
        within = tuple(names[oid][n] for n in used if n not in key)
        mine = tuple(names[oid][n] for n in key if n) + within
        exclusions.setdefault(oid, []).append(
            Exclusion(name, mine, apart + (within if 0 in apart_numbers else ()))
        )
    uniques: dict[int, list[Unique]] = {}
    for oid, name, numbers, primary, plain, partial in read(connection, UNIQUES):
        mine = tuple(names[oid][number] for number in numbers if number in names[oid])
        if mine:
            uniques.setdefault(oid, []).append(Unique(name, mine, primary, plain, partial))
    leaves, partitions = _leaves(connection, names)
    found: dict[int, Table] = {}
    version_tables = []
    for oid, schema, name, kind, triggers in read(connection, TABLES):
        if [column.name for column in columns.get(oid, ())] == ["version_num"]:
            version_tables.append(name)
            continue
        found[oid] = Table(
            oid,
            schema,
            name,
            kind,
            tuple(columns.get(oid, ())),
            tuple(foreign_keys.get(oid, ())),
            tuple(uniques.get(oid, ())),
            tuple(checks.get(oid, ())),
            tuple(exclusions.get(oid, ())),
            tuple(leaves.get(oid, ())),
            tuple(partitions.get(oid, ())),
            triggers,
        )
    return Tables(
        found,
        _types(connection),
        tuple(version_tables),
        dict(read(connection, FUNCTIONS)),
        {oid: sql.Identifier(schema, name) for oid, schema, name in read(connection, PARTS)},
    )


def _types(connection: Connection) -> dict[int, Type]:
    labels: dict[int, list[str]] = {}
    for oid, label in rows_of(
        connection, "SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder"
    ):
        labels.setdefault(oid, []).append(label)
    attributes: dict[int, list[tuple[str, int, int]]] = {}
    for oid, name, of, modifier in rows_of(connection, ATTRIBUTES):
        attributes.setdefault(oid, []).append((name, of, modifier))
    checks: dict[int, list[str]] = {}
    for oid, text in rows_of(connection, DOMAIN_CHECKS):
        checks.setdefault(oid, []).append(text)
    types = {}
    for oid, name, said, kind, element, modifier, not_null in rows_of(connection, TYPES):
        types[oid] = Type(
            oid,
            name,
            said,
            kind,
            element,
            modifier,
            tuple(labels.get(oid, ())),
            tuple(attributes.get(oid, ())),
            tuple(checks.get(oid, ())),
            not_null,
        )
    return types


def _leaves(
    connection: Connection, names: dict[int, dict[int, str]]
) -> tuple[dict[int, list[Leaf]], dict[int, list[int]]]:
    """Per partitioned root: the leaves with all bounds on the way, and every partition's oid."""
    above: dict[int, tuple[int, str]] = {}  # partition → parent, bound
    keys: dict[int, tuple[str, tuple[int, ...]]] = {}
    said: dict[int, tuple[str, str | None]] = {}
    for oid, parent, name, bound, constraint in rows_of(connection, PARTITIONS):
        above[oid] = (parent, bound)
        said[oid] = (name, constraint)
    for oid, strategy, numbers in rows_of(connection, PARTITION_KEYS):
        keys[oid] = (strategy, tuple(numbers))
    leaves: dict[int, list[Leaf]] = {}
    partitions: dict[int, list[int]] = {}
    for oid in above:
        bounds = []
        at = oid
        while at in above:
            parent, bound = above[at]
            strategy, numbers = keys[parent]
            columns = tuple(names.get(parent, {}).get(number, "") for number in numbers)
            bounds.append((columns, strategy, bound))
            at = parent
        partitions.setdefault(at, []).append(oid)
        if oid not in keys:
            name, constraint = said[oid]
            leaves.setdefault(at, []).append(Leaf(name, constraint, tuple(reversed(bounds))))
    return leaves, partitions
