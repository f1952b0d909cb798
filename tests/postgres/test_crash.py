"""Crash points: where an upgrade is killed, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zero_downtime.project import Project
from zero_downtime.rehearse import Options, RevisionResult, rehearse
from zero_downtime.rehearse.proof.crash import Allowance, Point
from zero_downtime.report.rehearse.words import crash_facts

TABLE = (
    "op.execute('CREATE TABLE boxes (id int PRIMARY KEY, size int)')",
    "op.execute('DROP TABLE boxes')",
)
IN_PARTS = (
    """
    op.execute("ALTER TABLE boxes ADD COLUMN colour text")
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY boxes_size ON boxes (size)")
        op.execute("CREATE INDEX CONCURRENTLY boxes_colour ON boxes (colour)")
    op.execute("COMMENT ON COLUMN boxes.colour IS 'as seen by day'")
    """,
    """
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY boxes_colour")
        op.execute("DROP INDEX CONCURRENTLY boxes_size")
    op.execute("ALTER TABLE boxes DROP COLUMN colour")
    """,
)
ONLY_ONCE = (
    """
    with op.get_context().autocommit_block():
        if op.get_bind().execute(sa.text("SELECT to_regclass('labels')")).scalar():
            raise RuntimeError("labels are there already")
        op.execute("CREATE TABLE labels (id int)")
    op.execute("CREATE INDEX labels_id ON labels (id)")
    """,
    "op.execute('DROP TABLE labels')",
)


@pytest.fixture
def last(make_project: Callable[..., Project]) -> Callable[..., RevisionResult]:
    def rehearsed(*revisions: tuple[str, str], most: int = 20) -> RevisionResult:
        options = Options(rows=20, clients=2, crash_points=most)
        return rehearse(make_project(*revisions), options).revisions[-1]

    return rehearsed


def test_killed_at_every_point_of_a_revision_in_parts(
    last: Callable[..., RevisionResult],
) -> None:
    result = last(TABLE, IN_PARTS)
    assert [(crash.moment, crash.sql.partition(" ON ")[0]) for crash in result.crashes] == [
        ("in", "CREATE INDEX CONCURRENTLY boxes_size"),
        ("in", "CREATE INDEX CONCURRENTLY boxes_colour"),
        ("after", "CREATE INDEX CONCURRENTLY boxes_size"),
        ("after", "CREATE INDEX CONCURRENTLY boxes_colour"),
        ("after", "ALTER TABLE boxes ADD COLUMN colour text"),
        ("after", "COMMENT"),
    ]
    assert [crash.reason for crash in result.crashes] == [None] * 6
    assert [crash.left for crash in result.crashes[:2]] == [
        ("public.boxes_size",),
        ("public.boxes_colour",),
    ]
    assert not any(crash.left for crash in result.crashes[2:])
    assert result.safe


def test_so_many_points_and_no_more(last: Callable[..., RevisionResult]) -> None:
    one = last(TABLE, IN_PARTS, most=1)
    assert (len(one.crashes), one.crashes_left_out) == (1, 5)
    assert "killed once: continued and undone" in crash_facts(one)
    assert "5 more moments left out" in crash_facts(one)
    assert last(TABLE, IN_PARTS, most=0).crashes == ()


def test_revisions_share_the_time_for_kills() -> None:
    harmless = [Point(n, "after", leaves=False) for n in range(3)]
    assert list(Allowance(seconds=60).allowed(harmless)) == harmless
    used_up = Allowance(seconds=1e-9, revisions=2)
    assert list(used_up.allowed(harmless)) == harmless[:1]
    assert list(used_up.allowed(harmless)) == []
    leaving = [Point(n, "in", leaves=True) for n in range(4)]
    assert list(used_up.allowed([*leaving, *harmless])) == leaving[:2]


def test_a_revision_that_can_not_be_run_again_is_unsafe(
    last: Callable[..., RevisionResult],
) -> None:
    result = last(TABLE, ONLY_ONCE)
    stuck = [crash for crash in result.crashes if not crash.recovered]
    assert [crash.sql for crash in stuck] == [
        "CREATE TABLE labels (id int)",
        "CREATE INDEX labels_id ON labels (id)",  # rolled back, but the table stays
    ]
    assert all("labels are there already" in str(crash.reason) for crash in stuck)
    assert any("killed after CREATE TABLE labels" in reason for reason in result.reasons)
