"""Clients at work while a migration runs, and the doors of its tables watched.

Each client is a thread with a connection of its own that notes when each operation began and
ended, as the application would see it. Beside them, probes ask every few milliseconds whether a
reader and a writer get into a table now, so that the worst stall is seen however few clients
there are.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import psycopg
from psycopg import sql

from zero_downtime.postgres.failure import DEADLOCK_DETECTED
from zero_downtime.rehearse.result import Waits
from zero_downtime.rehearse.session import Connection, one_line
from zero_downtime.rehearse.tables import Table
from zero_downtime.rehearse.traffic.operations import Operation
from zero_downtime.rehearse.traffic.workload import Workload

CLIENT = "zd rehearsal client"  # application_name

_PAUSE = 0.004  # between two operations of one client
_PROBE_PAUSE = 0.005
_MOST_SAMPLES = 200_000

_PROCESS = re.compile(r"\bprocess (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as a client saw it."""

    sqlstate: str
    message: str
    constraint: str | None = None
    table: str | None = None
    column: str | None = None
    circle: frozenset[int] = frozenset()  # the processes of a deadlock


@dataclass(frozen=True, slots=True)
class Sample:
    """One operation of a client or one probe; times are time.monotonic()."""

    table: str
    kind: str
    writes: bool
    start: float
    end: float
    failure: Failure | None = None
    probe: bool = False
    usual_ms: float = 0.0  # that a slow operation takes by itself

    @property
    def ms(self) -> float:
        """How long the client waited."""
        return (self.end - self.start) * 1000


def latency(samples: Iterable[Sample], start: float, end: float, *, writes: bool) -> Waits:
    """The latency of the operations that overlapped with a time."""
    seen = [s for s in samples if s.writes == writes and s.end >= start and s.start <= end]
    if not seen:
        return Waits()
    times = sorted(s.ms for s in seen)
    last = len(times) - 1
    stall = max(max(0.0, s.ms - s.usual_ms) for s in seen)
    near_last = times[min(last, round(last * 0.99))]
    return Waits(len(times), times[last // 2], near_last, times[last], stall)


class Traffic:
    """Readers, writers and probes on one database, from entering the context to leaving it."""

    def __init__(self, url: str, workload: Workload, clients: int, seed: int) -> None:
        self._url = url
        self._workload = workload
        self._clients = 0 if workload.idle else max(2, clients)
        self._seed = seed
        self._stop = threading.Event()
        self._met = threading.Event()
        self._threads: list[threading.Thread] = []
        self._connections: list[Connection] = []
        self._samples: list[list[Sample]] = []

    @property
    def samples(self) -> list[Sample]:
        """All operations so far, in the order of their start."""
        return sorted((s for own in self._samples for s in own), key=lambda s: s.start)

    def __enter__(self) -> Traffic:
        try:
            for number in range(self._clients):
                # The first half read, the second half write.
                reading = number % 2 == 0
                operations = self._workload.reads if reading else self._workload.writes
                if operations:
                    self._start(self._client, operations, Random(f"{self._seed}:{number}"))
            for number, operation in enumerate(
                self._workload.transactions if self._clients else ()
            ):
                random = Random(f"{self._seed}:transaction {number}")
                self._start(self._client, [operation], random, self._met)
            for table in self._workload.watched:
                self._start(self._probe, table, False)
                self._start(self._probe, table, True)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all clients; one that waits for a lock is cancelled. Harmless when repeated."""
        self._stop.set()
        deadline = time.monotonic() + 1
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            for connection in self._connections:
                with contextlib.suppress(psycopg.Error):
                    connection.cancel_safe(timeout=2)
            for thread in self._threads:
                thread.join(2)
        for connection in self._connections:
            with contextlib.suppress(psycopg.Error):
                connection.close()
        for thread in self._threads:  # its connection is gone: it can't go on
            thread.join(2)
        self._threads = []
        self._connections = []

    def meet_no_more(self) -> None:
        """End the transactions that were there to meet the revision's: one did."""
        self._met.set()

    def _start(self, work: object, *arguments: object) -> None:
        connection = self._connect()
        samples: list[Sample] = []
        self._samples.append(samples)
        assert callable(work)
        thread = threading.Thread(
            target=work, args=(connection, samples, *arguments), name=CLIENT, daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _connect(self) -> Connection:
        connection = psycopg.connect(self._url, autocommit=True, application_name=CLIENT)
        self._connections.append(connection)
        return connection

    def _client(
        self,
        connection: Connection,
        samples: list[Sample],
        operations: Sequence[Operation],
        random: Random,
        until: threading.Event | None = None,
    ) -> None:
        until = until or self._stop
        while not (self._stop.is_set() or until.is_set()) and len(samples) < _MOST_SAMPLES:
            operation = random.choice(operations)
            failure = None
            start = time.monotonic()
            try:
                operation.run(connection, random)
            except psycopg.Error as error:
                failure = _failure(error)
            end = time.monotonic()
            if self._stop.is_set() and failure is not None:
                return  # cancelled by us
            samples.append(
                Sample(
                    operation.table,
                    operation.kind,
                    operation.writes,
                    start,
                    end,
                    failure,
                    usual_ms=operation.usual_ms,
                )
            )
            if failure is not None:
                connection = self._again(connection, failure)
            self._stop.wait(_PAUSE * (0.5 + random.random()))

    def _again(self, connection: Connection, failure: Failure) -> Connection:
        """A pool gives a new connection after an error that stays with the old one."""
        if connection.closed or failure.sqlstate in ("0A000", "XX000"):
            with contextlib.suppress(psycopg.Error):
                connection.close()
                self._connections.remove(connection)
                connection = self._connect()
        return connection

    def _probe(
        self, connection: Connection, samples: list[Sample], table: Table, writes: bool
    ) -> None:
        # Neither touches a row; the locks are those of any SELECT and of any DELETE.
        text = "DELETE FROM {} WHERE false" if writes else "SELECT FROM {} WHERE false"
        query = sql.SQL(text).format(table.identifier)
        while not self._stop.is_set() and len(samples) < _MOST_SAMPLES:
            pause = _PROBE_PAUSE
            start = time.monotonic()
            try:
                connection.execute(query)
            except psycopg.Error:
                if connection.closed or self._stop.is_set():
                    return
                pause = 0.1  # the table is gone: the clients tell what that means
            samples.append(  # also of a wait that was in vain
                Sample(table.qualified, "probe", writes, start, time.monotonic(), None, probe=True)
            )
            self._stop.wait(pause)


def _failure(error: psycopg.Error) -> Failure:
    diagnosis = error.diag
    return Failure(
        error.sqlstate or "08000",
        one_line(error),
        diagnosis.constraint_name,
        diagnosis.table_name,
        diagnosis.column_name,
        frozenset(map(int, _PROCESS.findall(diagnosis.message_detail or "")))
        if error.sqlstate == DEADLOCK_DETECTED
        else frozenset(),
    )
