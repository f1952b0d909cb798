"""The lock policy: how a statement gets its locks without making clients wait.

A request for a strong lock that has to wait makes everybody wait who comes after it. So we look
first, from another session, whether somebody holds a conflicting lock for longer than a moment,
and wait outside of the queue until they are gone. Then we ask, for a tenth of a second; refused,
we give way and ask again later, at a random distance. After a deadline we name who is in the way.
In autocommit a statement is asked for again in its place; within a transaction the revision is
rolled back and run from its start, since waiting with locks held would stall others.

What waits without stalling anybody (CONCURRENTLY, VALIDATE CONSTRAINT, reading and writing rows)
is left to wait, and only the deadline bounds it; a concurrent build is not bounded at all, for a
timeout would leave an INVALID index.
"""

from __future__ import annotations

import contextlib
import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from zero_downtime.config import Locks
from zero_downtime.errors import LockNotAcquired
from zero_downtime.postgres import failure
from zero_downtime.postgres.locks import LockMode
from zero_downtime.replay import Execution, RunAgain
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Direction, Statement
from zero_downtime.sql.tree import NotParsed
from zero_downtime.upgrade.events import (
    Holder,
    NotGranted,
    StatementBegins,
    StatementEnds,
    Tell,
    Waiting,
    masked_query,
    without_values,
)
from zero_downtime.upgrade.lookout import (
    TELL_AFTER,
    TELL_EVERY,
    Lookout,
    Wanted,
    add,
    wanted_by,
)

_LOOK_PAUSE = 0.02
_VALIDATES = re.compile(r"\bvalidate\s+constraint\b", re.IGNORECASE)
_CONCURRENTLY = re.compile(r"\bconcurrently\b", re.IGNORECASE)
_SETTING = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:set|reset|begin|commit|show)\b", re.I | re.DOTALL
)


@dataclass
class _Attempt:
    """One run of a revision, and the transaction that it is in."""

    revision: tuple[str | None, Direction]
    transaction: int | None = None
    pid: int | None = None
    prepared: bool = False  # whether the session was told how to behave
    holds: bool = False  # whether this transaction holds locks that others may wait for
    looked: bool = False  # whether we looked for all that this transaction will want


