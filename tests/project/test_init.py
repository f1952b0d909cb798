"""``zd init`` makes a working project, adopts an Alembic project, and overwrites nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zero_downtime.history import read_history
from zero_downtime.init import initialise, template
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import find_project
from zero_downtime.schema.load import load_desired, read_declared
from zero_downtime_cli.main import zd

ROOT = Path(__file__).parents[2]


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(zd, ["init", str(folder), *arguments])


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def alembic(folder: Path, *arguments: str, **environment: str) -> str:
    """Plain Alembic, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "PYTHONPATH"}},
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    return said if done.returncode == 0 else f"failed: {said}"


# a new project


def test_an_empty_folder_becomes_a_project(tmp_path: Path) -> None:
    result = init(tmp_path / "shop")
    assert result.exit_code == 0
    assert sorted(snapshot(tmp_path / "shop")) == [
        "migrations/env.py",
        "migrations/script.py.mako",
        "migrations/versions/.gitkeep",
        "pyproject.toml",
        "schemas/__init__.py",
        "schemas/accounts.py",
        "schemas/base.py",
    ]
    assert "Made a project in" in result.output
    assert 'zd generate -m "first tables"' in result.output


def test_the_new_project_s_schema_loads(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    init(tmp_path)
    with server.connect(database) as connection:
        load_desired(find_project(tmp_path / "pyproject.toml"), connection)
        found = connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'accounts'::regclass "
            "AND contype <> 'n' ORDER BY 1"
        ).fetchall()
    assert found == [("ck_accounts_email_lower",), ("pk_accounts",), ("uq_accounts_email",)]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_plain_alembic_works_in_the_new_project(
    tmp_path: Path, server: EmbeddedServer, database: str, scheme: str
) -> None:
    init(tmp_path)
    alembic(tmp_path, "revision", "-m", "by hand")
    (revision,) = (tmp_path / "migrations" / "versions").glob("*_by_hand.py")
    revision.write_text(
        revision.read_text().replace("pass", 'op.execute("CREATE TABLE t (id int)")', 1)
    )
    url = server.url(database).replace("postgresql", scheme, 1)
    assert "failed" not in alembic(tmp_path, "upgrade", "head", DATABASE_URL=url)
    with server.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)
    assert "CREATE TABLE t" in alembic(tmp_path, "upgrade", "head", "--sql")


def test_the_new_project_is_generated_applied_and_undone(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    init(tmp_path)
    config = ["--config", str(tmp_path / "pyproject.toml")]
    first = CliRunner().invoke(zd, ["generate", "-m", "first tables", *config])
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(zd, ["generate", "-m", "again", *config])
    assert again.exit_code == 0, again.output
    assert len(list((tmp_path / "migrations" / "versions").glob("*.py"))) == 1
    url = server.url(database)
    assert "failed" not in alembic(tmp_path, "upgrade", "head", DATABASE_URL=url)
    with server.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
        assert "failed" not in alembic(tmp_path, "downgrade", "base", DATABASE_URL=url)
        assert connection.execute("SELECT to_regclass('accounts')").fetchone() == (None,)


def test_each_revision_of_the_new_project_commits_by_itself(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    init(tmp_path)
    for number, statement in enumerate(["CREATE TABLE t (id int)", "SELECT 1 / 0"]):
        alembic(tmp_path, "revision", "-m", f"number {number}")
        (revision,) = (tmp_path / "migrations" / "versions").glob(f"*_number_{number}.py")
        revision.write_text(revision.read_text().replace("pass", f'op.execute("{statement}")', 1))
    said = alembic(tmp_path, "upgrade", "head", DATABASE_URL=server.url(database))
    assert "division by zero" in said
    with server.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_without_a_url_alembic_is_told_what_to_set(tmp_path: Path) -> None:
    init(tmp_path)
    alembic(tmp_path, "revision", "-m", "one")
    assert "FAILED: set DATABASE_URL" in alembic(tmp_path, "upgrade", "head")


def test_running_it_twice_changes_nothing_and_says_so(tmp_path: Path) -> None:
    init(tmp_path)
    before = snapshot(tmp_path)
    result = init(tmp_path)
    assert (result.exit_code, snapshot(tmp_path)) == (0, before)
    assert result.output == (
        "pyproject.toml has [tool.zero_downtime] already: nothing was changed\n"
    )


def test_existing_files_are_kept_and_pyproject_only_grows(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"pyproject.toml": "[project]\nname = 'mine'", "migrations/env.py": "# mine\n"},
    )
    result = init(tmp_path)
    assert "kept     migrations/env.py, as it was" in result.output
    assert (tmp_path / "migrations/env.py").read_text() == "# mine\n"
    toml = (tmp_path / "pyproject.toml").read_text()
    assert toml.startswith("[project]\nname = 'mine'\n[tool.alembic]")
    assert find_project(tmp_path / "pyproject.toml").config.schemas == "schemas"


def test_models_that_are_there_already_are_used(tmp_path: Path) -> None:
    write(tmp_path, {"shop/models.py": 'class A(Base):\n    __tablename__ = "a"\n'})
    result = init(tmp_path)
    assert "shop/models.py holds your models" in result.output
    assert find_project(tmp_path / "pyproject.toml").config.schemas == "shop/models.py"
    assert not (tmp_path / "schemas").exists()


# refusals: one sentence, exit code 2, nothing written


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pyproject.toml": "[tool"}, "is not valid TOML"),
        ({"pyproject.toml": "tool = {ruff = {}}\n"}, "our tables can't be added at its end"),
        ({"schemas/user.py": "class User: ...\n"}, "holds no SQLAlchemy tables"),
        ({"backend/alembic.ini": "[alembic]\n"}, "zd init --config"),
        ({"alembic.ini": "[alembic]\nscript_location = nowhere\n"}, "finds no environment"),
        (
            {"alembic.ini": "[alembic]\nscript_location = absent:db\n"},
            "is absent:db, and that does",
        ),
    ],
    ids=[
        "broken toml",
        "inline table",
        "other schemas",
        "deeper project",
        "no environment",
        "package missing",
    ],
)
def test_what_it_can_not_do_it_refuses_in_one_sentence(
    tmp_path: Path, files: dict[str, str], message: str
) -> None:
    write(tmp_path, files)
    before = snapshot(tmp_path)
    result = init(tmp_path)
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
    assert snapshot(tmp_path) == before


