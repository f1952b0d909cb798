"""What a rehearsal found: the values behind ``zd rehearse --format json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["restores", "differs", "does-nothing", "raises", "cannot-repeat"]


@dataclass(frozen=True)
class HeldLock:
    """A lock that a step took: its strongest mode on a relation, and how long it was held.

    ``exact`` is False when it was only sampled, ``seen`` when clients' time shows it: a lock
    shorter than the sampling has an upper bound as its seconds.
    """

    relation: str
    mode: str
    seconds: float
    waited: float = 0.0
    exact: bool = True
    seen: bool = True
    start: float = 0.0  # seconds after the run began


@dataclass(frozen=True)
class Waits:
    """What clients saw while a step ran."""

    operations: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    stall_ms: float | None = None  # the longest, without what a slow operation takes by itself

    @property
    def wait_ms(self) -> float:
        """The longest that a client was kept waiting."""
        return self.max_ms if self.stall_ms is None else self.stall_ms


@dataclass(frozen=True)
class LockWait:
    """Those who waited for the same lock at a step, by the server's log.

    Clients are counted that waited for the migration, or in the queue behind it.
    """

    waiter: Literal["client", "migration"]
    relation: str | None  # None: a row, or the end of a transaction
    mode: str
    count: int
    longest: float  # seconds
    total: float  # seconds


@dataclass(frozen=True)
class ClientError:
    """Errors of one kind that clients saw because of a step."""

    sqlstate: str
    count: int
    message: str
    values: bool = False  # it was the synthetic values that the new schema minds
    application: Literal["old", "new"] = "old"  # the new one is at work behind the upgrade


@dataclass(frozen=True)
class Deadlock:
    """A statement and clients waited for each other: each held what the other one wanted."""

    sql: str
    file: str
    line: int
    count: int
    seconds: float  # that a client's transaction had lasted; 0: shorter than could be seen
    query: str | None = None  # what the client waited with


@dataclass(frozen=True)
class StepResult:
    """One statement of a revision, as it went."""

    sql: str
    file: str
    line: int
    seconds: float
    locks: tuple[HeldLock, ...] = ()
    rewrote: tuple[str, ...] = ()
    scanned: tuple[str, ...] = ()
    reads: Waits = Waits()
    writes: Waits = Waits()
    wal_bytes: int = 0
    errors: tuple[ClientError, ...] = ()
    differences: tuple[str, ...] = ()  # between prediction and observation
    start: float = 0.0  # seconds after the run began
    waits: tuple[LockWait, ...] = ()
    dead_rows: int = 0  # updated or deleted: they stay until the table is vacuumed
    temp_bytes: int | None = None  # in temporary files; None: not known
    disk_bytes: int = 0  # beyond what was in use before: new files beside old ones, temporary ones
    horizon_seconds: float = 0.0  # age of the oldest snapshot or transaction that it held
    horizon_transactions: int = 0  # the same, in transactions of the cluster


@dataclass(frozen=True)
class Moment:
    """The worst wait of readers and of writers at one time of a run."""

    at: float  # seconds after the run began; traffic begins before
    reads_ms: float
    writes_ms: float


@dataclass(frozen=True)
class Run:
    """One direction of a revision under traffic."""

    seconds: float = 0.0
    steps: tuple[StepResult, ...] = ()
    reads_before: Waits = Waits()
    writes_before: Waits = Waits()
    reads_after: Waits = Waits()
    writes_after: Waits = Waits()
    errors: tuple[ClientError, ...] = ()  # all of them, those after the last step included
    failed: str | None = None  # why it did not come to its end
    sqlstate: str | None = None  # of that failure, when it came from the server
    course: tuple[Moment, ...] = ()  # the clients' waits over time
    deadlocks: tuple[Deadlock, ...] = ()


@dataclass(frozen=True)
class Lost:
    """Rows of one table that did not come back as they were."""

    table: str
    lost: int = 0
    changed: int = 0
    left_behind: int = 0  # rows that the revision made and its downgrade did not remove
    since: bool = False  # they were written under the new schema
    columns: tuple[str, ...] = ()  # in which rows changed


@dataclass(frozen=True)
class Rollback:
    """The proof that a revision can be undone, or what speaks against it."""

    outcome: Outcome
    catalog_equal: bool
    differences: tuple[str, ...] = ()
    rows_checked: int = 0
    tables: tuple[Lost, ...] = ()
    where: str | None = None  # file and line of what raised
    reason: str | None = None
    grade: str = "equal"  # equal | equal but for generated names | different
    notes: tuple[str, ...] = ()

    @property
    def rows_lost(self) -> int:
        """Rows that are gone."""
        return sum(each.lost for each in self.tables)

    @property
    def rows_changed(self) -> int:
        """Rows that are there with other values."""
        return sum(each.changed for each in self.tables)


@dataclass(frozen=True)
class Crash:
    """An upgrade that was killed at a statement, and what became of it."""

    moment: Literal["in", "after"]
    sql: str
    file: str
    line: int
    left: tuple[str, ...] = ()  # INVALID indexes that had to be dropped first
    reason: str | None = None  # why it could not be continued or undone; None when it could

    @property
    def recovered(self) -> bool:
        """Whether zd upgrade led on to the same catalog, and the way back was open."""
        return self.reason is None


@dataclass(frozen=True)
class Forecast:
    """What a step is to take in production, by the rows that ``zd stats pull`` counted there."""

    sql: str
    file: str
    line: int
    relation: str
    measured: tuple[tuple[int, float], ...]  # rows and seconds
    rows: int  # in production
    seconds: float
    low: float
    high: float
    blocks: str  # readers and writers | writers | nobody


@dataclass(frozen=True)
class RevisionResult:
    """All that was seen of one revision."""

    revision: str
    message: str
    phase: str | None
    file: str
    upgrade: Run
    downgrade: Run
    rollback: Rollback | None  # None when not even the upgrade came to its end
    crashes: tuple[Crash, ...] = ()
    forecasts: tuple[Forecast, ...] = ()
    reasons: tuple[str, ...] = ()  # why it is unsafe
    warnings: tuple[str, ...] = ()
    crashes_left_out: int = 0  # moments at which it was not killed

    @property
    def predicted_equals_observed(self) -> bool:
        """Whether the lock model foresaw what the server did."""
        steps = (*self.upgrade.steps, *self.downgrade.steps)
        return not any(step.differences for step in steps)

    @property
    def safe(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


@dataclass(frozen=True)
class RehearsalResult:
    """The result of a rehearsal. ``notes`` is what a reader has to know to believe it."""

    server: str
    revisions: tuple[RevisionResult, ...]
    rows: int
    clients: int
    seconds: float
    notes: tuple[str, ...] = ()
    stopped: str | None = None  # why revisions after the last one here were not rehearsed
    tables: dict[str, int] = field(default_factory=dict)  # rows in each
    waits_logged_ms: float | None = None  # shorter waits are not in ``waits``; None: no log

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is unsafe, each with its revision."""
        found = [f"{r.revision}: {reason}" for r in self.revisions for reason in r.reasons]
        return (*found, self.stopped) if self.stopped else tuple(found)

    @property
    def verdict(self) -> Literal["safe", "unsafe"]:
        """The word that decides the exit code."""
        return "unsafe" if self.reasons else "safe"


