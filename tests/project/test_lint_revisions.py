"""Revisions that can't be rendered: run in one pass, or told when nothing can run them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

import zero_downtime.replay
from zero_downtime_cli.main import zd

ENV = """
from alembic import context
from sqlalchemy import create_engine
with create_engine("postgresql+psycopg://").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
from alembic import op
import sqlalchemy as sa
revision = "{id}"
down_revision = {down}

def upgrade():
    {upgrade}

def downgrade():
    {downgrade}
"""
ASKS = "if sa.inspect(op.get_bind()).has_table('t'): op.execute('TRUNCATE t')"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
    (tmp_path / "m" / "versions").mkdir(parents=True)
    (tmp_path / "m" / "env.py").write_text(ENV)
    down = "None"
    for name, upgrade, downgrade in (
        ("a1", "op.execute('CREATE TABLE t (a int)')", "op.execute('DROP TABLE t')"),
        ("b2", ASKS, ASKS),
        ("c3", ASKS, "pass"),
    ):
        text = REVISION.format(id=name, down=down, upgrade=upgrade, downgrade=downgrade)
        (tmp_path / "m" / "versions" / f"{name}.py").write_text(text)
        down = repr(name)
    return tmp_path


def test_they_are_run_in_one_pass_for_each_direction(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = []
    capture_history = zero_downtime.replay.capture_history

    def counted(*arguments: object) -> object:
        passes.append(arguments[-1])
        return capture_history(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(zero_downtime.replay, "capture_history", counted)
    result = CliRunner().invoke(zd, ["lint", "--format", "json"])
    found = json.loads(result.stdout)
    assert passes == ["upgrade", "downgrade"]
    assert found["summary"]["statements"] == 5
    places = {(f["revision"], f["direction"], f["line"]) for f in found["findings"]}
    assert {("b2", "upgrade", 8), ("b2", "downgrade", 11), ("c3", "upgrade", 8)} <= places


def test_without_a_server_the_others_are_linted(project: Path) -> None:
    result = CliRunner().invoke(zd, ["lint", "--server", str(project)])
    assert "c3.py:1: not looked into: upgrade" in result.stdout.replace("m/versions/", "")
    assert "2 statements in 3 files" in result.stdout
    assert "has no initdb" in result.stdout


def test_one_that_fails_does_not_hide_the_others(project: Path) -> None:
    last = project / "m" / "versions" / "c3.py"
    last.write_text(last.read_text().replace(ASKS, f"{ASKS}; op.execute('SELECT 1/0')"))
    result = CliRunner().invoke(zd, ["lint", "--format", "json"])
    found = {(f["revision"], f["direction"]) for f in json.loads(result.stdout)["findings"]}
    assert ("b2", "upgrade") in found
    assert ("c3", "upgrade") not in found


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def pending(project: Path, *upgrades: str, env: str = ENV) -> list[tuple[str, str]]:
    """Rules and revisions of what is found in revisions that follow the base."""
    (project / "m" / "env.py").write_text(env)
    versions = project / "m" / "versions"
    for path in versions.iterdir():
        path.unlink()
    first = "op.execute('CREATE TABLE t (a int); CREATE TYPE e AS ENUM (1)')".replace("(1)", "()")
    down = "None"
    for number, upgrade in enumerate((first, *upgrades)):
        text = REVISION.format(
            id=f"r{number}", down=down, upgrade=upgrade, downgrade="op.execute('SELECT 1')"
        )
        (versions / f"r{number}.py").write_text(text)
        down = repr(f"r{number}")
        if number == 0:
            git("init", "-b", "trunk")
            git("add", ".")
            git("commit", "-m", "first")
    result = CliRunner().invoke(zd, ["lint", "--diff", "trunk", "--format", "json"])
    assert result.exit_code < 2, result.output
    found = json.loads(result.stdout)
    assert found["summary"]["files"] == len(upgrades)
    return [(f["rule"], f["revision"]) for f in found["findings"]]


QUIET = "op.execute(\"SET lock_timeout = '1s'\"); "
NOT_VALID = QUIET + "op.execute('ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID')"
VALIDATE = QUIET + "op.execute('ALTER TABLE t VALIDATE CONSTRAINT c')"
ALONE = "with op.get_context().autocommit_block(): op.execute('SELECT 1')"


def test_pending_revisions_share_a_transaction_unless_env_py_says_otherwise(project: Path) -> None:
    found = pending(project, NOT_VALID, VALIDATE)
    assert ("validation-in-same-transaction", "r2") in found


def test_each_has_its_own_transaction_where_env_py_says_so(project: Path) -> None:
    env = ENV.replace("connection=c", "transaction_per_migration=True, connection=c")
    found = pending(project, NOT_VALID, VALIDATE, env=env)
    assert "validation-in-same-transaction" not in {rule for rule, _ in found}


def test_what_env_py_gets_from_elsewhere_may_say_so(project: Path) -> None:
    env = ENV.replace("connection=connection", "connection=connection, **{}")
    found = pending(project, NOT_VALID, VALIDATE, env=env)
    assert "validation-in-same-transaction" not in {rule for rule, _ in found}


def test_an_autocommit_block_ends_what_they_share(project: Path) -> None:
    found = pending(project, f"{NOT_VALID}\n    {ALONE}", VALIDATE)
    assert "validation-in-same-transaction" not in {rule for rule, _ in found}


def test_a_table_of_the_same_transaction_is_in_nobodys_way(project: Path) -> None:
    made = QUIET + "op.execute('CREATE TABLE u (a int)')"
    found = pending(project, made, QUIET + "op.execute('CREATE INDEX i ON u (a)')")
    assert "index-not-concurrent" not in {rule for rule, _ in found}


def test_deployed_before_is_another_transaction(project: Path) -> None:
    found = pending(project, QUIET + "op.execute('CREATE INDEX i ON t (a)')")
    assert ("index-not-concurrent", "r1") in found
