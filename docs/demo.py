"""``make demo``: one schema change of the reference store, from the edited model to its rollback.

Works on a copy in demo/, with an embedded PostgreSQL as the production database. Everything
printed after a ``$`` is what that command prints.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg

from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.rehearse.rows.data import Data

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo"
ZD = Path(sys.executable).with_name("zd")
ROWS = 2000  # a table

# What a developer would do on a Tuesday: a new column, an index for it, a column that may be NULL.
EDITS = {
    "schemas/accounts.py": (
        (
            "    full_name: Mapped[str]\n",
            "    full_name: Mapped[str | None]\n"
            '    loyalty_points: Mapped[int] = mapped_column(server_default=text("0"))\n',
        ),
        (
            "# One account per shop and address",
            'Index("ix_accounts_points", Account.tenant_id, Account.loyalty_points.desc())\n'
            "\n# One account per shop and address",
        ),
    ),
}


def main() -> None:
    started = time.monotonic()
    copy_the_project()
    server = EmbeddedServer()
    try:
        url = server.url(server.create_database())
        os.environ["DATABASE_URL"] = url
        say("A production database at head, with rows in it")
        run("upgrade --contract --format json", url, quiet=True)
        fill(url)
        say("Tuesday: a developer edits a model")
        edit()
        say("The revision that follows from it, proven on scratch copies")
        run("generate -m 'loyalty points'")
        run("generate -m 'again'")
        say("What it locks and rewrites, before anything runs")
        revision = newest_revision()
        run(f"lint {revision.relative_to(DEMO)}")
        say("The same on a real server, under readers and writers; and its way back")
        run(f"rehearse --from {before(revision)}")
        say("Production")
        run("upgrade", url)
        run("status", url)
        run("check", url)
        say("The way back to yesterday's schema, with today's rows")
        run("downgrade", url)
        run("status", url)
        print(f"\nDone in {time.monotonic() - started:.0f} s. The copy is in {DEMO.name}/.")
    finally:
        server.close()


def say(line: str) -> None:
    print(f"\n\x1b[1m# {line}\x1b[0m" if sys.stdout.isatty() else f"\n# {line}", flush=True)


def run(command: str, url: str | None = None, quiet: bool = False) -> None:
    """Run zd in the copy; anything but success ends the demo with its exit code."""
    if not quiet:
        print(f"\n$ zd {command}", flush=True)
    arguments = [str(ZD), *shlex.split(command), *(["--url", url] if url else [])]
    output = subprocess.DEVNULL if quiet else None
    done = subprocess.run(arguments, cwd=DEMO, stdout=output, stderr=output)
    if done.returncode:
        sys.exit(done.returncode)


def copy_the_project() -> None:
    shutil.rmtree(DEMO, ignore_errors=True)
    for folder in ("schemas", "migrations"):
        shutil.copytree(ROOT / folder, DEMO / folder, ignore=shutil.ignore_patterns("__pycache__"))
    settings = (ROOT / "pyproject.toml").read_text()
    tables = re.findall(
        r"^\[tool\.(?:alembic|zero_downtime)[.\w]*\]\n(?:[^\[].*\n|\n)*", settings, re.M
    )
    (DEMO / "pyproject.toml").write_text("".join(tables))


def fill(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        data = Data(connection, skip={"public.alembic_version"})
        filled = data.fill(ROWS)
    rows = sum(table.rows for table in filled)
    print(f"{rows} rows in {len(filled)} tables")


def edit() -> None:
    for name, edits in EDITS.items():
        path = DEMO / name
        before = text = path.read_text()
        for old, new in edits:
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new, 1)
        path.write_text(text)
        lines = difflib.unified_diff(
            before.splitlines(), text.splitlines(), name, name, lineterm="", n=1
        )
        print("\n".join(lines))


def newest_revision() -> Path:
    return max(
        (DEMO / "migrations" / "versions").glob("*.py"), key=lambda path: path.stat().st_mtime
    )


def before(revision: Path) -> str:
    """The parent of a revision."""
    line = next(x for x in revision.read_text().splitlines() if x.startswith("down_revision"))
    return line.split('"')[1]


if __name__ == "__main__":
    main()
