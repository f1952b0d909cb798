"""Which revisions of a history are rehearsed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from zero_downtime.errors import HistoryError
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime.rehearse import Options, rehearse


def test_a_branch_that_fails_behind_another_is_proven_without_it(
    tmp_path: Path, project: Callable[..., Path], server: EmbeddedServer
) -> None:
    make = ('op.execute("CREATE TABLE t (a int)")', 'op.execute("DROP TABLE t")')
    ini = project(make)
    versions = tmp_path / "migrations" / "versions"
    (versions / "s1.py").write_text((versions / "r1.py").read_text().replace('"r1"', '"s1"'))
    result = rehearse(find_project(ini), Options(rows=0, clients=0, server=server.url()))
    first, second = result.revisions
    assert first.safe
    behind = f"the upgrade fails behind {first.revision}, which it does not build on ("
    assert [reason.partition("(")[0] + "(" for reason in second.reasons] == [behind]
    assert 'relation "t" already exists' in second.reasons[0]
    assert second.rollback is not None
    assert second.rollback.outcome == "restores"


def test_branches_and_merges(
    tmp_path: Path, project: Callable[..., Path], first: tuple[str, ...], server: EmbeddedServer
) -> None:
    ini = project(first, ('op.create_index("i", "orders", ["amount"])', 'op.drop_index("i")'))
    versions = tmp_path / "migrations" / "versions"
    other = (versions / "r2.py").read_text().replace('"r2"', '"b2"').replace('"i"', '"j"')
    (versions / "b2.py").write_text(other)
    (versions / "m3.py").write_text(
        'revision = "m3"\ndown_revision = ("r2", "b2")\n'
        "def upgrade():\n    pass\ndef downgrade():\n    pass\n"
    )
    result = rehearse(find_project(ini), Options(rows=20, clients=2, server=server.url()))
    assert {r.revision: r.rollback and r.rollback.outcome for r in result.revisions} == {
        "r1": "restores",
        "r2": "restores",
        "b2": "restores",
        "m3": "restores",
    }


def test_from_and_to(
    project: Callable[..., Path], first: tuple[str, ...], server: EmbeddedServer
) -> None:
    steps = [
        (f'op.create_index("i{n}", "orders", ["amount"])', f'op.drop_index("i{n}")')
        for n in range(3)
    ]
    ini = project(first, *steps)
    result = rehearse(
        find_project(ini), Options(start="r1", end="r3", rows=20, clients=2, server=server.url())
    )
    assert [r.revision for r in result.revisions] == ["r2", "r3"]
    with pytest.raises(HistoryError, match="no revision comes after it"):
        rehearse(find_project(ini), Options(start="r4"))


def test_only_what_changed_since_a_ref_is_rehearsed(make_project: Callable[..., Project]) -> None:
    """The rest is replayed: what follows a revision that was edited is rehearsed with it."""
    table = "op.execute('CREATE TABLE {0} (id int)')", "op.execute('DROP TABLE {0}')"

    def revisions(*names: str) -> list[tuple[str, str]]:
        return [(table[0].format(name), table[1].format(name)) for name in names]

    root = make_project(*revisions("a", "b", "c")).root

    def git(*words: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
        subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)

    def rehearsed() -> list[str]:
        options = Options(diff="main", rows=2, clients=0, crash_points=0)
        return [each.revision for each in rehearse(store, options).revisions]

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "three")
    store = make_project(*revisions("a", "b", "c", "d"))
    assert rehearsed() == ["r3"]
    make_project(*revisions("a", "bb", "c", "d"))
    assert rehearsed() == ["r1", "r2", "r3"]
    git("add", ".")
    git("commit", "-qm", "all")
    assert rehearsed() == []
