"""Locks as they are seen from outside while a statement runs, sampled every few milliseconds."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.session import Connection
from zero_downtime.replay import Execution, RunAgain
from zero_downtime.sql.statement import Statement

WATCHER = "zd rehearsal watcher"  # application_name
PROCESS = "SELECT pg_backend_pid()"
# A revision that issues BEGIN itself holds locks that a session beside it would wait for forever.
BRIEFLY = "SET LOCAL lock_timeout = '500ms'"

_SAMPLE_PAUSE = 0.002

_HOLDS = """
SELECT relation::int8, mode, granted, NULL, 0 FROM pg_locks
WHERE pid = %(pid)s AND locktype = 'relation'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL
SELECT 0, '', false, CASE WHEN age(backend_xid) > coalesce(age(backend_xmin), 0)
    THEN backend_xid::text ELSE backend_xmin::text END,
  greatest(age(backend_xid), age(backend_xmin))
FROM pg_stat_get_activity(%(pid)s)
WHERE backend_xid IS NOT NULL OR backend_xmin IS NOT NULL
"""


@dataclass
class Segment:
    """A lock of the migrating session that was seen from ``first`` to ``last``."""

    relation: int
    mode: LockMode
    granted: bool
    first: float
    last: float

    @property
    def seconds(self) -> float:
        """How long it was seen."""
        return self.last - self.first


@dataclass
class Horizon:
    """The oldest transaction that the migrating session needs, while it was the same one.

    VACUUM removes no row that died since.
    """

    transaction: str
    first: float
    last: float
    age: int = 0  # in transactions, at ``last``


class Sampler:
    """Reads the locks of one session every few milliseconds, from a thread of its own."""

    def __init__(self, url: str) -> None:
        self.pid: int | None = None
        self.segments: list[Segment] = []
        self.horizons: list[Horizon] = []
        self.resolution = _SAMPLE_PAUSE
        self._connection = psycopg.connect(url, autocommit=True, application_name=WATCHER)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=WATCHER, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(5)
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _run(self) -> None:
        current: dict[tuple[int, str, bool], Segment] = {}
        previous = time.monotonic()
        gaps: list[float] = []
        while not self._stop.is_set():
            if self.pid is not None:
                start = time.monotonic()
                try:
                    rows = self._connection.execute(_HOLDS, {"pid": self.pid}).fetchall()
                except psycopg.Error:
                    return
                end = time.monotonic()
                seen = {(int(str(r)), str(m), bool(g)) for r, m, g, *_ in rows if r}
                self._note_horizon([(str(x), int(str(a))) for *_, x, a in rows if x], start, end)
                for key in [key for key in current if key not in seen]:
                    del current[key]
                for key in seen:
                    segment = current.get(key)
                    if segment is None:
                        segment = Segment(key[0], LockMode.parse(key[1]), key[2], start, end)
                        current[key] = segment
                        self.segments.append(segment)
                    segment.last = end
                gaps.append(end - previous)
                previous = end
            self._stop.wait(_SAMPLE_PAUSE)
        if gaps:
            self.resolution = sorted(gaps)[len(gaps) // 2]

    def _note_horizon(self, needed: list[tuple[str, int]], start: float, end: float) -> None:
        for transaction, age in needed:
            if not self.horizons or self.horizons[-1].transaction != transaction:
                self.horizons.append(Horizon(transaction, start, end))
            self.horizons[-1].last, self.horizons[-1].age = end, age


class Doorstop:
    """Keeps a door open for a moment, so that what goes through is seen by the sampler.

    CREATE INDEX CONCURRENTLY and its like wait, locks in hand, until nobody writes to their table.
    One who does for some milliseconds makes their locks visible, however small the table is.
    """

    def __init__(self, url: str, sampler: Sampler, relations: Sequence[str]) -> None:
        self._names = relations
        self._sampler = sampler
        self._url = url
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._let_go, name=WATCHER, daemon=True)

    def __enter__(self) -> Doorstop:
        if self._names:
            self._connection = psycopg.connect(self._url, application_name=WATCHER)
            self._connection.execute(BRIEFLY)  # in the transaction that keeps the locks
            for name in self._names:
                with contextlib.suppress(psycopg.Error), self._connection.transaction():
                    self._connection.execute(
                        sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(
                            sql.Identifier(*name.split(".", 1))
                        )
                    )
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._connection is not None:
            self._thread.join(5)
            self._connection.close()

    def _let_go(self) -> None:
        assert self._connection is not None
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline:
            if any(s.mode == LockMode.SHARE_UPDATE_EXCLUSIVE for s in self._sampler.segments):
                break
            time.sleep(0.002)
        with contextlib.suppress(psycopg.Error):
            self._connection.rollback()


@dataclass(frozen=True)
class Timed:
    """When a statement ran under traffic; times are time.monotonic()."""

    statement: Statement
    start: float
    end: float


@dataclass
class Live:
    """An ``around`` for :class:`Replay` under traffic: notes when each statement ran.

    ``run`` executes it, under the lock policy of ``zd upgrade``. When that has the revision begin
    anew, what was committed in between is not done twice.
    """

    sampler: Sampler
    run: Callable[[Statement, Execution], None]
    processes: set[int] = field(default_factory=set)  # of the server, that executed any
    _timed: dict[int, Timed] = field(default_factory=dict)  # by position in the revision
    _position: int = -1
    _transaction: int | None = None
    _transaction_at: int = 0
    _committed: int = 0  # so many statements need not run again

    @property
    def timed(self) -> list[Timed]:
        """The statements in order."""
        return list(self._timed.values())

    def __call__(self, statement: Statement, execution: Execution) -> None:
        self._position += 1
        if self._position == 0 or statement.transaction != self._transaction:
            self._transaction, self._transaction_at = statement.transaction, self._position
        elif statement.transaction is None:
            self._transaction_at = self._position
        if self._position < self._committed:
            return
        self.sampler.pid = int(str(execution.value(PROCESS)))
        self.processes.add(self.sampler.pid)
        start = time.monotonic()
        try:
            self.run(statement, execution)
        except RunAgain:
            self._committed = self._transaction_at
            self._timed = {n: t for n, t in self._timed.items() if n < self._committed}
            self._position = -1
            raise
        self._timed[self._position] = Timed(statement, start, time.monotonic())
