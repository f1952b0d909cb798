"""A rehearsal leaves nothing behind, and touches no database of anybody's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zero_downtime.errors import RefusedDatabase
from zero_downtime.postgres import scratch
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import find_project
from zero_downtime.rehearse import Options, RehearsalResult, rehearse


def test_an_application_database_is_refused(
    project: Callable[..., Path], first: tuple[str, ...]
) -> None:
    ini = project(first)
    with pytest.raises(RefusedDatabase, match="shop was not made by zd"):
        rehearse(find_project(ini), Options(server="postgresql://x@127.0.0.1:1/shop"))


def leftovers() -> set[Path]:
    places = {scratch.base(), scratch.base(in_memory=True)}
    return {folder for place in places for folder in place.glob("s-*")}


def test_nothing_is_left_behind(
    server: EmbeddedServer, run: Callable[..., RehearsalResult]
) -> None:
    threads = threading.active_count()
    with server.connect() as connection:
        databases = connection.execute("SELECT datname FROM pg_database").fetchall()
        run()
        assert connection.execute("SELECT datname FROM pg_database").fetchall() == databases
    assert threading.active_count() == threads


SLOW = 'op.execute("SELECT pg_sleep(60)")'


STUBBORN = """
while True:
    try:
        op.execute("SELECT pg_sleep(0.01)")
    except BaseException:
        pass
"""


@pytest.mark.parametrize(("number", "body"), [(signal.SIGINT, SLOW), (signal.SIGTERM, STUBBORN)])
def test_who_is_told_to_end_leaves_nothing_behind(
    tmp_path: Path,
    mind_interrupts: Callable[[], None],
    number: signal.Signals,
    body: str,
    project: Callable[..., Path],
    first: tuple[str, ...],
) -> None:
    begun = tmp_path / "begun"
    project(first, (f'open("{begun}", "w").close()\n{body}', "pass"))
    root = Path(__file__).parents[3]
    before = leftovers()
    command = subprocess.Popen(
        [sys.executable, "-c", "import zero_downtime_cli as z; z.main()", "rehearse", "--rows=50"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}:{root}/cli"},
        preexec_fn=mind_interrupts,
    )
    deadline = time.monotonic() + 240
    while not begun.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # in the midst of pg_sleep
    ours = {p for p in leftovers() - before if f"/proc/{command.pid}" in _holders(p)}
    assert len(ours) == 1
    (postmaster,) = [int((p / "data" / "postmaster.pid").read_text().split()[0]) for p in ours]
    command.send_signal(number)
    out, err = command.communicate(timeout=120)
    assert command.returncode == 128 + number
    assert out == ""
    assert body != SLOW or err.strip().splitlines()[-1] == "zd: interrupted"
    assert "Traceback" not in err
    assert not any(folder.exists() for folder in ours)
    assert not _runs(postmaster)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _holders(folder: Path) -> set[str]:
    """The processes (as /proc/PID) that have a scratch folder's lock file open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == folder / "owner.lock":
                found.add(str(link.parents[1]))
        except OSError:
            continue
    return found
