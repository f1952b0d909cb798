"""A project's revisions run against a database, in as many runs of its env.py as that takes."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from signal import Signals
from typing import Any

import sqlalchemy as sa
from alembic.runtime.migration import RevisionStep
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from psycopg.conninfo import conninfo_to_dict

from zero_downtime import environment
from zero_downtime.environment import Say
from zero_downtime.errors import (
    DatabaseError,
    EnvironmentFailed,
    HistoryError,
    ProjectError,
    ZeroDowntimeError,
)
from zero_downtime.history import History, Revision, read_history
from zero_downtime.history.rendering import refuse_several_databases
from zero_downtime.postgres import failure
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.postgres.urls import masked
from zero_downtime.project import Project
from zero_downtime.replay.drivers import lacks_psycopg2
from zero_downtime.replay.execution import Around, Choose, Look, RunAgain
from zero_downtime.replay.failures import NotPostgreSQL, check_callable
from zero_downtime.replay.needs import Needs
from zero_downtime.replay.roles import CopyRoles
from zero_downtime.replay.urls import WHERE, url_of
from zero_downtime.replay.visit import Visit
from zero_downtime.sql.statement import Direction, Location, Statement

_BY_SIGNAL = {str(128 + signal.value) for signal in Signals}  # exit codes: we are told to end


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
        replay = Replay(project, server.url(name), copies=True)
        replay.run_all(replay.history.ancestors(revision), "upgrade")
        if direction == "downgrade":
            replay.run_all([revision], "upgrade")
        return replay.record([revision], direction)


def capture_history(
    project: Project, server: Server, direction: Direction = "upgrade"
) -> dict[str, list[Statement]]:
    """The statements of all revisions by their id, in one pass over the history."""
    with scratch_database(server) as name:
        replay = Replay(project, server.url(name), copies=True)
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
        if name in WHERE and value is not None and isinstance(value, str | int)
    }
    return url_of(options)


class _Reached(BaseException):
    """env.py came as far as connecting. No Exception, since env.py may retry on those."""


class Replay:
    """One project against one database. Nothing stays open between its methods.

    ``url`` None is for looking only: env.py gets nothing from us. ``strict`` refuses an env.py
    that does not run, for a database that matters; otherwise the revisions run without it, and
    ``notes`` says so. ``copies``: the databases of this server are copies of one another, for
    trying; see ``replay.roles``.
    """

    def __init__(
        self,
        project: Project,
        url: str | None,
        *,
        history: History | None = None,
        say: Say | None = None,
        strict: bool = False,
        copies: bool = False,
    ) -> None:
        self.project = project
        self.history = history or read_history(project)
        self.url = url
        self.needs = Needs(lacks_psycopg2=lacks_psycopg2(project.root))
        self.roles = CopyRoles(self.needs.notes) if copies else None
        self._say = say
        self._strict = strict

    @property
    def notes(self) -> list[str]:
        """What had to be arranged for env.py."""
        return self.needs.notes

    def at(self, url: str) -> Replay:
        """The same project on another database; what one learns of env.py, the other knows."""
        other = copy(self)
        other.url = url
        return other

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
            if unknown := sorted(set(heads) - {each.id for each in self.history}):
                raise HistoryError(
                    where=where,
                    reason=f"the database is at {', '.join(unknown)}, which no file here has",
                    advice="Take the branch that has it, and downgrade from there or go on",
                ) from error
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
        check_callable(revision, direction)
        while True:
            try:
                self.visit(lambda heads: [(revision, direction)], around)
                return
            except RunAgain:
                continue

    def run_all(self, revisions: Sequence[Revision], direction: Direction) -> None:
        """Run revisions in this order, in one run of env.py with a transaction for each."""
        for revision in revisions:
            check_callable(revision, direction)
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
        apart: bool = False,
    ) -> None:
        """Run env.py once. ``choose`` gets the database's revisions and says what to run.

        ``apart``: each revision as if it had a run of its own.

        ``reading`` keeps Alembic from making its version table; ``look`` gets the migration
        context as env.py configured it, before anything runs.
        """
        while True:
            visit = Visit(self, choose, around, issued, connect, reading, look, apart)
            said: list[str] = []

            def say(line: str, said: list[str] = said) -> None:
                said[:] = [line] if line.strip() else said
                if self._say is not None:
                    self._say(line)

            try:
                with (
                    environment.guest(self.project, say) as host,
                    visit.listening(host),
                    self.needs.met(),  # an application that connects as it loads gets ours too
                ):
                    visit.run()
                return
            except (ZeroDowntimeError, RunAgain, _Reached):
                raise
            except (Exception, SystemExit) as error:
                if isinstance(error, SystemExit) and str(error.code) in _BY_SIGNAL:
                    raise
                if self._has_role_now(error, visit):
                    continue
                if visit.revision is not None or visit.reached:
                    raise visit.failed(error) from error
                if isinstance(error, sa.exc.DBAPIError):
                    raise DatabaseError(
                        database=masked(self.url or self.env_py),
                        reason=f"the server refuses the connection ({failure.message(error)})",
                        advice="Check host, database, user and password",
                    ) from error
                if not self.needs.learn(error, self.url):
                    self._give_up(error, said[-1] if said else "")

    def _has_role_now(self, error: BaseException, visit: Visit) -> bool:
        """Whether env.py took on a role that this server did not have."""
        if self.roles is None or self.url is None or visit.revision is not None:
            return False
        return self.roles.provided(error, self.url)

    def _give_up(self, error: BaseException, said: str) -> None:
        """Go on without env.py, or refuse."""
        lines = environment.lines_in(
            error, Path(self.project.root / self.history.scripts.env_py_location)
        )
        where: object = Location(self.env_py, lines[-1] if lines else 1)
        if isinstance(error, SyntaxError):
            where = Location(environment.shown(Path(error.filename or "")), error.lineno or 1)
        reason = _what_happened(error, said)
        if self._strict or self.needs.without_env or isinstance(error, SyntaxError):
            raise EnvironmentFailed(where=where, reason=reason) from error
        self.needs.without_env = True
        self.notes.append(f"{where} does not run here ({reason}): the revisions ran without it")


def _what_happened(error: BaseException, said: str) -> str:
    """An error in a line. One without a text is told by what was printed, or by its source."""
    text = " ".join(str(error).split())
    if isinstance(error, NotPostgreSQL):
        return text
    if isinstance(error, SystemExit) and said:
        text = f"{text}, {said.strip()}"
    trace = traceback.extract_tb(error.__traceback__)
    if not text and trace:
        text = trace[-1].line or ""
    return f"{type(error).__name__}: {text}"[:300]


def _refuse_other_databases(project: Project, dialect: Any) -> None:
    if dialect.name != "postgresql":
        raise ProjectError(
            reason=f"{project.root} connects to {dialect.name}",
            advice="zd works with PostgreSQL only; give a database with --url",
        )