def as_json(result: RehearsalResult) -> dict[str, Any]:
    """The promised JSON structure, version 1."""
    return {
        "version": 1,
        "server": result.server,
        "revisions": [_revision(revision) for revision in result.revisions],
        "verdict": result.verdict,
        "reasons": list(result.reasons),
        "notes": list(result.notes),
        "waits_logged_ms": result.waits_logged_ms,
    }


def _revision(result: RevisionResult) -> dict[str, Any]:
    return {
        "revision": result.revision,
        "message": result.message,
        "phase": result.phase,
        "upgrade": _run(result.upgrade),
        "downgrade": _run(result.downgrade),
        "rollback": _rollback(result.rollback),
        "crashes": [_crash(crash) for crash in result.crashes],
        "crashes_left_out": result.crashes_left_out,
        "forecasts": [asdict(forecast) for forecast in result.forecasts],
        "predicted_equals_observed": result.predicted_equals_observed,
        "reasons": list(result.reasons),
        "warnings": list(result.warnings),
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "seconds": round(run.seconds, 4),
        "steps": [_step(step) for step in run.steps],
        "before": {"reads": _waits(run.reads_before), "writes": _waits(run.writes_before)},
        "after": {"reads": _waits(run.reads_after), "writes": _waits(run.writes_after)},
        "errors": [_error(error) for error in run.errors],
        "deadlocks": [
            {**asdict(each), "seconds": round(each.seconds, 4)} for each in run.deadlocks
        ],
        "failed": run.failed,
    }


