"""How long ``zd lint`` takes beside other linters: whole processes, on the same files, in turns.

``make benchmark``, or ``python benchmarks/lint.py [REPETITIONS]``. A tool that is not installed is
left out. Every figure is the median of its repetitions; the machine should have nothing else to do.

Where it is not idle, count instructions instead (``taskset -c 0 valgrind --tool=callgrind``, one
process): they do not change with what else runs. zd takes some 430 million to begin and 0.54
million for each statement of these files, squawk next to none and 0.20 million. A sixth of the 0.54
is the parser; the rest is Python that follows the schema, foresees the locks and asks the rules,
some 300 short calls spread so thinly that hardly a function is a twentieth.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import which
from statistics import median
from time import perf_counter

from corpus import alembic_history, sql_files

Command = Sequence[str]
_PROGRAMS = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for measure in (small_file, marginal_cost, python_linters, history, large_file):
            measure(root, repetitions)


def small_file(root: Path, repetitions: int) -> None:
    """What a file costs of which there is only one."""
    files = sql_files(root / "small", 1)
    times = measured({"zd": zd(files), "squawk": squawk(files)}, repetitions)
    heading("one file of 10 statements")
    told(times)
    judged("zd, seconds", times["zd"], 0.20)


def marginal_cost(root: Path, repetitions: int) -> None:
    """What many files cost, and what each statement more costs."""
    few, many = sql_files(root / "few", 500), sql_files(root / "many", 5000)
    small = measured({"zd": zd(few), "squawk": squawk(few)}, repetitions)
    large = measured({"zd": zd(many), "squawk": squawk(many)}, max(3, repetitions // 2))
    heading("500 files, 5,000 statements")
    told(small)
    heading("5,000 files, 50,000 statements")
    told(large)
    each = {tool: (large[tool] - small[tool]) / 45_000 for tool in large}
    heading("each statement more")
    for tool, seconds in each.items():
        print(f"  {tool:<40}{seconds * 1e6:9.1f} microseconds")
    if "squawk" in small:
        judged("500 files, zd : squawk", small["zd"] / small["squawk"], 4)
        judged("each statement more, zd : squawk", each["zd"] / each["squawk"], 1.5)


def python_linters(root: Path, repetitions: int) -> None:
    """The linters that are written in Python as well; sqlfluff on a tenth of the files."""
    few, many = sql_files(root / "fluff", 50), sql_files(root / "python", 500)
    cases = {
        "sqlfluff": (few, ["sqlfluff", "lint", "--dialect", "postgres", "-f", "json", str(few)]),
        "safemigrate-lint": (many, ["safemigrate-lint", *names(many)]),
        "pgrubic": (many, ["pgrubic", "lint", *names(many)]),
    }
    for tool, (files, command) in cases.items():
        times = measured({"zd": zd(files), tool: command}, min(3, repetitions))
        if tool in times:
            heading(f"beside {tool}, {len(names(files))} files")
            told(times)
            judged(f"{tool} : zd", times[tool] / times["zd"], 20, least=True)


def history(root: Path, repetitions: int) -> None:
    """An Alembic history, both directions; nothing is linted without being rendered."""
    project = alembic_history(root / "alembic", 300)
    alembic = [sys.executable, "-m", "alembic"]
    commands = {
        "zd": [*_ZD, "lint", "--format", "json"],
        "alembic upgrade head --sql": [*alembic, "upgrade", "head", "--sql"],
        "alembic downgrade head:base --sql": [*alembic, "downgrade", "head:base", "--sql"],
    }
    times = measured(commands, repetitions, project)
    heading("an Alembic history of 300 revisions")
    told(times)
    ratio = times["zd"] / times["alembic upgrade head --sql"]
    judged("zd : alembic upgrade head --sql", ratio, 2)


def large_file(root: Path, repetitions: int) -> None:
    """How much memory files of 50 MB take."""
    size = 50 * 2**20
    row = "(1, 'a row with some text in it'),\n"
    insert = f"INSERT INTO t VALUES\n{row * 2000}(2, 'the last one');\n"
    update = "UPDATE orders SET status = 'paid' WHERE id = 4711 AND status = 'open';\n"
    data = "4711\ta row with some text in it\t2026-01-01\n"
    cases: Mapping[str, Callable[[], str]] = {
        "INSERTs of 2,000 rows": lambda: insert * (size // len(insert)),
        "short statements": lambda: update * (size // len(update)),
        "COPY": lambda: f"COPY t FROM stdin;\n{data * (size // len(data))}\\.\n",
    }
    heading("one file of 50 MB")
    for name, text in cases.items():
        path = root / "large.sql"
        path.write_text(text())
        seconds, peak = run([*_ZD, "lint", str(path), "--format", "json"])
        print(f"  {name:<40}{seconds:9.2f} s   {peak / 2**20:7.0f} MB at most")


_ZD = [sys.executable, "-c", "from zero_downtime_cli import main; main()"]


def zd(files: Path) -> Command:
    return [*_ZD, "lint", str(files), "--format", "json"]


def squawk(files: Path) -> Command:
    return ["squawk", "--reporter", "json", *names(files)]


def names(files: Path) -> list[str]:
    return sorted(str(path) for path in files.glob("*.sql"))


def measured(
    commands: Mapping[str, Command], repetitions: int, folder: Path | None = None
) -> dict[str, float]:
    """The median seconds of each command that is installed, all of them in turns."""
    there = {tool: each for tool, each in commands.items() if which(each[0], path=_PROGRAMS)}
    found: dict[str, list[float]] = {tool: [] for tool in there}
    for turn in range(repetitions + 1):
        for tool, command in there.items():
            seconds, _ = run(command, folder)
            if turn:  # the first one only fills the caches
                found[tool].append(seconds)
    return {tool: median(times) for tool, times in found.items()}


def run(command: Command, folder: Path | None = None) -> tuple[float, int]:
    """Seconds and peak memory in bytes of a process."""
    begin = perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": _PROGRAMS},
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds = perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)[:200]}: exit code {process.returncode}")
    return seconds, peak_of(used)


def peak_of(used: resource.struct_rusage) -> int:
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def heading(text: str) -> None:
    print(f"\n{text}")


def told(times: Mapping[str, float]) -> None:
    for tool, seconds in times.items():
        print(f"  {tool:<40}{seconds:9.3f} s")


def judged(what: str, value: float, target: float, least: bool = False) -> None:
    reached = value >= target if least else value <= target
    word = "at least" if least else "at most"
    print(
        f"  {what:<40}{value:9.2f}     {word} {target}: {'reached' if reached else 'NOT reached'}"
    )


if __name__ == "__main__":
    main()
