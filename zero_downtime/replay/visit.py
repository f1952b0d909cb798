"""One run of an env.py: what it connects to, what its revisions issue."""

from __future__ import annotations

import argparse
import contextlib
import functools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep, RevisionStep
from sqlalchemy.schema import CreateTable

from zero_downtime import environment
from zero_downtime.errors import (
    DatabaseError,
    EnvironmentFailed,
    HistoryError,
    SeveralDatabases,
    ZeroDowntimeError,
)
from zero_downtime.history import History, Revision
from zero_downtime.history.rendering import parts, tidy
from zero_downtime.postgres import failure
from zero_downtime.postgres.literals import NoLiteral, fill
from zero_downtime.postgres.urls import masked
from zero_downtime.project import Project
from zero_downtime.replay.databases import about_this_one
from zero_downtime.replay.drivers import UntypedPsycopg, is_plain
from zero_downtime.replay.ending import Ending
from zero_downtime.replay.execution import (
    Around,
    Choose,
    CursorExecution,
    Execution,
    Look,
    RunAgain,
)
from zero_downtime.replay.failures import NotPostgreSQL, check_callable, revision_failed
from zero_downtime.replay.needs import Needs
from zero_downtime.replay.roles import CopyRoles
from zero_downtime.replay.urls import WHERE, set_url, sqlalchemy_url
from zero_downtime.sql.statement import Direction, Location, Statement

_ABORTED = "25P02"  # the transaction: an earlier statement failed, and the revision caught that
_READERS = ("sqlalchemy/engine/reflection.py", "sqlalchemy/dialects/postgresql/base.py")
_ENDS_TRANSACTION = re.compile(r"(commit|end|rollback|abort)\b(?!\s+to\b)", re.IGNORECASE)
_CONTROLS_TRANSACTION = re.compile(
    r"\s*(begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b",
    re.IGNORECASE,
)


class Host(Protocol):
    """Whose env.py runs, and where to."""

    project: Project
    history: History
    url: str | None
    needs: Needs
    roles: CopyRoles | None

    @property
    def env_py(self) -> str:
        """env.py's path as messages show it."""


