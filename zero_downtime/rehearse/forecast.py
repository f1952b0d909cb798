"""A forecast: heavy steps timed at three sizes, and told for the number of rows in production.

A step that reads, rewrites or builds something for every row takes a time that grows with the rows
in proportion, or somewhat faster: what fits into caches at one size does not at the next, sorts
spill, checkpoints come. Three sizes say what a row costs there, each pair of them something else;
the forecast names the range, which widens with the distance to production's size.
"""

from __future__ import annotations

import contextlib
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
from zero_downtime.rehearse.tables import Tables
from zero_downtime.replay import Execution, Replay
from zero_downtime.sql.statement import Location, Statement
from zero_downtime.stats import Stats

_SHARES = (9, 3, 1)  # of the largest size
_WRITING = ("UPDATE", "DELETE", "MERGE", "WITH")
# By what power a row costs more as the table grows: at least (parallel
# workers come), likely, at most. Steps timed at up to 90,000 rows and then at 1 and 3 million lay
# between the first and the last.
_LEAST, _LIKELY, _MOST = -0.1, 0.1, 0.2
_TIMES = 2  # that each size is run; the quicker one counts


@dataclass(frozen=True)
class Heavy:
    """A step whose cost grows with the rows of a relation."""

    place: Location
    sql: str
    relation: str
    mode: LockMode | None  # the strongest lock on it that its transaction holds by then
    writes: bool = False  # whether it updates or deletes rows, which are locked until the end


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
        heavy = {step.place: step for step in heavy_steps(observed)}  # a loop runs one many times
        steps = [step for step in heavy.values() if self.stats.of(step.relation)]
        if not steps:
            return ()
        measured = self._measured(base, revision, steps, fitting=False)
        if not any(measured.values()):
            measured = self._measured(base, revision, steps, fitting=True)
        return tuple(self._told(step, measured[step.place]) for step in steps)

    def _measured(
        self, base: str, revision: Revision, steps: Sequence[Heavy], *, fitting: bool
    ) -> dict[Location, list[tuple[int, float]]]:
        """Rows and seconds of each step.

        With ``fitting``, rows are made behind the revision and its downgrade leads back: those
        made before it need not meet what it demands.
        """
        measured: dict[Location, list[tuple[int, float]]] = {step.place: [] for step in steps}
        with scratch_database(self.server, template=base) as grown:
            try:
                if fitting:
                    self.replay(grown).run(revision, "upgrade")
                for rows in (self.largest // share for share in _SHARES):
                    counts = self._fill(grown, rows, {step.relation for step in steps})
                    seconds = self._time(grown, revision, fitting)
                    for step in steps:
                        if step.place in seconds:
                            found = counts.get(step.relation, rows), seconds[step.place]
                            measured[step.place].append(found)
            except RevisionFailed:
                pass  # the rows do not fit it: there is no more to time
        return measured

    def _fill(self, database: str, rows: int, relations: set[str]) -> Mapping[str, int]:
        with self.server.connect(database) as connection:
            data = Data(connection, self.seed, hints=self.hints, stats=self.stats)
            for parent, share in self._parents(data.tables, relations).items():
                data.fill(max(1, round(rows * share)), only={parent})
            filled = data.fill(rows, only=relations)
            connection.execute("ANALYZE")
        return {one.table: one.rows for one in filled}

    def _parents(self, tables: Tables, relations: set[str]) -> Mapping[str, float]:
        """The tables at which these point, with their rows in production for each row there."""
        shares: dict[str, float] = {}
        for name in sorted(relations):
            child, own = tables.named(name), self.stats.of(name)
            for key in child.foreign_keys if child and own and own.rows else ():
                parent = tables.by_oid.get(key.target)
                known = self.stats.of(parent.qualified) if parent else None
                if parent and known and own and parent.qualified not in relations:
                    shares[parent.qualified] = min(1.0, known.rows / own.rows)
        return shares

    def _time(self, grown: str, revision: Revision, fitting: bool) -> Mapping[Location, float]:
        best: dict[Location, float] = {}
        with contextlib.ExitStack() as stack:
            before = grown
            if fitting:
                before = stack.enter_context(scratch_database(self.server, template=grown))
                self.replay(before).run(revision, "downgrade")
            for _ in range(_TIMES):
                with scratch_database(self.server, template=before) as copy:
                    clock = _Clock()
                    self.replay(copy).run(revision, "upgrade", clock)
                for place, seconds in clock.seconds.items():
                    best[place] = min(seconds, best.get(place, seconds))
        return best

    def _told(self, step: Heavy, measured: Sequence[tuple[int, float]]) -> Forecast:
        known = self.stats.of(step.relation)
        assert known is not None, "of() asked for such steps only"
        seconds, low, high = extrapolate(measured, known.rows)
        blocks = "writers of the same rows" if step.writes else "nobody"
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
        word = seen.statement.sql.split(maxsplit=1)[0].upper()
        writes = word in _WRITING and not whole
        if writes:
            whole = [k.relation for k in effect.locks if k.mode == LockMode.ROW_EXCLUSIVE]
        if whole and word != "TRUNCATE":
            yield Heavy(
                seen.statement.location, seen.statement.sql, whole[0], held.get(whole[0]), writes
            )


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
    farther = rows / most
    guess = (last + slope * (rows - most)) * farther**_LIKELY
    return guess, min(guesses) * farther**_LEAST, max(guesses) * farther**_MOST


@dataclass
class _Clock:
    """An ``around`` for :class:`Replay` that notes how long each statement took."""

    seconds: dict[Location, float] = field(default_factory=dict)

    def __call__(self, statement: Statement, execution: Execution) -> None:
        start = time.perf_counter()
        execution()
        took = time.perf_counter() - start
        self.seconds[statement.location] = self.seconds.get(statement.location, 0.0) + took
