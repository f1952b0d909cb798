"""Bases kept from one rehearsal for the next: the data folder of a server, copied as it stands.

What a base depends on makes its name: the revisions that were applied with all else in the
project's script folder, the server's programs, the rows and how they are made. So a folder is never
changed once it has its name, and any number of rehearsals may take and keep at the same time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from zero_downtime import __version__
from zero_downtime.history import History, Revision
from zero_downtime.postgres.server import InstalledServer
from zero_downtime.project import Project
from zero_downtime.rehearse.lacking import StandIn
from zero_downtime.stats import Stats

_MOST = 4  # bases kept; those that were not used for longest go
_WORTH = 5  # revisions to replay, and their tables to fill; fewer are as quick


@dataclass(frozen=True)
class Facts:
    """What a rehearsal knows of its base."""

    database: str
    counts: dict[str, int]
    stand_ins: list[StandIn]
    version_table: str
    notes: list[str]


def place_for(
    project: Project,
    history: History,
    earlier: Sequence[Revision],
    programs: Path,
    settings: dict[str, str],
    rows: int,
    stats: Stats | None = None,
) -> Path | None:
    """Where the base behind these revisions is kept, or would be; None where that is no gain."""
    folder = _folder()
    if folder is None or len(earlier) < _WORTH:
        return None
    digest = sha256()

    def add(*parts: object) -> None:
        for part in parts:
            text = part if isinstance(part, bytes) else str(part).encode()
            digest.update(b"%d:" % len(text) + text)

    postgres = (programs / "postgres").stat()
    config = project.config.rehearse
    add(__version__, programs, postgres.st_size, postgres.st_mtime_ns, sorted(settings.items()))
    add(project.root, rows, config.seed, config, stats)  # of stats, the shape of rows
    revisions = {revision.path.resolve() for revision in history}
    for revision in earlier:
        add(revision.id, revision.path.read_bytes())
    for path in sorted(Path(history.scripts.dir).resolve().rglob("*.py")):
        if path not in revisions:
            add(path, path.read_bytes())
    return folder / digest.hexdigest()[:32]


def _folder() -> Path | None:
    """Where bases are kept; None for a user without a home, in a container for instance."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "zero-downtime" / "bases" if os.path.isabs(cache) else None


@contextlib.contextmanager
def taken(place: Path | None) -> Iterator[tuple[Path, Facts] | None]:
    """The data folder that is kept there and what is known of it; it stays while this lasts."""
    with contextlib.ExitStack() as stack:
        try:
            if place is None or not os.path.isdir(place):
                raise FileNotFoundError
            stack.enter_context(_locked(place.parent, fcntl.LOCK_SH))
            facts = msgspec.json.decode((place / "facts.json").read_bytes(), type=Facts)
            os.utime(place)
            found: tuple[Path, Facts] | None = (place / "data", facts)
        except (OSError, ValueError, msgspec.MsgspecError):
            found = None
        yield found


def keep(place: Path, server: InstalledServer, facts: Facts) -> None:
    """Keep the server's data folder there. The server is restarted; nobody may be connected."""
    half = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        half.mkdir(parents=True)
        server.copy_to(half / "data")
        (half / "facts.json").write_bytes(msgspec.json.encode(facts))
        with _locked(place.parent, fcntl.LOCK_EX):
            if not place.exists():
                half.rename(place)
            _forget_oldest(place.parent)
    except (OSError, subprocess.CalledProcessError):
        pass  # no room or no right to, say: then it is made again the next time
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _forget_oldest(folder: Path) -> None:
    there = [each for each in folder.iterdir() if each.is_dir() and "." not in each.name]
    there.sort(key=lambda each: each.stat().st_mtime, reverse=True)
    for each in there[_MOST:]:
        shutil.rmtree(each, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, how)
        yield