class Visit:
    """One run of env.py: what it connects to, what its revisions issue."""

    def __init__(
        self,
        replay: Host,
        choose: Choose,
        around: Around | None,
        issued: list[Statement] | None,
        connect: Callable[..., None] | None,
        reading: bool,
        look: Look | None,
        apart: bool,
    ) -> None:
        self.reached = False  # env.py connected: what fails from here on is no missing setting
        self._begun = False
        self.revision: Revision | None = None  # the one that runs, or ran last
        self._replay = replay
        self._choose = choose
        self._around = around
        self._issued = issued
        self._reading = reading
        self._look = look
        self._apart = apart
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
        self._cause: tuple[BaseException, Statement] | None = None  # the last error of a statement
        self._ending = Ending()

    def run(self) -> None:
        """Run env.py, or do without. Whatever it raises comes out, ours as it was."""
        self._begun = True
        with self._ending.heeded():
            self._run()

    def _run(self) -> None:
        replay = self._replay
        config = replay.project.alembic_config()
        x = list(replay.project.config.x) or None
        config.cmd_opts = argparse.Namespace(x=x, raiseerr=False, quiet=False, sql=False)
        if replay.url is not None:
            set_url(config, replay.url)
        options = {"fn": self._steps, "destination_rev": "heads", "dont_mutate": self._reading}
        with EnvironmentContext(config, replay.history.scripts, **options) as context:
            self._watch(context)
            try:
                if replay.needs.without_env and replay.url is not None:
                    _run_without_env(context, replay.url)
                else:
                    replay.history.scripts.run_env()
            except BaseException as error:
                # env.py may have wrapped what we raised, or made an exit of it.
                self._ending.check()
                raise self._error or error from None
        self._ending.check()
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
            check_callable(revision, direction)
            if self._apart:
                context.impl.memo.clear()  # the types that earlier revisions made
            step = make(revision.scripts.revision_map, revision.fresh())
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
            except RunAgain as error:
                self._error = self._error or error
            except Exception as error:
                self._error = self._error or self.failed(error)
            finally:
                self._running = False
            self._ending.check()
            if self._error is not None:  # even if the revision caught it
                raise self._error

        return run

    def failed(self, error: BaseException) -> ZeroDowntimeError:
        """An error of a revision, or of env.py, as one sentence."""
        if self.revision is not None and (
            isinstance(error, HistoryError) or not isinstance(error, ZeroDowntimeError)
        ):
            statement = self._statement
            if failure.sqlstate(error) == _ABORTED and self._cause is not None:
                error, statement = self._cause  # which the revision caught
            return revision_failed(error, self.revision, self._direction, statement)
        if isinstance(error, ZeroDowntimeError):
            return error
        reason = failure.message(error)
        if failure.sqlstate(error) is not None:
            return DatabaseError(
                database=masked(self._replay.url or self._replay.env_py),
                reason=f"env.py got an error ({reason})",
                advice="Check what this user may do there",
            )
        return EnvironmentFailed(where=self._replay.env_py, reason=reason)

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
        if isinstance(dialect, UntypedPsycopg) and self._replay.needs.lacks_psycopg2:
            self._replay.needs.stands_in_for("psycopg2")
        url = sqlalchemy_url(self._replay.url).set(drivername=f"postgresql+{dialect.driver}")
        ours, where = dialect.create_connect_args(url)
        kept = {name: value for name, value in options.items() if name not in WHERE}
        if self._replay.needs.stand_ins:  # options of another driver mean nothing to this one
            kept = {name: value for name, value in kept.items() if name == "options"}
        arguments[:] = ours
        options.clear()
        options.update(kept)
        options.update(where)

    def _connected(self, connection: Any, record: Any) -> None:
        self.reached = self._begun
        record.info["zero_downtime"] = self
        self._connections.append(connection)

    def _checked_out(self, connection: Any, record: Any, proxy: Any) -> None:
        # An engine of the project's modules outlives a visit: its old connections lead elsewhere.
        if record.info.get("zero_downtime") is not self:
            raise sa.exc.DisconnectionError

    def _ended(self, connection: Any) -> None:
        self._ends += 1

    def _execute(self, cursor: Any, text: str, parameters: Any, context: Any) -> bool:
        if is_plain(context, parameters):
            return self._execute_no_parameters(cursor, text, context)

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
        self._ending.check()
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
            self._pass(issued, self._execution(run, text, shown[0], context))
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
                self._pass(issued, self._execution(run, doubled, piece, context))
        except BaseException:
            if alone:
                run("ROLLBACK")
            raise
        if alone:
            run("COMMIT")
            self._ends += 1
        return True

    def _execution(
        self, run: Callable[[str], None], text: str, shown: str, context: Any
    ) -> CursorExecution:
        execution = CursorExecution(functools.partial(run, text), context)
        roles = self._replay.roles
        if roles is None:
            return execution

        def run_in_a_copy() -> None:
            here = about_this_one(text, shown, execution.value)
            run(roles.instead(here, shown, execution.value))

        return CursorExecution(run_in_a_copy, context)

    def _pass(self, issued: list[Statement], execute: Execution) -> None:
        self._statement = issued[0]
        if self._issued is not None:
            self._issued += issued
        try:
            if self._around is None:
                execute()
                return
            with self._host():
                self._around(issued[0], execute)
        except (ZeroDowntimeError, RunAgain) as error:
            self._error = error
            raise
        except Exception as error:
            if failure.sqlstate(error) != _ABORTED:
                self._cause = error, issued[0]
            raise

    def _made(self, text: str, place: Location, number: int | None) -> Statement:
        assert self.revision is not None
        return Statement(text, place, self.revision.id, self._direction, number)

    def _number(self) -> int:
        number, ends = self._transaction
        if number < 0 or ends != self._ends:
            self._transaction = (number + 1, self._ends)
        return self._transaction[0]


def _run_without_env(context: EnvironmentContext, url: str) -> None:
    # Nobody knows the driver: the stand-in takes most, values without a type and any %.
    given = sqlalchemy_url(url).set(drivername="postgresql+psycopg2")
    engine = sa.create_engine(given, poolclass=sa.NullPool)
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
