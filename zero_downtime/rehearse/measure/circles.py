"""Circles in which the migration and clients wait for each other: deadlocks, by statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from zero_downtime.rehearse.measure.sampler import Live
from zero_downtime.rehearse.result import Deadlock
from zero_downtime.rehearse.traffic.clients import Sample, Traffic
from zero_downtime.sql.statement import Statement
from zero_downtime.upgrade.events import Event, NotGranted


@dataclass
class Circles:
    """Listens to the lock policy of one run. Once it was met, the traffic meets it no more."""

    traffic: Traffic
    _seen: list[NotGranted] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        if isinstance(event, NotGranted) and event.deadlock:
            self._seen.append(event)
            self.traffic.meet_no_more()

    def deadlocks(self, samples: Iterable[Sample], live: Live) -> tuple[Deadlock, ...]:
        """What the policy gave way to, and those in which the server chose a client to fail."""
        found: dict[tuple[str, int], Deadlock] = {}

        def note(statement: Statement, seconds: float, query: str | None) -> None:
            at = statement.location.file, statement.location.line
            last = found.get(at) or Deadlock(statement.sql, *at, 0, 0.0)
            found[at] = Deadlock(
                last.sql, *at, last.count + 1, max(seconds, last.seconds), last.query or query
            )

        for event in self._seen:
            waiting = [each for each in event.holders if each.waits_for_us]
            longest = max((each.seconds or 0.0 for each in waiting), default=0.0)
            note(event.statement, longest, next((each.query for each in waiting), None))
        for sample in samples:
            begun = [one for one in live.timed if one.start <= sample.end]
            if sample.failure is not None and begun and sample.failure.circle & live.processes:
                note(begun[-1].statement, 0.0, None)
        return tuple(found.values())
