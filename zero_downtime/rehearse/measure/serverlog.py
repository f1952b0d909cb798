"""What a server of ours writes into its log while a migration runs: waits and temporary files.

``log_lock_waits`` tells each wait for a lock that lasts longer than ``deadlock_timeout``, with
those who hold the lock and those who wait in front, which looking at pg_locks now and then may
miss. ``log_temp_files`` tells each temporary file when it is removed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zero_downtime.postgres.locks import LockMode

RESOLUTION_MS = 10  # a wait that is shorter is not in the log

# How the log has to be written to be read here; for a server that is started for a rehearsal.
SETTINGS: Mapping[str, str] = {
    "log_lock_waits": "on",
    "deadlock_timeout": f"{RESOLUTION_MS}ms",
    "log_temp_files": "0",
    "log_line_prefix": "%n %p ",
    "lc_messages": "C",
}

_LINE = re.compile(r"(\d+\.\d+) (\d+) (LOG|DETAIL|ERROR|FATAL):  (.*)")
_WAIT = re.compile(r"process (\d+) still waiting for (\w+) on (.+) after (\d+\.\d+) ms")
_GOT = re.compile(r"process (\d+) acquired (\w+) on (.+) after (\d+\.\d+) ms")
_AHEAD = re.compile(r"Process(?:es)? holding the lock: ([\d, ]+)\. Wait queue: ([\d, ]*)\.")
_RELATION = re.compile(r"(?:.* of )?relation (\d+) of database (\d+)")
_FILE = re.compile(r'temporary file: path ".*", size (\d+)')


@dataclass
class Waited:
    """One process that waited for a lock; times are time.monotonic()."""

    process: int
    mode: str  # as pg_locks spells it
    relation: int | None  # None: it waited for a transaction to end, say
    start: float
    end: float
    ahead: frozenset[int] = frozenset()  # who held it, and who waited for it in front


@dataclass(frozen=True)
class TemporaryFile:
    """A temporary file of one process, when it was removed."""

    process: int
    bytes: int


@dataclass
class ServerLog:
    """The lines of a log from now on; of a server whose log is not ours there are none."""

    path: Path | None
    _offset: int = 0
    _rest: str = ""
    _open: dict[int, Waited] = field(default_factory=dict)  # waits that go on, by process
    _waits: list[Waited] = field(default_factory=list)
    _files: list[TemporaryFile] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.path is not None:
            self._offset = self.path.stat().st_size

    @property
    def readable(self) -> bool:
        """Whether there is a log to read."""
        return self.path is not None

    def waits(self) -> list[Waited]:
        """The waits so far, those that go on included."""
        self._read()
        return list(self._waits)

    def temporary_bytes(self, process: int) -> int:
        """How much a process wrote into temporary files that are gone by now."""
        self._read()
        return sum(file.bytes for file in self._files if file.process == process)

    def _read(self) -> None:
        if self.path is None:
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            written = file.read()
        self._offset += len(written)
        *lines, self._rest = (self._rest + written.decode("utf-8", "replace")).split("\n")
        shift = time.monotonic() - time.time()
        for line in lines:
            found = _LINE.match(line)
            if found:
                at = float(found[1]) + shift
                self._take(at, int(found[2]), found[3], found[4])
        for waited in self._open.values():
            waited.end = max(waited.end, time.monotonic())

    def _take(self, at: float, process: int, level: str, said: str) -> None:
        if level == "DETAIL":
            self._ahead(process, said)
        elif wait := _WAIT.match(said):
            self._begin(at, wait)
        elif (got := _GOT.match(said)) and process in self._open:
            waited = self._open.pop(process)
            waited.end = waited.start + float(got[4]) / 1000
        elif file := _FILE.match(said):
            self._files.append(TemporaryFile(process, int(file[1])))
        elif level in ("ERROR", "FATAL") and process in self._open:
            self._open.pop(process).end = at  # it gave up, or had to

    def _begin(self, at: float, wait: re.Match[str]) -> None:
        process = int(wait[1])
        relation = _RELATION.fullmatch(wait[3])
        start = at - float(wait[4]) / 1000
        waited = Waited(process, wait[2], int(relation[1]) if relation else None, start, at)
        self._open[process] = waited
        self._waits.append(waited)

    def _ahead(self, process: int, said: str) -> None:
        found = _AHEAD.match(said)
        if found and process in self._open:
            queue = list(_numbers(found[2]))
            before = queue[: queue.index(process)] if process in queue else queue
            self._open[process].ahead = frozenset((*_numbers(found[1]), *before))


def _numbers(text: str) -> Iterator[int]:
    return (int(number) for number in text.replace(",", " ").split())


def blocks(holder: LockMode, mode: str) -> bool:
    """Whether who holds a mode keeps those waiting who ask for another, as pg_locks spells it."""
    try:
        return holder.conflicts_with(LockMode.parse(mode))
    except KeyError:  # a lock on a row or a transaction
        return False
