"""The pytest plugin in projects of its users: what passes, what fails, and with which words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project

ROOT = Path(__file__).parents[2]

TWO_LINES = (
    'pytest_plugins = ["zero_downtime.pytest_plugin"]\nzero_downtime_config = "alembic.ini"\n'
)

GOOD = (
    "op.execute('CREATE TABLE boxes (id int PRIMARY KEY, name text)')",
    "op.execute('DROP TABLE boxes')",
)
COLUMN = (
    "op.execute(\"SET LOCAL lock_timeout = '2s'\")\n"
    "op.execute('ALTER TABLE boxes ADD COLUMN size int')",
    "op.execute('ALTER TABLE boxes DROP COLUMN size')",
)
ONE_WAY = (
    "op.execute(\"SET LOCAL lock_timeout = '2s'\")\n"
    "op.execute(\"ALTER TABLE boxes ALTER name SET DEFAULT 'box'\")",
    "pass",
)


def outcomes(folder: Path) -> dict[str, str]:
    """Run pytest in a project as its user would; the message of each test, empty when it passed."""
    report = folder / "report.xml"
    path = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert report.exists(), done.stdout + done.stderr
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        problem = next(iter(case), None)
        found[case.get("name", "")] = "" if problem is None else problem.get("message", "")
    return found


def test_two_lines_in_conftest_give_every_revision_its_tests(
    make_project: Callable[..., Project],
) -> None:
    folder = make_project(GOOD, COLUMN, ONE_WAY).root
    (folder / "conftest.py").write_text(TWO_LINES)
    found = outcomes(folder)
    assert set(found) == {
        "test_single_head_revision",
        "test_upgrade",
        "test_model_definitions_match_ddl",
        "test_up_down_consistency",
        *(f"test_revision_rolls_back[r{n}]" for n in range(3)),
        *(f"test_revision_keeps_to_its_budget[r{n}]" for n in range(3)),
        *(f"test_revision_is_lint_clean[r{n}]" for n in range(3)),
    }
    failed = {name: said for name, said in found.items() if said}
    assert failed.pop("test_model_definitions_match_ddl").endswith(
        "neither schema modules nor a target_metadata"
    )
    assert "the downgrade does nothing" in failed.pop("test_revision_rolls_back[r2]")
    assert not failed


def test_names_can_be_imported_and_the_server_be_another(
    make_project: Callable[..., Project], server: EmbeddedServer
) -> None:
    """As with pytest-alembic, whose users have pytest-postgresql give them a server."""
    folder = make_project(GOOD, COLUMN).root
    (folder / "conftest.py").write_text(
        "import pytest\n"
        "from zero_downtime.postgres.server import RemoteServer\n"
        'pytest_plugins = ["zero_downtime.pytest_plugin"]\n'
        "@pytest.fixture(scope='module')\n"
        "def migration_server():\n"
        f"    return RemoteServer({server.url('postgres')!r})\n"
    )
    (folder / "test_migrations.py").write_text(
        "from zero_downtime.pytest_plugin import (\n"
        "    test_single_head_revision, test_up_down_consistency, test_upgrade\n"
        ")\n"
    )
    with server.connect("postgres") as connection:
        before = connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
        found = outcomes(folder)
        after = connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
    assert found == {
        "test_single_head_revision": "",
        "test_up_down_consistency": "",
        "test_upgrade": "",
    }
    assert after == before


def test_models_that_head_does_not_know_are_named(make_project: Callable[..., Project]) -> None:
    env = """
    import os
    import sqlalchemy as sa
    from alembic import context

    metadata = sa.MetaData()
    sa.Table("boxes", metadata, sa.Column("id", sa.Integer, primary_key=True),
             sa.Column("name", sa.Text), sa.Column("colour", sa.Text))
    engine = sa.create_engine(os.environ["DATABASE_URL"], poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=metadata)
        with context.begin_transaction():
            context.run_migrations()
    """
    folder = make_project(GOOD, env=env).root
    (folder / "conftest.py").write_text(TWO_LINES)
    found = outcomes(folder)
    said = found.pop("test_model_definitions_match_ddl")
    assert "models and migrations differ" in said
    assert "colour" in said
    assert not any(found.values())


def test_a_history_that_can_not_be_read_is_told_in_a_sentence(
    make_project: Callable[..., Project],
) -> None:
    folder = make_project(GOOD).root
    (folder / "conftest.py").write_text(TWO_LINES)
    (folder / "migrations" / "versions" / "r0.py").write_text("def upgrade(:\n")
    path = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == pytest.ExitCode.INTERRUPTED
    assert "r0.py:1" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
