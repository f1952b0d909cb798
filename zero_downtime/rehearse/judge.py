"""Why a revision is unsafe, and what else its author should know."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from zero_downtime.postgres.failure import DEADLOCK_DETECTED
from zero_downtime.postgres.locks import LockMode
from zero_downtime.rehearse.budget import Budget
from zero_downtime.rehearse.result import (
    ClientError,
    Crash,
    Deadlock,
    HeldLock,
    RevisionResult,
    Rollback,
    Run,
    StepResult,
    Waits,
)
from zero_downtime.rehearse.times import milliseconds, seconds
from zero_downtime.sql.statement import Direction
from zero_downtime.sql.words import shortened


def judge(
    result: RevisionResult, budget: Budget, tolerate: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The reasons why a revision is unsafe, and warnings.

    ``tolerate`` are the SQLSTATEs that the application is known to get over.
    """
    reasons: list[str] = []
    warnings: list[str] = []
    if result.rollback is not None:
        more, notes = rollback_reasons(result.rollback, result.phase)
        reasons += more
        warnings += notes
    reasons += crash_reasons(result.crashes)
    runs: tuple[tuple[Direction, Run], ...] = (
        ("upgrade", result.upgrade),
        ("downgrade", result.downgrade),
    )
    for direction, run in runs:
        reasons += run_reasons(run, direction, budget, tolerate)
        warnings += [
            _deadlock(each, direction) for each in run.deadlocks if not _counts(each, tolerate)
        ]
        warnings += [
            f"tolerated: {_application_failed(error, direction)}"
            for error in _errors(run)
            if not error.values and error.sqlstate in tolerate
        ]
        warnings += [
            f"synthetic values were refused {_times(error)} with {error.sqlstate}: "
            f"{error.message} (does the application keep to that already?)"
            for error in run.errors
            if error.values
        ]
        for step in run.steps:
            warnings += [
                f"prediction and observation disagree at {step.file}:{step.line}: {said}"
                for said in step.differences
            ]
    return tuple(dict.fromkeys(reasons)), tuple(dict.fromkeys(warnings))


_LASTING = 0.2  # seconds that a client's transaction had waited for ours

# What an error means to the application, where its text does not tell.
_ERRORS = {
    "0A000": " (once per connection and prepared statement, until it reconnects)",
    "XX000": " (a type that was replaced: until the session ends)",
}


def crash_reasons(crashes: Collection[Crash]) -> list[str]:
    """What could not be continued or undone after a kill."""
    return [
        f"{crash.file}:{crash.line}: killed {crash.moment} {shortened(crash.sql, 60)}:"
        f" {crash.reason}"
        for crash in crashes
        if not crash.recovered
    ]


def run_reasons(
    run: Run, direction: Direction, budget: Budget, tolerate: Collection[str]
) -> list[str]:
    reasons = []
    for writers in (False, True):
        worst = max((_waits(step, writers).wait_ms for step in run.steps), default=0.0)
        if worst > budget.stall_ms:
            reasons.append(
                f"{'writers' if writers else 'readers'} waited up to {milliseconds(worst)} "
                f"in the {direction}{_behind(run, writers, worst)}"
            )
    reasons += _over_budget(run, direction, budget)
    reasons += [
        _application_failed(error, direction)
        for error in _errors(run)
        if not error.values and error.sqlstate not in tolerate
    ]
    reasons += [_deadlock(each, direction) for each in run.deadlocks if _counts(each, tolerate)]
    if run.failed:
        reasons.append(f"the {direction} failed under traffic: {run.failed}")
    return reasons


def _application_failed(error: ClientError, direction: Direction) -> str:
    times = _times(error)
    if error.application == "new":
        return (
            f"the new application failed {times} beside the old one, behind the upgrade, with "
            f"{error.sqlstate}: {error.message}"
        )
    return (
        f"the application failed {times} in the {direction} with {error.sqlstate}: "
        f"{error.message}{_ERRORS.get(error.sqlstate, '')}"
    )


def _times(error: ClientError) -> str:
    return "once" if error.count == 1 else f"{error.count} times"


