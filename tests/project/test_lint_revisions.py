"""Revisions that can't be rendered: run in one pass, or told when nothing can run them."""

from __future__ import annotations

import json
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
