"""Running an Alembic environment against a database of our choice, statement by statement.

The project's env.py runs as it is, in this process. Every engine it makes is led to our database
when it connects, and every statement that a revision issues passes through our hands.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import Any, Protocol

import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.dialects import registry
from sqlalchemy.schema import CreateTable

from zero_downtime import environment
from zero_downtime.environment import Say
from zero_downtime.errors import (
    DatabaseError,
    EnvironmentFailed,
    ExtensionMissing,
    HistoryError,
    ProjectError,
    RevisionFailed,
    SeveralDatabases,
    ZeroDowntimeError,
)
from zero_downtime.history import History, Revision, read_history
from zero_downtime.history.rendering import parts, refuse_several_databases, tidy
from zero_downtime.postgres import failure
from zero_downtime.postgres.literals import NoLiteral, fill
from zero_downtime.postgres.server import Server, libpq_url, masked, scratch_database
from zero_downtime.project import Project
from zero_downtime.sql.statement import Direction, Location, Statement


class Execution(Protocol):
    """A statement about to run in the session of its revision; calling it runs it."""

    def __call__(self) -> None:
        """Execute the statement. May be called again after an error, in autocommit."""

    def value(self, sql: str) -> object:
        """Execute another SQL text in the same session; the first value of its result, or None."""


Around = Callable[[Statement, Execution], None]
Choose = Callable[[tuple[str, ...]], Sequence[tuple[Revision, Direction]]]
Look = Callable[[MigrationContext], None]

# Connection arguments that say where to and as whom; all others are how, and stay as they are.
_WHERE = frozenset(
    (
        *("dsn", "conninfo", "host", "hostaddr", "port", "dbname", "database", "service"),
        *("user", "password", "passfile", "require_auth", "krbsrvname", "gssencmode"),
        *("ssl", "sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword"),
        *("channel_binding", "direct_tls", "target_session_attrs", "load_balance_hosts"),
    )
)
# Drivers that psycopg may take the place of when they are not installed beside zd.
_DRIVERS = ("asyncpg", "psycopg2", "psycopg2cffi", "pg8000")
_READERS = ("sqlalchemy/engine/reflection.py", "sqlalchemy/dialects/postgresql/base.py")
_BY_SIGNAL = {str(128 + signal.value) for signal in Signals}  # exit codes: we are told to end
_ENDS_TRANSACTION = re.compile(r"(commit|end|rollback|abort)\b(?!\s+to\b)", re.IGNORECASE)
_CONTROLS_TRANSACTION = re.compile(
    r"\s*(begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b",
    re.IGNORECASE,
)


class RunAgain(Exception):
    """Raised by an Around: roll the revision back and run it again from its start."""


def migrate(
    project: Project,
    url: str,
    target: str = "heads",
    direction: Direction = "upgrade",
    around: Around | None = None,
    notes: list[str] | None = None,
    say: Say | None = None,
) -> None:
    """Bring the database ``url`` to ``target``, one revision at a time, a transaction each.

    ``around`` gets each statement of the revisions' own code and a function that executes it.
    What had to be arranged for env.py is added to ``notes``; lines that the project's code
    prints go to ``say``. Raises RevisionFailed, HistoryError, EnvironmentFailed.
    """
    replay = Replay(project, url, say=say)
    try:
        revisions = replay.plan(target, direction)
        if around is None:
            replay.run_all(revisions, direction)
        else:
            for revision in revisions:
                replay.run(revision, direction, around)
    finally:
        if notes is not None:
            notes.extend(note for note in replay.notes if note not in notes)


def capture(
    project: Project, server: Server, revision: Revision, direction: Direction = "upgrade"
) -> list[Statement]:
    """The statements of a revision, found by running it on a scratch database of ``server``."""
    with scratch_database(server) as name:
        replay = Replay(project, server.url(name))
        replay.run_all(replay.history.ancestors(revision), "upgrade")
        if direction == "downgrade":
            replay.run_all([revision], "upgrade")
        return replay.record([revision], direction)


def capture_history(
    project: Project, server: Server, direction: Direction = "upgrade"
) -> dict[str, list[Statement]]:
    """The statements of all revisions by their id, in one pass over the history."""
    with scratch_database(server) as name:
        replay = Replay(project, server.url(name))
        revisions = list(replay.history)
        if direction == "downgrade":
            replay.run_all(revisions, "upgrade")
            revisions.reverse()
        statements = replay.record(revisions, direction)
    captured: dict[str, list[Statement]] = {revision.id: [] for revision in revisions}
    for statement in statements:
        captured[statement.revision or ""].append(statement)
    return captured


def connects_to(project: Project) -> str:
    """The libpq URL that env.py would connect to. Nothing is connected to."""
    found: list[Mapping[str, Any]] = []

    def connect(dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        _refuse_other_databases(project, dialect)
        found.append({**(conninfo_to_dict(arguments[0]) if arguments else {}), **options})
        raise _Reached

    replay = Replay(project, None, strict=True)
    with contextlib.suppress(_Reached):
        replay.visit(lambda heads: (), connect=connect, reading=True)
    if not found:
        raise EnvironmentFailed(where=replay.env_py, reason="it connects to no database")
    options = {
        "dbname" if name == "database" else name: value
        for name, value in found[0].items()
        if name in _WHERE and value is not None and isinstance(value, str | int)
    }
    return _libpq_url(options)


class _Reached(BaseException):
    """env.py came as far as connecting. No Exception, since env.py may retry on those."""


class Replay:
    """One project against one database. Nothing stays open between its methods.

    ``url`` None is for looking only: env.py gets nothing from us. ``strict`` refuses an env.py
    that does not run, for a database that matters; otherwise the revisions run without it, and
    ``notes`` says so.
    """

    def __init__(
        self,
        project: Project,
        url: str | None,
        *,
        history: History | None = None,
        say: Say | None = None,
        strict: bool = False,
    ) -> None:
        self.project = project
        self.history = history or read_history(project)
        self.url = url
        self.notes: list[str] = []
        self._say = say
        self._strict = strict
        self._invented: dict[str, str] = {}
        self._stand_ins: set[str] = set()
        self._without_env = False

    @property
    def env_py(self) -> str:
        """env.py's path as messages show it."""
        return environment.shown(self.project.root / self.history.scripts.env_py_location)

    def heads(self) -> tuple[str, ...]:
        """The revisions that the database has, as its version table says."""
        seen: list[tuple[str, ...]] = []

        def look(heads: tuple[str, ...]) -> tuple[()]:
            seen.append(heads)
            return ()

        self.visit(look, reading=True)
        return seen[0]

    def plan(self, target: str, direction: Direction) -> list[Revision]:
        """The revisions that lead from where the database is to ``target``, in order."""
        heads = self.heads()
        scripts = self.history.scripts
        choose: Any = scripts._upgrade_revs if direction == "upgrade" else scripts._downgrade_revs
        try:
            steps: list[RevisionStep] = choose(target, heads)
        except (CommandError, RevisionError) as error:
            where = environment.shown(self.project.root / scripts.dir)
            if "multiple head" in str(error).lower():
                self.history.head()  # raises with the files of the heads
            raise HistoryError(
                where=where,
                reason=" ".join(str(error).split()).rstrip("."),
                advice=f"The database has {', '.join(heads) or 'no revision'}, the heads are "
                + (", ".join(self.history.heads) or "none"),
            ) from error
        except AttributeError:
            for revision in self.history:
                refuse_several_databases(revision, direction)
            raise
        return [self.history.revision(step.revision.revision) for step in steps]

    def run(self, revision: Revision, direction: Direction, around: Around | None = None) -> None:
        """Run one revision, as often as ``around`` raises RunAgain."""
        refuse_several_databases(revision, direction)
        while True:
            try:
                self.visit(lambda heads: [(revision, direction)], around)
                return
            except RunAgain:
                continue

    def run_all(self, revisions: Sequence[Revision], direction: Direction) -> None:
        """Run revisions in this order, in one run of env.py with a transaction for each."""
        for revision in revisions:
            refuse_several_databases(revision, direction)
        if revisions:
            self.visit(lambda heads: [(revision, direction) for revision in revisions])

    def record(self, revisions: Sequence[Revision], direction: Direction) -> list[Statement]:
        """Like run_all; gives the statements, with a row of executemany each its own."""
        issued: list[Statement] = []
        if revisions:
            self.visit(
                lambda heads: [(revision, direction) for revision in revisions], issued=issued
            )
        return issued

    def visit(
        self,
        choose: Choose,
        around: Around | None = None,
        *,
        issued: list[Statement] | None = None,
        connect: Callable[..., None] | None = None,
        reading: bool = False,
        look: Look | None = None,
    ) -> None:
        """Run env.py once. ``choose`` gets the database's revisions and says what to run.

        ``reading`` keeps Alembic from making its version table; ``look`` gets the migration
        context as env.py configured it, before anything runs.
        """
        while True:
            visit = _Visit(self, choose, around, issued, connect, reading, look)
            try:
                with (
                    environment.guest(self.project, self._say) as host,
                    _variables(self._invented),
                    _drivers(self._stand_ins),
                    visit.listening(host),
                ):
                    visit.run(without_env=self._without_env)
                return
            except (ZeroDowntimeError, RunAgain, _Reached):
                raise
            except (Exception, SystemExit) as error:
                if isinstance(error, SystemExit) and str(error.code) in _BY_SIGNAL:
                    raise
                if visit.revision is not None or visit.reached:
                    raise visit.failed(error) from error
                if isinstance(error, sa.exc.DBAPIError):
                    raise DatabaseError(
                        database=masked(self.url or self.env_py),
                        reason=f"the server refuses the connection ({failure.message(error)})",
                        advice="Check host, database, user and password",
                    ) from error
                if not self._arrange(error):
                    self._give_up(error)

    def _arrange(self, error: BaseException) -> bool:
        """Provide what env.py lacked; False when that is nothing we can provide."""
        if isinstance(error, ModuleNotFoundError) and error.name in _DRIVERS:
            if error.name in self._stand_ins:
                return False
            self._stand_ins.add(error.name)
            self.notes.append(f"{error.name} is not installed here: psycopg stood in for it")
            return True
        if isinstance(error, SyntaxError) or self._without_env or self.url is None:
            return False
        names = [name for name in _variables_in(error) if name not in os.environ]
        names = [name for name in names if name not in self._invented]
        for name in names:
            self._invented[name] = _invented_value(name, self.url)
            given = "the database's URL" if self._invented[name] == self.url else "a made-up value"
            self.notes.append(f"the environment variable {name} is not set: env.py got {given}")
        return bool(names) and len(self._invented) < 50

    def _give_up(self, error: BaseException) -> None:
        """Go on without env.py, or refuse."""
        lines = environment.lines_in(
            error, Path(self.project.root / self.history.scripts.env_py_location)
        )
        where: object = Location(self.env_py, lines[-1] if lines else 1)
        if isinstance(error, SyntaxError):
            where = Location(environment.shown(Path(error.filename or "")), error.lineno or 1)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]
        if self._strict or self._without_env or isinstance(error, SyntaxError):
            raise EnvironmentFailed(where=where, reason=reason) from error
        self._without_env = True
        self.notes.append(f"{where} does not run here ({reason}): the revisions ran without it")


