"""Upgrade and downgrade: one runner at a time, each statement once, under the lock policy.

An upgrade that was killed is simply run again. A revision of a single transaction was rolled back
with it; of one that commits in between (autocommit blocks), what the catalog already shows is not
done twice, and INVALID indexes that a killed build left are dropped before it starts anew.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from zero_downtime.config import Locks
from zero_downtime.environment import Say
from zero_downtime.errors import AnotherRunner, DatabaseError, NotRenderable
from zero_downtime.history import Revision
from zero_downtime.history.rendering import render
from zero_downtime.postgres import failure
from zero_downtime.postgres.urls import masked
from zero_downtime.project import Project
from zero_downtime.replay import Execution, Replay, RunAgain
from zero_downtime.sql.effects import predict
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Direction, Statement
from zero_downtime.sql.tree import NotParsed
from zero_downtime.upgrade.connection import RUNNER_LOCK, connect, database_url, runner_of
from zero_downtime.upgrade.done import done_query
from zero_downtime.upgrade.done.leftovers import leftover_query
from zero_downtime.upgrade.events import (
    Event,
    Holder,
    LeftoverDropped,
    RevisionBegins,
    RevisionEnds,
    Skipped,
    StatementEnds,
    Tell,
    Waiting,
    without_values,
)
from zero_downtime.upgrade.policy import LockPolicy
from zero_downtime.upgrade.result import RevisionResult, StatementResult, UpgradeResult

# Errors that say: what the statement makes is there, what it removes is gone.
_DONE_STATES = {"42701", "42703", "42704", "42710", "42723", "42P01", "42P06", "42P07", "42P16"}

# Statements that fail when they are run twice. When one of a transaction is found done, the
# transaction was committed, and what it did besides (rows, for instance) was done too.
_ONLY_ONCE = re.compile(
    r"create\s+(?!or\s+replace)(?!.*\bif\s+not\s+exists\b)"
    r"|drop\s+(?!.*\bif\s+exists\b)"
    r"|alter\s+.*\b(?:rename|add\s+(?:column|constraint)|drop\s+(?:column|constraint))\b"
    r"(?!\s+if\b)",
    re.IGNORECASE | re.DOTALL,
)

_DETACH = re.compile(
    r"(?P<command>.*\bdetach\s+partition\s+(?P<partition>\S+))\s+concurrently\s*\Z",
    re.IGNORECASE | re.DOTALL,
)

_BUILDERS = """
SELECT p.pid, n.nspname || '.' || c.relname, p.command
FROM pg_catalog.pg_stat_progress_create_index p
JOIN pg_catalog.pg_class c ON c.oid = p.relid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.datname = current_database() AND p.pid <> pg_backend_pid()
  AND n.nspname || '.' || c.relname = ANY(%s)
