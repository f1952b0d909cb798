"""``zd generate --rebase``: two developers' heads become one line again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zero_downtime.history import read_history
from zero_downtime.history.seal import edited, sealed
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime_cli.main import zd

REVISION = '''"""{id}

Revision ID: {id}
Revises:{revises}
"""

from alembic import op

revision = "{id}"
down_revision = {down}  # the parent

def upgrade() -> None:
    op.execute("{up}")

def downgrade() -> None:
    op.execute("{back}")
'''
TABLE = ("CREATE TABLE shop (id int)", "DROP TABLE shop")
CITY = ("ALTER TABLE shop ADD COLUMN city text", "ALTER TABLE shop DROP COLUMN city")
NOTE = ("ALTER TABLE shop ADD COLUMN note text", "ALTER TABLE shop DROP COLUMN note")
INDEX = ("CREATE INDEX by_note ON shop (note)", "DROP INDEX by_note")


@pytest.fixture
def repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_project: Callable[..., Project]
) -> Path:
    """A repository on its branch main with one revision; we are in its folder."""
    project = make_project()
    monkeypatch.chdir(project.root)
    git("init", "--quiet", "--initial-branch", "main")
    write("aa", None, TABLE)
    commit("the first")
    return project.root


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def commit(message: str) -> None:
    git("add", ".")
    git("commit", "--quiet", "-m", message)


def versions() -> Path:
    return Path(str(find_project(None).scripts().versions))


def write(id: str, down: str | None, sql: tuple[str, str]) -> Path:
    path = versions() / f"{id}.py"
    revises = f" {down}" if down else ""
    up, back = sql
    text = REVISION.format(id=id, revises=revises, down=repr(down), up=up, back=back)
    path.write_text(sealed(text))
    return path


def rebase(server: EmbeddedServer, *arguments: str) -> Result:
    return CliRunner().invoke(zd, ["generate", "--rebase", *arguments, "--server", server.url()])


def test_ours_follow_what_the_branch_has(server: EmbeddedServer, repository: Path) -> None:
    git("checkout", "--quiet", "-b", "ours")
    write("cc", "aa", NOTE)
    write("dd", "cc", INDEX)
    commit("ours")
    git("checkout", "--quiet", "main")
    write("bb", "aa", CITY)
    commit("theirs")
    git("checkout", "--quiet", "ours")
    git("merge", "--quiet", "--no-edit", "main")
    assert len(read_history(find_project(None)).heads) == 2
    result = rebase(server, "main")
    assert result.exit_code == 0, result.output
    assert "Behind bb (bb.py) now:" in result.stdout
    history = read_history(find_project(None))
    assert [each.id for each in history] == ["aa", "bb", "cc", "dd"]
    moved = history.revision("cc")
    assert "Revises: bb\n" in moved.path.read_text()
    assert 'down_revision = "bb"  # the parent\n' in moved.path.read_text()
    assert not edited(moved)
    assert rebase(server).stdout == "Nothing to do: the history has one head.\n"


def test_what_both_change_is_told_and_nothing_is_moved(
    server: EmbeddedServer, repository: Path
) -> None:
    write("bb", "aa", CITY)
    commit("theirs")
    ours = write("cc", "aa", CITY)
    before = ours.read_text()
    result = rebase(server)
    assert result.exit_code == 2
    assert 'the upgrade of cc fails behind bb (column "city" of relation "shop" already' in (
        result.stderr
    )
    assert "Both branches change the same; no file was changed" in result.stderr
    assert ours.read_text() == before


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("no-such-branch", "--rebase no-such-branch: git says: "),
        ("main", "what main has must have one head for that, and has cc (cc.py), bb (bb.py)"),
    ],
)
def test_a_ref_that_helps_nothing_is_one_sentence(
    server: EmbeddedServer, repository: Path, ref: str, said: str
) -> None:
    write("bb", "aa", CITY)
    write("cc", "aa", NOTE)
    commit("two heads at once")
    result = rebase(server, ref)
    assert result.exit_code == 2
    assert said in result.stderr
