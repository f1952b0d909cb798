"""A long history in parts, each rehearsed by a process of its own.

A part begins on a database to which the revisions before it were applied. Where parts begin depends
on the history alone, so that a rehearsal shows the same on every machine.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn

from zero_downtime.errors import InputError, RevisionFailed, ZeroDowntimeError
from zero_downtime.history import History, Revision, read_history
from zero_downtime.lint.git import Base
from zero_downtime.postgres.server import RemoteServer, Server
from zero_downtime.postgres.urls import masked
from zero_downtime.project import Project
from zero_downtime.rehearse.budget import Budget
from zero_downtime.rehearse.kept import Facts
from zero_downtime.rehearse.proof.crash import Allowance
from zero_downtime.rehearse.rehearsal import Progress, Rehearsal
from zero_downtime.rehearse.result import RehearsalResult
from zero_downtime.rehearse.traffic.statements import Written
from zero_downtime.stats import Stats

_SIZE = 60  # revisions in a part
_QUICK_PARTS = 2  # a process that starts costs as much as a hundred revisions
_FEW = 120  # fewer are not worth the start of another process
_MOST_IN_VAIN = 3  # sweeps that found nothing in order where all was
_SERVE = "from zero_downtime.rehearse.parts import serve; serve()"


@dataclass(frozen=True)
class Asked:
    """What a rehearsal is asked for, with all settings read."""

    project: Project
    budget: Budget
    rows: int
    clients: int
    crash_points: int | None
    crash_seconds: float
    stats: Stats | None
    statements: tuple[Written, ...]
    quick: bool
    data: str | None = None  # a dump, or a URL: begin with the rows of that database
    before_all: bool = False  # the data were there before the first revision
    base: Base | None = None  # the commit on which the old application runs


@dataclass(frozen=True)
class _Part:
    """What a process is told. A server that we started is another's to stop there."""

    asked: Asked
    path: tuple[str, ...]
    url: str
    bin_dir: Path
    log: Path | None
    earlier: tuple[str, ...]
    tested: tuple[str, ...]


@dataclass
class _Done:
    """What came of a part."""

    result: RehearsalResult | None  # None when the revisions before it can't all be applied
    failed: set[str] = field(default_factory=set)  # revisions that can't be applied


def rehearse_history(
    asked: Asked,
    history: History,
    server: Server,
    earlier: Sequence[Revision],
    tested: Sequence[Revision],
    progress: Progress,
    kept: Facts | None = None,
    keep: Callable[[Facts], None] | None = None,
) -> RehearsalResult:
    """Rehearse these revisions in one go, or in parts where nobody measures time.

    The server has the base of the facts ``kept``, or else ``keep`` gets those of the new one.
    """
    parts = _parts(asked, tested)
    if len(parts) < 2:
        return _rehearsed(asked, history, server, earlier, tested, progress, kept=kept, keep=keep)[
            0
        ]
    asked = replace(asked, crash_seconds=asked.crash_seconds / len(parts))
    before = [list(earlier)]
    for part in parts:
        before.append([*before[-1], *part])
    start = time.monotonic()
    done = _at_once(asked, server, list(zip(before, parts, strict=False)), progress)
    failed: set[str] = set()
    for number, (one, part) in enumerate(zip(done, parts, strict=True)):
        if one.result is None:
            # Something before it can't be applied: without that, then.
            able = [r for r in before[number] if not _needs(history, r, failed)]
            result, more = _rehearsed(asked, history, server, able, part, progress, failed)
            done[number] = one = _Done(result, more)
        failed |= one.failed
    joined = _joined([one.result for one in done if one.result is not None])
    return replace(joined, seconds=time.monotonic() - start)


