"""A base that one rehearsal made is there for the next, until what it stands on changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zero_downtime.project import Project
from zero_downtime.rehearse import Options, kept, rehearse


def test_a_base_is_made_once(
    make_project: Callable[..., Project], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(kept, "_WORTH", 1)
    project = make_project(
        'op.create_table("a", sa.Column("id", sa.Integer, primary_key=True))',
        ('op.add_column("a", sa.Column("n", sa.Integer))', 'op.drop_column("a", "n")'),
    )
    first = project.root / "migrations" / "versions" / "r0.py"
    options = Options(start="r0", rows=30, clients=0, crash_points=0)

    def rehearsed() -> bool:
        """Whether the earlier revision was replayed."""
        lines: list[str] = []
        result = rehearse(project, options, lines.append)
        (one,) = result.revisions
        assert one.rollback is not None and one.rollback.outcome == "restores", one
        assert one.rollback.rows_checked == 30
        assert result.tables == {"public.a": 30}
        return any(line.startswith("replaying") for line in lines)

    assert rehearsed()
    assert not rehearsed()
    first.write_text(first.read_text() + "# edited\n")
    assert rehearsed()
    names = {each.name for each in (tmp_path / "cache" / "zero-downtime" / "bases").iterdir()}
    assert len(names) == 3 and "lock" in names  # two bases, and nothing half made
    # Where nothing can be kept it is made each time.
    monkeypatch.setenv("XDG_CACHE_HOME", str(first))
    assert rehearsed()