class _Visit:
    """One run of env.py: what it connects to, what its revisions issue."""

    def __init__(
        self,
        replay: Replay,
        choose: Choose,
        around: Around | None,
        issued: list[Statement] | None,
        connect: Callable[..., None] | None,
        reading: bool,
        look: Look | None,
    ) -> None:
        self.reached = False  # a connection was made: what fails from here on is no missing setting
        self.revision: Revision | None = None  # the one that runs, or ran last
        self._replay = replay
        self._choose = choose
        self._around = around
        self._issued = issued
        self._reading = reading
        self._look = look
        self._connect_hook = connect or self._connect
        self._direction: Direction = "upgrade"
        self._running = False
        self._statement: Statement | None = None
        self._error: BaseException | None = None
        self._runs = 0
        self._ends = 0  # commits and rollbacks seen
        self._transaction = (-1, -1)  # (number, _ends when it began)
        self._connections: list[Any] = []
        self._host: environment.Host = contextlib.nullcontext

    def run(self, without_env: bool) -> None:
        replay = self._replay
        config = replay.project.alembic_config()
        config.cmd_opts = argparse.Namespace(x=None, raiseerr=False, quiet=False, sql=False)
        if replay.url is not None:
            _set_url(config, replay.url)
        options = {"fn": self._steps, "destination_rev": "heads", "dont_mutate": self._reading}
        with EnvironmentContext(config, replay.history.scripts, **options) as context:
            self._watch(context)
            try:
                if without_env and replay.url is not None:
                    _run_without_env(context, replay.url)
                else:
                    replay.history.scripts.run_env()
            except BaseException as error:
                # env.py may have wrapped what we raised, or made an exit of it.
                raise self._error or error from None
        if self._error is not None:
            raise self._error
        if not self._runs:
            raise EnvironmentFailed(where=replay.env_py, reason="it runs no migrations")

    def _watch(self, context: EnvironmentContext) -> None:
        configure, run_migrations = context.configure, context.run_migrations

        def configured(*arguments: Any, **options: Any) -> None:
            if self._around is None:
                options["transaction_per_migration"] = True
            configure(*arguments, **options)

        def ran(**arguments: Any) -> None:
            self._runs += 1
            if arguments or self._runs > 1:
                reason = f"env.py calls run_migrations({', '.join(arguments)})"
                if not arguments:
                    reason += " more than once"
                self._error = SeveralDatabases(where=self._replay.env_py, reason=reason)
                raise self._error
            run_migrations()

        context.configure = configured  # type: ignore[method-assign]
        context.run_migrations = ran  # type: ignore[method-assign]

    def _steps(self, heads: tuple[str, ...], context: Any) -> Iterator[RevisionStep]:
        if self._look is not None:
            self._look(context)
        for revision, direction in self._choose(heads):
            make = (
                MigrationStep.upgrade_from_script
                if direction == "upgrade"
                else MigrationStep.downgrade_from_script
            )
            step = make(revision.scripts.revision_map, revision.script)
            step.migration_fn = self._seen(revision, direction, step.migration_fn)
            yield step

    def _seen(
        self, revision: Revision, direction: Direction, function: Callable[[], None]
    ) -> Callable[[], None]:
        @functools.wraps(function)
        def run() -> None:
            self.revision, self._direction = revision, direction
            self._transaction, self._statement = (-1, -1), None
            self._running = True
            try:
                with environment.running(revision.path, revision.file):
                    function()
            except (ZeroDowntimeError, RunAgain) as error:
                self._error = self._error or error
            except Exception as error:
                self._error = self._error or self.failed(error)
            finally:
                self._running = False
            if self._error is not None:  # even if the revision caught it
                raise self._error

        return run

    def failed(self, error: BaseException) -> ZeroDowntimeError:
        """An error of a revision as one sentence."""
        if isinstance(error, ZeroDowntimeError):
            return error
        revision = self.revision
        reason = failure.message(error)
        state = failure.sqlstate(error)
        if revision is None and state is not None:
            return DatabaseError(
                database=masked(self._replay.url or self._replay.env_py),
                reason=f"env.py got an error ({reason})",
                advice="Check what this user may do there",
            )
        if revision is None:
            return EnvironmentFailed(where=self._replay.env_py, reason=reason)
        lines = environment.lines_in(error, revision.path)
        line = lines[-1] if lines else revision.line_of(self._direction)
        if _is_foreign_transaction(error):
            reason = "autocommit_block() needs a transaction of Alembic's own, env.py began another"
        elif state is None:
            reason = f"{type(error).__name__}: {reason}"
        facts: dict[str, Any] = {
            "where": Location(revision.file, line),
            "revision": revision.id,
            "direction": self._direction,
            "reason": reason,
            "sqlstate": state,
            "statement": "",
            "sql": None,
        }
        if state is not None and self._statement is not None:
            text = " ".join(self._statement.sql.split())
            shown = text if len(text) < 300 else text[:300] + " …"
            facts |= {
                "where": self._statement.location,
                "statement": f", at: {shown}",
                "sql": self._statement.sql,
            }
        found = re.search(r'extension "([^"]+)" is not available', reason)
        if found:
            return ExtensionMissing(**facts, extension=found[1])
        return RevisionFailed(**facts)

    @contextlib.contextmanager
    def listening(self, host: environment.Host) -> Iterator[None]:
        """Have SQLAlchemy tell us of all that happens; always taken back."""
        self._host = host
        listeners: list[tuple[Any, str, Callable[..., Any]]] = [
            (sa.Engine, "do_connect", self._connect_hook),
            (sa.Engine, "do_execute", self._execute),
            (sa.Engine, "do_execute_no_params", self._execute_no_parameters),
            (sa.Engine, "do_executemany", self._execute_many),
            (sa.Engine, "commit", self._ended),
            (sa.Engine, "rollback", self._ended),
            (sa.Pool, "connect", self._connected),
            (sa.Pool, "checkout", self._checked_out),
        ]
        with contextlib.ExitStack() as stack:
            for target, name, function in listeners:
                sa.event.listen(target, name, function)
                stack.callback(sa.event.remove, target, name, function)
            try:
                yield
            finally:
                for connection in self._connections:
                    _close(connection)

    def _connect(
        self, dialect: Any, record: Any, arguments: list[Any], options: dict[str, Any]
    ) -> None:
        if dialect.name != "postgresql":
            raise NotPostgreSQL(f"it connects to {dialect.name}, not to PostgreSQL")
        assert self._replay.url is not None  # else there is another hook
        url = sqlalchemy_url(self._replay.url).set(drivername=f"postgresql+{dialect.driver}")
        ours, where = dialect.create_connect_args(url)
        kept = {name: value for name, value in options.items() if name not in _WHERE}
        if self._replay._stand_ins:  # options of another driver mean nothing to this one
            kept = {name: value for name, value in kept.items() if name == "options"}
        arguments[:] = ours
        options.clear()
        options.update(kept)
        options.update(where)

    def _connected(self, connection: Any, record: Any) -> None:
        self.reached = True
        record.info["zero_downtime"] = self
        self._connections.append(connection)

    def _checked_out(self, connection: Any, record: Any, proxy: Any) -> None:
        # An engine of the project's modules outlives a visit: its old connections lead elsewhere.
        if record.info.get("zero_downtime") is not self:
            raise sa.exc.DisconnectionError

    def _ended(self, connection: Any) -> None:
        self._ends += 1

    def _execute(self, cursor: Any, text: str, parameters: Any, context: Any) -> bool:
        def run(text: str) -> None:
            context.dialect.do_execute(cursor, text, parameters, context)

        return self._intercept(text, [parameters], context, run)

    def _execute_no_parameters(self, cursor: Any, text: str, context: Any) -> bool:
        def run(text: str) -> None:
            context.dialect.do_execute_no_params(cursor, text, context)

        return self._intercept(text, None, context, run)

    def _execute_many(self, cursor: Any, text: str, parameters: Any, context: Any) -> bool:
        def run(text: str) -> None:
            context.dialect.do_executemany(cursor, text, parameters, context)

        return self._intercept(text, parameters, context, run)

    def _intercept(
        self,
        text: str,
        rows: Sequence[Any] | None,
        context: Any,
        run: Callable[[str], None],
    ) -> bool:
        """Pass a statement of the revision's own code on; False leaves it to SQLAlchemy."""
        revision = self.revision
        if not self._running or revision is None or context is None or _is_reading(revision.path):
            return False
        place = environment.place(revision.path, revision.file)
        if place is None:
            return False
        style = context.dialect.paramstyle if rows is not None else "none"
        shown = [_filled(text, row, style).strip() for row in rows or [()]]
        if isinstance(getattr(context.compiled, "statement", None), CreateTable):
            shown = [tidy(each) for each in shown]
        # asyncpg prepares every text, and the server refuses to prepare several statements.
        single = any(rows or ()) or context.dialect.driver == "asyncpg"
        pieces = [shown[0]] if single else parts(shown[0])
        alone = _in_autocommit(context)
        if len(pieces) < 2 or any(_CONTROLS_TRANSACTION.match(piece) for piece in pieces):
            number = None if alone else self._number()
            issued = [self._made(each, place, number) for each in shown]
            self._pass(issued, _Execution(functools.partial(run, text), context))
            if _ENDS_TRANSACTION.match(shown[0]):
                self._ends += 1
            return True
        # A server runs a text of several statements as one transaction, unless it is in one.
        if alone:
            run("BEGIN")
        try:
            number = self._number()
            for piece in pieces:
                doubled = piece.replace("%", "%%") if style in ("format", "pyformat") else piece
                issued = [self._made(piece, place, number)]
                self._pass(issued, _Execution(functools.partial(run, doubled), context))
        except BaseException:
            if alone:
                run("ROLLBACK")
            raise
        if alone:
            run("COMMIT")
            self._ends += 1
        return True

    def _pass(self, issued: list[Statement], execute: Execution) -> None:
        self._statement = issued[0]
        if self._issued is not None:
            self._issued += issued
        if self._around is None:
            execute()
            return
        try:
            with self._host():
                self._around(issued[0], execute)
        except (ZeroDowntimeError, RunAgain) as error:
            self._error = error
            raise

    def _made(self, text: str, place: Location, number: int | None) -> Statement:
        assert self.revision is not None
        return Statement(text, place, self.revision.id, self._direction, number)

    def _number(self) -> int:
        number, ends = self._transaction
        if number < 0 or ends != self._ends:
            self._transaction = (number + 1, self._ends)
        return self._transaction[0]