def _parts(asked: Asked, tested: Sequence[Revision]) -> list[Sequence[Revision]]:
    if asked.clients or asked.stats is not None or asked.data is not None or len(tested) < _FEW:
        return [tested]
    count = _QUICK_PARTS if asked.quick else -(-len(tested) // _SIZE)
    size = -(-len(tested) // count)
    return [tested[start : start + size] for start in range(0, len(tested), size)]


def _needs(history: History, revision: Revision, failed: set[str]) -> bool:
    return revision.id in failed or bool(failed & {r.id for r in history.ancestors(revision)})


def _rehearsed(
    asked: Asked,
    history: History,
    server: Server,
    earlier: Sequence[Revision],
    tested: Sequence[Revision],
    progress: Progress,
    failed: set[str] | None = None,
    kept: Facts | None = None,
    keep: Callable[[Facts], None] | None = None,
) -> tuple[RehearsalResult, set[str]]:
    """In this process. Also gives the revisions that can't be applied."""
    with Rehearsal(
        asked.project,
        history,
        server,
        asked.budget,
        asked.rows,
        asked.clients,
        asked.crash_points,
        Allowance(asked.crash_seconds, len(tested)),
        asked.stats,
        asked.statements,
        asked.base,
        progress,
    ) as rehearsal:
        rehearsal.failed |= failed or set()
        rehearsal.prover.writing = not asked.quick
        if kept is not None:
            rehearsal.base.resume(kept, earlier)
        else:
            rehearsal.begin(earlier, asked.data, before_all=asked.before_all)
            if keep is not None:
                keep(rehearsal.base.facts())
        tested = _still_to_come(tested, rehearsal.applied, asked)
        left, position, in_vain = 0, 0, 0
        while position < len(tested):
            swept = 0
            if asked.quick and in_vain < _MOST_IN_VAIN:
                swept = rehearsal.sweep(tested[position:])
                position += swept
                if position == len(tested):
                    break
            revision = tested[position]
            position += 1
            if rehearsal.blocked(revision):
                left += 1
                continue
            progress(f"{position}/{len(tested)} {revision.id} {revision.message}")
            safe = rehearsal.rehearse(revision).safe
            in_vain += safe and not swept
        stopped = f"{left} later revisions could not be rehearsed" if left else None
        return rehearsal.result(stopped), rehearsal.failed


def _still_to_come(
    tested: Sequence[Revision], applied: Sequence[Revision], asked: Asked
) -> Sequence[Revision]:
    """Without those that the user's data have behind them already."""
    there = {each.id for each in applied}
    left = [each for each in tested if each.id not in there]
    if tested and not left and asked.data is not None:
        raise InputError(
            where=masked(asked.data),
            reason="has all of these revisions already",
            advice="Give the data of a database that is behind them",
        )
    return left


def _joined(results: Sequence[RehearsalResult]) -> RehearsalResult:
    left = sum(int(r.stopped.split()[0]) for r in results if r.stopped)
    return replace(
        results[-1],
        revisions=tuple(revision for result in results for revision in result.revisions),
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
        stopped=f"{left} later revisions could not be rehearsed" if left else None,
    )


# In processes


def _at_once(
    asked: Asked,
    server: Server,
    parts: Sequence[tuple[Sequence[Revision], Sequence[Revision]]],
    progress: Progress,
) -> list[_Done]:
    """Rehearse the parts, as many at a time as there are processors."""
    tell = _one_at_a_time(progress)
    told = [
        _Part(
            asked,
            tuple(sys.path),
            server.url(),
            server.bin_dir,
            server.log,
            tuple(r.id for r in earlier),
            tuple(r.id for r in tested),
        )
        for earlier, tested in parts
    ]
    workers = _Workers(tell)
    pool = ThreadPoolExecutor(min(len(parts), os.cpu_count() or 1))
    try:
        return list(pool.map(workers.run, told))
    finally:
        workers.end()
        pool.shutdown(cancel_futures=True)


def _one_at_a_time(progress: Progress) -> Progress:
    lock = threading.Lock()

    def tell(line: str) -> None:
        with lock:
            progress(line)

    return tell


class _Workers:
    """The processes at work; ended with us."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def run(self, part: _Part) -> _Done:
        """Have a process rehearse a part. Raises what it raised."""
        with self._process() as process:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.write(pickle.dumps(part))
            process.stdin.close()
            return self._answer(process.stdout)

    def end(self) -> None:
        """End those that still run, politely: they have databases to drop."""
        self._ended = True
        for process in tuple(self._running):
            process.terminate()

    @contextlib.contextmanager
    def _process(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._running.add(process)
        try:
            yield process
        finally:
            if process.stdout is not None:
                process.stdout.close()
            process.wait()
            self._running.discard(process)

    def _answer(self, stream: IO[bytes]) -> _Done:
        while True:
            try:
                kind, value = pickle.load(stream)
            except EOFError:
                reason = "was ended" if self._ended else "ended without a word"
                raise ChildProcessError(f"a process of the rehearsal {reason}") from None
            if kind == "line":
                self._tell(value)
            elif kind == "done":
                done: _Done = value
                return done
            else:
                error, facts = value
                raise error(**facts)


def serve() -> None:
    """What a process does: it is told a part on its input, and answers on its output."""
    signal.signal(signal.SIGTERM, _end)
    part: _Part = pickle.load(sys.stdin.buffer)
    sys.path[:] = part.path
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed is no answer

    def answer(kind: str, value: Any) -> None:
        pickle.dump((kind, value), answers)
        answers.flush()

    try:
        answer("done", _served(part, lambda line: answer("line", line)))
    except ZeroDowntimeError as error:
        answer("error", (type(error), error.facts))


def _served(part: _Part, progress: Progress) -> _Done:
    history = read_history(part.asked.project, all_load=False)
    server = RemoteServer(part.url, part.bin_dir, part.log)
    known = {revision.id: revision for revision in history}
    try:
        result, failed = _rehearsed(
            part.asked,
            history,
            server,
            [known[name] for name in part.earlier],
            [known[name] for name in part.tested],
            progress,
        )
        return _Done(result, failed)
    except RevisionFailed:
        return _Done(None)
    finally:
        server.close()


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
