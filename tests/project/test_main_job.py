"""The main job as a user does it, each verb a process of its own; and broken input on the way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from zero_downtime.postgres.scratch import base
from zero_downtime.postgres.server import EmbeddedServer

ROOT = Path(__file__).parents[2]
HEAD = "embeddings_of_products"


class Shop:
    """A copy of the reference project, and ``zd`` in it with a scratch folder of its own."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self.scratch = scratch
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("schemas", "migrations"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        (folder / "pyproject.toml").write_text(
            '[tool.alembic]\nscript_location = "%(here)s/migrations"\nprepend_sys_path = ["."]\n'
            '[tool.zero_downtime]\nschemas = "schemas"\n'
        )

    def zd(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "TMPDIR": str(self.scratch), "PYTHONSAFEPATH": "1"}
        environment.pop("DATABASE_URL", None)
        return subprocess.run(
            [sys.executable, "-c", "from zero_downtime_cli import main; main()", *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment,
            check=False,
        )

    def fine(self, *arguments: str) -> str:
        done = self.zd(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    @property
    def versions(self) -> list[Path]:
        return sorted((self.folder / "migrations" / "versions").glob("*.py"))

    def newest(self, slug: str) -> Path:
        return next(path for path in self.versions if slug in path.name)

    @property
    def left_behind(self) -> list[str]:
        """Scratch folders that a zd process did not remove."""
        return [path.name for path in self.scratch.glob("zero-downtime-*/s-*")]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    # Short, for a socket's path may have 107 bytes; open, for the server may be another user.
    scratch = Path(tempfile.mkdtemp(prefix="zd-", dir=base(in_memory=True).parent))
    scratch.chmod(0o755)
    yield Shop(tmp_path, scratch)
    shutil.rmtree(scratch, ignore_errors=True)


def test_from_the_edited_model_to_the_rollback(shop: Shop, server: EmbeddedServer) -> None:
    url = server.url(server.create_database())
    shop.fine("upgrade", "--contract", "--url", url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO tenants (slug, name) VALUES ('a', 'A')")
        connection.execute(
            "INSERT INTO accounts (tenant_id, email, full_name)"
            " SELECT id, 'ann@example.com', 'Ann' FROM tenants"
        )
    shop.edit(
        "schemas/accounts.py",
        "    full_name: Mapped[str]\n",
        "    full_name: Mapped[str | None]\n"
        '    loyalty_points: Mapped[int] = mapped_column(server_default=text("0"))\n',
    )
    shop.edit(
        "schemas/accounts.py",
        "# One account per shop",
        'Index("ix_accounts_points", Account.loyalty_points)\n\n# One account per shop',
    )

    said = shop.fine("generate", "-m", "loyalty points")
    revision = shop.newest("loyalty_points")
    assert str(revision.relative_to(shop.folder)) in said
    text = revision.read_text()
    assert 'phase = "expand"' in text
    assert "CREATE INDEX CONCURRENTLY ix_accounts_points" in text
    count = len(shop.versions)
    assert "Nothing to do" in shop.fine("generate", "-m", "again")
    assert len(shop.versions) == count

    assert "0 errors, 1 warning." in shop.fine("lint", str(revision.relative_to(shop.folder)))
    parent = next(line for line in text.splitlines() if line.startswith("down_revision"))
    rehearsed = json.loads(
        shop.fine("rehearse", "--from", parent.split('"')[1], "--rows", "100", "--format", "json")
    )
    assert rehearsed["verdict"] == "safe"
    (one,) = rehearsed["revisions"]
    assert one["rollback"]["outcome"] == "restores"
    assert one["predicted_equals_observed"]

    shop.fine("upgrade", "--url", url)
    assert "Nothing is pending" in shop.fine("status", "--url", url)
    assert "No drift" in shop.fine("check", "--url", url)
    shop.fine("downgrade", "--url", url)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT full_name FROM accounts").fetchall() == [("Ann",)]
        columns = connection.execute("SELECT * FROM accounts").description or ()
        assert "loyalty_points" not in [column.name for column in columns]
    assert shop.left_behind == []


def refused(shop: Shop, *arguments: str) -> str:
    """What a command that must fail says: one sentence, exit 2, nothing left behind."""
    before = shop.versions
    done = shop.zd(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert shop.versions == before
    assert shop.left_behind == []
    return done.stderr


def test_a_schema_module_that_does_not_import(shop: Shop) -> None:
    shop.edit("schemas/orders.py", "import annotations\n", "import annotations\nimport nonsense\n")
    said = refused(shop, "generate", "-m", "x")
    assert "schemas/orders.py" in said and "nonsense" in said


def test_a_schema_module_that_the_server_refuses(shop: Shop) -> None:
    shop.edit("schemas/accounts.py", "email LIKE", "emial LIKE")
    said = refused(shop, "generate", "-m", "x")
    assert "schemas/accounts.py" in said and "emial" in said


def test_two_heads(shop: Shop) -> None:
    head = shop.newest(HEAD)
    text = head.read_text()
    own = next(line for line in text.splitlines() if line.startswith("revision = "))
    other = text.replace(own, 'revision = "0123456789ab"')
    head.with_name("other.py").write_text(other)
    said = refused(shop, "generate", "-m", "x")
    assert "2 heads" in said and "0123456789ab" in said and "alembic merge heads" in said


def test_a_revision_with_a_syntax_error(shop: Shop) -> None:
    head = shop.newest(HEAD)
    lines = head.read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("def upgrade"))
    lines[number - 1] = "def upgrade( -> None:"
    head.write_text("\n".join(lines))
    for verb in (["generate", "-m", "x"], ["lint"], ["rehearse"]):
        said = refused(shop, *verb)
        assert f"{head.relative_to(shop.folder)}:{number}" in said


def test_a_database_that_refuses(shop: Shop) -> None:
    url = "postgresql://nobody:secret@localhost:1/nothing"
    for verb in (["upgrade"], ["downgrade"], ["status"], ["check"]):
        said = refused(shop, *verb, "--url", url)
        assert "secret" not in said
        assert "localhost" in said


def test_a_server_that_is_none(shop: Shop) -> None:
    assert "has no initdb" in refused(shop, "rehearse", "--server", str(shop.folder))


def test_an_unreadable_configuration(shop: Shop) -> None:
    (shop.folder / "pyproject.toml").write_text("[tool.zero_downtime]\nschemas = 3\n")
    assert "has the wrong type" in refused(shop, "generate", "-m", "x")