def _is_foreign_transaction(error: BaseException) -> bool:
    """Whether Alembic's autocommit_block met a transaction that it did not begin."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        isinstance(error, AssertionError)
        and trace is not None
        and trace.tb_frame.f_code.co_name == "autocommit_block"
    )


@dataclass(frozen=True)
class _Execution:
    """An Execution on the cursor that SQLAlchemy is about to use."""

    run: Callable[[], None]
    context: Any

    def __call__(self) -> None:
        self.run()

    def value(self, sql: str) -> object:
        cursor = self.context.root_connection.connection.cursor()
        try:
            cursor.execute(sql)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None
        finally:
            cursor.close()


class NotPostgreSQL(Exception):
    """env.py made an engine for another kind of database."""


def _refuse_other_databases(project: Project, dialect: Any) -> None:
    if dialect.name != "postgresql":
        raise ProjectError(
            reason=f"{project.root} connects to {dialect.name}",
            advice="zd works with PostgreSQL only; give a database with --url",
        )


def _run_without_env(context: EnvironmentContext, url: str) -> None:
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


def _is_reading(path: Path) -> bool:
    """Whether SQLAlchemy itself asks the catalog something on behalf of the revision."""
    name = str(path)
    frame = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename != name:
        if frame.f_code.co_filename.endswith(_READERS):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _filled(text: str, row: Any, style: str) -> str:
    try:
        return fill(text, row or (), style)
    except NoLiteral:
        return text


def _in_autocommit(context: Any) -> bool:
    driver = context.root_connection.connection.dbapi_connection
    return bool(getattr(driver, "autocommit", False))


def _close(connection: Any) -> None:
    """Close a driver's connection, an asynchronous one without its event loop as well."""
    with contextlib.suppress(Exception):
        driver = getattr(connection, "driver_connection", None)
        if driver is None:
            connection.close()
        elif hasattr(driver, "terminate"):
            driver.terminate()
        else:
            driver.pgconn.finish()


