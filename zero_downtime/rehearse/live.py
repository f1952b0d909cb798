"""One direction of a revision under traffic: what its statements did to clients."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zero_downtime.config import Locks
from zero_downtime.errors import ExtensionMissing, LockNotAcquired, ZeroDowntimeError
from zero_downtime.history import Revision
from zero_downtime.postgres.server import Server
from zero_downtime.rehearse.measure.circles import Circles
from zero_downtime.rehearse.measure.exact import Observed
from zero_downtime.rehearse.measure.sampler import Live, Sampler, Segment, Timed
from zero_downtime.rehearse.measure.serverlog import ServerLog
from zero_downtime.rehearse.measure.waits import by_step, horizon
from zero_downtime.rehearse.proof.rollback import Proven
from zero_downtime.rehearse.result import ClientError, HeldLock, LockWait, Moment, Run, StepResult
from zero_downtime.rehearse.session import rows_of
from zero_downtime.rehearse.tables import Tables
from zero_downtime.rehearse.traffic.application import Applications
from zero_downtime.rehearse.traffic.clients import Sample, Traffic, latency
from zero_downtime.rehearse.traffic.errors import client_errors
from zero_downtime.rehearse.traffic.workload import Workload
from zero_downtime.replay import Replay
from zero_downtime.sql.statement import Direction
from zero_downtime.upgrade.events import Tell
from zero_downtime.upgrade.policy import LockPolicy

_RELATIONS = """
SELECT c.oid, n.nspname || '.' || c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I')
"""

# Seconds of traffic before a run, to know what is normal (before a downgrade that is known), and
# after it, for those who wait still.
_BEFORE = {"upgrade": 0.2, "downgrade": 0.05}
_AFTER = 0.1
_BESIDE = 0.15  # that the new application is at work beside the old one
_MOMENTS = 200  # of a run, for the line that shows its course


@dataclass(frozen=True)
class Stage:
    """Where revisions run under traffic, and how busy it is there."""

    server: Server
    replay: Callable[[str], Replay]  # database → the project there
    locks: Locks
    clients: int
    seed: int
    applications: Applications

    def run(
        self,
        database: str,
        revision: Revision,
        direction: Direction,
        proven: Proven,
        old: Tables,
        *,
        new_values: bool,
    ) -> Run:
        """Run one direction of a revision with clients at work."""
        observed = proven.upgrade if direction == "upgrade" else proven.downgrade
        url = self.server.url(database)
        log = ServerLog(self.server.log)
        with self.server.connect(database) as connection:
            names = dict(rows_of(connection, _RELATIONS))
            workload = self.applications.old(
                connection, revision, direction, proven, old, new_values=new_values
            )
        with (
            Sampler(url) as sampler,
            Traffic(url, workload, self.clients, self.seed) as traffic,
            contextlib.closing(self._policy(database, circles := Circles(traffic))) as policy,
        ):
            begun = time.monotonic()
            if workload.watched:
                time.sleep(_BEFORE[direction])
            policy.expect(seen.statement for seen in observed)
            live = Live(sampler, policy)
            failed = sqlstate = None
            start = time.monotonic()
            try:
                self.replay(database).run(revision, direction, live)
            except ExtensionMissing:
                raise
            except LockNotAcquired as error:  # advice on the clients' sessions is of no use here
                failed = (
                    f"in {error.facts['seconds']:.0f} s clients never let it get its locks:"
                    f" {error.facts['statement']}"
                )
            except ZeroDowntimeError as error:
                failed = str(error)
                sqlstate = str(error.facts.get("sqlstate") or "") or None
            end = time.monotonic()
            beside: tuple[ClientError, ...] = ()
            if failed is None and direction == "upgrade" and self.clients:
                # Rows that the way back can't bear are told by its proof; it runs without them.
                bears = new_values and not proven.minds_new_rows
                beside = self._cut_over(database, revision, proven, old, workload, new_values=bears)
            if workload.watched and time.monotonic() - end < _AFTER:
                time.sleep(_AFTER)
            traffic.stop()
            samples = traffic.samples
            over = time.monotonic()
        exact = _matched(observed, live.timed)
        taken = [[(name, mode) for _, name, mode in seen.locks] if seen else [] for seen in exact]
        waits = by_step(log.waits(), sampler.pid, live.timed, taken, names)
        seen = _Seen(
            live.timed, exact, waits, sampler, samples, workload, names, live.processes, start, end
        )
        steps = tuple(seen.steps())
        since = [sample for sample in samples if sample.end >= start]
        return Run(
            end - start,
            steps,
            latency(samples, begun, start - 0.001, writes=False),
            latency(samples, begun, start - 0.001, writes=True),
            latency(samples, end + 0.001, over, writes=False),
            latency(samples, end + 0.001, over, writes=True),
            (*client_errors(since, workload, live.processes), *beside),
            failed,
            sqlstate,
            _course(samples, begun, start, over),
            circles.deadlocks(samples, live),
        )

    def _cut_over(
        self,
        database: str,
        revision: Revision,
        proven: Proven,
        before: Tables,
        old: Workload,
        *,
        new_values: bool,
    ) -> tuple[ClientError, ...]:
        """Have the new application at work beside the old one: the errors that it gets."""
        with self.server.connect(database) as connection:
            workload = self.applications.new(
                connection, revision, proven, before, old, new_values=new_values
            )
        if workload is None or workload.idle:
            return ()
        url = self.server.url(database)
        with Traffic(url, workload, self.clients, self.seed + 1) as traffic:
            time.sleep(_BESIDE)
        found = client_errors(traffic.samples, workload)
        return tuple(replace(error, application="new") for error in found)

    def _policy(self, database: str, tell: Tell) -> LockPolicy:
        """What executes the statements of ``zd upgrade`` as well."""
        return LockPolicy(lambda: self.server.connect(database), self.locks, tell)


def quiet_run(observed: Sequence[Observed]) -> Run:
    """The run of a copy without clients, as a run."""
    steps = []
    start = 0.0
    for number, seen in enumerate(observed):
        location = seen.statement.location
        held = sum(each.seconds for each in _together(observed[number:]))
        locks = tuple(
            HeldLock(name, mode.sql, held, exact=seen.exact, seen=False, start=start)
            for _, name, mode in seen.locks
        )
        steps.append(
            StepResult(
                seen.statement.sql,
                location.file,
                location.line,
                seen.seconds,
                locks,
                start=start,
                **_exactly(seen),
            )
        )
        start += seen.seconds
    return Run(start, tuple(steps))


def _together(observed: Sequence[Observed]) -> Iterator[Observed]:
    """The first of these with those behind it in its transaction, to whose end it keeps locks."""
    first = observed[0].statement.transaction
    for number, seen in enumerate(observed):
        if number and (first is None or seen.statement.transaction != first):
            return
        yield seen


def _matched(observed: Sequence[Observed], timed: Sequence[Timed]) -> list[Observed | None]:
    """What the quiet copy saw of each statement."""
    left = list(observed)
    return [_taken(left, one) for one in timed]


@dataclass(frozen=True)
class _Seen:
    """All that was seen of one run, to tell its steps from."""

    timed: Sequence[Timed]
    exact: Sequence[Observed | None]  # what the quiet copy saw of each statement
    waits: Sequence[tuple[LockWait, ...]]
    sampler: Sampler
    samples: Sequence[Sample]
    workload: Workload
    names: dict[int, str]
    processes: Collection[int]  # of the server, that ran the revision
    begun: float
    end: float

    def steps(self) -> Iterator[StepResult]:
        """Each statement with what it did to clients."""
        for number, one in enumerate(self.timed):
            later = self.timed[number + 1 :]
            yield self._step(number, one, later[0].start if later else self.end)

    def _step(self, number: int, one: Timed, until: float) -> StepResult:
        exact = self.exact[number]
        locks, released = _held(exact, one, self.sampler, self.names, self.begun, self.end)
        released = max(released, one.end)
        during = [s for s in self.samples if s.end >= one.start and s.start <= released]
        errors = [s for s in during if one.start <= s.end <= max(released, until)]
        age, transactions = horizon(self.sampler.horizons, one.start, one.end)
        found = StepResult(
            one.statement.sql,
            one.statement.location.file,
            one.statement.location.line,
            one.end - one.start,
            locks,
            reads=latency(during, one.start, released, writes=False),
            writes=latency(during, one.start, released, writes=True),
            errors=client_errors(errors, self.workload, self.processes),
            start=one.start - self.begun,
            waits=self.waits[number],
            horizon_seconds=age,
            horizon_transactions=transactions,
        )
        return replace(found, **_exactly(exact)) if exact else found


def _exactly(seen: Observed) -> dict[str, Any]:
    """What only the quiet copy can tell of a statement."""
    names = "rewrote scanned wal_bytes differences dead_rows temp_bytes disk_bytes"
    return {name: getattr(seen, name) for name in names.split()}


def _taken(left: list[Observed], one: Timed) -> Observed | None:
    """The observation of the same statement on the copy, each used once."""
    for place, candidate in enumerate(left):
        same = candidate.statement.location == one.statement.location
        if candidate.statement.sql == one.statement.sql or same:
            return left.pop(place)
    return None


def _held(
    exact: Observed | None,
    one: Timed,
    sampler: Sampler,
    names: dict[int, str],
    begun: float,
    end: float,
) -> tuple[tuple[HeldLock, ...], float]:
    """The locks of a step with the time they were held, and when the last of them was let go."""
    if exact is None:
        return (), one.end
    slack = 2 * sampler.resolution
    mine = [s for s in sampler.segments if one.start - slack <= s.first <= one.end + slack]
    released = one.end
    locks = []
    for _, name, mode in exact.locks:
        segments = [s for s in mine if names.get(s.relation) == name and s.mode == mode]
        granted = [s for s in segments if s.granted]
        waited = sum(s.seconds for s in segments if not s.granted)
        if granted:
            released = max(released, *(s.last for s in granted))
        # Not seen: it came and went between two samples.
        held = _union(granted) if granted else min(sampler.resolution, end - one.start)
        first = min((s.first for s in granted), default=one.start)
        locks.append(
            HeldLock(name, mode.sql, held, waited, exact.exact, bool(granted), first - begun)
        )
    return tuple(locks), min(released, end)


def _union(segments: Iterable[Segment]) -> float:
    return sum(segment.seconds for segment in segments)


def _course(
    samples: Sequence[Sample], begun: float, start: float, over: float
) -> tuple[Moment, ...]:
    """The worst waits over the time from ``begun`` to ``over``, told from ``start`` on."""
    if not samples:
        return ()
    width = (over - begun) / _MOMENTS
    worst = [[0.0, 0.0] for _ in range(_MOMENTS)]
    for sample in samples:
        first = max(0, int((sample.start - begun) / width))
        last = min(_MOMENTS - 1, int((sample.end - begun) / width))
        for place in range(first, last + 1):
            worst[place][sample.writes] = max(worst[place][sample.writes], sample.ms)
    return tuple(
        Moment(begun + (place + 0.5) * width - start, reads, writes)
        for place, (reads, writes) in enumerate(worst)
    )
