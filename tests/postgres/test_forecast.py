"""Forecasts: which steps are heavy, and what three sizes say of production's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zero_downtime.history import read_history
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project
from zero_downtime.rehearse import Rehearsal
from zero_downtime.rehearse.budget import Budget
from zero_downtime.rehearse.forecast import extrapolate
from zero_downtime.stats import RelationStats, Stats

STATS = Stats(1, "18.6", "2026-11-22", {"public.boxes": RelationStats(rows=10_000_000)})

TABLES = """
op.execute("CREATE TABLE boxes (id int PRIMARY KEY, size int)")
op.execute("CREATE TABLE labels (id int PRIMARY KEY)")
"""
HEAVY = """
op.execute("ALTER TABLE boxes ADD CONSTRAINT big CHECK (size > -2147483648) NOT VALID")
op.execute("ALTER TABLE boxes VALIDATE CONSTRAINT big")
op.execute("ALTER TABLE boxes ALTER COLUMN size TYPE bigint")
op.execute("CREATE INDEX labels_id ON labels (id)")
op.execute("ALTER TABLE boxes ADD COLUMN colour text")
"""


def test_heavy_steps_are_told_for_the_rows_of_production(
    make_project: Callable[..., Project], server: EmbeddedServer
) -> None:
    project = make_project(TABLES, HEAVY)
    history = read_history(project)
    with Rehearsal(
        project, history, server, Budget(), 50, 0, crash_points=0, stats=STATS
    ) as rehearsal:
        rehearsal.begin([next(iter(history))])
        found = rehearsal.rehearse(list(history)[1]).forecasts
    # Of labels nobody knows how large they are; the other steps touch no row.
    assert [(each.sql.split(" boxes ")[1], each.blocks) for each in found] == [
        ("VALIDATE CONSTRAINT big", "readers and writers"),  # the lock of ADD is still held
        ("ALTER COLUMN size TYPE bigint", "readers and writers"),
    ]
    for each in found:
        assert [rows for rows, _ in each.measured] == [10_000, 30_000, 90_000]
        assert each.rows == 10_000_000
        assert 0 <= each.low <= each.seconds <= each.high
    rewrite = found[1]
    assert rewrite.seconds > 2 * rewrite.measured[-1][1]


@pytest.mark.parametrize(
    ("measured", "rows", "expected"),
    [
        ([(10, 1.0), (30, 3.0), (90, 9.0)], 900, (90.0, 90.0, 90.0)),
        ([(10, 1.0), (30, 2.0), (90, 9.0)], 190, (19.0, 14.0, 9.0 + 100 * 7 / 60)),
        ([(10, 1.0), (30, 1.0), (90, 1.0)], 900, (1.0, 1.0, 1.0)),
        ([(90, 9.0)], 900, (0.0, 0.0, 0.0)),
        ([(10, 1.0), (90, 9.0)], 45, (4.5, 0.0, 9.0)),
    ],
)
def test_what_sizes_say_of_a_larger_one(
    measured: list[tuple[int, float]], rows: int, expected: tuple[float, float, float]
) -> None:
    assert extrapolate(measured, rows) == pytest.approx(expected)