def _set_url(config: Any, url: str) -> None:
    """Fill in sqlalchemy.url where the ini file has the template's placeholder or nothing."""
    with contextlib.suppress(Exception):
        if sa.make_url(config.get_main_option("sqlalchemy.url")).get_backend_name() == "postgresql":
            return
    rendered = sqlalchemy_url(url).render_as_string(hide_password=False)
    config.set_main_option("sqlalchemy.url", rendered.replace("%", "%%"))


def sqlalchemy_url(url: str) -> sa.URL:
    """A libpq URL or connection string as SQLAlchemy's, with the driver psycopg."""
    if "://" not in url:
        url = _libpq_url(conninfo_to_dict(url))
    return sa.make_url(libpq_url(url)).set(drivername="postgresql+psycopg")


def _libpq_url(options: Mapping[str, Any]) -> str:
    host = str(options.get("host") or "")
    named = {"user", "username", "password", "port", "dbname"}
    rest = {name: str(value) for name, value in options.items() if name not in named | {"host"}}
    if host.startswith("/") or "," in host:
        rest["host"], host = host, ""
        if options.get("port"):
            rest["port"] = str(options["port"])
    made = sa.URL.create(
        "postgresql",
        username=options.get("user") or None,
        password=options.get("password") or None,
        host=host or None,
        port=int(options["port"]) if options.get("port") and host else None,
        database=options.get("dbname") or None,
        query=rest,
    )
    return made.render_as_string(hide_password=False)


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)