"""


def upgrade(
    project: Project,
    url: str | None = None,
    target: str | None = None,
    *,
    contract: bool = False,
    locks: Locks | None = None,
    tell: Tell | None = None,
    say: Say | None = None,
    replay: Replay | None = None,
) -> UpgradeResult:
    """Apply the revisions up to ``target`` (the head), but none of phase contract unless told.

    ``replay`` is the project on that database, where the caller has it already. Raises
    LockNotAcquired, RevisionFailed, AnotherRunner, HistoryError, EnvironmentFailed.
    """
    with _Runner(project, url, locks, tell, say, replay) as runner:
        if target in (None, "head"):
            head = runner.replay.history.head()
            target = head.id if head else "heads"
        before = runner.replay.heads()
        revisions = runner.replay.plan(target or "heads", "upgrade")
        now, later = held_back(revisions, contract)
        return runner.run(now, "upgrade", before, later)


def downgrade(
    project: Project,
    url: str | None = None,
    target: str = "-1",
    *,
    locks: Locks | None = None,
    tell: Tell | None = None,
    say: Say | None = None,
) -> UpgradeResult:
    """Undo revisions down to ``target`` (one step). Raises what upgrade raises."""
    with _Runner(project, url, locks, tell, say) as runner:
        before = runner.replay.heads()
        return runner.run(runner.replay.plan(target, "downgrade"), "downgrade", before, ())


def held_back(
    revisions: Sequence[Revision], contract: bool
) -> tuple[tuple[Revision, ...], tuple[Revision, ...]]:
    """The revisions before the first contract revision, and the rest."""
    for number, revision in enumerate(revisions):
        if revision.phase == "contract" and not contract:
            return tuple(revisions[:number]), tuple(revisions[number:])
    return tuple(revisions), ()


def locks_of(project: Project, deadline: float | None) -> Locks:
    """The settings of the lock policy, with another deadline when one is given."""
    locks = project.config.locks
    return locks if deadline is None else replace(locks, deadline_s=deadline)


class _Runner:
    """One run on one database, holding the advisory lock."""

    def __init__(
        self,
        project: Project,
        url: str | None,
        locks: Locks | None,
        tell: Tell | None,
        say: Say | None,
        replay: Replay | None = None,
    ) -> None:
        self.url = database_url(project, url)
        self._project = project
        self._locks = locks or project.config.locks
        self._tell = tell or (lambda event: None)
        self.replay = replay or Replay(project, self.url, say=say, strict=True)
        self._leftovers: list[str] = []
        self._statements: list[Statement] = []  # of the revision, when they can be rendered
        self._in_parts = False  # whether the revision commits in between
        # By position in the revision: what was issued, how it went, what is surely committed.
        self._issued: dict[int, str] = {}
        self._results: dict[int, StatementResult] = {}
        self._committed: dict[int, str] = {}
        self._begin_attempt()

    def _begin_attempt(self) -> None:
        self._position = -1
        self._transaction: int | None = None
        self._transaction_at = 0  # position of its first statement
        self._groups: dict[int, bool] = {}  # transaction → whether an earlier run committed it
        self._path_is_set = False

    def __enter__(self) -> _Runner:
        self._stack = contextlib.ExitStack()
        try:
            self._own = self._stack.enter_context(connect(self.url))
            self._refuse_replica()
            self._take_lock()
            self._policy = LockPolicy(lambda: connect(self.url), self._locks, self._hear)
            self._stack.callback(self._policy.close)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()  # the advisory lock ends with its session

    def run(
        self,
        revisions: Sequence[Revision],
        direction: Direction,
        before: tuple[str, ...],
        later: tuple[Revision, ...],
    ) -> UpgradeResult:
        results = tuple(self._run_one(revision, direction) for revision in revisions)
        return UpgradeResult(
            database=masked(self.url),
            direction=direction,
            before=before,
            after=self.replay.heads() if results else before,
            revisions=results,
            held_back=later,
            leftovers=tuple(self._leftovers),
            notes=tuple(self.replay.notes),
        )

    def _run_one(self, revision: Revision, direction: Direction) -> RevisionResult:
        self._tell(RevisionBegins(revision, direction))
        begun = time.monotonic()
        self._issued, self._results, self._committed = {}, {}, {}
        self._begin_attempt()
        self._statements = self._foreseen(revision, direction)
        self._in_parts = len({each.transaction for each in self._statements}) > 1 or (
            not self._statements and "autocommit" in revision.path.read_text("utf-8")
        )
        self._policy.expect(self._statements)
        self.replay.run(revision, direction, self._around)
        seconds = time.monotonic() - begun
        self._tell(RevisionEnds(revision, direction, seconds))
        return RevisionResult(revision, direction, seconds, tuple(self._results.values()))

    def _foreseen(self, revision: Revision, direction: Direction) -> list[Statement]:
        try:
            return render(self._project, revision, direction)
        except NotRenderable:
            return []

    def _around(self, statement: Statement, execute: Execution) -> None:
        self._position += 1
        if self._committed.get(self._position) == statement.sql:
            return  # by the attempt before this one, in this very run
        if self._position == 0 or statement.transaction != self._transaction:
            self._transaction, self._transaction_at = statement.transaction, self._position
        self._issued[self._position] = statement.sql
        if self._is_done(statement, execute):
            self._skip(statement)
            return
        if statement.transaction is None:
            self._clear_leftovers(statement)
            execute = self._finishing_detach(statement, execute)
        try:
            self._policy(statement, execute)
        except RunAgain:
            first = self._transaction_at
            self._committed = {at: sql for at, sql in self._issued.items() if at < first}
            self._results = {at: each for at, each in self._results.items() if at < first}
            self._begin_attempt()
            raise
        except Exception as error:
            # A killed predecessor may have been at it until a moment ago.
            late = statement.transaction is None and failure.sqlstate(error) in _DONE_STATES
            if not late or not self._catalog_shows(statement):
                raise
            self._skip(statement)

    def _skip(self, statement: Statement) -> None:
        self._tell(Skipped(statement))
        self._results[self._position] = StatementResult(statement, 0.0, 0.0, 0, skipped=True)

    def _hear(self, event: Event) -> None:
        """Pass an event of the policy on, and keep what belongs into the result."""
        if isinstance(event, StatementEnds):
            self._results[self._position] = StatementResult(
                event.statement, event.seconds, event.waited, event.requests, skipped=False
            )
        self._tell(event)

    # What is done already

    def _is_done(self, statement: Statement, execute: Execution) -> bool:
        number = statement.transaction
        if _is_setting(statement.sql) or (number is not None and not self._in_parts):
            return False
        if not self._path_is_set:
            path = str(execute.value("SHOW search_path"))
            self._own.execute("SELECT set_config('search_path', %s, false)", (path,))
            self._path_is_set = True
        if number is None or not self._statements:
            return self._catalog_shows(statement)
        if number not in self._groups:
            self._groups[number] = self._transaction_is_done(number)
        return self._groups[number]

    def _transaction_is_done(self, number: int) -> bool:
        """Whether an earlier run committed this transaction of the revision.

        It was all or nothing: when every statement that can be asked for is done, and one of them
        could not be run a second time anyway, then the transaction was committed. The last one
        commits together with the version, so it is never done.
        """
        if number == self._statements[-1].transaction:
            return False
        asked = [
            each
            for each in self._statements
            if each.transaction == number and done_query(each.sql) is not None
        ]
        return any(_ONLY_ONCE.match(without_values(each.sql)) for each in asked) and all(
            self._catalog_shows(each) for each in asked
        )

    def _catalog_shows(self, statement: Statement) -> bool:
        query = done_query(statement.sql)
        if query is None:
            return False
        row = self._own.execute(query).fetchone()
        return bool(row and row[0])

    def _clear_leftovers(self, statement: Statement) -> None:
        """Drop the INVALID indexes that an interrupted build of this one left."""
        query = leftover_query(statement.sql)
        if query is None:
            return
        self._wait_for_builders(statement)
        for (name,) in self._own.execute(query).fetchall():
            self._own.execute("SET lock_timeout = 0")
            self._own.execute(f"DROP INDEX CONCURRENTLY {name}")
            self._leftovers.append(name)
            self._tell(LeftoverDropped(statement, name))

    def _finishing_detach(self, statement: Statement, execute: Execution) -> Execution:
        """A DETACH … CONCURRENTLY that was interrupted can only be finalized, not repeated."""
        found = _DETACH.match(statement.sql)
        if found is None:
            return execute
        row = self._own.execute(
            "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhrelid = to_regclass(%s)",
            (found["partition"],),
        ).fetchone()
        if not (row and row[0]):
            return execute
        return _Instead(execute, f"{found['command']} FINALIZE")

    def _wait_for_builders(self, statement: Statement) -> None:
        """A server builds on for a client that is gone, until it notices."""
        with contextlib.suppress(NotParsed):
            tables = [lock.relation for lock in predict(statement.sql, State()).locks]
            begun = time.monotonic()
            while rows := self._own.execute(_BUILDERS, (tables,)).fetchall():
                holders = tuple(
                    Holder(pid, table, None, None, None, "active", None, command)
                    for pid, table, command in rows
                )
                self._tell(Waiting(statement, holders, time.monotonic() - begun))
                time.sleep(0.5)

    # Who may run

    def _refuse_replica(self) -> None:
        row = self._own.execute("SELECT pg_catalog.pg_is_in_recovery()").fetchone()
        if row and row[0]:
            raise DatabaseError(
                database=masked(self.url),
                reason="it is a replica, which nobody can write to",
                advice="Give the URL of the primary",
            )

    def _take_lock(self) -> None:
        row = self._own.execute(
            "SELECT pg_catalog.pg_try_advisory_lock(%s)", (RUNNER_LOCK,)
        ).fetchone()
        if row and row[0]:
            return
        raise AnotherRunner(database=masked(self.url), pid=runner_of(self._own) or "unknown")


@dataclass(frozen=True)
class _Instead:
    """An Execution that runs another text."""

    execution: Execution
    sql: str

    def __call__(self) -> None:
        self.execution.value(self.sql)

    def value(self, sql: str) -> object:
        return self.execution.value(sql)


def _is_setting(sql: str) -> bool:
    return re.match(r"\s*(set|reset|show)\b", sql, re.IGNORECASE) is not None
