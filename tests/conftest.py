"""One embedded server for the whole run; every test that wants a database gets its own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from textwrap import dedent, indent

import pytest

from zero_downtime.lint import Options, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime.sql.script import read_script
from zero_downtime.sql.state import State


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A running PostgreSQL, ended with the test run."""
    server = EmbeddedServer({"wal_level": "logical"})
    yield server
    server.close()


@pytest.fixture
def database(server: EmbeddedServer) -> Iterator[str]:
    """The name of a new, empty database."""
    name = server.create_database()
    yield name
    server.drop_database(name)


@pytest.fixture
def mind_interrupts() -> Callable[[], None]:
    """For Popen's preexec_fn: the child minds SIGINT, also where a shell in the background, such
    as a CI runner's, has had it ignored."""

    def restore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return restore


PLAIN_ENV = """
    import os
    from alembic import context
    from sqlalchemy import create_engine, pool

    engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
    """


@pytest.fixture
def make_project(tmp_path: Path, make_project_at: Callable[..., Project]) -> Callable[..., Project]:
    """Writes a project into the test's own folder: see make_project_at."""
    return partial(make_project_at, tmp_path)


@pytest.fixture(scope="session")
def make_project_at() -> Callable[..., Project]:
    """Writes a project: revisions r0, r1 … that follow each other, given as upgrade bodies.

    A revision may also be a pair of bodies (upgrade, downgrade); ``more`` goes before its
    functions. The line of an upgrade's first statement is 6 plus the lines of ``more``.
    """

    def made(
        root: Path,
        *revisions: str | tuple[str, str],
        env: str = PLAIN_ENV,
        more: dict[int, str] | None = None,
    ) -> Project:
        versions = root / "migrations" / "versions"
        versions.mkdir(parents=True, exist_ok=True)
        (root / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
        (root / "migrations" / "env.py").write_text(dedent(env))
        for number, revision in enumerate(revisions):
            up, down = (revision, "pass") if isinstance(revision, str) else revision
            (versions / f"r{number}.py").write_text(
                "import sqlalchemy as sa\n"
                "from alembic import op\n"
                f"revision = 'r{number}'\n"
                f"down_revision = {f'r{number - 1}' if number else None!r}\n"
                + (more or {}).get(number, "")
                + f"def upgrade():\n{indent(dedent(up).strip(), '    ')}\n"
                + f"def downgrade():\n{indent(dedent(down).strip(), '    ')}\n"
            )
        return find_project(root / "alembic.ini")

    return made


# Lint

Found = Callable[..., list[str]]


def _found(
    *files: str, state: State | None = None, major: int = 18, enable: tuple[str, ...] = ()
) -> list[str]:
    """The findings over a history of files, ``rule`` or ``rule (warning)`` each."""
    units = [
        unit_of_script(read_script(f"SET lock_timeout = '2s';\n{sql}", f"{number}.sql"), "m.sql")
        for number, sql in enumerate(files)
    ]
    options = Options(major=major, enable=enable)
    report = lint_units(units, state if state is not None else example_state(), options)
    return [f.rule if f.severity == "error" else f"{f.rule} (warning)" for f in report.findings]


@pytest.fixture
def found() -> Found:
    """Lint scripts, over the schema of the forms unless another is given."""
    return _found


@pytest.fixture
def unknown() -> Found:
    """Lint scripts of whose schema nothing is known."""

    def lint_alone(*files: str, major: int = 18, enable: tuple[str, ...] = ()) -> list[str]:
        return _found(*files, state=State(), major=major, enable=enable)

    return lint_alone


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A server that was not there is told, not only counted among the skipped tests."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = {str(report.longrepr[2]) for report in skipped if isinstance(report.longrepr, tuple)}
    for reason in sorted(reasons):
        if "NOT PROVEN" in reason:
            terminalreporter.write_line(reason.removeprefix("Skipped: "), yellow=True)
