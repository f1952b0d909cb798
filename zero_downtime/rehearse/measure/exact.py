"""What a statement really did: locks, rewrites, scans, WAL, disk.

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
import time
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.measure.disagreement import differences
from zero_downtime.rehearse.measure.sampler import BRIEFLY, PROCESS, WATCHER, Doorstop, Sampler
from zero_downtime.rehearse.measure.serverlog import ServerLog
from zero_downtime.rehearse.session import Connection
from zero_downtime.replay import Execution
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import NotParsed, parse

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

# What the session has set for itself: search_path, TimeZone.
_SETTINGS = """
SELECT coalesce(json_object_agg(name, setting), '{}')::text FROM pg_catalog.pg_settings
WHERE source IN ('session', 'client') AND context = 'user' AND name <> 'application_name'
"""
_TAKE_OVER = "SELECT set_config(key, value, true) FROM json_each_text(%s::json)"

_DISK = "SELECT pg_database_size(current_database())"
_FILES = "SELECT array_agg(relfilenode)::text FROM pg_class WHERE relfilenode <> 0"
_NEW_FILES = """
SELECT coalesce(sum(pg_relation_size(oid)), 0) FROM pg_class
WHERE relfilenode <> 0 AND relfilenode <> ALL ('{}')
"""
# Files grow through the WAL: without so much of it, looking at all of them is not worth it.
_MUCH_WAL = 256 * 1024


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
    _files: str | None = None  # in use before a statement that commits by itself, as an array
    _grew: int | None = None  # by how much they had when it was tried

    def __call__(self, statement: Statement, execution: Execution) -> None:
        self.state.transaction = statement.transaction
        process = int(str(execution.value(PROCESS))) if self.log.readable else 0
        temporary = self.log.temporary_bytes(process)
        if self._disk is None:
            self._disk = int(str(execution.value(_DISK)))
            self.state.time_zone = str(execution.value("SHOW TimeZone"))
        predicted, broken = self._predict(statement)
        self._files = self._grew = None
        if statement.transaction is None:
            self._files = str(execution.value(_FILES))
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
        if self._grew is not None:
            return self._grew
        new = 0
        if self._files is not None:  # it is over: what stood beside the new files is gone
            new = int(str(execution.value(_NEW_FILES.format(self._files))))
        return max(0, new, self._disk - before)

    def _predict(self, statement: Statement) -> tuple[Effect | None, str]:
        """The prediction, and what to say when the lock model itself broke down."""
        try:
            if parse(statement.sql)[0] == "ConstraintsSetStmt":
                return None, ""  # the triggers that wait for it are not in its text
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
        return self._observed(statement, seconds, before, after, predicted)

    def _alone(
        self, statement: Statement, execution: Execution, predicted: Effect | None
    ) -> Observed:
        before = _Look.read(execution.value(_LOOK))
        tried = self._try(statement, str(execution.value(_SETTINGS)))
        pid = int(str(execution.value(PROCESS)))
        with (
            Sampler(self.url) as sampler,
            Doorstop(self.url, sampler, _lightly_locked(predicted) if tried is None else ()),
        ):
            sampler.pid = pid
            start = time.monotonic()
            execution()
            seconds = time.monotonic() - start
        after = _Look.read(execution.value(_LOOK))
        if tried is not None:
            # Its WAL and its disk as well: the second time it finds what the first one left.
            first, then, self._grew = tried
            seen = self._observed(statement, seconds, first, then, predicted)
        else:
            locks = frozenset(
                (s.relation, s.mode) for s in sampler.segments if s.relation in before.names
            )
            held = _Look(before.locks | locks, after.names, after.files, {}, 0, after.wal)
            seen = self._observed(statement, seconds, before, held, predicted, exact=False)
            seen = replace(seen, locks=_completed(seen.locks, predicted, before.names))
        return replace(seen, rewrote=_rewritten(before, after))

    def _observed(
        self,
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
                certain=not _rows_decide(statement.sql),
                partitions=self._below(predicted),
            ),
        )

    def _below(self, predicted: Effect | None) -> frozenset[str]:
        """The partitions of the relations that a statement is to lock."""
        locks = predicted.locks if predicted else ()
        return frozenset(key for lock in locks for key in self.state.tree(lock.relation)[1:])

    def _try(self, statement: Statement, settings: str) -> tuple[_Look, _Look, int] | None:
        """Run a statement in a transaction of our own and take it back; None when it refuses.

        Gives what was seen before and after it, and by how much the files had grown.
        """
        try:
            with psycopg.connect(self.url, application_name=WATCHER) as connection:
                connection.execute(BRIEFLY)
                connection.execute(_TAKE_OVER, (settings,), prepare=False)
                disk = int(str(_first(connection, _DISK)))
                before = _Look.read(_first(connection, _LOOK))
                connection.execute(statement.sql.encode(), prepare=False)
                after = _Look.read(_first(connection, _LOOK))
                grown = int(str(_first(connection, _DISK))) - disk
                connection.rollback()
        except psycopg.Error:
            return None
        return before, after, max(0, grown)


def _first(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode(), prepare=False).fetchone()
    assert row is not None
    return row[0]


def _lightly_locked(predicted: Effect | None) -> list[str]:
    """Relations whose predicted lock does not keep a writer, and so a doorstop, out."""
    return [
        lock.relation
        for lock in (predicted.locks if predicted else ())
        if lock.mode == LockMode.SHARE_UPDATE_EXCLUSIVE
    ]


# What these run, and on which rows, is not in their text: a block, a trigger, a foreign key.
_OF_ROWS = frozenset(
    f"{kind}Stmt"
    for kind in (
        *("Do", "Call", "Select", "Insert", "Update", "Delete", "Merge"),
        *("Copy", "Execute", "Explain"),
    )
)


def _rows_decide(sql: str) -> bool:
    """Whether it depends on the rows what a statement runs."""
    try:
        return parse(sql)[0] in _OF_ROWS
    except NotParsed:
        return True


def _completed(
    seen: tuple[tuple[int, str, LockMode], ...], predicted: Effect | None, names: dict[int, str]
) -> tuple[tuple[int, str, LockMode], ...]:
    """The locks that were sampled with those that came and went between two samples."""
    modes = {oid: mode for oid, _, mode in seen}
    for lock in predicted.locks if predicted else ():
        for oid, name in names.items():
            if name == lock.relation:
                modes[oid] = max(lock.mode, modes.get(oid, lock.mode))
    return tuple((oid, names[oid], mode) for oid, mode in sorted(modes.items()))


def _rewritten(before: _Look, after: _Look) -> tuple[str, ...]:
    return tuple(
        sorted(
            name
            for oid, name in before.names.items()
            if oid in after.files and after.files[oid] != before.files[oid]
        )
    )
