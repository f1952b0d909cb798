"""``zd upgrade``, ``zd downgrade`` and ``zd status`` through click's runner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from zero_downtime.history.seal import sealed
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime.replay import Replay
from zero_downtime.upgrade.script import downgrade_script, upgrade_script
from zero_downtime_cli.main import zd

Make = Callable[..., Project]
PROJECTS = Path(__file__).parent.parent / "projects"

SHOP = (
    'op.execute("CREATE TABLE shop (id int PRIMARY KEY, name text)")',
    'op.execute("DROP TABLE shop")',
)
INDEX = (
    """
    op.execute("CREATE TABLE visit (id int)")
    with op.get_context().autocommit_block():
        op.create_index("shop_name", "shop", ["name"], postgresql_concurrently=True)
    op.execute("INSERT INTO visit VALUES (1)")
    """,
    'op.execute("DROP INDEX IF EXISTS shop_name; DROP TABLE visit")',
)
DROP = (
    'op.execute("ALTER TABLE shop DROP COLUMN name")',
    'op.execute("ALTER TABLE shop ADD COLUMN name text")',
)
PHASES = {0: "phase = 'expand'\n", 1: "phase = 'expand'\n", 2: "phase = 'contract'\n"}


@pytest.fixture
def shop(make_project: Make) -> Project:
    return make_project(SHOP, INDEX, DROP, more=PHASES)


def run(project: Project, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(zd, [*arguments, "--config", str(project.ini)])
    assert result.exit_code == code, result.output
    return result


def test_the_whole_way_up_and_down(server: EmbeddedServer, database: str, shop: Project) -> None:
    url = server.url(database)
    up = run(shop, "upgrade", "--url", url)
    lines = [line for line in up.stdout.splitlines() if "psycopg stood in" not in line]
    assert lines[0].startswith("note: the environment variable DATABASE_URL is not set")
    assert lines[1].startswith("Applied r0, expand: 1 statement in ")
    assert lines[2].startswith("Applied r1, expand: 3 statements in ")
    assert lines[3] == (
        "Stopped before r2, contract: run zd upgrade --contract once no instance of the previous "
        "release is left."
    )
    assert lines[4].endswith(" is at r1.")
    assert "CREATE INDEX CONCURRENTLY shop_name ON shop (name)" in up.stderr
    assert run(shop, "upgrade", "r2", "--contract", "--url", url).stdout.endswith("is at r2.\n")
    assert "Nothing to do." in run(shop, "upgrade", "--url", url).stdout
    assert "Undid r2, contract: 1 statement" in run(shop, "downgrade", "--url", url).stdout
    down = run(shop, "downgrade", "base", "--url", url).stdout
    assert down.endswith("is at base (no revision).\n")
    assert "Nothing is pending" not in run(shop, "status", "--url", url).stdout


def test_json_of_an_upgrade(server: EmbeddedServer, database: str, shop: Project) -> None:
    url = server.url(database)
    said = json.loads(run(shop, "upgrade", "--format", "json", "--url", url).stdout)
    assert (said["version"], said["direction"]) == (1, "upgrade")
    assert (said["before"], said["after"]) == ([], ["r1"])
    assert [each["revision"] for each in said["held_back"]] == ["r2"]
    first, second = said["revisions"]
    assert (first["revision"], first["phase"]) == ("r0", "expand")
    assert [(each["sql"], each["transaction"]) for each in second["statements"]] == [
        ("CREATE TABLE visit (id int)", 0),
        ("CREATE INDEX CONCURRENTLY shop_name ON shop (name)", None),
        ("INSERT INTO visit VALUES (1)", 1),
    ]
    assert set(second["statements"][0]) == {
        *("sql", "line", "transaction", "seconds", "waited", "requests", "skipped"),
    }


def test_status_of_a_database(server: EmbeddedServer, database: str, shop: Project) -> None:
    url = server.url(database)
    run(shop, "upgrade", "r0", "--url", url)
    text = run(shop, "status", "--url", url).stdout.splitlines()
    assert text[0].endswith(" is at r0.")
    assert text[1:] == ["  pending  r1, expand", "  pending  r2, contract (zd upgrade --contract)"]
    said = json.loads(run(shop, "status", "--format", "json", "--url", url).stdout)
    assert [each["revision"] for each in said["current"]] == ["r0"]
    assert [each["revision"] for each in said["pending"]] == ["r1", "r2"]
    assert (said["held_back"], said["heads"], said["in_order"]) == (["r2"], ["r2"], True)
    assert said["runner"] is None


def test_status_tells_what_has_to_be_mended(
    server: EmbeddedServer, database: str, shop: Project
) -> None:
    url = server.url(database)
    run(shop, "upgrade", "r0", "--url", url)
    versions = shop.root / "migrations" / "versions"
    (versions / "r3.py").write_text(
        (versions / "r2.py").read_text().replace("revision = 'r2'", "revision = 'r3'", 1)
    )
    (versions / "r1.py").write_text(sealed((versions / "r1.py").read_text()) + "# mine\n")
    with server.connect(database) as connection:
        connection.execute("INSERT INTO shop VALUES (1, 'a'), (2, 'a')")
        with pytest.raises(Exception, match="could not create unique index"):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON shop (name)")
        connection.execute("INSERT INTO alembic_version VALUES ('gone')")
    text = run(shop, "status", "--url", url, code=1).stdout
    assert "  unknown  gone: no file of the history has this revision" in text
    assert "  INVALID  public.broken: left by an interrupted build" in text
    assert "The history has 2 heads: r2, r3. Put yours behind the others with " in text
    assert "r1.py: changed by hand since zd generate wrote it" in text
    said = run(shop, "upgrade", "r1", "--url", url, code=2).stderr
    assert "the database is at gone, which no file here has" in said


def test_two_heads_are_refused_in_one_sentence(
    server: EmbeddedServer, database: str, shop: Project
) -> None:
    versions = shop.root / "migrations" / "versions"
    (versions / "r3.py").write_text(
        (versions / "r2.py").read_text().replace("revision = 'r2'", "revision = 'r3'", 1)
    )
    result = run(shop, "upgrade", "--url", server.url(database), code=2)
    assert result.stderr.count("\n") == 1
    assert "the history has 2 heads: r2 (r2.py), r3 (r3.py). Put yours behind the" in result.stderr


@pytest.mark.parametrize("verb", ["upgrade", "downgrade", "status"])
def test_a_missing_setting_is_one_sentence(
    shop: Project, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    result = run(shop, verb, code=2)
    assert result.stdout == ""
    assert (
        "env.py:6: Alembic's environment does not run (KeyError: 'DATABASE_URL')" in result.stderr
    )


def test_a_lock_that_is_never_free_is_one_sentence(
    server: EmbeddedServer, database: str, shop: Project
) -> None:
    url = server.url(database)
    run(shop, "upgrade", "--url", url)
    with server.connect(database) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM shop")
        result = run(shop, "upgrade", "--contract", "--deadline", "0.3", "--url", url, code=2)
    assert "Gave up after 0 s on: ALTER TABLE shop DROP COLUMN name." in result.stderr
    assert "try again with a longer --deadline." in result.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_upgrade_that_is_told_to_end_ends_cleanly(
    server: EmbeddedServer,
    database: str,
    shop: Project,
    mind_interrupts: Callable[[], None],
    number: signal.Signals,
    code: int,
) -> None:
    url = server.url(database)
    run(shop, "upgrade", "--url", url)
    with server.connect(database) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM shop")
        process = subprocess.Popen(
            [
                *(sys.executable, "-c", "from zero_downtime_cli import main; main()"),
                *("upgrade", "--contract", "--url", url, "--config", str(shop.ini)),
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=mind_interrupts,
        )
        assert process.stderr is not None
        said = ""
        while "waiting" not in said:  # for the reader
            said = process.stderr.readline()
            assert said
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert out == "" and "Traceback" not in errors
    assert Replay(shop, url).heads() == ("r1",)


def psql(server: EmbeddedServer, database: str, script: str) -> None:
    subprocess.run(
        [str(server.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", server.url(database)],
        input=script,
        text=True,
        check=True,
        capture_output=True,
    )


def test_the_printed_sql_does_what_the_upgrade_does(
    server: EmbeddedServer, database: str, shop: Project
) -> None:
    url = server.url(database)
    script = run(shop, "upgrade", "--sql").stdout
    assert "-- Held back, of phase contract: r2" in script
    assert "SET LOCAL lock_timeout = '1000ms';\nCREATE TABLE shop" in script
    assert "SET lock_timeout = 0;\nSET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY" in script
    psql(server, database, script)
    assert Replay(shop, url).heads() == ("r1",)
    psql(server, database, run(shop, "upgrade", "--sql", "--contract", "--url", url).stdout)
    assert Replay(shop, url).heads() == ("r2",)
    psql(server, database, run(shop, "downgrade", "base", "--sql", "--url", url).stdout)
    assert Replay(shop, url).heads() == ()


@pytest.mark.parametrize(
    ("name", "ini", "target"),
    [("clinic", "alembic.ini", "d91c3a7746e0"), ("telemetry", "alembic.ini", "head")],
)
def test_strangers_projects_as_a_script(
    server: EmbeddedServer, database: str, name: str, ini: str, target: str
) -> None:
    project, url = find_project(PROJECTS / name / ini), server.url(database)
    psql(server, database, upgrade_script(project, None, target))
    replay = Replay(project, url)
    head = replay.history.revision(target).id
    assert replay.heads() == (head,)
    psql(server, database, downgrade_script(project, url, "base"))
    assert replay.heads() == ()


def test_a_script_names_the_revision_that_has_no_sql(database: str) -> None:
    project = find_project(PROJECTS / "ledger" / "pyproject.toml")
    result = CliRunner().invoke(zd, ["upgrade", "--sql", "--config", str(project.toml)])
    assert result.exit_code == 2
    assert "0002_account_kind.py:15: this revision has no SQL without a database" in result.stderr


def test_the_version_table_of_env_py_is_the_one_in_the_script() -> None:
    project: Any = find_project(PROJECTS / "ledger" / "pyproject.toml")
    script = upgrade_script(project, None, "0001")
    assert "CREATE TABLE IF NOT EXISTS ledger_version" in script
    assert "INSERT INTO ledger_version (version_num) VALUES ('0001')" in script


@pytest.mark.parametrize("verb", ["upgrade", "downgrade", "status"])
def test_help_ends_with_an_example(verb: str) -> None:
    text = CliRunner().invoke(zd, [verb, "--help"]).output
    assert "Example:\n" in text and f"zd {verb}" in text.split("Example:")[1]
