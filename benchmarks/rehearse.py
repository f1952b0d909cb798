"""What a rehearsal costs beside Alembic itself, over the same history on the same server.

``alembic upgrade head`` and ``alembic downgrade base`` are the measure. A replay runs the same
statements through zd; the proof takes every revision up, down and up again with catalogs compared.
Give the folder of an alembic.ini to measure a history of your own, whose env.py connects to
DATABASE_URL; without one, a history of 300 revisions is made up.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from zero_downtime.postgres.server import EmbeddedServer, Server

ROUNDS = 3
REVISIONS = 300
LIMITS = {"replay": 1.5, "proof": 4.0}  # times what Alembic takes

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

url = os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://")
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

# What a table goes through: a kind of change each, up and down.
CHANGES = (
    (
        'op.create_table("{table}", sa.Column("id", sa.BigInteger, primary_key=True), '
        'sa.Column("name", sa.String(80), nullable=False), sa.Column("at", sa.DateTime), '
        'sa.Column("total", sa.Numeric(12, 2), server_default="0"))',
        'op.drop_table("{table}")',
    ),
    (
        'op.create_index("ix_{table}_name", "{table}", ["name"])',
        'op.drop_index("ix_{table}_name", "{table}")',
    ),
    (
        'op.add_column("{table}", sa.Column("owner", sa.BigInteger))\n'
        '    op.create_foreign_key("fk_{table}", "{table}", "{table}", ["owner"], ["id"])',
        'op.drop_constraint("fk_{table}", "{table}")\n    op.drop_column("{table}", "owner")',
    ),
    (
        'op.create_check_constraint("ck_{table}", "{table}", "total >= 0")',
        'op.drop_constraint("ck_{table}", "{table}")',
    ),
    (
        'op.alter_column("{table}", "at", nullable=False, server_default=sa.func.now())',
        'op.alter_column("{table}", "at", nullable=True, server_default=None)',
    ),
    (
        "op.execute(\"COMMENT ON TABLE {table} IS 'things'\")",
        'op.execute("COMMENT ON TABLE {table} IS NULL")',
    ),
)

REPLAY = """
import os
from zero_downtime.project import find_project
from zero_downtime.replay import Replay

replay = Replay(find_project(), os.environ["DATABASE_URL"])
revisions = list(replay.history)
replay.run_all(revisions, "upgrade")
replay.run_all(revisions[::-1], "downgrade")
"""
ALEMBIC = "from alembic.config import main; main()"
ZD = "from zero_downtime_cli import main; main()"


def make_history(folder: Path) -> None:
    """An Alembic project of REVISIONS revisions, six for each table."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (folder / "migrations" / "env.py").write_text(ENV)
    (folder / "migrations" / "script.py.mako").write_text("")
    for number in range(REVISIONS):
        table, change = f"t{number // len(CHANGES)}", CHANGES[number % len(CHANGES)]
        up, down = (text.format(table=table) for text in change)
        parent = f"r{number - 1}" if number else None
        (versions / f"r{number}.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = 'r{number}'\ndown_revision = {parent!r}\n"
            f"def upgrade():\n    {up}\ndef downgrade():\n    {down}\n"
        )


def python(folder: Path, url: str, code: str, *arguments: str) -> None:
    """Run a program in the project's folder."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{arguments} failed: {(done.stderr or done.stdout)[-2000:]}")


def measured(server: Server, run: Callable[[str], None]) -> float:
    """Seconds that a program takes, given a new database."""
    name = server.create_database()
    try:
        start = time.monotonic()
        run(server.url(name))
        return time.monotonic() - start
    finally:
        server.drop_database(name)


def main() -> None:
    """Measure, and say how many times what Alembic takes that is. Exit 1 beyond the limits."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(made)
        if len(sys.argv) == 1:
            make_history(folder)
        server = EmbeddedServer({"autovacuum": "off"})
        programs: dict[str, Callable[[str], None]] = {
            "alembic": lambda url: [  # type: ignore[dict-item, return-value]
                python(folder, url, ALEMBIC, "upgrade", "heads"),
                python(folder, url, ALEMBIC, "downgrade", "base"),
            ],
            "replay": lambda url: python(folder, url, REPLAY),
            "proof": lambda url: python(
                folder, url, ZD, "rehearse", "--quick", "--server", server.url()
            ),
        }
        try:
            seconds: dict[str, list[float]] = {name: [] for name in programs}
            for _ in range(ROUNDS):
                for name, run in programs.items():
                    seconds[name].append(measured(server, run))
        finally:
            server.close()
    took = {name: statistics.median(found) for name, found in seconds.items()}
    print(f"alembic up and down   {took['alembic']:6.2f} s")
    for name, said in (("replay", "replayed up and down"), ("proof", "every revision proven")):
        times = took[name] / took["alembic"]
        print(f"{said:21} {took[name]:6.2f} s, {times:.2f} times, at most {LIMITS[name]:g}")
    if any(took[name] > limit * took["alembic"] for name, limit in LIMITS.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
