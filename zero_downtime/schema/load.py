"""The desired state: schema modules and ``.sql`` files, loaded into an empty scratch database."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import structs

from zero_downtime.errors import SchemaError
from zero_downtime.project import Project
from zero_downtime.sql.statement import Location, Statement

if TYPE_CHECKING:
    from zero_downtime.schema.ddl import DeclaredStatement, Rename

# Something that a statement needs is not there: often the consequence of another failure.
_UNDEFINED = {
    "42P01",  # undefined_table
    "42703",  # undefined_column
    "42704",  # undefined_object
    "42883",  # undefined_function
    "3F000",  # invalid_schema_name
    "42830",  # invalid_foreign_key: the unique constraint that it needs comes later
}

# The head of a statement that makes a function, comments before it included.
_CREATE = re.compile(
    r"((?:\s|--[^\n]*\n|/\*.*?\*/)*CREATE)(?:\s+OR\s+REPLACE)?\s+(FUNCTION|PROCEDURE)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Declared:
    """What a project declares: the statements that make it, and the renames it speaks of."""

    statements: tuple[DeclaredStatement, ...]
    renames: tuple[Rename, ...]


def read_declared(project: Project) -> Declared:
    """The declared schema as statements, without a server. Raises SchemaError, ParseError."""
    # Imported here, since SQLAlchemy takes half a second and most verbs do without.
    from zero_downtime.schema import ddl
    from zero_downtime.schema.modules import imported, one_line

    root = project.root.resolve()
    with imported(project) as modules:
        metadatas = ddl.find_metadata(modules)
        objects = ddl.find_objects(modules, metadatas)
        try:
            made = ddl.statements(modules, metadatas, objects)
        except Exception as error:  # SQLAlchemy refuses a model only when it writes the DDL
            raise SchemaError(
                where=project.schemas,
                reason=f"SQLAlchemy can't write the DDL ({one_line(error)})",
                advice="Mend the model it speaks of",
            ) from error
        renames = (*ddl.find_renames(metadatas), *ddl.find_value_renames(objects))
    made = [replace(item, location=_shorter(item.location, root)) for item in made]
    return Declared((*made, *_sql_files(project)), renames)


def declared_statements(project: Project) -> list[str]:
    """The SQL of everything declared, in order. Raises SchemaError, ParseError."""
    return [statement.sql for statement in read_declared(project).statements]


def load_desired(
    project: Project, connection: psycopg.Connection[Any], declared: Declared | None = None
) -> Declared:
    """Make everything that the project declares (or ``declared``) in an empty database.

    The statements run in the order given; those that fail are tried again after the others, until
    nothing more succeeds. Raises SchemaError, with the cause of what is left.
    """
    declared = declared or read_declared(project)
    if _run_at_once(declared.statements, connection):
        return declared
    failures = _run_all([*declared.statements], connection)
    if failures:
        # SQL functions that call each other can only be made unchecked; the check follows.
        unchecked = [failure.statement for failure in failures]
        connection.execute("SET check_function_bodies = off")
        failures = _run_all(unchecked, connection)
        connection.execute("RESET check_function_bodies")
        functions = [replace(s, sql=_CREATE.sub(r"\1 OR REPLACE \2", s.sql)) for s in unchecked]
        functions = [s for s in functions if _CREATE.match(s.sql)]
        failures = failures or _run_all(functions, connection)
    if failures:
        raise _refused(_cause(failures), project)
    return declared


@dataclass(frozen=True)
class _Failure:
    statement: DeclaredStatement
    error: psycopg.Error


def _run_at_once(
    statements: tuple[DeclaredStatement, ...], connection: psycopg.Connection[Any]
) -> bool:
    """Run all in one go, which mostly succeeds and takes half the time; else nothing was done."""
    if not connection.autocommit or any(_TRANSACTION.match(each.sql) for each in statements):
        return False
    return _run("\n;\n".join(each.sql for each in statements), connection) is None


_TRANSACTION = re.compile(r"\s*(?:BEGIN|START|COMMIT|END|ROLLBACK|ABORT|PREPARE)\b", re.IGNORECASE)


def _run_all(
    statements: list[DeclaredStatement], connection: psycopg.Connection[Any]
) -> list[_Failure]:
    """Run statements, again and again while that helps; gives what is left with its errors."""
    while True:
        failures = [
            _Failure(statement, error)
            for statement in statements
            if (error := _run(statement.sql, connection)) is not None
        ]
        if len(failures) in (0, len(statements)):
            return failures
        statements = [failure.statement for failure in failures]


def _cause(failures: list[_Failure]) -> _Failure:
    """The first failure that is not about something missing, which may only be a consequence."""
    return next((f for f in failures if f.error.sqlstate not in _UNDEFINED), failures[0])


def _run(sql: str, connection: psycopg.Connection[Any]) -> psycopg.Error | None:
    try:
        if connection.autocommit:
            connection.execute(sql.encode())
        else:
            with connection.transaction():
                connection.execute(sql.encode())
    except psycopg.Error as error:
        if connection.closed:
            raise
        return error
    return None


def _refused(failure: _Failure, project: Project) -> SchemaError:
    statement, error = failure.statement, failure.error
    message = " ".join((error.diag.message_primary or str(error)).split())
    return SchemaError(
        where=statement.location if statement.location.file else project.schemas,
        reason=f"{statement.label} can't be created: {message}",
        advice=_advice(error, message),
    )


def _advice(error: psycopg.Error, message: str) -> str:
    if error.sqlstate == "42704" and 'type "vector"' in message:
        return 'Declare the extension: Extension("vector")'
    if error.sqlstate in {"0A000", "58P01"} and "extension" in message:
        return "Give a server that has it, with --server BIN_DIR"
    if error.sqlstate in _UNDEFINED:
        return "Declare what it needs, or mend the name"
    hint = error.diag.message_hint
    return " ".join(hint.split()).rstrip(".") if hint else "Mend its declaration"


def _sql_files(project: Project) -> list[DeclaredStatement]:
    folder = project.schemas
    files = sorted(folder.rglob("*.sql")) if folder and folder.is_dir() else []
    if not files:
        return []
    from zero_downtime.schema.ddl import DeclaredStatement
    from zero_downtime.sql.script import split

    root = project.root.resolve()
    return [
        DeclaredStatement(statement.sql, _label(statement), statement.location)
        for file in files
        for statement in split(_text(file), _shorter(Location(str(file.resolve())), root).file)
    ]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(
            where=file, reason=f"can't be read ({error})", advice="Check the file"
        ) from error


def _label(statement: Statement) -> str:
    """The first words of a statement stand for it."""
    words = statement.sql.split()
    return " ".join(words[:5]) + (" …" if len(words) > 5 else "")


def _shorter(location: Location, root: Path) -> Location:
    path = Path(location.file)
    inside = bool(location.file) and path.is_relative_to(root)
    return structs.replace(location, file=str(path.relative_to(root))) if inside else location
