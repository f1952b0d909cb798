"""The pytest plugin in projects of its users: what passes, what fails, and with which words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from zero_downtime.errors import ConfigError
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project
from zero_downtime.pytest_plugin.collect import configured

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


def outcomes(folder: Path, *options: str) -> dict[str, str]:
    """Run pytest in a project as its user would; the message of each test, empty when it passed."""
    report = folder / "report.xml"
    path = os.pathsep.join([str(ROOT), str(ROOT / "cli")])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *(f"--junitxml={report}", *options),
        ],
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


def git(folder: Path, *arguments: str) -> None:
    who = "-c", "user.name=a", "-c", "user.email=a@example.org"
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


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
    """As with pytest-alembic, whose users have pytest-postgresql give them a server.

    A conftest.py that is not the top one can't name plugins; it imports all that ours has.
    """
    fails = "op.execute('SELECT 1 / 0')"
    folder = make_project(GOOD, COLUMN, ONE_WAY, fails).root
    git(folder, "init", "-q")
    git(folder, "add", "alembic.ini", "migrations/env.py", "migrations/versions/r0.py")
    git(folder, "commit", "-q", "-m", "released")
    tests = folder / "tests"
    tests.mkdir()
    url = f"postgresql+psycopg:///postgres?user=postgres&host={server.data}"
    (folder / "conftest.py").touch()
    (tests / "conftest.py").write_text(
        "import pytest\n"
        "from zero_downtime.postgres.server import RemoteServer\n"
        "from zero_downtime.pytest_plugin import *\n"
        "@pytest.fixture(scope='module')\n"
        "def migration_server():\n"
        f"    return RemoteServer({url!r})\n"
        "zero_downtime_diff = 'HEAD'\n"
    )
    (tests / "test_migrations.py").write_text(
        "from zero_downtime.pytest_plugin import test_revision_rolls_back, test_upgrade\n"
    )
    with server.connect("postgres") as connection:
        before = connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
        # Of the revisions only those since that commit; the base goes on behind one left out.
        chosen = "upgrade or r0 or r1 or r3"
        found = outcomes(folder, "--strict-markers", "-m", "migrations", "-k", chosen)
        after = connection.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()
    said = found.pop("test_upgrade")
    assert said.startswith("Failed: migrations/versions/r3.py:6: the upgrade of revision r3 failed")
    assert "\n" not in said
    assert found.pop("test_revision_rolls_back[r3]").startswith("Failed: the upgrade fails (")
    assert found == {"test_revision_rolls_back[r1]": ""}
    assert after == before


def test_a_configuration_that_is_not_there_is_told_with_its_place(tmp_path: Path) -> None:
    conftest = tmp_path / "conftest.py"
    conftest.write_text(TWO_LINES.replace("alembic.ini", "no-such.ini"))
    with pytest.raises(ConfigError, match=r"conftest\.py:2: .* names no-such\.ini, but "):
        configured(conftest)


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
    found = outcomes(folder, "-k", "model or head")
    said = found.pop("test_model_definitions_match_ddl")
    assert "models and migrations differ" in said
    assert "op.add_column('boxes', sa.Column('colour', sa.Text()" in said
    assert "#" not in said
    assert found == {"test_single_head_revision": ""}


def test_an_env_py_that_does_not_run_is_no_project_without_models(
    make_project: Callable[..., Project],
) -> None:
    folder = make_project(GOOD, env="import no_such_application").root
    (folder / "conftest.py").write_text(TWO_LINES)
    found = outcomes(folder, "-k", "upgrade or model")
    assert set(found) == {"test_upgrade", "test_model_definitions_match_ddl"}
    for said in found.values():
        assert "env.py:1: Alembic's environment does not run (" in said
        assert "no_such_application" in said


def test_schema_modules_that_head_does_not_know_are_named(
    make_project: Callable[..., Project],
) -> None:
    folder = make_project(GOOD).root
    (folder / "conftest.py").write_text(TWO_LINES.replace("alembic.ini", "pyproject.toml"))
    (folder / "pyproject.toml").write_text('[tool.zero_downtime]\nschemas = "schemas"\n')
    (folder / "schemas").mkdir()
    (folder / "schemas" / "boxes.sql").write_text("CREATE TABLE boxes (id int, colour text);")
    (said,) = outcomes(folder, "-k", "model").values()
    assert "only in the models: column public.boxes.colour: text" in said
    assert "missing in the models: column public.boxes.name: text" in said


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
