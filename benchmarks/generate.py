"""How long ``zd generate`` takes when there is nothing to do, beside ``alembic check``.

``python benchmarks/generate.py [REPETITIONS]``. Whole processes, in turns. ``alembic check`` finds
a server that runs and a database at head; ``zd generate`` starts its own and replays the history.
"""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from corpus import models
from lint import Command, heading, judged, run

from zero_downtime.postgres.server import EmbeddedServer

_ALEMBIC = [sys.executable, "-m", "alembic"]
_GENERATE = [
    *(sys.executable, "-c", "from zero_downtime_cli import main; main()"),
    *("generate", "-m", "nothing"),
]


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(EmbeddedServer()) as server:
        reference = Path(__file__).parents[1]
        side_by_side("the reference project", reference, server, repetitions, 2)
        large = models(Path(folder) / "large", tables=300, revisions=100)
        side_by_side("300 tables, 100 revisions", large, server, repetitions, 5)


def side_by_side(
    what: str, project: Path, server: EmbeddedServer, repetitions: int, target: float
) -> None:
    """Both on one project."""
    url = server.url(server.create_database())
    os.environ["DATABASE_URL"] = url.replace("postgresql:", "postgresql+psycopg:")
    subprocess.run([*_ALEMBIC, "upgrade", "head"], cwd=project, capture_output=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        ini = alembic_project(Path(folder), project)
        alembic = " ".join([*_ALEMBIC, "--config", str(ini), "check"])
        # Where autogenerate sees differences that are none, its exit code is 255.
        commands = {"zd generate": _GENERATE, "alembic check": ["sh", "-c", f"{alembic}; true"]}
        times = timed(commands, repetitions, project)
    heading(what)
    for tool, (seconds, cpu) in times.items():
        print(f"  {tool:<40}{seconds:9.3f} s   {cpu:6.2f} s of CPU")
    judged("zd generate, seconds", times["zd generate"][0], target)
    for number, unit in enumerate(("seconds", "CPU")):
        ratio = times["zd generate"][number] / times["alembic check"][number]
        print(f"  {f'zd generate : alembic check, {unit}':<40}{ratio:9.2f}")


def timed(
    commands: dict[str, Command], repetitions: int, folder: Path
) -> dict[str, tuple[float, float]]:
    """Medians of the seconds that passed and of the CPU's, which a busy machine falsifies less.

    What the servers do is not in the CPU's: of ``zd generate`` that is about a third more.
    """
    found: dict[str, list[tuple[float, float]]] = {tool: [] for tool in commands}
    for turn in range(repetitions + 1):
        for tool, command in commands.items():
            before = cpu_of_children()
            seconds, _ = run(command, folder)
            if turn:  # the first one only fills the caches
                found[tool].append((seconds, cpu_of_children() - before))
    return {
        tool: (median(wall for wall, _ in each), median(cpu for _, cpu in each))
        for tool, each in found.items()
    }


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_ENV = """
import importlib
import os
import pkgutil

import schemas
from alembic import context
from sqlalchemy import create_engine, pool

for module in pkgutil.iter_modules(schemas.__path__, "schemas."):
    importlib.import_module(module.name)
from schemas.base import Base

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""


def alembic_project(folder: Path, project: Path) -> Path:
    """The project with an env.py that knows the models' metadata, which zd does not need."""
    (folder / "env.py").write_text(_ENV)
    ini = folder / "alembic.ini"
    ini.write_text(
        f"[alembic]\nscript_location = {folder}\nprepend_sys_path = {project}\n"
        f"version_locations = {project / 'migrations' / 'versions'}\n"
    )
    return ini


if __name__ == "__main__":
    main()
