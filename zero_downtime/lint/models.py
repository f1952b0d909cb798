"""What the application's declared models map, read from their source without running it.

Read are SQLAlchemy's declarative classes and Table(…). Where a name is computed the answer is
None: not known. That is asked before a drop or a rename is called dangerous.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_COLUMNS = frozenset(("Column", "mapped_column"))
_WRAPPERS = frozenset(("deferred", "column_property"))
_NO_COLUMNS = frozenset(
    (
        "relationship",
        "Relationship",
        "association_proxy",
        "synonym",
        "composite",
        "hybrid_property",
        "query_expression",
        *("MetaData", "registry", "dict", "list", "set", "tuple", "frozenset"),
    )
)
# Bases that bring no columns.
_BASES = frozenset(
    (
        *(
            "SQLModel",
            "DeclarativeBase",
            "DeclarativeBaseNoMeta",
            "MappedAsDataclass",
            "AsyncAttrs",
            "object",
        ),
        *("Generic", "Protocol", "ABC", "declarative_base", "automap_base"),
    )
)


@dataclass
class _Class:
    """A class that may be a model, a mixin or the base of models."""

    bases: tuple[str, ...]
    plain: bool = False  # SQLModel: every annotated attribute is a column
    table: str | None = None
    schema: str | None = None
    columns: set[str] = field(default_factory=set)
    computed_table: bool = False
    computed_schema: bool = False
    computed_columns: bool = False


@dataclass(frozen=True)
class Models:
    """What is mapped: columns by table; ``open_tables`` may have further columns."""

    tables: dict[str, frozenset[str]]
    open_tables: frozenset[str] = frozenset()
    complete: bool = True  # no table's name is computed

    def maps(self, table: str, column: str | None) -> bool | None:
        """Whether a table (``schema.name``), or a column of it, is mapped; None: not known."""
        columns = self.tables.get(table)
        if columns is None:
            return False if self.complete else None
        if column is None or column in columns:
            return True
        return None if table in self.open_tables else False


def read_models(sources: Iterable[str]) -> Models | None:
    """The models in Python sources; None when they declare no table at all."""
    classes: _Classes = {}
    schemas = {"public"}  # of tables that say none
    tables: dict[str, frozenset[str]] = {}
    opened: set[str] = set()
    complete = True
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            complete = False
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(_read_class(node))
            elif isinstance(node, ast.Assign) and _name(node.value) in _BASES:
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        classes.setdefault(target.id, []).append(_Class(()))
            elif isinstance(node, ast.Call) and _name(node) == "MetaData":
                complete &= _read_metadata(node, schemas)
            elif isinstance(node, ast.Call) and _name(node) == "reflect":
                complete = False
            elif isinstance(node, ast.Call) and _name(node) == "Table":
                complete &= _read_table(node, tables, opened)
    for found in (each for same in classes.values() for each in same):
        family = list(_lineage(found, classes))
        table = next((each for each in family if each.table is not None), None)
        if any(each.computed_table or each.computed_schema for each in family):
            complete = False
        if table is None or table.table is None:
            continue
        key = f"{table.schema or _schema_of(family) or ''}.{table.table}"
        columns = frozenset().union(*(each.columns for each in family))
        tables[key] = tables.get(key, frozenset()) | columns
        if any(each.computed_columns for each in family) or _unknown_base(found, classes):
            opened.add(key)
    if not tables:
        return None
    unqualified = [key for key in tables if key.startswith(".")]
    for schema in schemas:
        tables |= {f"{schema}{key}": tables[key] for key in unqualified}
        opened |= {f"{schema}{key}" for key in unqualified if key in opened}
    return Models(tables, frozenset(opened), complete)


_Classes = dict[str, list[_Class]]  # of one name there may be several, in several modules


def _read_metadata(call: ast.Call, schemas: set[str]) -> bool:
    """MetaData(schema="name"); whether the name could be read."""
    for keyword in call.keywords:
        if keyword.arg in (None, "schema"):
            name = _text(keyword.value)
            if name is None:
                return False
            schemas.add(name)
    return True


def _read_class(node: ast.ClassDef) -> _Class:
    is_table = any(_is_true(each.value) for each in node.keywords if each.arg == "table")
    found = _Class(tuple(filter(None, map(_name, node.bases))), is_table)
    if is_table:
        found.table = node.name.lower()
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            _read_attribute(found, statement.target, statement.value, statement.annotation)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                _read_attribute(found, target, statement.value, None)
        elif isinstance(statement, ast.FunctionDef):
            if statement.name in ("__tablename__", "__table__"):
                found.computed_table = True
            elif any(_name(each) == "declared_attr" for each in statement.decorator_list):
                _read_declared(found, statement)
    return found


def _read_declared(found: _Class, function: ast.FunctionDef) -> None:
    """A method that gives a column: one that is named after it unless it says another name."""
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    for value in returned:
        if isinstance(value, ast.Call) and _name(value) in _NO_COLUMNS:
            continue
        column = _column(value, function.name)
        if column is None:
            found.computed_columns = True
        else:
            found.columns.add(column)


def _read_attribute(
    found: _Class, target: ast.expr, value: ast.expr | None, annotation: ast.expr | None
) -> None:
    if not isinstance(target, ast.Name):
        return
    if target.id == "__tablename__":
        found.table = _text(value)
        found.computed_table = found.table is None
    elif target.id == "__table_args__":
        found.schema, found.computed_schema = _schema_in(value)
    elif target.id == "__table__":
        # A Table(…) in place is found by itself; its columns are the class's.
        found.computed_table = not (isinstance(value, ast.Call) and _name(value) == "Table")
    elif isinstance(value, ast.Call):
        if _name(value) in _COLUMNS | _WRAPPERS:
            column = _column(value, target.id)
            if column is None:
                found.computed_columns = True
            else:
                found.columns.add(column)
        elif annotation is not None and (found.plain or _is_mapped(annotation)):
            if _name(value) not in _NO_COLUMNS:
                found.columns.add(target.id)
        elif _name(value) not in _NO_COLUMNS and not target.id.startswith("_"):
            found.computed_columns = True  # a helper that may well make a column
    elif annotation is not None and (found.plain or _is_mapped(annotation)):
        found.columns.add(target.id)


def _read_table(call: ast.Call, tables: dict[str, frozenset[str]], opened: set[str]) -> bool:
    """Table("name", metadata, Column("a"), …); whether its name could be read."""
    name = _text(call.args[0]) if call.args else None
    if name is None:
        return False
    given = next((each.value for each in call.keywords if each.arg == "schema"), None)
    schema = _text(given)
    if given is not None and schema is None:
        return False
    key = f"{schema or ''}.{name}"
    columns = set()
    for argument in call.args[2:]:
        if _name(argument) in _COLUMNS:
            column = _column(argument, None)
            if column is None:
                opened.add(key)
            else:
                columns.add(column)
        elif isinstance(argument, ast.Starred):
            opened.add(key)
    if any(each.arg in ("autoload_with", "autoload") for each in call.keywords):
        opened.add(key)
    tables[key] = tables.get(key, frozenset()) | columns
    return True


def _column(value: ast.expr | None, attribute: str | None) -> str | None:
    """The name of a column; None when it is computed."""
    if not isinstance(value, ast.Call):
        return None
    if _name(value) in _WRAPPERS:
        return _column(value.args[0], attribute) if value.args else None
    if _name(value) not in _COLUMNS:
        return None
    named = next((each.value for each in value.keywords if each.arg == "name"), None)
    if named is None and value.args and isinstance(value.args[0], ast.Constant):
        named = value.args[0]
    return attribute if named is None else _text(named)


def _is_mapped(annotation: ast.expr) -> bool:
    """Mapped[…] but not Mapped[list[…]] or another class in quotes, which is a relationship."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.startswith(("Mapped[", "orm.Mapped["))
    return isinstance(annotation, ast.Subscript) and _name(annotation.value) == "Mapped"


def _schema_in(value: ast.expr | None) -> tuple[str | None, bool]:
    """The schema in ``__table_args__``, a dictionary or a tuple that ends in one.

    With whether there may be one that can't be read.
    """
    if isinstance(value, ast.Tuple) and value.elts:
        value = value.elts[-1]
    if isinstance(value, ast.Dict):
        for key, item in zip(value.keys, value.values, strict=True):
            if key is not None and _text(key) == "schema":
                return _text(item), _text(item) is None
        return None, None in value.keys
    # A tuple that ends in a constraint has no settings.
    return None, not isinstance(value, ast.Tuple | ast.Call)


def _schema_of(family: list[_Class]) -> str | None:
    return next((each.schema for each in family if each.schema is not None), None)


def _lineage(found: _Class, classes: _Classes) -> Iterator[_Class]:
    """A class and its bases; where a base's name is that of several, all of these."""
    yield found
    seen: set[str] = set()
    todo = list(found.bases)
    while todo:
        name = todo.pop(0)
        if name not in seen:
            seen.add(name)
            for each in classes.get(name, ()):
                yield each
                todo += each.bases


def _unknown_base(found: _Class, classes: _Classes) -> bool:
    """Whether a base stands in no source that was read."""
    seen: set[str] = set()
    todo = list(found.bases)
    while todo:
        name = todo.pop()
        if name in seen or name in _BASES:
            continue
        seen.add(name)
        if name not in classes:
            return True
        todo += (base for each in classes[name] for base in each.bases)
    return False


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _text(value: ast.expr | None) -> str | None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    return None


def _name(node: ast.expr) -> str:
    """The last part of a dotted name, of what is called, or of what is subscripted."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
