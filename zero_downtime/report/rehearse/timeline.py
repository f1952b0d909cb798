"""The geometry of a run's timeline: where each step, lock and wait stands, in SVG's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.result import Moment, Run
from zero_downtime.rehearse.times import milliseconds, seconds
from zero_downtime.report.rehearse.words import lock_fact
from zero_downtime.sql.words import shortened

WIDTH = 960
LEFT = 190  # for the names of the rows
RIGHT = 14
ROW = 22
CHART = 90  # the height of the clients' waits
_AROUND = 0.06  # seconds of quiet shown at either end


@dataclass(frozen=True)
class Bar:
    """A step or a lock, from when to when."""

    x: float
    y: float
    width: float
    kind: str  # the CSS class: step, or what the lock blocks
    label: str
    title: str


@dataclass(frozen=True)
class Row:
    """The name of a row of bars."""

    y: float
    name: str


@dataclass(frozen=True)
class Tick:
    """A mark of the time axis."""

    x: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """A run, ready to be drawn. The lines are lists of points as SVG's polyline takes them."""

    height: float
    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    reads: str
    writes: str
    worst: str  # what the top of the chart stands for; empty when no client was at work


def timeline(run: Run) -> Timeline:
    """The timeline of one direction of a revision."""
    around = max(_AROUND, run.seconds / 4)
    course = [m for m in run.course if -around <= m.at <= run.seconds + around]
    first = min((moment.at for moment in course), default=0.0)
    last = max([run.seconds, 0.001, *(moment.at for moment in course)])
    scale = _Scale(first, last)
    top = CHART + 12 if course else 0
    rows = [Row(top, "steps")]
    bars = [
        Bar(
            scale.x(step.start),
            top,
            scale.width(step.seconds),
            "step",
            str(number),
            f"{number}. {shortened(step.sql, 300)}\n{seconds(step.seconds)}",
        )
        for number, step in enumerate(run.steps, 1)
    ]
    for name in dict.fromkeys(lock.relation for step in run.steps for lock in step.locks):
        y = top + ROW * len(rows)
        rows.append(Row(y, _label(name.removeprefix("public."))))
        for number, step in enumerate(run.steps, 1):
            for lock in step.locks:
                if lock.relation == name:
                    title = f"{lock.mode} on {name}, {lock_fact(lock)}, by step {number}"
                    bars.append(
                        Bar(
                            scale.x(lock.start),
                            y,
                            scale.width(lock.seconds),
                            _blocks(LockMode.parse(lock.mode)),
                            "",
                            title,
                        )
                    )
    worst = max((max(m.reads_ms, m.writes_ms) for m in course), default=0.0)
    return Timeline(
        top + ROW * len(rows) + 24,
        tuple(rows),
        tuple(bars),
        scale.ticks(),
        _line(course, scale, worst, writes=False),
        _line(course, scale, worst, writes=True),
        milliseconds(worst) if worst else "",
    )


def _label(name: str) -> str:
    """A name in the room that there is: what tells long ones apart is mostly at their end."""
    return name if len(name) <= 26 else f"{name[:9]}…{name[-16:]}"


class _Scale:
    """Seconds turned into units from the left."""

    def __init__(self, first: float, last: float) -> None:
        self._first = first
        self._last = last
        self._unit = (WIDTH - LEFT - RIGHT) / (last - first)

    def x(self, at: float) -> float:
        return round(LEFT + (at - self._first) * self._unit, 1)

    def width(self, length: float) -> float:
        return max(2.0, round(length * self._unit, 1))

    def ticks(self) -> tuple[Tick, ...]:
        """About eight marks at round times."""
        rough = (self._last - self._first) / 8
        power = 10.0 ** len(str(int(1 / rough))) if rough < 1 else 1.0
        step = next(n / power for n in (1, 2, 5, 10, 20, 50, 100, 1000) if n / power >= rough)
        first = -int(-self._first / step)
        last = int(self._last / step)
        return tuple(
            Tick(self.x(n * step), seconds(n * step) if n >= 0 else f"-{seconds(-n * step)}")
            for n in range(first, last + 1)
        )


def _line(course: Sequence[Moment], scale: _Scale, worst: float, *, writes: bool) -> str:
    if not worst:
        return ""
    points = ((m.at, m.writes_ms if writes else m.reads_ms) for m in course)
    return " ".join(f"{scale.x(at)},{CHART - (CHART - 8) * ms / worst:.1f}" for at, ms in points)


def _blocks(mode: LockMode) -> str:
    if mode.blocks_reads:
        return "reads"
    return "writes" if mode.blocks_writes else "nobody"
