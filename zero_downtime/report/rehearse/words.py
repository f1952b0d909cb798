"""What every shape of a rehearsal's report says in the same words."""

from __future__ import annotations

from zero_downtime.rehearse.result import (
    Forecast,
    HeldLock,
    RehearsalResult,
    RevisionResult,
    Rollback,
    Run,
    StepResult,
)
from zero_downtime.rehearse.times import duration, milliseconds, seconds
from zero_downtime.sql.words import shortened

_MEGABYTE = 1024 * 1024


def summary(result: RehearsalResult) -> str:
    """What was rehearsed, in one line."""
    bad = sum(not revision.safe for revision in result.revisions)
    count = len(result.revisions)
    said = f"{count} revision{'s' * (count != 1)} rehearsed"
    if not count:
        said = "there is no revision to rehearse"
    elif bad:
        said += f", {bad} with findings"
    filled = sum(result.tables.values())
    return (
        f"{said} · PostgreSQL {result.server} · {filled:,} rows in {len(result.tables)}"
        f" table{'s' * (len(result.tables) != 1)}"
        f" · {result.clients} clients · {result.seconds:.1f} s"
    )


def rollback_facts(rollback: Rollback) -> list[str]:
    """What the proof of the rollback showed."""
    facts = []
    if rollback.outcome == "restores":
        facts.append("up, down and up again: catalog " + rollback.grade)
    elif rollback.outcome == "differs":
        facts.append("; ".join(rollback.differences[:3]))
    elif rollback.where:
        facts.append(f"at {rollback.where}")
    if rollback.rows_checked and rollback.outcome != "raises":
        lost = f"{rollback.rows_lost:,}" if rollback.rows_lost else "none"
        changed = f"{rollback.rows_changed:,}" if rollback.rows_changed else "none"
        facts.append(f"{rollback.rows_checked:,} rows checked, {lost} lost, {changed} changed")
    return facts


def worst_wait(revision: RevisionResult) -> str:
    """The longest that a client waited in either direction."""
    runs = (revision.upgrade, revision.downgrade)
    waits = [w for run in runs for step in run.steps for w in (step.reads, step.writes)]
    if not any(wait.operations for wait in waits):
        return "no clients"
    return milliseconds(max(wait.wait_ms for wait in waits))


def had_clients(run: Run) -> bool:
    """Whether a client was at work while it ran."""
    return any(step.reads.operations or step.writes.operations for step in run.steps)


def lock_fact(lock: HeldLock) -> str:
    """How long a lock was held, and waited for."""
    held = f"{'' if lock.seen else 'under '}{seconds(lock.seconds)}"
    waited = f" after {seconds(lock.waited)}" if lock.waited >= 0.005 else ""
    return f"{held}{waited}"


def step_facts(step: StepResult) -> list[str]:
    """What a step did to its tables, and what it costs."""
    facts = []
    if step.rewrote:
        facts.append(f"rewrites {', '.join(step.rewrote)}")
    if scanned := [name for name in step.scanned if name not in step.rewrote]:
        facts.append(f"scans {', '.join(scanned)}")
    return facts + cost_facts(step)


def error_facts(step: StepResult) -> list[str]:
    """The errors that clients got because of a step."""
    return [
        f"clients failed {'once' if error.count == 1 else f'{error.count:,} times'} with"
        f" {error.sqlstate}: {error.message}"
        for error in step.errors
        if not error.values
    ]


def cost_facts(step: StepResult) -> list[str]:
    """What a step costs beside time, where that is worth a word."""
    facts = []
    for size, what in (
        (step.wal_bytes, "of WAL"),
        (step.temp_bytes or 0, "in temporary files"),
        (step.disk_bytes, "more on disk"),
    ):
        if size >= _MEGABYTE:
            facts.append(f"{size / _MEGABYTE:,.0f} MB {what}")
    if step.dead_rows:
        facts.append(f"{step.dead_rows:,} dead rows left")
    if step.horizon_seconds >= 1:
        facts.append(
            f"held back vacuum for {seconds(step.horizon_seconds)}"
            f" ({step.horizon_transactions:,} transactions)"
        )
    return facts


def wait_facts(step: StepResult) -> list[str]:
    """Who waited for which lock, by the server's log, those that waited longest first."""
    return [
        f"{'the migration' if wait.waiter == 'migration' else 'clients'} waited"
        f" {'once' if wait.count == 1 else f'{wait.count:,} times'} for {wait.mode} on"
        f" {wait.relation or 'a row or a transaction'}, up to {seconds(wait.longest)}"
        for wait in sorted(step.waits, key=lambda wait: -wait.longest)
    ]


def crash_facts(revision: RevisionResult) -> str:
    """How often the upgrade was killed, and what became of it."""
    crashes = revision.crashes
    count, recovered = len(crashes), sum(crash.recovered for crash in crashes)
    times = "once" if count == 1 else f"{count} times"
    went = "continued and undone" if recovered == count else f"recovered {recovered} times"
    left = sum(len(crash.left) for crash in crashes)
    cleared = f", {left} INVALID index{'es' * (left != 1)} cleared" if left else ""
    more = revision.crashes_left_out
    left_out = f"; {more} more moment{'s' * (more != 1)} left out" if more else ""
    return f"killed {times}: {went}{cleared}{left_out}"


def forecast_facts(forecast: Forecast) -> str:
    """What a step is to take in production, with its range, and who waits meanwhile."""
    measured = ", ".join(f"{seconds(took)} at {rows:,} rows" for rows, took in forecast.measured)
    if len(forecast.measured) < 2:
        return f"{shortened(forecast.sql, 70)}: it could not be timed at several sizes"
    return (
        f"{shortened(forecast.sql, 70)}: {measured} → about {duration(forecast.seconds)}"
        f" ({duration(forecast.low)} to {duration(forecast.high)}) at {forecast.rows:,},"
        f" blocks {forecast.blocks}"
    )
