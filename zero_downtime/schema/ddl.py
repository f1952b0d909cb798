"""The DDL of imported schema modules: SQLAlchemy's tables and our objects, each with its place."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.orm import registry
from sqlalchemy.sql import sqltypes
from sqlalchemy.sql.ddl import CreateColumn, CreateTable, DDLElement

from zero_downtime.postgres import names
from zero_downtime.schema.declaration import SchemaObject, attached, literal, old_name
from zero_downtime.schema.functions import Function, Trigger
from zero_downtime.schema.namespaces import Extension, Schema
from zero_downtime.schema.partitions import Partition
from zero_downtime.schema.security import Role
from zero_downtime.schema.types import Domain, Enum
from zero_downtime.sql.statement import Location

# What others need comes first; the rest keeps its order. Loading retries, so that this is only
# for speed and for plans that read well.
_BEFORE_TABLES = (Role, Schema, Extension, Enum, Domain)
_AFTER_TABLES = (Partition, Function, Trigger)  # then views, policies, grants as they stand


@dataclass(frozen=True)
class DeclaredStatement:
    """One statement of the declared schema, with the object that it makes and its place."""

    sql: str
    label: str
    location: Location


@dataclass(frozen=True)
class Rename:
    """A declared rename; names are schema-qualified, columns and constraints by their table.

    ``old`` is the name as the database has it now: of a renamed table's renamed column,
    ``public.old_table.old_column``.
    """

    kind: str  # table, column, index, constraint, value
    old: str
    new: str


def find_metadata(modules: Iterable[ModuleType]) -> list[MetaData]:
    """Every MetaData that the modules bind, by itself or through a base, a model or a table."""
    found: dict[int, MetaData] = {}
    for module in modules:
        for value in vars(module).values():
            metadata = value if isinstance(value, MetaData) else None
            if isinstance(value, type | Table | registry):
                metadata = getattr(value, "metadata", None)
            if isinstance(metadata, MetaData):
                found.setdefault(id(metadata), metadata)
    return list(found.values())


def find_objects(
    modules: Iterable[ModuleType], metadatas: Iterable[MetaData]
) -> list[SchemaObject]:
    """Our objects: module-level values, alone or in tuples and lists, then the attached ones."""
    found: dict[int, SchemaObject] = {}
    for module in modules:
        for value in vars(module).values():
            items = value if isinstance(value, list | tuple) else (value,)
            found.update((id(item), item) for item in items if isinstance(item, SchemaObject))
    for metadata in metadatas:
        found.update((id(item), item) for item in attached(metadata))
    return list(dict.fromkeys(found.values()))


def find_renames(metadatas: Iterable[MetaData]) -> Iterator[Rename]:
    """What ``renamed_from`` says in tables, columns, indexes and constraints."""
    for table in (table for metadata in metadatas for table in metadata.tables.values()):
        schema = _dumped(table.schema or "public")
        new_table = f"{schema}.{_dumped(table.name)}"
        old_schema, _, old_bare = (old_name(table.info) or table.name).rpartition(".")
        old_schema = _dumped(old_schema) if old_schema else schema
        old_table = f"{old_schema}.{_dumped(old_bare)}"
        if old_table != new_table:
            yield Rename("table", old_table, new_table)
        for column in table.columns:
            if old := old_name(column.info):
                new = f"{new_table}.{_dumped(column.name)}"
                yield Rename("column", f"{old_table}.{_dumped(old)}", new)
        for index in table.indexes:
            if old := old_name(index.info):
                old = f"{old_schema}.{_dumped(old)}"
                yield Rename("index", old, f"{schema}.{_dumped(str(index.name))}")
        for constraint in table.constraints:
            if old := old_name(constraint.info):
                name = f"{new_table}.{_dumped(str(constraint.name))}"
                yield Rename("constraint", f"{old_table}.{_dumped(old)}", name)


def _dumped(name: str) -> str:
    """A name as pg_dump writes it, in quotes only where it needs them."""
    return name if name.startswith('"') else names.quoted(name)


def find_value_renames(objects: Iterable[SchemaObject]) -> Iterator[Rename]:
    """What enums say of their values: ``public.state.'paid'``."""
    for item in objects:
        if isinstance(item, Enum):
            name = f"{_dumped(item.schema or 'public')}.{_dumped(item.name)}"
            for new, old in item.renamed_from.items():
                yield Rename("value", f"{name}.{literal(old)}", f"{name}.{literal(new)}")


def statements(
    modules: list[ModuleType], metadatas: list[MetaData], objects: list[SchemaObject]
) -> list[DeclaredStatement]:
    """The DDL of everything declared in Python, in an order that mostly loads at once."""
    places = _places(modules)
    before = sorted((o for o in objects if isinstance(o, _BEFORE_TABLES)), key=_rank)
    after = sorted((o for o in objects if not isinstance(o, _BEFORE_TABLES)), key=_rank)
    made = [
        *(statement for item in before for statement in _of(item)),
        *_implied_schemas(metadatas, places),
        *(statement for metadata in metadatas for statement in _of_metadata(metadata, places)),
        *(statement for item in after for statement in _of(item)),
    ]
    return list(dict.fromkeys(made))


def _rank(item: SchemaObject) -> int:
    kinds: tuple[type[SchemaObject], ...] = _BEFORE_TABLES + _AFTER_TABLES
    return kinds.index(type(item)) if type(item) in kinds else len(kinds)


def _of(item: SchemaObject) -> Iterator[DeclaredStatement]:
    for sql in item.statements():
        yield DeclaredStatement(sql, item.label, item.place)


def _implied_schemas(
    metadatas: list[MetaData], places: dict[str, Location]
) -> Iterator[DeclaredStatement]:
    """The schemas that tables stand in; SQLAlchemy itself never makes them."""
    for metadata in metadatas:
        for table in metadata.tables.values():
            if table.schema and table.schema != "public":
                item = Schema(table.schema)
                place = places.get(table.key, item.place)
                for sql in item.statements():
                    yield DeclaredStatement(sql, item.label, place)


def _of_metadata(metadata: MetaData, places: dict[str, Location]) -> list[DeclaredStatement]:
    """What ``metadata.create_all`` would run, DDL events of the users included."""
    made: list[DeclaredStatement] = []
    users = {
        column.type.name: table.key
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sqltypes.Enum | postgresql.DOMAIN)
    }
    # "named": no doubling of percent signs, since the text is run without parameters.
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]

    def keep(element: Any, *_: object, **__: object) -> None:
        if not isinstance(element, DDLElement):
            return  # a query in a user's event; there is no database to ask yet
        sql = str(element.compile(dialect=dialect)).strip()
        label, table = _subject(element, users)
        place = places.get(table, Location("")) if table else Location("")
        made.append(DeclaredStatement(sql, label, place))
        if isinstance(element, CreateTable):
            for sql in _not_valid(element.element, dialect):
                made.append(DeclaredStatement(sql, label, place))

    metadata.create_all(MockConnection(dialect, keep), checkfirst=False)
    return made


def _not_valid(table: Table, dialect: Any) -> Iterator[str]:
    """Constraints that are declared NOT VALID: CREATE TABLE overlooks the words."""
    compiler = dialect.ddl_compiler(dialect, None)
    alter = f"ALTER TABLE {compiler.preparer.format_table(table)}"
    for constraint in sorted(table.constraints, key=lambda each: str(each.name)):
        if constraint.dialect_kwargs.get("postgresql_not_valid") and constraint.name:
            yield f"{alter} DROP CONSTRAINT {compiler.preparer.format_constraint(constraint)}"
            yield f"{alter} ADD {compiler.process(constraint)}"


def _subject(element: DDLElement, users: dict[Any, str]) -> tuple[str, str | None]:
    """What a DDL element is about: a label, and the key of its table.

    ``users`` gives a table that uses a type, by the type's name.
    """
    target: Any = getattr(element, "element", getattr(element, "target", None))
    if isinstance(target, CreateColumn):
        target = target.element
    table = getattr(target, "table", target)
    key = table.key if isinstance(table, Table) else None
    name = getattr(target, "name", None)
    if isinstance(target, Table):
        return f"table {target.key}", key
    if isinstance(target, Column):
        return f"column {key}.{name}", key
    if isinstance(target, sqltypes.TypeEngine):
        return f"type {name}", users.get(name)
    kind = type(target).__name__.lower() if target is not None else "DDL"
    return (f"{kind} {name}" if name else f"{kind} of {key}"), key


def _places(modules: list[ModuleType]) -> dict[str, Location]:
    """Where each table is declared: key of the table → file and line."""
    places: dict[str, Location] = {}
    for module in modules:
        if not module.__file__:
            continue
        lines = _lines_of_names(module.__file__)
        for name, value in vars(module).items():
            table = getattr(value, "__table__", value)
            ours = not isinstance(value, type) or value.__module__ == module.__name__
            if isinstance(table, Table) and ours and name in lines:
                places.setdefault(table.key, Location(module.__file__, lines[name]))
    return places


def _lines_of_names(file: str) -> dict[str, int]:
    """The lines on which a module binds its classes and variables."""
    with open(file, "rb") as source:
        tree = ast.parse(source.read())
    lines: dict[str, int] = {}
    waiting: list[ast.AST] = [*tree.body[::-1]]
    while waiting:  # statements alone: most of a module are expressions, which bind nothing
        node = waiting.pop()
        if isinstance(node, ast.ClassDef):
            lines.setdefault(node.name, node.lineno)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.For | ast.With):
            for name in _bound(node):
                lines.setdefault(name.id, name.lineno)
        for inside in ("handlers", "finalbody", "orelse", "body"):
            waiting += getattr(node, inside, ())[::-1]
    return lines


def _bound(statement: ast.Assign | ast.AnnAssign | ast.For | ast.With) -> Iterator[ast.Name]:
    """The names that a statement binds itself."""
    if isinstance(statement, ast.Assign):
        targets: list[ast.expr] = statement.targets
    elif isinstance(statement, ast.With):
        targets = [item.optional_vars for item in statement.items if item.optional_vars]
    else:
        targets = [statement.target]
    for target in targets:
        yield from (node for node in ast.walk(target) if isinstance(node, ast.Name))