def _variables_in(error: BaseException) -> list[str]:
    """The environment variables that an error is about, as settings libraries report them."""
    if isinstance(error, KeyError) and error.args:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None and trace.tb_frame.f_code.co_filename == os.__file__:
            return [str(error.args[0])]
    problems = getattr(error, "errors", None)
    if callable(problems):  # pydantic's ValidationError
        with contextlib.suppress(Exception):
            missing = [each["loc"] for each in problems() if each["type"] == "missing"]
            return ["_".join(map(str, loc)).upper() for loc in missing]
    return re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", str(error))


_SORTS = (
    ("PORT", "5432"),
    ("HOST", "localhost"),
    ("SERVER", "localhost"),
    ("USER", "postgres"),
    ("USERNAME", "postgres"),
    ("PASSWORD", "postgres"),
    ("PASS", "postgres"),
    ("NAME", "postgres"),
    ("SCHEMA", "public"),
)


def _invented_value(name: str, url: str) -> str:
    """The URL, or what looks right for a variable that is plainly a part of one."""
    last = name.upper().removeprefix("PG").rsplit("_", 1)[-1]
    if name.upper() in ("PGDATABASE", "DB", "POSTGRES_DB"):
        return "postgres"
    return dict(_SORTS).get(last, url)


@contextlib.contextmanager
def _drivers(names: set[str]) -> Iterator[None]:
    """Let psycopg answer for drivers that are not installed."""
    known = dict(registry.impls)
    for name in names:
        registry.register(
            f"postgresql.{name}", "sqlalchemy.dialects.postgresql.psycopg", "PGDialect_psycopg"
        )
    if "psycopg2" in names:  # SQLAlchemy 2.0 means it by postgresql://
        registry.register(
            "postgresql", "sqlalchemy.dialects.postgresql.psycopg", "PGDialect_psycopg"
        )
    try:
        yield
    finally:
        registry.impls.clear()
        registry.impls.update(known)