def test_a_config_that_is_not_there_is_refused(tmp_path: Path) -> None:
    result = init(tmp_path, "--config", str(tmp_path / "no.ini"))
    assert (result.exit_code, "there is no such file" in result.output) == (2, True)


# adopting

STRANGER = {
    "alembic.ini": "[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\n",
    "alembic/script.py.mako": "",
    "alembic/env.py": """
        from app.settings import settings
        from app.db.base import Base
        from app.models import order, user  # noqa
        target_metadata = Base.metadata
    """,
    "alembic/versions/0001_users.py": """
        revision = "0001"
        down_revision = None
        def upgrade(): pass
        def downgrade(): pass
    """,
    "app/__init__.py": "",
    "app/main.py": "raise RuntimeError('the application was started')\n",
    "app/settings.py": "settings = None\n",
    "app/db/__init__.py": "",
    "app/db/base.py": """
        from sqlalchemy.orm import DeclarativeBase
        class Base(DeclarativeBase): pass
    """,
    "app/models/__init__.py": "",
    "app/models/user.py": """
        from sqlalchemy.orm import Mapped, mapped_column
        from app.db.base import Base
        class User(Base):
            __tablename__ = "users"
            id: Mapped[int] = mapped_column(primary_key=True)
    """,
    "app/models/order.py": """
        from sqlalchemy import ForeignKey
        from sqlalchemy.orm import Mapped, mapped_column
        from app.db.base import Base
        class Order(Base):
            __tablename__ = "orders"
            id: Mapped[int] = mapped_column(primary_key=True)
            user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    """,
    "tests/test_models.py": 'class T(Base):\n    __tablename__ = "only_for_tests"\n',
}


def test_an_alembic_project_is_adopted_where_it_is(tmp_path: Path) -> None:
    write(tmp_path, STRANGER)
    before = snapshot(tmp_path)
    result = init(tmp_path)
    assert result.exit_code == 0
    after = snapshot(tmp_path)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {"pyproject.toml"}
    assert "Adopted the Alembic project in" in result.output
    assert "1 revision below alembic; none was touched" in result.output
    assert "app/models holds your models: 2 tables" in result.output
    project = find_project(tmp_path / "pyproject.toml")
    assert project.ini == tmp_path / "alembic.ini"
    assert len(read_declared(project).statements) == 2


def test_adopting_twice_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, STRANGER)
    init(tmp_path)
    before = snapshot(tmp_path)
    assert "nothing was changed" in init(tmp_path).output
    assert snapshot(tmp_path) == before