class LockPolicy:
    """Executes statements, one at a time, under the policy. An ``Around`` of ``zd upgrade``.

    ``connect`` opens a session beside the one that migrates, to look from. ``tell`` gets events.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection[Any]],
        locks: Locks | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.locks = locks or Locks()
        self._tell = tell or (lambda event: None)
        self._lookout = Lookout(connect, self._tell)
        self._major = self._lookout.major
        self._state = State()
        self._attempt = _Attempt((None, "upgrade"))
        self._expected: dict[tuple[str | None, Direction, int], list[Statement]] = {}
        self._learnt: dict[tuple[str | None, Direction], Wanted] = {}
        self._spent: dict[object, float] = {}  # seconds waited, for which the deadline counts
        self._requests: dict[object, int] = {}
        self._not_before = 0.0
        self._random = random.Random()

    def close(self) -> None:
        """Close the session that looks."""
        self._lookout.close()

    def expect(self, statements: Iterable[Statement]) -> None:
        """Tell what a revision will issue, so that a transaction is only begun when all is free."""
        for statement in statements:
            if statement.transaction is not None:
                key = (statement.revision, statement.direction, statement.transaction)
                self._expected.setdefault(key, []).append(statement)

    def __call__(self, statement: Statement, execute: Execution) -> None:
        """Execute a statement. Raises RunAgain, LockNotAcquired, and what the server says."""
        self._arrive(statement, execute)
        effect = self._predict(statement.sql)
        self._tell(StatementBegins(statement))
        key = self._key(statement)
        spent, started = self._spent.get(key, 0.0), time.monotonic()
        try:
            if _SETTING.match(statement.sql):
                execute()
            elif self._is_long(statement, effect) and not self._attempt.holds:
                started = self._run_long(statement, execute)
            elif self._is_gentle(effect):
                started = self._run_gentle(statement, execute)
            else:
                started = self._run_strong(statement, execute, effect)
        except RunAgain:
            self._attempt = _Attempt((None, statement.direction))
            raise
        if any(lock.mode >= LockMode.ROW_EXCLUSIVE for lock in effect.locks) or effect.unknown:
            self._attempt.holds = statement.transaction is not None
        with contextlib.suppress(NotParsed):
            self._state.apply(statement.sql)
        now = time.monotonic()
        requests = self._requests.pop(key, 0) + 1
        waited = self._spent.get(key, 0.0) - spent
        if statement.transaction is None:
            self._spent.pop(key, None)
        self._tell(StatementEnds(statement, now - started, requests, waited))

    # The three ways to run a statement; each gives the time of the request that succeeded.

    def _run_long(self, statement: Statement, execute: Execution) -> float:
        """What may take hours and stalls nobody: no timeout would help."""
        before = execute.value("SHOW statement_timeout")
        execute.value("SET statement_timeout = 0")
        execute.value("SET lock_timeout = 0")
        started = time.monotonic()
        with self._lookout.watching(statement, self._attempt.pid):
            execute()
        execute.value(f"SET statement_timeout = '{before}'")
        return started

    def _run_gentle(self, statement: Statement, execute: Execution) -> float:
        """What waits in nobody's way: rows, or a lock that readers and writers don't mind."""
        if self._attempt.holds:
            return self._ask(statement, execute, self._short())
        self._look_for_expected(statement)
        while True:
            timeout_ms = max(1, int(self._left(statement) * 1000))
            try:
                with self._lookout.watching(statement, self._attempt.pid):
                    return self._ask(statement, execute, timeout_ms)
            except _Again:
                continue

    def _run_strong(self, statement: Statement, execute: Execution, effect: Effect) -> float:
        wanted = wanted_by(effect)
        self._learn(statement, wanted)
        while True:
            if self._attempt.holds:
                if lasting := self._in_the_way(wanted):
                    self._give_way(
                        statement, self._lookout.told_who_waits(lasting, self._attempt.pid)
                    )
            else:
                self._look_for_expected(statement)
                self._look(statement, wanted)
            try:
                return self._ask(statement, execute, self._short())
            except _Again:
                continue

    def _ask(self, statement: Statement, execute: Execution, timeout_ms: int) -> float:
        """Request the locks for a limited time. Raises _Again or RunAgain when refused."""
        execute.value(f"SET lock_timeout = '{timeout_ms}ms'")
        started = time.monotonic()
        with self._lookout.catching_blockers(self._attempt.pid, timeout_ms / 1000) as blockers:
            try:
                execute()
            except Exception as error:
                refused = failure.sqlstate(error)
                if refused not in (failure.LOCK_NOT_AVAILABLE, failure.DEADLOCK_DETECTED):
                    raise
            else:
                refused = None
        if refused:
            self._spend(statement, time.monotonic() - started)
            deadlock = refused == failure.DEADLOCK_DETECTED
            self._give_way(statement, tuple(blockers), deadlock=deadlock)
        return started

    def _give_way(
        self, statement: Statement, holders: tuple[Holder, ...], *, deadlock: bool = False
    ) -> None:
        """Pause before the next request, or give up. Always raises."""
        key = self._key(statement)
        request = self._requests[key] = self._requests.get(key, 0) + 1
        if not holders:
            # On a busy machine the look during the request came too late.
            wanted = dict(self._learnt.get(self._attempt.revision, {}))
            add(wanted, wanted_by(self._predict(statement.sql)))
            holders = self._lookout.holders(wanted, self._attempt.pid)
        if self._left(statement) <= 0:
            self._give_up(statement, holders)
        mean = self.locks.retry_ms / 1000 * min(1.3 ** (request - 1), 5)
        pause = min(self._random.uniform(0.5, 1.5) * mean, max(0.0, self._left(statement)))
        deadlock = deadlock or any(holder.waits_for_us for holder in holders)
        self._tell(NotGranted(statement, request, holders, pause, deadlock))
        self._spend(statement, pause)
        if statement.transaction is not None:
            self._not_before = time.monotonic() + pause
            raise RunAgain
        time.sleep(pause)
        raise _Again

    def _give_up(self, statement: Statement, holders: tuple[Holder, ...]) -> None:
        text = masked_query(statement.sql, 200)
        raise LockNotAcquired(
            seconds=self._spent.get(self._key(statement), 0.0),
            statement=text,
            blockers="; ".join(map(str, holders)) or "a lock that was gone when we looked",
            holders=holders,
        )

    # Looking

    def _look_for_expected(self, statement: Statement) -> None:
        """Before the first lock of a transaction: wait until all that it will want is free."""
        attempt = self._attempt
        if statement.transaction is None or attempt.looked:
            return
        attempt.looked = True
        wanted = dict(self._learnt.get(attempt.revision, {}))
        state = self._state.copy()
        for each in self._expected.get((*attempt.revision, statement.transaction), ()):
            with contextlib.suppress(NotParsed):
                effect = predict(each.sql, state, self._major)
                if not self._is_long(each, effect):
                    add(wanted, wanted_by(effect))
                state.apply(each.sql)
        if wanted:
            self._look(statement, wanted)

    def _look(self, statement: Statement, wanted: Wanted) -> None:
        """Wait, outside of every queue, until nobody holds what conflicts for longer.

        After half of the time we ask all the same: where long transactions overlap without end,
        there is no moment without one, but perhaps one in which a short request succeeds.
        """
        begun = time.monotonic()
        told = begun - TELL_EVERY + TELL_AFTER
        patience = self._left(statement) / 2
        while (holders := self._in_the_way(wanted)) and time.monotonic() - begun < patience:
            now = time.monotonic()
            if now - told >= TELL_EVERY:
                told = now
                self._tell(Waiting(statement, holders, now - begun))
            self._lookout.cancel_autovacuum(holders)
            time.sleep(_LOOK_PAUSE)
        self._spend(statement, time.monotonic() - begun)

    def _in_the_way(self, wanted: Wanted) -> tuple[Holder, ...]:
        bound = self.locks.look_first_ms / 1000
        return self._lookout.lasting_holders(wanted, self._attempt.pid, bound)

    # Bookkeeping

    def _arrive(self, statement: Statement, execute: Execution) -> None:
        """Notice a new revision, a new attempt at it, a new transaction."""
        revision = (statement.revision, statement.direction)
        if self._attempt.revision != revision:
            pause = self._not_before - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            if revision not in self._learnt:
                self._spent.clear()
                self._requests.clear()
                self._learnt = {revision: {}}
            self._attempt = _Attempt(revision, statement.transaction)
            self._state = self._lookout.state()
        elif self._attempt.transaction != statement.transaction:
            self._attempt.transaction = statement.transaction
            self._attempt.holds = self._attempt.looked = False
        if not self._attempt.prepared and not _SETTING.match(statement.sql):
            self._attempt.prepared = True
            if (
                self._lookout.can_check_client
            ):  # else the server works on for a client that was killed
                execute.value("SET client_connection_check_interval = '1s'")
            self._attempt.pid = int(str(execute.value("SELECT pg_catalog.pg_backend_pid()")))
            path = str(execute.value("SHOW search_path"))
            names = [name.strip().strip('"') for name in path.split(",")]
            self._state.search_path = tuple(name for name in names if name and name != "$user")

    def _predict(self, sql: str) -> Effect:
        try:
            return predict(sql, self._state, self._major)
        except NotParsed:
            return Effect(unknown=("a text that does not parse",))

    def _is_long(self, statement: Statement, effect: Effect) -> bool:
        text = without_values(statement.sql)
        if _CONCURRENTLY.search(text):
            return True
        return _VALIDATES.search(text) is not None and self._is_gentle(effect)

    def _is_gentle(self, effect: Effect) -> bool:
        return not effect.unknown and all(
            lock.mode <= LockMode.SHARE_UPDATE_EXCLUSIVE for lock in effect.locks
        )

    def _learn(self, statement: Statement, wanted: Wanted) -> None:
        if statement.transaction is not None:
            add(self._learnt.setdefault(self._attempt.revision, {}), wanted)

    def _key(self, statement: Statement) -> object:
        """What the deadline is counted for: the statement, or its whole transaction."""
        if statement.transaction is None:
            return statement
        return (statement.revision, statement.direction, statement.transaction)

    def _left(self, statement: Statement) -> float:
        return self.locks.deadline_s - self._spent.get(self._key(statement), 0.0)

    def _spend(self, statement: Statement, seconds: float) -> None:
        key = self._key(statement)
        self._spent[key] = self._spent.get(key, 0.0) + seconds

    def _short(self) -> int:
        return max(1, self.locks.timeout_ms)


class _Again(Exception):
    """The lock was refused; ask for it again."""
