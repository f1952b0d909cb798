"""Crash points: the upgrade is killed, run again by ``zd upgrade``, and undone.

What is rolled back with its transaction needs no trying at every statement: a kill anywhere in a
transaction is a kill before its commit. So the points of a revision are the end of each of its
transactions, and after each statement that runs outside of one, and in it when it commits on its
way (CREATE INDEX CONCURRENTLY and its like).
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from zero_downtime.catalog import Catalog, Comparison
from zero_downtime.errors import ZeroDowntimeError
from zero_downtime.history import Revision
from zero_downtime.postgres.locks import LockMode
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.project import Project
from zero_downtime.rehearse.measure.exact import Observed
from zero_downtime.rehearse.result import Crash
from zero_downtime.rehearse.session import Connection
from zero_downtime.replay import Execution, Replay
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.words import is_setting
from zero_downtime.upgrade.events import Event, LeftoverDropped
from zero_downtime.upgrade.runner import upgrade

Moment = Literal["in", "after"]

_ALWAYS = 2
_PATIENCE = 5.0  # seconds in which a statement must have begun to wait


@dataclass(frozen=True)
class Point:
    """A moment at which an upgrade is killed: the position of a statement in the revision."""

    position: int
    moment: Moment
    leaves: bool  # whether something is left behind that the server does not take back
    effect: Effect | None = None  # the statement's, when it is killed while it runs


@dataclass
class Allowance:
    """The time that kills may take. Revisions share it, so that a long history has a sample."""

    seconds: float = math.inf  # for all of them
    revisions: int = 1  # under test
    _begun: int = 0
    _spent: float = 0.0

    def allowed(self, chosen: Sequence[Point]) -> Iterator[Point]:
        """The next revision's points, while there is time; who takes one uses the time up.

        Two that leave something behind are always tried: these are what goes wrong.
        """
        self._begun += 1
        share = self.seconds * min(1.0, self._begun / self.revisions)
        for number, point in enumerate(chosen):
            if self._spent >= share and not (point.leaves and number < _ALWAYS):
                return
            start = time.monotonic()
            yield point
            self._spent += time.monotonic() - start


def points(observed: Sequence[Observed]) -> tuple[Point, ...]:
    """The points of a revision, those that leave the most behind first.

    At the last ones, before a commit, the server takes everything back by itself.
    """
    during, between, commits = [], [], []
    told = [each for each in enumerate(observed) if not is_setting(each[1].statement.sql)]
    for place, (position, seen) in enumerate(told):
        number = seen.statement.transaction
        following = [each.statement.transaction for _, each in told[place + 1 : place + 2]]
        if number is None:
            if seen.predicted is not None and not seen.predicted.transactional:
                during.append(Point(position, "in", True, seen.predicted))
            between.append(Point(position, "after", True))  # which is before the next one
        elif following != [number]:
            commits.append(Point(position, "after", False))
    return (*during, *between, *commits)


@dataclass(frozen=True)
class Killer:
    """Kills the upgrade of one revision at its points, each on a copy of its own."""

    project: Project
    server: Server
    replay: Callable[[str], Replay]  # database → the project there
    compare: Callable[[Catalog, str, str], tuple[Comparison, Catalog]]  # see Prover.compare

    def kill(
        self,
        base: str,
        revision: Revision,
        observed: Sequence[Observed],
        before: tuple[Catalog, str],  # and its digest
        after: tuple[Catalog, str],
        chosen: Iterable[Point],
        *,
        restores: bool,
    ) -> Iterator[Crash]:
        """Kill, continue and (where the downgrade ``restores``) undo; a result for each point."""
        for point in chosen:
            statement = observed[point.position].statement
            with scratch_database(self.server, template=base) as copy:
                left: list[str] = []
                reason = self._die(copy, revision, point)
                if reason is None:
                    reason = self._continue(copy, revision, after, left)
                if reason is None and restores:
                    reason = self._undo(copy, revision, before)
            yield Crash(
                point.moment,
                statement.sql,
                str(statement.location.file),
                statement.location.line,
                tuple(left),
                reason,
            )

    def _die(self, copy: str, revision: Revision, point: Point) -> str | None:
        assassin = _Assassin(point, lambda: self.server.connect(copy))
        try:
            self.replay(copy).run(revision, "upgrade", assassin)
        except _Killed:
            return None
        except ZeroDowntimeError as error:
            # What env.py makes of its lost session is what a dying process would say.
            return None if assassin.struck else f"it could not be killed there: {error}"
        return None  # it ended before it could be killed: nothing was left undone

    def _continue(
        self, copy: str, revision: Revision, after: tuple[Catalog, str], left: list[str]
    ) -> str | None:
        def tell(event: Event) -> None:
            if isinstance(event, LeftoverDropped):
                left.append(event.index)

        try:
            upgrade(
                self.project,
                self.server.url(copy),
                revision.id,
                contract=True,
                tell=tell,
                replay=self.replay(copy),
            )
        except ZeroDowntimeError as error:
            return f"zd upgrade can't finish it: {error}"
        reached, _ = self.compare(*after, copy)
        if reached.grade == "different":
            return f"zd upgrade finishes it differently: {'; '.join(reached.describe()[:3])}"
        return None

    def _undo(self, copy: str, revision: Revision, before: tuple[Catalog, str]) -> str | None:
        try:
            self.replay(copy).run(revision, "downgrade")
        except ZeroDowntimeError as error:
            return f"it can't be undone after that: {error}"
        reached, _ = self.compare(*before, copy)
        if reached.grade == "different":
            return f"after that the downgrade leaves: {'; '.join(reached.describe()[:3])}"
        return None


class _Killed(BaseException):
    """The process ends here. No Exception, since env.py may catch those."""


@dataclass
class _Assassin:
    """An ``around`` for :class:`Replay` that ends the run at a point."""

    point: Point
    connect: Callable[[], Connection]
    struck: bool = False
    _position: int = -1

    def __call__(self, statement: Statement, execution: Execution) -> None:
        self._position += 1
        here = self._position == self.point.position
        if here and self.point.moment == "in" and self.point.effect is not None:
            self.struck = True
            with _Ambush(self.connect, execution, self.point.effect):
                execution()
        else:
            execution()
        if here:
            self.struck = True
            raise _Killed


class _Ambush:
    """Lets a statement that waits for others begin to wait, and ends its session there.

    CREATE INDEX CONCURRENTLY and its like commit and then wait for every writer of their table:
    one such writer is held open until the session is ended.
    """

    def __init__(
        self, connect: Callable[[], Connection], execution: Execution, effect: Effect
    ) -> None:
        self._victim = int(str(execution.value("SELECT pg_backend_pid()")))
        self._writer = connect()
        self._watcher = connect()
        self._tables = [lock.relation for lock in effect.locks]
        self._thread = threading.Thread(target=self._strike, daemon=True)

    def __enter__(self) -> _Ambush:
        self._writer.execute("BEGIN")
        self._writer.execute("SET LOCAL lock_timeout = '500ms'")
        for table in self._tables:
            with contextlib.suppress(psycopg.Error), self._writer.transaction():
                self._writer.execute(
                    sql.SQL("LOCK TABLE {} IN {} MODE").format(
                        sql.Identifier(*table.split(".", 1)), sql.SQL(_WRITES.sql)
                    )
                )
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.join(2 * _PATIENCE)
        for connection in (self._writer, self._watcher):
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def _strike(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        try:
            while time.monotonic() < deadline:
                row = self._watcher.execute(_WAITS, (self._victim,)).fetchone()
                if row is not None:
                    self._watcher.execute("SELECT pg_terminate_backend(%s, 2000)", (self._victim,))
                    break
                time.sleep(0.002)
        except psycopg.Error:
            pass  # the session is gone already
        finally:
            with contextlib.suppress(psycopg.Error):
                self._writer.execute("ROLLBACK")


_WRITES = LockMode.ROW_EXCLUSIVE
_WAITS = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
