"""The lookout: a session beside the one that migrates, which sees who holds which lock."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Statement
from zero_downtime.upgrade.events import Holder, Tell, Waiting, masked_query
from zero_downtime.upgrade.live import live_state

Wanted = dict[str, LockMode]  # by relation

TELL_AFTER = 0.3  # seconds; a shorter wait is not worth a word
TELL_EVERY = 5.0  # seconds between two reports of the same wait

_HOLDERS = """
SELECT l.pid, n.nspname || '.' || c.relname, l.mode, a.usename, a.application_name, a.state,
  extract(epoch FROM clock_timestamp() - a.xact_start)::float8, a.query,
  a.backend_type = 'autovacuum worker', a.query ~ 'to prevent wraparound'
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN json_to_recordset(%s) AS wanted(relation text, modes json)
  ON wanted.relation = n.nspname || '.' || c.relname
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
  AND l.mode IN (SELECT json_array_elements_text(wanted.modes))
  AND l.pid IS DISTINCT FROM %s AND l.pid IS DISTINCT FROM pg_backend_pid()
"""

_BLOCKERS = """
SELECT a.pid, NULL, NULL, a.usename, a.application_name, a.state,
  extract(epoch FROM clock_timestamp() - a.xact_start)::float8, a.query,
  a.backend_type = 'autovacuum worker', a.query ~ 'to prevent wraparound'
FROM unnest(pg_catalog.pg_blocking_pids(%s)) AS blocker(pid)
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = blocker.pid
"""

_WAITING = """
SELECT holder.pid FROM unnest(%s::integer[]) AS holder(pid)
WHERE %s = ANY (pg_catalog.pg_blocking_pids(holder.pid))
"""


class Lookout:
    """Looks from a session of its own; ``pid`` is the process of the session that migrates."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], tell: Tell) -> None:
        self._session = connect()
        self._tell = tell
        self.major = self._session.info.server_version // 10000
        self.can_check_client = self._try("SET client_connection_check_interval = '1s'")

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def state(self) -> State:
        """What the database holds now, as the lock model sees it."""
        return live_state(self._session)

    def lasting_holders(self, wanted: Wanted, pid: int | None, bound: float) -> tuple[Holder, ...]:
        """Holders of conflicting locks that have had them for more than ``bound`` seconds."""
        if not wanted:
            return ()
        holders = self.holders(wanted, pid)
        old = [each for each in holders if (each.seconds or 0.0) >= bound]
        unknown = {each.pid for each in holders if each.seconds is None}
        if unknown and not old:
            # Ages of other users' sessions are hidden from us: see who is still there later.
            time.sleep(bound)
            old = [each for each in self.holders(wanted, pid) if each.pid in unknown]
        return tuple(old)

    def holders(self, wanted: Wanted, pid: int | None) -> tuple[Holder, ...]:
        """All who hold a lock that conflicts, whatever its age."""
        asked = [
            {"relation": key, "modes": [m.in_pg_locks for m in LockMode if m.conflicts_with(mode)]}
            for key, mode in wanted.items()
        ]
        rows = self._session.execute(_HOLDERS, (json.dumps(asked), pid)).fetchall()
        return tuple({holder.pid: holder for holder in map(_holder, rows)}.values())

    def told_who_waits(self, holders: tuple[Holder, ...], pid: int | None) -> tuple[Holder, ...]:
        """These holders, with whether they themselves wait for the session that migrates."""
        if pid is None:
            return holders
        pids = [holder.pid for holder in holders]
        waiting = {found for (found,) in self._session.execute(_WAITING, (pids, pid)).fetchall()}
        return tuple(replace(each, waits_for_us=each.pid in waiting) for each in holders)

    def cancel_autovacuum(self, holders: tuple[Holder, ...]) -> None:
        """PostgreSQL would do it too, after we had made others wait for deadlock_timeout."""
        for holder in holders:
            if holder.autovacuum:
                self._try(f"SELECT pg_catalog.pg_cancel_backend({holder.pid})")

    @contextlib.contextmanager
    def catching_blockers(self, pid: int | None, seconds: float) -> Iterator[list[Holder]]:
        """Fill the list with who blocks us, shortly before our request runs out of time."""
        blockers: list[Holder] = []
        if seconds > 60 or pid is None:
            yield blockers
            return
        done = threading.Event()

        def look() -> None:
            if not done.wait(seconds * 0.6):
                with contextlib.suppress(psycopg.Error):
                    blockers.extend(self.told_who_waits(self._blockers(pid), pid))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield blockers
        finally:
            done.set()
            thread.join()

    @contextlib.contextmanager
    def watching(self, statement: Statement, pid: int | None) -> Iterator[None]:
        """Tell now and then for whom a long statement waits."""
        if pid is None:
            yield
            return
        done, begun = threading.Event(), time.monotonic()

        def look() -> None:
            pause = TELL_AFTER
            while not done.wait(pause):
                pause = TELL_EVERY
                with contextlib.suppress(psycopg.Error):
                    holders = self._blockers(pid)
                    if holders and not done.is_set():
                        self._tell(Waiting(statement, holders, time.monotonic() - begun))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _blockers(self, pid: int) -> tuple[Holder, ...]:
        return tuple(map(_holder, self._session.execute(_BLOCKERS, (pid,)).fetchall()))

    def _try(self, sql: str) -> bool:
        try:
            self._session.execute(sql)
        except psycopg.Error:
            return False
        return True


def wanted_by(effect: Effect) -> Wanted:
    """The locks worth looking for: those that others would have to wait behind."""
    return {
        lock.relation: lock.mode
        for lock in effect.locks
        if lock.mode > LockMode.SHARE_UPDATE_EXCLUSIVE
    }


def add(wanted: Wanted, more: Wanted) -> None:
    """Add locks to those that are wanted, the stronger mode of each."""
    for relation, mode in more.items():
        wanted[relation] = max(mode, wanted.get(relation, mode))


def _holder(row: tuple[Any, ...]) -> Holder:
    pid, relation, mode, user, application, state, seconds, query, autovacuum, wraparound = row
    return Holder(
        pid=pid,
        relation=relation,
        mode=LockMode.parse(mode).sql if mode else None,
        user=user,
        application=application or None,
        state=state,
        seconds=seconds,
        query=masked_query(query),
        autovacuum=bool(autovacuum) and not wraparound,
    )
