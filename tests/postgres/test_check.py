"""``zd check``: drift of a live database, divergence of the schema modules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from alembic import command
from click.testing import CliRunner, Result

from zero_downtime.catalog import load_dump
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import find_project
from zero_downtime_cli.main import zd

ENV = Path(__file__).parents[2] / "migrations" / "env.py"
SETTINGS = """
[tool.alembic]
script_location = "%(here)s/migrations"

[tool.zero_downtime]
schemas = "schemas"
"""
REVISION = """
from alembic import op

revision = "{0}"
down_revision = {1}


def upgrade():
    op.execute({2!r})


def downgrade():
    pass
"""
ORDERS = "CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(20) CHECK (note IN ('a', 'b')))"
PLACED = "ALTER TABLE orders ADD COLUMN placed date"
HEAD = ORDERS.replace("note varchar", "placed date, note varchar")  # in another order


class Check:
    """Runs the verb in a project of two revisions, on the session's server."""

    def __init__(self, server: EmbeddedServer, root: Path) -> None:
        self.root = root
        self._server = server

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(zd, ["check", "--server", self._server.url(), *arguments])

    def declare(self, script: str) -> None:
        (self.root / "schemas" / "shop.sql").write_text(script)

    def configure(self, settings: str) -> None:
        (self.root / "pyproject.toml").write_text(SETTINGS + settings)


@pytest.fixture
def check(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    shutil.copy(ENV, tmp_path / "migrations")
    for name, down, sql in (("one", None, ORDERS), ("two", "one", PLACED)):
        (tmp_path / "migrations" / "versions" / f"{name}.py").write_text(
            REVISION.format(name, repr(down), sql)
        )
    (tmp_path / "schemas").mkdir()
    monkeypatch.chdir(tmp_path)
    made = Check(server, tmp_path)
    made.configure("")
    made.declare(HEAD)
    return made


@pytest.fixture
def live(
    check: Check, server: EmbeddedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of a database at head."""
    monkeypatch.setenv("DATABASE_URL", server.url(database))
    command.upgrade(find_project().alembic_config(), "head")
    monkeypatch.delenv("DATABASE_URL")
    return server.url(database)


def test_all_is_equal(check: Check, live: str) -> None:
    result = check("--url", live)
    assert result.exit_code == 0, result.output
    lines = result.stdout.split("\n")
    assert lines[0] == "No divergence: head and schema modules are equal."
    assert lines[1] == "No drift: head and the database are equal."
    # What was not compared is named wherever equality is claimed.
    assert "Not compared: owners" in result.stdout
    assert "sequence positions" in result.stdout


def test_modules_that_are_not_head(check: Check) -> None:
    check.declare(HEAD + "; CREATE TABLE more (x integer)")
    result = check()
    assert result.exit_code == 1
    assert "Divergence: schema modules and head differ:" in result.stdout
    assert "only in schema modules: table public.more" in result.stdout


def test_a_database_that_was_changed_by_hand(
    check: Check, live: str, server: EmbeddedServer, database: str
) -> None:
    load_dump(
        server, database,
        "ALTER TABLE orders ALTER note SET DEFAULT 'b'; CREATE INDEX by_hand ON orders (placed)",
    )  # fmt: skip
    result = check("--url", live)
    assert result.exit_code == 1
    assert "Drift: the database and head differ:" in result.stdout
    assert (
        "only in the database: default public.orders.note: 'b'::character varying" in result.stdout
    )
    assert "only in the database: index public.by_hand" in result.stdout


def test_a_leftover_of_a_concurrent_build_is_drift(
    check: Check, live: str, server: EmbeddedServer, database: str
) -> None:
    load_dump(server, database, "INSERT INTO orders (id) VALUES (1), (2)")
    with server.connect(database) as connection, pytest.raises(Exception, match="duplicated"):
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON orders ((1))")
    result = check("--url", live)
    assert result.exit_code == 1
    assert "only in the database: invalid index public.broken" in result.stdout


def test_a_database_that_is_behind_is_compared_with_its_own_revision(
    check: Check, server: EmbeddedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url(database))
    command.upgrade(find_project().alembic_config(), "one")
    monkeypatch.delenv("DATABASE_URL")
    result = check("--url", server.url(database))
    assert result.exit_code == 1
    assert "No drift: revision one and the database are equal." in result.stdout
    assert "The database lacks two: run zd upgrade." in result.stdout


def test_generated_names_are_told_from_real_differences(check: Check) -> None:
    check.declare(
        "CREATE TABLE old (id bigint PRIMARY KEY, placed date,"
        " note varchar(20) CHECK (note IN ('a', 'b'))); ALTER TABLE old RENAME TO orders"
    )
    result = check()
    assert result.exit_code == 1
    assert "differ, but only in generated names:" in result.stdout
    said = json.loads(check("--format", "json").stdout)
    assert said["comparisons"][0]["grade"] == "equal but for generated names"


def test_the_json(check: Check, live: str) -> None:
    check.declare(HEAD.replace("placed date", "placed date NOT NULL"))
    result = check("--url", live, "--format", "json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert list(said) == ["version", "clean", "comparisons", "behind", "not_compared", "notes"]
    assert (said["version"], said["clean"], said["behind"]) == (1, False, [])
    divergence, drift = said["comparisons"]
    assert divergence == {
        "name": "divergence",
        "between": ["head", "schema modules"],
        "grade": "different",
        "differences": [
            {
                "change": "added",
                "object": "not null public.orders.placed",
                "old": None,
                "new": "NOT NULL",
            }
        ],
        "noted": [{"object": "table public.orders", "note": "the columns stand in another order"}],
    }
    assert (drift["name"], drift["grade"], drift["differences"]) == ("drift", "equal", [])


def test_what_is_ignored_is_no_drift(
    check: Check, live: str, server: EmbeddedServer, database: str
) -> None:
    load_dump(server, database, "CREATE TABLE tmp_1 (x integer); CREATE SCHEMA audit")
    assert check("--url", live).exit_code == 1
    check.configure('[tool.zero_downtime.ignore]\ntables = ["tmp_*"]\nschemas = ["audit"]\n')
    result = check("--url", live)
    assert result.exit_code == 0, result.output
    assert "schemas audit; tables tmp_*" in result.stdout


def test_the_database_is_only_read(
    check: Check, live: str, server: EmbeddedServer, database: str
) -> None:
    with server.connect() as connection:
        connection.execute(
            f'ALTER DATABASE "{database}" SET default_transaction_read_only = on'.encode()
        )
    assert check("--url", live).exit_code == 0


def test_a_database_that_refuses_is_one_sentence_without_the_password(check: Check) -> None:
    result = check("--url", "postgresql://me:secret@127.0.0.1:1/shop")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("zd: ") and result.stderr.count("\n") == 1
    assert "postgresql://me:***@127.0.0.1:1/shop" in result.stderr
    assert "secret" not in result.stderr


def test_without_modules_it_is_the_database_that_env_py_connects_to(
    check: Check, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (check.root / "pyproject.toml").write_text(SETTINGS.replace('schemas = "schemas"', ""))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    unsaid = check()
    assert unsaid.exit_code == 2
    assert "DATABASE_URL" in unsaid.stderr and unsaid.stderr.count("\n") == 1
    monkeypatch.setenv("DATABASE_URL", live)
    result = check()
    assert result.exit_code == 0, result.stderr
    assert "No drift" in result.stdout
