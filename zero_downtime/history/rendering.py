"""The SQL of a revision with the place of each statement in the file, without a database.

A revision that asks a database for something raises NotRenderable; then ``replay.capture`` runs it
on a scratch server instead.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Any, NoReturn

import sqlalchemy as sa
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.util import CommandError
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.schema import CreateTable, ExecutableDDLElement

from zero_downtime import environment
from zero_downtime.errors import HistoryError, NotRenderable, SeveralDatabases
from zero_downtime.history.env_options import target_metadata
from zero_downtime.history.loading import sentence
from zero_downtime.history.revisions import Revision
from zero_downtime.postgres.literals import NoLiteral, fill
from zero_downtime.project import Project
from zero_downtime.sql.libpg_query import parser
from zero_downtime.sql.statement import Direction, Location, Statement


def render(project: Project, revision: Revision, direction: Direction) -> list[Statement]:
    """The SQL of a revision, without a database and without its env.py's connection.

    Parameters are filled in as literals. Statements carry the place of the call that issues
    them. Raises NotRenderable when the revision needs an answer from the database, and
    SeveralDatabases when it is made for more than one.
    """
    with renderer(project) as rendered:
        return rendered(revision, direction)


Render = Callable[[Revision, Direction], list[Statement]]


@contextmanager
def renderer(project: Project) -> Iterator[Render]:
    """:func:`render` for many revisions: what the project's code needs around it is made once."""
    with environment.guest(project):
        config = project.alembic_config()
        dialect: Any = PGDialect_psycopg2()  # type: ignore[no-untyped-call]
        # PostgreSQL's own identifiers, and no backslashes doubled in literals.
        dialect._backslash_escapes = False

        def rendered(revision: Revision, direction: Direction) -> list[Statement]:
            refuse_several_databases(revision, direction)
            metadata = target_metadata(project, revision.scripts)
            recorder = _Recorder(revision, direction, dialect)
            options = {"as_sql": True, "destination_rev": revision.id}
            with EnvironmentContext(config, revision.scripts, **options) as context:
                return _recorded(recorder, context, metadata)

        yield rendered


def _recorded(recorder: _Recorder, context: EnvironmentContext, metadata: Any) -> list[Statement]:
    """Run one direction of a revision with the recorder in place of the SQL writer."""
    # A revision may do something else offline; what it does online is what counts.
    context.is_offline_mode = recorder.asked_for_offline  # type: ignore[method-assign]
    context.configure(dialect_name="postgresql", output_buffer=StringIO(), target_metadata=metadata)
    migration = context.get_context()
    migration.dialect = recorder.dialect
    migration.connection = recorder.connection
    migration.impl = recorder
    operations = Operations(migration)
    operations._install_proxy()
    try:
        recorder.run()
    finally:
        operations._remove_proxy()
    return recorder.statements


def refuse_several_databases(revision: Revision, direction: Direction) -> None:
    """Raise SeveralDatabases when upgrade() or downgrade() wants to be told a database."""
    function = getattr(revision.script.module, direction, None)
    if function is None:
        raise HistoryError(
            where=revision.file,
            reason=f"the file has no function {direction}()",
            advice="Add it, with pass in it if there is nothing to do",
        )
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is parameter.empty and parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            raise SeveralDatabases(
                where=Location(revision.file, revision.line_of(direction)),
                reason=f"{direction}() takes {parameter.name}",
            )


def _why(revision: Revision, error: Exception) -> NotRenderable:
    lines = environment.lines_in(error, revision.path)
    reason = sentence(error)
    if isinstance(error, sa.exc.NoInspectionAvailable):
        reason = "it inspects the database"
    elif not isinstance(error, CommandError | NoLiteral):
        reason = f"{type(error).__name__}: {reason}"
    return NotRenderable(
        where=Location(revision.file, lines[-1] if lines else 1), reason=reason[:300]
    )


