"""What a statement really did: locks, rewrites, scans, WAL, time.

Two runs see different things. On a quiet copy the session that migrates is asked after every
statement, in its own transaction: that gives the exact locks, however short, and the files that
were replaced. Under traffic, pg_locks is sampled every few milliseconds from outside: that gives
how long locks were held and waited for. What commits by itself is first tried on the copy within
a transaction that is rolled back; only what can't run in one (CREATE INDEX CONCURRENTLY) is known
from samples alone.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql

from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.serverlog import ServerLog
from zero_downtime.rehearse.session import Connection
from zero_downtime.replay import Execution, RunAgain
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import NotParsed

WATCHER = "zd rehearsal watcher"  # application_name

_SAMPLE_PAUSE = 0.002

# Asked in the migrating session itself, so that it sees what is not committed yet.
_LOOK = """
SELECT json_build_object(
  'locks', (SELECT json_agg(json_build_array(l.relation::int8, l.mode)) FROM pg_catalog.pg_locks l
            WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted),
  'relations', (SELECT json_agg(json_build_array(c.oid::int8, n.nspname || '.' || c.relname,
                                pg_relation_filenode(c.oid)::int8))
                FROM pg_catalog.pg_class c
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname !~ '^pg_'
                AND n.nspname <> 'information_schema'),
  'scans', (SELECT json_agg(json_build_array(relid::int8, seq_scan, n_tup_upd + n_tup_del))
            FROM pg_catalog.pg_stat_xact_user_tables
            WHERE seq_scan > 0 OR n_tup_upd > 0 OR n_tup_del > 0),
  'wal', (pg_current_wal_insert_lsn() - '0/0')::int8)::text