def _step(step: StepResult) -> dict[str, Any]:
    return {
        "sql": step.sql,
        "file": step.file,
        "line": step.line,
        "start": round(step.start, 4),
        "seconds": round(step.seconds, 4),
        "locks": [
            {
                "relation": lock.relation,
                "mode": lock.mode,
                "seconds": round(lock.seconds, 4),
                "waited": round(lock.waited, 4),
                "start": round(lock.start, 4),
                "exact": lock.exact,
                "seen": lock.seen,
            }
            for lock in step.locks
        ],
        "rewrote": list(step.rewrote),
        "scanned": list(step.scanned),
        "reads": _waits(step.reads),
        "writes": _waits(step.writes),
        "wal_bytes": step.wal_bytes,
        "waits": [
            {**asdict(w), "longest": round(w.longest, 4), "total": round(w.total, 4)}
            for w in step.waits
        ],
        "dead_rows": step.dead_rows,
        "temp_bytes": step.temp_bytes,
        "disk_bytes": step.disk_bytes,
        "horizon_seconds": round(step.horizon_seconds, 4),
        "horizon_transactions": step.horizon_transactions,
        "errors": [_error(error) for error in step.errors],
        "differences": list(step.differences),
    }


def _crash(crash: Crash) -> dict[str, Any]:
    return {
        "moment": crash.moment,
        "sql": crash.sql,
        "file": crash.file,
        "line": crash.line,
        "recovered": crash.recovered,
        "left": list(crash.left),
        "reason": crash.reason,
    }


def _waits(waits: Waits) -> dict[str, Any]:
    return {
        "p50_ms": round(waits.p50_ms, 3),
        "p99_ms": round(waits.p99_ms, 3),
        "max_ms": round(waits.max_ms, 3),
        "wait_ms": round(waits.wait_ms, 3),
        "operations": waits.operations,
    }


def _error(error: ClientError) -> dict[str, Any]:
    return {
        "sqlstate": error.sqlstate,
        "count": error.count,
        "message": error.message,
        "values": error.values,
        "application": error.application,
    }


def _rollback(rollback: Rollback | None) -> dict[str, Any] | None:
    if rollback is None:
        return None
    return {
        "outcome": rollback.outcome,
        "catalog_equal": rollback.catalog_equal,
        "grade": rollback.grade,
        "differences": list(rollback.differences),
        "rows_checked": rollback.rows_checked,
        "rows_lost": rollback.rows_lost,
        "rows_changed": rollback.rows_changed,
        "tables": [
            {
                "table": each.table,
                "lost": each.lost,
                "changed": each.changed,
                "left_behind": each.left_behind,
                "since": each.since,
                "columns": list(each.columns),
            }
            for each in rollback.tables
        ],
        "where": rollback.where,
        "reason": rollback.reason,
        "notes": list(rollback.notes),
    }
