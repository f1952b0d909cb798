"""A forecast: heavy steps timed at three sizes, and told for the number of rows in production.

A step that reads, rewrites or builds something for every row takes a time that grows with the rows
in proportion, give or take (a sort grows a little faster). What three sizes say of that proportion
differs; the forecast names the range.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from zero_downtime.errors import RevisionFailed
from zero_downtime.history import Revision
from zero_downtime.postgres.locks import LockMode
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.rehearse.measure.exact import Observed
from zero_downtime.rehearse.result import Forecast
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.rows.making import Hints
from zero_downtime.replay import Execution, Replay
from zero_downtime.sql.statement import Location, Statement
from zero_downtime.stats import Stats

_SHARES = (9, 3, 1)  # of the largest size
_TIMES = 2  # that each size is run; the quicker one counts


@dataclass(frozen=True)
class Heavy:
    """A step whose cost grows with the rows of a relation."""

    place: Location
    sql: str
    relation: str
    mode: LockMode | None  # the strongest lock on it that its transaction holds by then


@dataclass(frozen=True)
class Forecaster:
    """Times the heavy steps of a revision on copies with more and more rows."""

    server: Server
    replay: Callable[[str], Replay]  # database → the project there
    stats: Stats
    largest: int  # rows
    seed: int
    hints: Hints = field(default_factory=dict)

    def of(
        self, base: str, revision: Revision, observed: Sequence[Observed]
    ) -> tuple[Forecast, ...]:
        """The forecasts of an upgrade; none for tables of which production's size is not known."""
        steps = [step for step in heavy_steps(observed) if self.stats.of(step.relation)]
        if not steps:
            return ()
        measured: dict[Location, list[tuple[int, float]]] = {step.place: [] for step in steps}
        with scratch_database(self.server, template=base) as grown:
            for rows in (self.largest // share for share in _SHARES):
                counts = self._fill(grown, rows, {step.relation for step in steps})
                for place, seconds in self._time(grown, revision).items():
                    step = next((step for step in steps if step.place == place), None)
                    if step is not None:
                        measured[place].append((counts.get(step.relation, rows), seconds))
        return tuple(self._told(step, measured[step.place]) for step in steps)

    def _fill(self, database: str, rows: int, relations: set[str]) -> Mapping[str, int]:
        with self.server.connect(database) as connection:
            filled = Data(connection, self.seed, hints=self.hints, stats=self.stats).fill(
                rows, only=relations
            )
            connection.execute("ANALYZE")
        return {one.table: one.rows for one in filled}

    def _time(self, grown: str, revision: Revision) -> Mapping[Location, float]:
        best: dict[Location, float] = {}
        for _ in range(_TIMES):
            with scratch_database(self.server, template=grown) as copy:
                clock = _Clock()
                try:
                    self.replay(copy).run(revision, "upgrade", clock)
                except RevisionFailed:
                    return {}  # the larger rows do not fit it: there is nothing to time
            for place, seconds in clock.seconds.items():
                best[place] = min(seconds, best.get(place, seconds))
        return best

    def _told(self, step: Heavy, measured: Sequence[tuple[int, float]]) -> Forecast:
        known = self.stats.of(step.relation)
        assert known is not None, "of() asked for such steps only"
        seconds, low, high = extrapolate(measured, known.rows)
        blocks = "nobody"
        if step.mode is not None and step.mode.blocks_writes:
            blocks = "readers and writers" if step.mode.blocks_reads else "writers"
        return Forecast(
            step.sql,
            step.place.file,
            step.place.line,
            step.relation,
            tuple(measured),
            known.rows,
            seconds,
            low,
            high,
            blocks,
        )


def heavy_steps(observed: Sequence[Observed]) -> Iterator[Heavy]:
    """The steps that read, rewrite or index whole relations, each with the first of these."""
    held: dict[str, LockMode] = {}
    transaction: int | None = None
    for seen in observed:
        if seen.statement.transaction is None or seen.statement.transaction != transaction:
            held, transaction = {}, seen.statement.transaction
        if seen.predicted is None:
            continue
        for lock in seen.predicted.locks:
            held[lock.relation] = max(lock.mode, held.get(lock.relation, lock.mode))
        effect = seen.predicted
        whole = [*effect.rewrites, *effect.builds, *effect.scans]
        if whole and seen.statement.sql.split(maxsplit=1)[0].upper() != "TRUNCATE":
            yield Heavy(seen.statement.location, seen.statement.sql, whole[0], held.get(whole[0]))


def extrapolate(measured: Sequence[tuple[int, float]], rows: int) -> tuple[float, float, float]:
    """Seconds at so many rows: the best guess, and what the pairs of sizes say at least and most.

    0, 0, 0 when fewer than two sizes were measured.
    """
    slopes = [
        max(0.0, (later - sooner) / (more - fewer))
        for place, (fewer, sooner) in enumerate(measured)
        for more, later in measured[place + 1 :]
        if more > fewer
    ]
    if not slopes:
        return 0.0, 0.0, 0.0
    most, last = measured[-1]
    if rows <= most:
        return last * rows / most, 0.0, last
    guesses = [last + slope * (rows - most) for slope in slopes]
    first, at_first = measured[0]  # the longest distance has the least noise in it
    slope = max(0.0, (last - at_first) / (most - first))
    return last + slope * (rows - most), min(guesses), max(guesses)


@dataclass
class _Clock:
    """An ``around`` for :class:`Replay` that notes how long each statement took."""

    seconds: dict[Location, float] = field(default_factory=dict)

    def __call__(self, statement: Statement, execution: Execution) -> None:
        start = time.perf_counter()
        execution()
        self.seconds[statement.location] = time.perf_counter() - start
