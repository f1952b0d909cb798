"""What ``zd generate`` makes of a change: its renames, its plan and its proof, there and back."""

from __future__ import annotations

from model_changes.change import Change
from model_changes.stage import BROKEN, MISSED, REFUSED, RIGHT, Stage, Verdict, staged
from zero_downtime.catalog import read_catalog
from zero_downtime.generate.prove import plan_and_prove, run_steps
from zero_downtime.generate.renames import rename_steps
from zero_downtime.plan import NotPlanned
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.schema.ddl import find_renames


def verdict(server: Server, change: Change) -> Verdict:
    """Plan the change and prove it on a copy with rows."""
    with staged(server, change) as stage, scratch_database(server, stage.old.database) as database:
        return _judged(stage, database)


def _judged(stage: Stage, database: str) -> Verdict:
    server, change = stage.server, stage.change
    renames = rename_steps(find_renames([change.new]), stage.old.catalog)
    run_steps(server, database, renames)
    start = read_catalog(server, database)
    there = plan_and_prove(server, database, start, stage.new.catalog)
    if there.not_planned:
        return _refusal(change, there.not_planned)
    if not (renames or there.plan.steps):
        return Verdict(RIGHT if change.no_change else MISSED)
    if change.refused or change.no_change:
        return Verdict(BROKEN, "plans what it should not")
    run_steps(server, database, there.plan.steps)
    if left := stage.left(database, stage.new):
        return Verdict(MISSED if stage.differences.issuperset(left) else BROKEN, left[0])
    if not stage.keeps(database):
        return Verdict(BROKEN, "the rows are lost")
    reached = read_catalog(server, database)
    back = plan_and_prove(server, database, reached, start)
    if back.not_planned:
        return Verdict(BROKEN, f"the way down: {back.not_planned[0].reason}")
    return Verdict(RIGHT)


def _refusal(change: Change, not_planned: tuple[NotPlanned, ...]) -> Verdict:
    reasons = "; ".join(each.reason for each in not_planned)
    expected = bool(change.refused) and change.refused in reasons
    return Verdict(REFUSED if expected else BROKEN, reasons)
