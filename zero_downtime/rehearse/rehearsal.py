"""A rehearsal: every revision run on a real server, quietly on copies and then under traffic."""

from __future__ import annotations

import contextlib
import copy
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from zero_downtime.catalog import Catalog, compare_stable
from zero_downtime.errors import (
    ExtensionMissing,
    HistoryError,
    RefusedDatabase,
    RevisionFailed,
    ZeroDowntimeError,
)
from zero_downtime.history import History, Revision, read_history
from zero_downtime.postgres.locks import LockMode
from zero_downtime.postgres.server import Server, database_name, open_server, scratch_database
from zero_downtime.project import Project
from zero_downtime.rehearse.data import Data, Filled
from zero_downtime.rehearse.measure import Live, Observed, Sampler, Segment, Timed
from zero_downtime.rehearse.result import (
    ClientError,
    HeldLock,
    RehearsalResult,
    RevisionResult,
    Rollback,
    Run,
    StepResult,
    Waits,
)
from zero_downtime.rehearse.rollback import Proven, Prover
from zero_downtime.rehearse.session import rows_of
from zero_downtime.rehearse.tables import Tables, read_tables
from zero_downtime.rehearse.traffic import (
    Sample,
    Traffic,
    about_values,
    caused_by_migration,
    latency,
)
from zero_downtime.rehearse.workload import Workload, plan_workload, touched
from zero_downtime.replay import Replay
from zero_downtime.sql.statement import Direction
from zero_downtime.upgrade.policy import LockPolicy

# A scratch server on which vacuuming does not come between, and waits are in the log.
SETTINGS = {"autovacuum": "off", "log_lock_waits": "on", "deadlock_timeout": "200ms"}

_RELATIONS = """
SELECT c.oid, n.nspname || '.' || c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
"""

_ROWS_IN_MEMORY = 20_000  # a table; beyond that the server's files go to the disk
_BEFORE = 0.25  # seconds of traffic before a revision, to know what is normal
_AFTER = 0.15
_MOST_TABLES = 4  # with clients and probes at work

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What a rehearsal is asked for; None leaves a thing to the project's settings."""

    start: str | None = None  # rehearse what comes after this revision
    end: str | None = None
    rows: int | None = None
    clients: int | None = None
    server: str | None = None
    i_know: bool = False


def rehearse(
    project: Project, options: Options = Options(), progress: Progress = lambda line: None
) -> RehearsalResult:
    """Rehearse the revisions of a project. Nothing is left behind, however it ends.

    Raises ZeroDowntimeError for what is no finding: a history that can't be read, a server that
    does not start, an extension that it lacks, a revision before the rehearsed ones that fails.
    """
    history = read_history(project)
    earlier, tested = _range(history, options)
    where = options.server or project.config.server
    _refuse_foreign(where, options.i_know)
    rows = project.config.rehearse.rows if options.rows is None else options.rows
    server = open_server(
        where, SETTINGS if "://" not in where else None, in_memory=rows <= _ROWS_IN_MEMORY
    )
    try:
        rehearsal = _Rehearsal(project, history, server, options, progress)
        return rehearsal.run(earlier, tested)
    finally:
        server.close()


def _range(history: History, options: Options) -> tuple[list[Revision], list[Revision]]:
    """The revisions to run beforehand and those under test, both in order."""
    done: set[str] = set()
    if options.start is not None and options.start != "base":
        first = history.revision(options.start)
        done = {first.id, *(r.id for r in history.ancestors(first))}
    wanted = {r.id for r in history}
    if options.end is not None and options.end not in ("head", "heads"):
        last = history.revision(options.end)
        wanted = {last.id, *(r.id for r in history.ancestors(last))}
    tested = [r for r in history if r.id in wanted and r.id not in done]
    if not tested and options.start is not None and len(history):
        raise HistoryError(
            where=f"--from {options.start}",
            reason="no revision comes after it" + (f" up to {options.end}" if options.end else ""),
            advice="--from names the parent of the first revision to rehearse",
        )
    return [r for r in history if r.id in done], tested


def _refuse_foreign(where: str, i_know: bool) -> None:
    """A URL that names an application's database looks like a mistake: refuse it.

    The server's own databases are fine to connect to; ours are made beside them.
    """
    if "://" not in where or i_know:
        return
    name = database_name(where)
    if name not in ("", "postgres", "template1") and not name.endswith("_rehearsal"):
        raise RefusedDatabase(database=name)


