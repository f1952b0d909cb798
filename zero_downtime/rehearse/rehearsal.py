"""A rehearsal: every revision run on a real server, quietly on copies and then under traffic."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zero_downtime.catalog import Catalog, compare_stable
from zero_downtime.errors import (
    HistoryError,
    RefusedDatabase,
    RevisionFailed,
)
from zero_downtime.history import History, Revision, read_history
from zero_downtime.postgres.server import Server, database_name, open_server, scratch_database
from zero_downtime.project import Project
from zero_downtime.rehearse.budget import Budget, read_budget
from zero_downtime.rehearse.data import Data, Filled
from zero_downtime.rehearse.judge import judge
from zero_downtime.rehearse.live import Stage
from zero_downtime.rehearse.result import (
    RehearsalResult,
    RevisionResult,
    Run,
)
from zero_downtime.rehearse.rollback import Proven, Prover
from zero_downtime.rehearse.tables import read_tables
from zero_downtime.replay import Replay

# A scratch server on which vacuuming does not come between, and waits are in the log.
SETTINGS = {"autovacuum": "off", "log_lock_waits": "on", "deadlock_timeout": "200ms"}

_ROWS_IN_MEMORY = 20_000  # a table; beyond that the server's files go to the disk

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
    budget: str | None = None  # see rehearse.budget


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
    config = project.config.rehearse
    written = config.budget if options.budget is None else options.budget
    budget = read_budget(written, Budget(config.stall_ms))
    rows = config.rows if options.rows is None else options.rows
    server = open_server(
        where, SETTINGS if "://" not in where else None, in_memory=rows <= _ROWS_IN_MEMORY
    )
    try:
        rehearsal = _Rehearsal(project, history, server, options, budget, progress)
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
        budget: Budget,
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
        self.budget = budget
        self.tolerate = frozenset(config.tolerate)
        self.notes: list[str] = []
        self.counts: dict[str, int] = {}
        self.base = ""
        self._first = Replay(project, None, history=history)
        self._first.notes = self.notes
        self.prover = Prover(server, self._replay, self.seed, frozenset())
        self.stage = Stage(
            server, self._replay, project.config.locks, self.clients, self.seed, self.prover.skip
        )

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
        reasons, warnings = judge(result, self.budget, self.tolerate)
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
            up = self.stage.run(live, revision, "upgrade", proven, old, new_values=new_values)
            if up.failed is not None or proven.rollback is None:
                return up, Run()
            if proven.rollback.outcome == "raises":
                return up, Run()
            # Clients are the old application: what only the new schema admits they don't write.
            new_values = new_values and not proven.minds_new_rows
            # The old application runs again, and knows no value that only the new schema has.
            down = self.stage.run(live, revision, "downgrade", proven, old, new_values=False)
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


def _minds_values(sqlstate: str | None) -> bool:
    """Integrity constraint violations, and data that a new type does not take."""
    return sqlstate is not None and sqlstate[:2] in ("22", "23")


class _NoWay(Exception):
    """The downgrade does not lead back to where the revision began."""


def _said(failed: RevisionFailed) -> str:
    return f"{failed.facts['where']}: {failed.facts['reason']}"