class _Recorder(PostgresqlImpl):
    """Takes the place of Alembic's SQL writer and keeps statements instead of printing them."""

    def __init__(self, revision: Revision, direction: Direction, dialect: Any) -> None:
        super().__init__(dialect, None, True, None, StringIO(), {})
        self.connection = _Connection(self)  # type: ignore[assignment]
        self.statements: list[Statement] = []
        self.refusal: NotRenderable | None = None
        self._revision = revision
        self._direction = direction
        self._transaction: int | None = 0
        self._last_transaction = 0
        self._used: dict[int, int] = {}  # transactions that have statements, numbered densely

    def run(self) -> None:
        """Call the revision's function. Raises NotRenderable."""
        try:
            with environment.running(self._revision.path, self._revision.file):
                getattr(self._revision.script.module, self._direction)()
        except HistoryError:
            raise
        except Exception as error:
            self.refusal = self.refusal or _why(self._revision, error)
        if self.refusal is not None:
            raise self.refusal

    def emit_begin(self) -> None:
        self._last_transaction += 1
        self._transaction = self._last_transaction

    def emit_commit(self) -> None:
        self._transaction = None

    def static_output(self, text: str) -> None:
        self._keep(text.rstrip().rstrip(";"))

    def bulk_insert(self, table: Any, rows: list[dict[str, Any]], multiinsert: bool = True) -> None:
        if rows:
            self._exec(table.insert().inline().values(rows))

    def _exec(
        self,
        construct: Any,
        execution_options: Mapping[str, Any] | None = None,
        multiparams: Sequence[Mapping[str, Any]] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        if (execution_options or {}).get("isolation_level"):
            self.refuse("it sets an isolation level of its own")
        if isinstance(construct, str):
            construct = sa.text(construct)
        for row in multiparams or [params or {}]:
            self._keep(sql_of(construct, row, self.dialect))

    def raw(self, text: str) -> None:
        """Keep a text that is for the driver alone."""
        self._keep(text)

    def refuse(self, reason: str) -> NoReturn:
        """Stop: an answer of a database is wanted. Remembered, since revisions catch errors."""
        self.refusal = self.refusal or NotRenderable(where=self._place(), reason=reason)
        raise self.refusal

    def asked_for_offline(self) -> bool:
        self.refuse("it asks whether it runs offline")

    def _place(self) -> Location:
        file = self._revision.file
        return environment.place(self._revision.path, file) or Location(file)

    def _keep(self, text: str) -> None:
        place = self._place()
        for part in parts(text):
            verb = part.rstrip(";").strip().upper()
            # The statement that ends a transaction still belongs to it.
            number = self._transaction
            if number is not None:
                number = self._used.setdefault(number, len(self._used))
            self.statements.append(
                Statement(part, place, self._revision.id, self._direction, number)
            )
            if verb in ("COMMIT", "END", "ROLLBACK", "ABORT"):
                self.emit_commit()
            elif verb.startswith(("BEGIN", "START TRANSACTION")):
                self.emit_begin()


class _Connection(MockConnection):
    """What op.get_bind() gives: it takes statements, and refuses to tell their results."""

    def __init__(self, recorder: _Recorder) -> None:
        super().__init__(recorder.dialect, recorder._exec)
        self._recorder = recorder

    def execute(self, obj: Any, parameters: Any = None, execution_options: Any = None) -> Any:
        rows = parameters if isinstance(parameters, list | tuple) else None
        self._recorder._exec(
            obj, execution_options, rows or None, {} if rows else dict(parameters or {})
        )
        return _Result(self._recorder)

    def exec_driver_sql(self, statement: str, parameters: Any = None, **options: Any) -> Any:
        self._recorder.raw(fill(statement, parameters, "pyformat") if parameters else statement)
        return _Result(self._recorder)

    def execution_options(self, **options: Any) -> Any:
        if "isolation_level" in options:
            self._recorder.refuse("it sets an isolation level of its own")
        return self

    def scalar(self, *arguments: Any, **options: Any) -> NoReturn:
        self._recorder.refuse("it reads from the database")

    scalars = scalar


class _Result:
    """The result of a statement that has run nowhere."""

    def __init__(self, recorder: _Recorder) -> None:
        self._recorder = recorder

    def __getattr__(self, name: str) -> NoReturn:
        self._recorder.refuse("it reads from the database")

    def __iter__(self) -> NoReturn:
        self._recorder.refuse("it reads from the database")


def sql_of(construct: Any, parameters: Mapping[str, Any], dialect: Any) -> str:
    """A SQLAlchemy construct as SQL text with its parameters as literals."""
    if isinstance(construct, ExecutableDDLElement):
        text = fill(str(construct.compile(dialect=dialect)), {}, "pyformat").strip()
        return tidy(text) if isinstance(construct, CreateTable) else text
    if isinstance(construct, sa.TextClause):
        if parameters:
            construct = construct.bindparams(**parameters)
        parameters = {}
    compiled = construct.compile(
        dialect=dialect,
        column_keys=list(parameters) or None,
        compile_kwargs={"render_postcompile": True},
    )
    values = compiled.construct_params(dict(parameters))
    for name, process in compiled._bind_processors.items():
        if name in values:
            values[name] = process(values[name])
    return fill(str(compiled), values, "pyformat")


def tidy(text: str) -> str:
    """SQLAlchemy's CREATE TABLE without its tabs and its spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.replace("\t", "    ").split("\n"))


def parts(text: str) -> list[str]:
    """The statements of a text, each with the comments before it and without its semicolon.

    A text that PostgreSQL can't parse stays one part; whoever runs or lints it will say so.
    """
    try:
        slices = parser().split(text, only_slices=True)
    except parser().ParseError:
        return [text.strip()]
    found, start = [], 0
    for each in slices:
        found.append(text[start : each.stop].strip().lstrip(";").strip())
        start = each.stop
    return [part for part in found if part]
