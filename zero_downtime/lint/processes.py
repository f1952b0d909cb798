"""Many units judged by several processes at once, with the result of a single one.

Every process carries the schema through the units before its share, which costs less than to judge
them: so the first shares are larger than the last, and all end at about the same time.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from msgspec import msgpack

from zero_downtime.lint.engine import Part, judge, report_of
from zero_downtime.lint.finding import Report
from zero_downtime.lint.options import Options
from zero_downtime.lint.unit import Unit
from zero_downtime.sql.state import State

_WORTH = 1000  # statements; to start a process costs as much as to judge a hundred
_CARRYING = 0.25  # what a statement costs that is not judged
_MOST = 4  # further processes would only carry

Histories = Sequence[Sequence[Unit]]
Share = tuple[int, int]  # of all units of all histories, in their order


def available_processes() -> int:
    """How many processes can judge at the same time here."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return 1
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        return 1  # a lock that another thread holds would be held for ever in the child
    if hasattr(os, "sched_getaffinity"):
        return min(_MOST, len(os.sched_getaffinity(0)))
    return min(_MOST, os.cpu_count() or 1)


def lint_histories(
    histories: Histories, state: State | None, options: Options, processes: int = 1
) -> Report:
    """Lint histories, each from the same state; what :func:`lint_units` does for one."""
    parts: list[Part] = []
    children: list[_Child] = []
    try:
        first, *others = shares(histories, options.independent, processes)
        if others:
            gc.freeze()  # so that no collection in a child copies what both can share
        children = [_Child(histories, state, options, share) for share in others]
        parts += _judged(histories, state, options, first)
        for child in children:
            parts += child.parts()
    finally:
        for child in children:
            child.end()
    return report_of([unit for units in histories for unit in units], parts)


def shares(histories: Histories, independent: bool, processes: int) -> list[Share]:
    """What each process is to judge, so that all end at the same time."""
    work = [1 + len(unit.upgrade) + len(unit.downgrade) for units in histories for unit in units]
    sums = [0, *accumulate(work)]
    if processes < 2 or sums[-1] < _WORTH:
        return [(0, len(work))]
    starts = list(accumulate((len(units) for units in histories), initial=0))
    if independent:
        starts = list(range(len(work) + 1))
    least, most = sums[-1] / processes, float(sums[-1])
    while most - least > sums[-1] / 200:
        middle = (least + most) / 2
        if _filled(sums, starts, middle, processes)[-1][1] == len(work):
            most = middle
        else:
            least = middle
    return _filled(sums, starts, most, processes)


def _filled(sums: list[int], starts: list[int], time: float, processes: int) -> list[Share]:
    """The shares that as many processes manage in a time."""
    found: list[Share] = []
    first = 0
    for _ in range(processes):
        history = starts[bisect_right(starts, first) - 1]
        left = time - _CARRYING * (sums[first] - sums[history])
        last = max(first, bisect_right(sums, sums[first] + left) - 1)
        if last > first or not found:
            found.append((first, last))
        first = last
    return found


def _judged(
    histories: Histories, state: State | None, options: Options, share: Share
) -> list[Part]:
    parts: list[Part] = []
    begin = 0
    for units in histories:
        first, last = max(share[0] - begin, 0), min(share[1] - begin, len(units))
        if first < last:
            parts += judge(units, state, options, range(first, last))
        begin += len(units)
    return parts


class _Child:
    """A process that judges one share."""

    def __init__(
        self, histories: Histories, state: State | None, options: Options, share: Share
    ) -> None:
        self._work = (histories, state, options, share)
        self._ended = False
        self._answer, answer = os.pipe()
        self._id = os.fork()
        if self._id == 0:
            _answer(answer, *self._work)
        os.close(answer)

    def parts(self) -> list[Part]:
        """What it found. A child that failed is stood in for: the error then shows here."""
        with open(self._answer, "rb", closefd=False) as pipe:
            said = pipe.read()
        self.end()
        if not said:
            return _judged(*self._work)
        return _decode(said)

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        if not self._ended:
            self._ended = True
            os.kill(self._id, signal.SIGKILL)
            os.waitpid(self._id, 0)
            os.close(self._answer)


_decode = msgpack.Decoder(list[Part]).decode


def _answer(
    pipe: int, histories: Histories, state: State | None, options: Options, share: Share
) -> None:
    """The whole life of a child."""
    failed = True
    try:
        said = msgpack.encode(_judged(histories, state, options, share))
        with open(pipe, "wb") as out:
            out.write(said)
        failed = False
    finally:
        os._exit(int(failed))
