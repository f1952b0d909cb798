"""Forecasts: which steps are heavy, and what three sizes say of production's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import msgspec
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


KEY = (
    """
    op.execute("ALTER TABLE boxes ADD CONSTRAINT f FOREIGN KEY (size) REFERENCES labels NOT VALID")
    op.execute("ALTER TABLE boxes VALIDATE CONSTRAINT f")
    """,
    'op.execute("ALTER TABLE boxes DROP CONSTRAINT f")',
)
UPDATE = """
for remainder in range(3):
    op.execute(f"UPDATE boxes SET size = 1 WHERE id % 3 = {remainder}")
"""


def test_rows_fit_the_key_that_is_validated_and_batches_count_together(
    make_project: Callable[..., Project], server: EmbeddedServer
) -> None:
    project = make_project(TABLES, KEY, UPDATE)
    sizes = {"public.boxes": RelationStats(rows=900), "public.labels": RelationStats(rows=300)}
    history = list(read_history(project))
    with Rehearsal(
        project,
        read_history(project),
        server,
        Budget(),
        50,
        0,
        crash_points=0,
        stats=msgspec.structs.replace(STATS, relations=sizes),
    ) as rehearsal:
        assert rehearsal.forecaster is not None
        rehearsal.forecaster = replace(rehearsal.forecaster, largest=900)
        rehearsal.begin(history[:1])
        key, update = (rehearsal.rehearse(revision).forecasts for revision in history[1:])
    assert [[rows for rows, _ in each.measured] for each in (*key, *update)] == [
        [100, 300, 900]
    ] * 2
    assert [each.blocks for each in (*key, *update)] == ["writers", "writers of the same rows"]


@pytest.mark.parametrize(
    ("measured", "rows", "expected"),
    [
        ([(10, 1.0), (30, 3.0), (90, 9.0)], 900, (90.0 * 10**0.1, 90.0 / 10**0.1, 90.0 * 10**0.2)),
        ([(10, 1.0), (30, 2.0), (90, 9.0)], 180, (18.0 * 2**0.1, 13.5 / 2**0.1, 19.5 * 2**0.2)),
        ([(10, 1.0), (30, 1.0), (90, 1.0)], 900, (10**0.1, 1 / 10**0.1, 10**0.2)),
        ([(90, 9.0)], 900, (0.0, 0.0, 0.0)),
        ([(10, 1.0), (90, 9.0)], 45, (4.5, 0.0, 9.0)),
    ],
)
def test_what_sizes_say_of_a_larger_one(
    measured: list[tuple[int, float]], rows: int, expected: tuple[float, float, float]
) -> None:
    assert extrapolate(measured, rows) == pytest.approx(expected)