def test_an_ini_of_another_name_is_adopted_by_config(tmp_path: Path) -> None:
    write(tmp_path, STRANGER)
    (tmp_path / "alembic.ini").rename(tmp_path / "db.ini")
    result = CliRunner().invoke(zd, ["init", "--config", str(tmp_path / "db.ini")])
    assert result.exit_code == 0
    project = find_project(tmp_path / "pyproject.toml")
    assert project.ini == tmp_path / "db.ini"
    assert read_history(project).heads == ("0001",)


def test_alembic_settings_in_pyproject_are_adopted(tmp_path: Path) -> None:
    stranger = {name: text for name, text in STRANGER.items() if name != "alembic.ini"}
    toml = '[tool.alembic]\nscript_location = "%(here)s/alembic"\nprepend_sys_path = ["."]\n'
    write(tmp_path, {**stranger, "pyproject.toml": toml})
    result = init(tmp_path)
    assert "grown    pyproject.toml, by the tables at its end" in result.output
    assert (tmp_path / "pyproject.toml").read_text() == (
        f'{toml}\n[tool.zero_downtime]\nschemas = "app/models"\n'
    )


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("clinic", "clinic/models.py"),
        ("telemetry", "telemetry/models.py"),
        ("ledger", None),
        ("warehouses", None),
    ],
)
def test_strangers_projects_are_adopted(tmp_path: Path, name: str, models: str | None) -> None:
    folder = tmp_path / name
    shutil.copytree(ROOT / "tests" / "projects" / name, folder)
    before = snapshot(folder)
    result = init(folder)
    assert result.exit_code == 0, result.output
    assert "none was touched" in result.output
    after = snapshot(folder)
    assert set(after) - set(before) <= {"pyproject.toml"}
    assert all(after[file].startswith(before[file]) for file in before)
    assert find_project(folder / "pyproject.toml").config.schemas == models


def test_models_with_an_error_are_adopted_and_the_error_is_told(tmp_path: Path) -> None:
    write(tmp_path, {**STRANGER, "app/db/base.py": "import no_such_driver\n"})
    result = init(tmp_path)
    assert result.exit_code == 0
    assert "app/models looks like your models, but can't be read yet" in result.output
    assert "No module named 'no_such_driver'" in result.output


def test_a_project_without_models_is_adopted_all_the_same(tmp_path: Path) -> None:
    write(tmp_path, {name: text for name, text in STRANGER.items() if "app/" not in name})
    result = init(tmp_path)
    assert "no models were found" in result.output
    assert find_project(tmp_path / "pyproject.toml").schemas is None


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"models.py": "USER"}, "models.py"),
        (
            {"app/models/__init__.py": "from .user import User", "app/models/user.py": "USER"},
            "app/models/user.py",
        ),
        (
            {
                "app/user.py": "USER",
                "app/order.py": "ORDER",
                "app/all.py": "from app import user, order",
                "alembic/env.py": "from app.all import metadata\ntarget_metadata = metadata",
            },
            "app/all.py",
        ),
        ({"app/users/models.py": "USER", "app/orders/models.py": "ORDER"}, "app"),
        ({"models.py": "USER", "old/0001_a.py": "down_revision = None\nORDER"}, "models.py"),
        ({"user.py": "USER", "order.py": "ORDER"}, None),
    ],
    ids=[
        "one file",
        "one file of a package",
        "what env.py imports",
        "common folder",
        "revisions elsewhere",
        "nowhere",
    ],
)
def test_models_are_found_in_common_layouts(
    tmp_path: Path, files: dict[str, str], place: str | None
) -> None:
    texts = {
        "USER": 'class User(Base):\n    __tablename__ = "users"\n',
        "ORDER": 'orders = Table("orders", metadata)\n',
    }
    write(
        tmp_path,
        {
            "alembic.ini": STRANGER["alembic.ini"],
            "alembic/script.py.mako": "",
            "alembic/env.py": "target_metadata = None\n",
            **{
                name: re.sub("USER|ORDER", lambda word: texts[word[0]], text)
                for name, text in files.items()
            },
        },
    )
    initialise(tmp_path)
    assert find_project(tmp_path / "pyproject.toml").config.schemas == place


# the reference project


@pytest.mark.parametrize("name", ["migrations/env.py", "migrations/script.py.mako"])
def test_the_reference_project_is_what_init_writes(name: str) -> None:
    assert (ROOT / name).read_text() == template(name)