"""

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

_PROCESS = "SELECT pg_backend_pid()"
_DISK = "SELECT pg_database_size(current_database())"
# Files grow through the WAL: without so much of it, looking at all of them is not worth it.
_MUCH_WAL = 256 * 1024


# A revision that issues BEGIN itself holds locks that a session beside it would wait for forever.
_BRIEFLY = "SET LOCAL lock_timeout = '500ms'"


@dataclass(frozen=True)
class _Look:
    """What one session sees at one moment."""

    locks: frozenset[tuple[int, LockMode]]
    names: dict[int, str]
    files: dict[int, int | None]
    scans: dict[int, int]
    dead: int  # rows that the transaction has updated or deleted so far
    wal: int

    @classmethod
    def read(cls, text: object) -> _Look:
        found: dict[str, Any] = json.loads(str(text))
        relations = found["relations"] or []
        return cls(
            frozenset((oid, LockMode.parse(mode)) for oid, mode in found["locks"] or []),
            {oid: name for oid, name, _ in relations},
            {oid: file for oid, _, file in relations},
            {oid: scans for oid, scans, _ in found["scans"] or []},
            sum(dead for _, _, dead in found["scans"] or []),
            found["wal"],
        )


@dataclass(frozen=True)
class Observed:
    """What one statement did on the quiet copy."""

    statement: Statement
    seconds: float
    locks: tuple[tuple[int, str, LockMode], ...] = ()  # oid, relation, strongest new mode
    exact: bool = True
    rewrote: tuple[str, ...] = ()
    scanned: tuple[str, ...] = ()
    wal_bytes: int = 0
    dead_rows: int = 0  # updated or deleted: they stay in the table until it is vacuumed
    temp_bytes: int | None = None  # None: not known
    disk_bytes: int = 0  # beyond what was in use before: new files beside old ones, temporary ones
    predicted: Effect | None = None
    differences: tuple[str, ...] = ()


@dataclass
class Exact:
    """An ``around`` for :class:`Replay` on a copy without clients; fills ``observed``."""

    url: str
    state: State
    major: int
    log: ServerLog = field(default_factory=lambda: ServerLog(None))
    observed: list[Observed] = field(default_factory=list)
    _last: tuple[int, _Look] | None = None
    _disk: int | None = None  # in use

    def __call__(self, statement: Statement, execution: Execution) -> None:
        self.state.transaction = statement.transaction
        process = int(str(execution.value(_PROCESS))) if self.log.readable else 0
        temporary = self.log.temporary_bytes(process)
        if self._disk is None:
            self._disk = int(str(execution.value(_DISK)))
        predicted, broken = self._predict(statement)
        if statement.transaction is None:
            self.observed.append(self._alone(statement, execution, predicted))
            self._last = None
        else:
            self.observed.append(self._within(statement, execution, predicted))
        temporary = self.log.temporary_bytes(process) - temporary
        seen = self.observed[-1]
        self.observed[-1] = replace(
            seen,
            differences=(*seen.differences, broken) if broken else seen.differences,
            temp_bytes=temporary if self.log.readable else None,
            disk_bytes=temporary + self._grown(seen, execution),
        )
        with contextlib.suppress(Exception):  # predict() has said what is wrong
            self.state.apply(statement.sql)

    def _grown(self, seen: Observed, execution: Execution) -> int:
        """By how much the files have grown; those that were replaced are there until a commit."""
        if seen.wal_bytes < _MUCH_WAL:
            return 0
        before, self._disk = self._disk or 0, int(str(execution.value(_DISK)))
        grown = self._disk - before
        if seen.rewrote and seen.statement.transaction is None:  # it is over: the old are gone
            for name in seen.rewrote:
                grown += int(str(execution.value(_size_of(name))))
        return max(0, grown)

    def _predict(self, statement: Statement) -> tuple[Effect | None, str]:
        """The prediction, and what to say when the lock model itself broke down."""
        try:
            return predict(statement.sql, self.state, self.major), ""
        except NotParsed:
            return None, ""
        except Exception as error:  # a bug of the lock model must not end the rehearsal
            return None, f"the lock model failed: {type(error).__name__}: {error}"

    def _within(
        self, statement: Statement, execution: Execution, predicted: Effect | None
    ) -> Observed:
        number = statement.transaction or 0
        if self._last is not None and self._last[0] == number:
            before = self._last[1]  # nothing has happened in this session since
        else:
            before = _Look.read(execution.value(_LOOK))
        start = time.monotonic()
        execution()
        seconds = time.monotonic() - start
        after = _Look.read(execution.value(_LOOK))
        self._last = (number, after)
        return _observed(statement, seconds, before, after, predicted)

    def _alone(
        self, statement: Statement, execution: Execution, predicted: Effect | None
    ) -> Observed:
        before = _Look.read(execution.value(_LOOK))
        tried = self._try(statement, str(execution.value("SHOW search_path")))
        pid = int(str(execution.value(_PROCESS)))
        with (
            Sampler(self.url) as sampler,
            _Doorstop(self.url, sampler, predicted if tried is None else None),
        ):
            sampler.pid = pid
            start = time.monotonic()
            execution()
            seconds = time.monotonic() - start
        after = _Look.read(execution.value(_LOOK))
        if tried is not None:
            seen = _observed(statement, seconds, *tried, predicted)
        else:
            locks = frozenset(
                (s.relation, s.mode) for s in sampler.segments if s.relation in before.names
            )
            held = _Look(before.locks | locks, after.names, after.files, {}, 0, after.wal)
            seen = _observed(statement, seconds, before, held, predicted, exact=False)
        return replace(
            seen, rewrote=_rewritten(before, after), wal_bytes=max(0, after.wal - before.wal)
        )

    def _try(self, statement: Statement, search_path: str) -> tuple[_Look, _Look] | None:
        """Run a statement in a transaction of our own and take it back; None when it refuses."""
        try:
            with psycopg.connect(self.url, application_name=WATCHER) as connection:
                connection.execute(_BRIEFLY)
                connection.execute(
                    "SELECT set_config('search_path', %s, true)", (search_path,), prepare=False
                )
                before = _Look.read(_first(connection, _LOOK))
                connection.execute(statement.sql.encode(), prepare=False)
                after = _Look.read(_first(connection, _LOOK))
                connection.rollback()
        except psycopg.Error:
            return None
        return before, after


class _Doorstop:
    """Keeps a door open for a moment, so that what goes through is seen by the sampler.

    CREATE INDEX CONCURRENTLY and its like wait, locks in hand, until nobody writes to their table.
    One who does for some milliseconds makes their locks visible, however small the table is.
    """

    def __init__(self, url: str, sampler: Sampler, predicted: Effect | None) -> None:
        self._names = [
            lock.relation
            for lock in (predicted.locks if predicted else ())
            if lock.mode == LockMode.SHARE_UPDATE_EXCLUSIVE
        ]
        self._sampler = sampler
        self._url = url
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._let_go, name=WATCHER, daemon=True)

    def __enter__(self) -> _Doorstop:
        if self._names:
            self._connection = psycopg.connect(self._url, application_name=WATCHER)
            self._connection.execute(_BRIEFLY)  # in the transaction that keeps the locks
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


def _size_of(name: str) -> str:
    schema, _, table = name.partition(".")
    quoted = sql.Identifier(schema, table).as_string(None)
    return f"SELECT pg_total_relation_size({sql.quote(quoted)}::regclass)"


def _first(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode(), prepare=False).fetchone()
    assert row is not None
    return row[0]


def _observed(
    statement: Statement,
    seconds: float,
    before: _Look,
    after: _Look,
    predicted: Effect | None,
    exact: bool = True,
) -> Observed:
    strongest: dict[int, LockMode] = {}
    for oid, mode in after.locks - before.locks:
        if oid in before.names:
            strongest[oid] = max(mode, strongest.get(oid, mode))
    rewrote = _rewritten(before, after)
    scanned = [
        before.names[oid]
        for oid, count in after.scans.items()
        if oid in before.names and count > before.scans.get(oid, 0)
    ]
    locks = tuple((oid, before.names[oid], mode) for oid, mode in sorted(strongest.items()))
    held: dict[str, set[LockMode]] = {}
    for oid, mode in before.locks:
        if oid in before.names:
            held.setdefault(before.names[oid], set()).add(mode)
    return Observed(
        statement,
        seconds,
        locks,
        exact,
        rewrote,
        tuple(sorted(scanned)),
        max(0, after.wal - before.wal),
        max(0, after.dead - before.dead),
        predicted=predicted,
        differences=differences(
            predicted,
            {name: mode for _, name, mode in locks},
            held,
            rewrote,
            exact,
            certain=not _may_branch(statement.sql),
        ),
    )


def _may_branch(sql: str) -> bool:
    """Whether it depends on the rows what a statement runs: a block, a procedure, a function."""
    return sql.split(maxsplit=1)[0].upper() in ("DO", "CALL", "SELECT")


def _rewritten(before: _Look, after: _Look) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for oid, name in before.names.items()
            if oid in after.files and after.files[oid] != before.files[oid]
        )
    )


def differences(
    predicted: Effect | None,
    taken: dict[str, LockMode],
    held: dict[str, set[LockMode]],
    rewrote: tuple[str, ...],
    exact: bool,
    certain: bool = True,
) -> tuple[str, ...]:
    """Where prediction and observation disagree, each as a sentence.

    A lock that the transaction held already can't be seen to be taken again, one that is only
    sampled may be too short to be seen, and a branch may not be taken: none is a disagreement.
    """
    if predicted is None or predicted.unknown:
        return ()
    foreseen = {lock.relation: lock.mode for lock in predicted.locks}
    said = []
    for relation in sorted(foreseen.keys() | taken.keys()):
        expected, mode = foreseen.get(relation), taken.get(relation)
        if expected is None and mode is not None:
            said.append(f"took {mode.sql} on {relation}, nothing was predicted")
        elif expected is not None and mode is not None and mode > expected:
            said.append(f"took {mode.sql} on {relation}, predicted was {expected.sql}")
        elif (
            expected is not None
            and (mode is None or mode < expected)
            and exact
            and certain
            and expected not in held.get(relation, ())
        ):
            took = mode.sql if mode else "nothing"
            said.append(f"took {took} on {relation}, predicted was {expected.sql}")
    for relation in sorted(set(rewrote) - set(predicted.rewrites)):
        said.append(f"rewrote {relation}, which was not predicted")
    for relation in sorted(set(predicted.rewrites) - set(rewrote) if certain else ()):
        said.append(f"did not rewrite {relation}, as was predicted")
    return tuple(said)


# Sampling from outside


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
        self.sampler.pid = int(str(execution.value(_PROCESS)))
        start = time.monotonic()
        try:
            self.run(statement, execution)
        except RunAgain:
            self._committed = self._transaction_at
            self._timed = {n: t for n, t in self._timed.items() if n < self._committed}
            self._position = -1
            raise
        self._timed[self._position] = Timed(statement, start, time.monotonic())