class _Rehearsal:
    """One rehearsal on one server."""

    def __init__(
        self,
        project: Project,
        history: History,
        server: Server,
        options: Options,
        progress: Progress,
    ) -> None:
        config = project.config.rehearse
        self.project = project
        self.history = history
        self.server = server
        self.progress = progress
        self.rows = config.rows if options.rows is None else options.rows
        self.clients = config.clients if options.clients is None else options.clients
        self.seed = config.seed
        self.stall_ms = config.stall_ms
        self.tolerate = frozenset(config.tolerate)
        self.notes: list[str] = []
        self.counts: dict[str, int] = {}
        self.base = ""
        self._first = Replay(project, None, history=history)
        self._first.notes = self.notes
        self.prover = Prover(server, self._replay, self.seed, frozenset())

    def run(self, earlier: Sequence[Revision], tested: Sequence[Revision]) -> RehearsalResult:
        started = time.monotonic()
        found: list[RevisionResult] = []
        stopped: str | None = None
        self.base = self.server.create_database()
        try:
            # Even without a revision env.py runs: what it makes itself is there before the first.
            self._first.url = self.server.url(self.base)
            self._first.visit(lambda heads: ())
            if earlier:
                self.progress(f"replaying {len(earlier)} earlier revisions")
                self._replay(self.base).run_all(list(earlier), "upgrade")
            self._find_version_table()
            self._fill()
            before = self.prover.catalog(self.base)
            applied = list(earlier)
            for number, revision in enumerate(tested, 1):
                self.progress(f"{number}/{len(tested)} {revision.id} {revision.message}")
                result, proven = self._rehearse(revision, before, applied)
                found.append(result)
                after = self._advance(revision, proven, applied)
                if after is None:
                    left = len(tested) - number
                    if left:
                        stopped = f"{left} later revisions could not be rehearsed"
                    break
                before = after
                applied.append(revision)
        finally:
            with contextlib.suppress(Exception):
                self.server.drop_database(self.base)
        return RehearsalResult(
            self.server.version,
            tuple(found),
            self.rows,
            self.clients,
            time.monotonic() - started,
            tuple(self.notes),
            stopped,
            dict(sorted(self.counts.items())),
        )

    def _replay(self, database: str) -> Replay:
        """The project on one of our databases; what env.py needed once is known from then on."""
        replay = copy.copy(self._first)
        replay.url = self.server.url(database)
        return replay

    # The base: the state before each revision, filled

    def _fill(self) -> None:
        """Fill the tables of the base that are not filled yet."""
        with self.server.connect(self.base) as connection:
            data = Data(connection, self.seed, self.prover.skip)
            wanted = [t.qualified for t in data.tables if t.qualified not in self.counts]
            filled = data.fill(self.rows, only=wanted)
            for one in filled:
                self._note(one)
            if filled:
                connection.execute("ANALYZE")

    def _note(self, filled: Filled) -> None:
        self.counts[filled.table] = filled.rows
        if not filled.complete:
            said = f": {filled.note}" if filled.note else ""
            note = f"{filled.table} holds {filled.rows} of {filled.asked} rows{said}"
            self.notes.append(note)
        elif filled.note:
            self.notes.append(f"{filled.table}: {filled.note}")

    def _find_version_table(self) -> None:
        """Alembic's own table is nobody's business, whatever env.py calls it."""
        with self.server.connect(self.base) as connection:
            for name in read_tables(connection).version_tables:
                self.prover.version_table = name

    def _advance(
        self, revision: Revision, proven: Proven, applied: Sequence[Revision]
    ) -> Catalog | None:
        """Bring the base behind the revision; without rows when only they were in the way."""
        if proven.failed is None:
            self._replay(self.base).run(revision, "upgrade")
        elif not self._start_anew([*applied, revision]):
            return None
        self._fill()
        if proven.failed is None and proven.after is not None:
            return proven.after
        return self.prover.catalog(self.base)

    def _start_anew(self, revisions: Sequence[Revision]) -> bool:
        self.server.drop_database(self.base)
        self.base = self.server.create_database()
        self.counts = {}
        try:
            self._replay(self.base).run_all(list(revisions), "upgrade")
        except RevisionFailed:
            return False
        return True

    # One revision

    def _rehearse(
        self, revision: Revision, before: Catalog, applied: Sequence[Revision]
    ) -> tuple[RevisionResult, Proven]:
        proven = self.prover.prove(self.base, before, revision)
        warned: tuple[str, ...] = ()
        if proven.failed is not None and self._fit_rows(revision, before, applied):
            warned = (f"on rows that do not fit yet the upgrade fails ({_said(proven.failed)})",)
            proven = self.prover.prove(self.base, before, revision)
        if proven.failed is not None:
            return self._failed(revision, proven), proven
        up, down = self._under_traffic(revision, proven, new_values=not warned)
        if _minds_values(up.sqlstate):
            # Clients wrote values that the revision minds before it could forbid them.
            warned = (
                f"while clients wrote synthetic values the upgrade failed ({up.failed}); it was "
                "rehearsed with clients that write only values that are there already",
            )
            up, down = self._under_traffic(revision, proven, new_values=False)
        result = RevisionResult(
            revision.id,
            revision.message,
            revision.phase,
            revision.file,
            up,
            down,
            proven.rollback,
        )
        reasons, warnings = self._judge(result)
        return (
            RevisionResult(
                revision.id,
                revision.message,
                revision.phase,
                revision.file,
                up,
                down,
                proven.rollback,
                reasons,
                (*warned, *warnings),
            ),
            proven,
        )

    def _under_traffic(
        self, revision: Revision, proven: Proven, *, new_values: bool
    ) -> tuple[Run, Run]:
        """Up and down on a copy of the base with clients at work."""
        with scratch_database(self.server, template=self.base) as live:
            with self.server.connect(live) as connection:
                old = read_tables(connection)
            up = self._live(live, revision, "upgrade", proven, old, new_values=new_values)
            if up.failed is not None or proven.rollback is None:
                return up, Run()
            if proven.rollback.outcome == "raises":
                return up, Run()
            # Clients are the old application: what only the new schema admits they don't write.
            new_values = new_values and not proven.minds_new_rows
            # The old application runs again, and knows no value that only the new schema has.
            down = self._live(live, revision, "downgrade", proven, old, new_values=False)
            return up, down

    def _fit_rows(self, revision: Revision, before: Catalog, applied: Sequence[Revision]) -> bool:
        """Have rows in the base that meet what the revision demands of them.

        A CHECK that is new to the table is met by production's rows, presumably, but not by
        synthetic ones that knew nothing of it. So the tables are filled behind the revision, and
        its downgrade leads back; True when that reached the same catalog.
        """
        fitting = self.server.create_database()
        try:
            replay = self._replay(fitting)
            replay.run_all([*applied, revision], "upgrade")
            with self.server.connect(fitting) as connection:
                data = Data(connection, self.seed, self.prover.skip)
                counts = {one.table: one.rows for one in data.fill(self.rows)}
                connection.execute("ANALYZE")
            replay.run(revision, "downgrade")
            reached = self.prover.catalog(fitting)
            if compare_stable(self.server, before, reached).grade == "different":
                raise _NoWay
        except (RevisionFailed, _NoWay):
            self.server.drop_database(fitting)
            return False
        self.server.drop_database(self.base)
        self.base = fitting
        self.counts = {name: counts.get(name, count) for name, count in self.counts.items()}
        return True

    def _failed(self, revision: Revision, proven: Proven) -> RevisionResult:
        assert proven.failed is not None
        said = _said(proven.failed)
        return RevisionResult(
            revision.id,
            revision.message,
            revision.phase,
            revision.file,
            Run(failed=said),
            Run(),
            None,
            (f"the upgrade fails on tables with rows ({said})",)
            if self._works_empty(revision)
            else (f"the upgrade fails ({said})",),
        )

    def _works_empty(self, revision: Revision) -> bool:
        """Whether a revision that fails here works on empty tables."""
        with scratch_database(self.server) as empty:
            try:
                earlier = list(self.history.ancestors(revision))
                self._replay(empty).run_all([*earlier, revision], "upgrade")
            except RevisionFailed:
                return False
        return True

    def _live(
        self,
        database: str,
        revision: Revision,
        direction: Direction,
        proven: Proven,
        old: Tables,
        *,
        new_values: bool,
    ) -> Run:
        """Run one direction of a revision with clients at work."""
        observed = proven.upgrade if direction == "upgrade" else proven.downgrade
        url = self.server.url(database)
        with self.server.connect(database) as connection:
            names = dict(rows_of(connection, _RELATIONS))
            workload = self._workload(
                connection, revision, direction, proven, old, observed, new_values
            )
        with (
            contextlib.closing(self._policy(database)) as policy,
            Sampler(url) as sampler,
            Traffic(url, workload, self.clients, self.seed) as traffic,
        ):
            begun = time.monotonic()
            if workload.watched:
                time.sleep(_BEFORE)
            policy.expect(seen.statement for seen in observed)
            live = Live(sampler, policy)
            failed = sqlstate = None
            start = time.monotonic()
            try:
                self._replay(database).run(revision, direction, live)
            except ExtensionMissing:
                raise
            except ZeroDowntimeError as error:
                failed = str(error)
                sqlstate = str(error.facts.get("sqlstate") or "") or None
            end = time.monotonic()
            if workload.watched:
                time.sleep(_AFTER)
            traffic.stop()
            samples = traffic.samples
            over = time.monotonic()
        steps = tuple(_steps(observed, live.timed, sampler, samples, workload, end, names))
        return Run(
            end - start,
            steps,
            latency(samples, begun, start - 0.001, writes=False),
            latency(samples, begun, start - 0.001, writes=True),
            latency(samples, end + 0.001, over, writes=False),
            latency(samples, end + 0.001, over, writes=True),
            _errors([s for s in samples if s.end >= start], workload),
            failed,
            sqlstate,
        )

    def _policy(self, database: str) -> LockPolicy:
        """What executes the statements of ``zd upgrade`` as well."""
        return LockPolicy(lambda: self.server.connect(database), self.project.config.locks)

    def _workload(
        self,
        connection: object,
        revision: Revision,
        direction: Direction,
        proven: Proven,
        old: Tables,
        observed: Sequence[Observed],
        new_values: bool,
    ) -> Workload:
        """The old application's work on the tables that the revision touches.

        The old application is what runs while a revision is applied, and again before it is
        undone. Before a contract revision it has let go of what that takes away; after any
        upgrade it knows nothing of what is new.
        """
        old_columns = {(t.qualified, c.name) for t in old for c in t.columns}
        new_columns = {(t.qualified, c.name) for t in proven.tables for c in t.columns}

        def known(table: str, column: str) -> bool:
            place = (table, column)
            if direction == "downgrade" or revision.phase == "contract":
                return place in old_columns and place in new_columns
            return True

        data = Data(connection, self.seed + 2, self.prover.skip)  # type: ignore[arg-type]
        locks = sorted(
            ((mode, name) for seen in observed for _, name, mode in seen.locks), reverse=True
        )
        chosen = touched(data, [name for _, name in locks], _MOST_TABLES)
        return plan_workload(data, chosen, seed=self.seed, known=known, new_values=new_values)

    def _judge(self, result: RevisionResult) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Why a revision is unsafe, and what else its author should know."""
        reasons: list[str] = []
        warnings: list[str] = []
        if result.rollback is not None:
            more, notes = _rollback_reasons(result.rollback, result.phase)
            reasons += more
            warnings += notes
        runs: tuple[tuple[Direction, Run], ...] = (
            ("upgrade", result.upgrade),
            ("downgrade", result.downgrade),
        )
        for direction, run in runs:
            reasons += _run_reasons(run, direction, self.stall_ms, self.tolerate)
            warnings += [
                f"tolerated: {_application_failed(error, direction)}"
                for error in run.errors
                if not error.values and error.sqlstate in self.tolerate
            ]
            warnings += [
                f"synthetic values were refused {error.count} times with {error.sqlstate}: "
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


def _minds_values(sqlstate: str | None) -> bool:
    """Integrity constraint violations, and data that a new type does not take."""
    return sqlstate is not None and sqlstate[:2] in ("22", "23")


class _NoWay(Exception):
    """The downgrade does not lead back to where the revision began."""


def _said(failed: RevisionFailed) -> str:
    return f"{failed.facts['where']}: {failed.facts['reason']}"


def _steps(
    observed: Sequence[Observed],
    timed: Sequence[Timed],
    sampler: Sampler,
    samples: Sequence[Sample],
    workload: Workload,
    end: float,
    names: dict[int, str],
) -> Iterator[StepResult]:
    """Bring together what the quiet copy and the traffic saw of each statement."""
    left = list(observed)
    for number, one in enumerate(timed):
        exact = _taken(left, one)
        until = timed[number + 1].start if number + 1 < len(timed) else end
        locks, released = _held(exact, one, sampler, names, end)
        released = max(released, one.end)
        during = [s for s in samples if s.end >= one.start and s.start <= released]
        errors = [s for s in during if one.start <= s.end <= max(released, until)]
        yield StepResult(
            one.statement.sql,
            one.statement.location.file,
            one.statement.location.line,
            one.end - one.start,
            locks,
            exact.rewrote if exact else (),
            exact.scanned if exact else (),
            latency(during, one.start, released, writes=False),
            latency(during, one.start, released, writes=True),
            exact.wal_bytes if exact else 0,
            _errors(errors, workload),
            exact.differences if exact else (),
        )


def _taken(left: list[Observed], one: Timed) -> Observed | None:
    """The observation of the same statement on the copy, each used once."""
    for place, candidate in enumerate(left):
        same = candidate.statement.location == one.statement.location
        if candidate.statement.sql == one.statement.sql or same:
            return left.pop(place)
    return None


def _held(
    exact: Observed | None, one: Timed, sampler: Sampler, names: dict[int, str], end: float
) -> tuple[tuple[HeldLock, ...], float]:
    """The locks of a step with the time they were held, and when the last of them was let go."""
    if exact is None:
        return (), one.end
    slack = 2 * sampler.resolution
    mine = [s for s in sampler.segments if one.start - slack <= s.first <= one.end + slack]
    released = one.end
    locks = []
    for _, name, mode in exact.locks:
        segments = [s for s in mine if names.get(s.relation) == name and s.mode == mode]
        granted = [s for s in segments if s.granted]
        waited = sum(s.seconds for s in segments if not s.granted)
        if granted:
            released = max(released, *(s.last for s in granted))
        # Not seen: it came and went between two samples.
        held = _union(granted) if granted else min(sampler.resolution, end - one.start)
        locks.append(HeldLock(name, mode.sql, held, waited, exact.exact, bool(granted)))
    return tuple(locks), min(released, end)


def _union(segments: Iterable[Segment]) -> float:
    return sum(segment.seconds for segment in segments)


def _errors(samples: Iterable[Sample], workload: Workload) -> tuple[ClientError, ...]:
    """The errors that the application would not have seen without the migration, by kind."""
    kinds: Counter[tuple[str, str, bool]] = Counter()
    for sample in samples:
        failure = sample.failure
        if failure is not None and caused_by_migration(failure, workload):
            kinds[failure.sqlstate, failure.message, about_values(failure, workload)] += 1
    return tuple(
        ClientError(sqlstate, count, message, values)
        for (sqlstate, message, values), count in kinds.most_common()
    )


# What an error means to the application, where its text does not tell.
_ERRORS = {
    "0A000": " (once per connection and prepared statement, until it reconnects)",
    "XX000": " (a type that was replaced: until the session ends)",
}


def _run_reasons(
    run: Run, direction: Direction, limit_ms: float, tolerate: Collection[str]
) -> list[str]:
    reasons = []
    for writers in (False, True):
        worst = max((_waits(step, writers).max_ms for step in run.steps), default=0.0)
        if worst > limit_ms:
            reasons.append(
                f"{'writers' if writers else 'readers'} waited up to {worst / 1000:.1f} s "
                f"in the {direction}{_behind(run, writers, worst)}"
            )
    reasons += [
        _application_failed(error, direction)
        for error in run.errors
        if not error.values and error.sqlstate not in tolerate
    ]
    if run.failed:
        reasons.append(f"the {direction} failed under traffic: {run.failed}")
    return reasons


def _application_failed(error: ClientError, direction: Direction) -> str:
    times = "once" if error.count == 1 else f"{error.count} times"
    return (
        f"the application failed {times} in the {direction} with {error.sqlstate}: "
        f"{error.message}{_ERRORS.get(error.sqlstate, '')}"
    )


def _waits(step: StepResult, writers: bool) -> Waits:
    return step.writes if writers else step.reads


def _behind(run: Run, writers: bool, worst: float) -> str:
    """The lock that clients waited for: the one held longest of those that they mind."""
    blocking = [
        (lock.seconds, lock, step)
        for step in run.steps
        for lock in step.locks
        if _waits(step, writers).max_ms >= worst * 0.9 and _minds(lock, writers)
    ]
    if not blocking:
        return ""
    _, lock, step = max(blocking, key=lambda each: each[0])
    return f" behind {lock.mode} on {lock.relation}, held for {lock.seconds:.1f} s by: " + _short(
        step.sql
    )


def _minds(lock: HeldLock, writers: bool) -> bool:
    mode = LockMode.parse(lock.mode)
    return mode.blocks_writes if writers else mode.blocks_reads


def _rollback_reasons(rollback: Rollback, phase: str | None) -> tuple[list[str], list[str]]:
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


def _short(text: str, room: int = 70) -> str:
    words = " ".join(text.split())
    return words if len(words) <= room else words[: room - 1] + "…"
