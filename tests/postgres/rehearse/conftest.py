"""A little Alembic project with good and bad revisions, and its rehearsal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import find_project
from zero_downtime.rehearse import Options, RehearsalResult, RevisionResult, rehearse

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture
def env_py() -> str:
    return ENV


@pytest.fixture
def first() -> tuple[str, str]:
    """The revision with which projects here begin: customers and their orders."""
    return (
        """
    op.execute("CREATE TYPE state AS ENUM ('new', 'paid')")
    op.execute("CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
               "email varchar(100) NOT NULL UNIQUE, note text)")
    op.execute("CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
               "customer int NOT NULL REFERENCES customers, state state NOT NULL, "
               "amount int NOT NULL CHECK (amount > 0), memo varchar(50))")
    """,
        """
    op.execute("DROP TABLE orders")
    op.execute("DROP TABLE customers")
    op.execute("DROP TYPE state")
    """,
    )


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes a project and gives its alembic.ini.

    A revision is (upgrade, downgrade) and perhaps module attributes: r1, r2 … in this order.
    """

    def written(*revisions: tuple[str, ...]) -> Path:
        (tmp_path / "alembic.ini").write_text(
            "[alembic]\nscript_location = %(here)s/migrations\n"
            "sqlalchemy.url = postgresql+psycopg://nobody@nowhere/none\n"
        )
        versions = tmp_path / "migrations" / "versions"
        versions.mkdir(parents=True)
        (tmp_path / "migrations" / "env.py").write_text(ENV)
        (tmp_path / "migrations" / "script.py.mako").write_text("")
        for number, (up, down, *attributes) in enumerate(revisions, 1):
            parent = f'"r{number - 1}"' if number > 1 else "None"
            text = f'"""Revision {number}."""\nfrom alembic import op\nimport sqlalchemy as sa\n'
            text += f'revision = "r{number}"\ndown_revision = {parent}\n'
            text += "\n".join(attributes) + "\n"
            for name, body in (("upgrade", up), ("downgrade", down)):
                text += f"def {name}():\n" + indent(dedent(body).strip(), "    ") + "\n\n"
            (versions / f"r{number}.py").write_text(text)
        return tmp_path / "alembic.ini"

    return written


@pytest.fixture
def run(
    project: Callable[..., Path], first: tuple[str, str], server: EmbeddedServer
) -> Callable[..., RehearsalResult]:
    """Writes and rehearses a project: ``first`` and what is given, as r2, r3 …

    All share one server, as with --server URL.
    """

    def rehearsed(*revisions: tuple[str, ...], **options: Any) -> RehearsalResult:
        chosen = {"rows": 200, "clients": 2, "server": server.url(), "crash_points": 0, **options}
        return rehearse(find_project(project(first, *revisions)), Options(**chosen))

    return rehearsed


@pytest.fixture
def last(run: Callable[..., RehearsalResult]) -> Callable[..., RevisionResult]:
    """Writes a project as ``run`` does, and rehearses its last revision alone."""

    def rehearsed(*revisions: tuple[str, ...], **options: Any) -> RevisionResult:
        result = run(*revisions, start=f"r{len(revisions)}", **options)
        assert [r.revision for r in result.revisions] == [f"r{len(revisions) + 1}"]
        return result.revisions[0]

    return rehearsed