def _errors(run: Run) -> list[ClientError]:
    """But deadlocks: those are told by the statement that met them."""
    return [error for error in run.errors if error.sqlstate != DEADLOCK_DETECTED]


def _counts(deadlock: Deadlock, tolerate: Collection[str]) -> bool:
    """Whether every such client is met, not only one that came in a moment of milliseconds."""
    return deadlock.seconds >= _LASTING and DEADLOCK_DETECTED not in tolerate


def _deadlock(deadlock: Deadlock, direction: Direction) -> str:
    waiting = f" with {shortened(deadlock.query, 60)}" if deadlock.query else ""
    return (
        f"{deadlock.file}:{deadlock.line}: deadlock with the application in the {direction}: "
        f"{shortened(deadlock.sql, 60)} wants what a client holds that waits for this "
        f"transaction{waiting} (zd upgrade gives way and begins again; with Alembic one of them "
        f"fails with {DEADLOCK_DETECTED})"
    )


def _waits(step: StepResult, writers: bool) -> Waits:
    return step.writes if writers else step.reads


def _behind(run: Run, writers: bool, worst: float) -> str:
    """The lock that clients waited for: the one held longest of those that they mind."""
    blocking = [
        (lock.seconds, lock, step)
        for step in run.steps
        for lock in step.locks
        if _waits(step, writers).wait_ms >= worst * 0.9 and _minds(lock, writers)
    ]
    if not blocking:
        return ""
    _, lock, step = max(blocking, key=lambda each: each[0])
    return (
        f" behind {lock.mode} on {lock.relation}, held for {seconds(lock.seconds)} by: "
        + shortened(step.sql, 70)
    )


def _minds(lock: HeldLock, writers: bool) -> bool:
    mode = LockMode.parse(lock.mode)
    return mode.blocks_writes if writers else mode.blocks_reads


def rollback_reasons(rollback: Rollback, phase: str | None) -> tuple[list[str], list[str]]:
    reasons = []
    warnings = list(rollback.notes)
    at = f"{rollback.where}: " if rollback.where else ""
    if rollback.outcome == "raises":
        reasons.append(f"{at}the downgrade raises ({rollback.reason})")
    elif rollback.outcome == "does-nothing":
        reasons.append(f"{at}the downgrade does nothing")
    elif rollback.outcome == "differs":
        first = rollback.differences[0] if rollback.differences else ""
        more = f" and {len(rollback.differences) - 1} more" if len(rollback.differences) > 1 else ""
        reasons.append(f"the downgrade does not restore the catalog ({first}{more})")
    elif rollback.outcome == "cannot-repeat":
        reasons.append(f"{at}the upgrade can't be repeated after the downgrade ({rollback.reason})")
    elif rollback.grade != "equal":
        warnings.append("the downgrade restores the catalog but for generated names")
    for each in rollback.tables:
        whose = "rows written under the new schema" if each.since else "rows"
        told = reasons if not each.since else warnings
        if each.lost:
            told.append(f"{each.lost} {whose} of {each.table} are lost by going up and down")
        if each.changed:
            columns = f" in {', '.join(each.columns)}" if each.columns else ""
            told.append(
                f"{each.changed} {whose} of {each.table} are changed{columns} by going up and down"
            )
        if each.left_behind:
            warnings.append(f"{each.left_behind} rows of {each.table} stay after the downgrade")
    return reasons, warnings


def _over_budget(run: Run, direction: Direction, budget: Budget) -> Iterator[str]:
    """Locks held longer than the budget allows, and rewrites that it forbids."""
    for step in run.steps:
        for lock in step.locks:
            limit = budget.most_held_ms(LockMode.parse(lock.mode))
            if lock.seen and limit is not None and lock.seconds * 1000 > limit:
                yield (
                    f"{lock.mode} on {lock.relation} was held for {seconds(lock.seconds)} in"
                    f" the {direction}, the budget is {milliseconds(limit)}:"
                    f" {shortened(step.sql, 70)}"
                )
        if step.rewrote and not budget.rewrites:
            yield (
                f"the {direction} rewrites {', '.join(step.rewrote)}, which the budget forbids:"
                f" {shortened(step.sql, 70)}"
            )
