"""A rehearsal: each revision run on a real server, quietly on copies and then under traffic."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from zero_downtime.catalog import Catalog, compare_stable
from zero_downtime.errors import (
    RevisionFailed,
)
from zero_downtime.history import History, Revision
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.project import Project
from zero_downtime.rehearse.budget import Budget
from zero_downtime.rehearse.crash import Killer, points
from zero_downtime.rehearse.data import Data, Filled
from zero_downtime.rehearse.forecast import Forecaster
from zero_downtime.rehearse.judge import judge
from zero_downtime.rehearse.live import Stage, quiet_run
from zero_downtime.rehearse.result import Crash, RehearsalResult, RevisionResult, Run
from zero_downtime.rehearse.rollback import Proven, Prover
from zero_downtime.rehearse.tables import read_tables
from zero_downtime.replay import Replay
from zero_downtime.stats import Stats

Progress = Callable[[str], None]


class Rehearsal:
    """One rehearsal on one server: revisions one after the other, on a base that grows.

    A context: nothing is left behind on the server.
    """

    def __init__(
        self,
        project: Project,
        history: History,
        server: Server,
        budget: Budget,
        rows: int,
        clients: int,
        crash_points: int | None = None,  # in each revision; None: all
        rolled_back: bool = True,  # whether a kill that is rolled back is tried too
        stats: Stats | None = None,  # of production, to forecast with
        progress: Progress = lambda line: None,
    ) -> None:
        config = project.config.rehearse
        self.history = history
        self.server = server
        self.progress = progress
        self.rows = rows
        self.clients = clients
        self.crash_points = crash_points
        self.rolled_back = rolled_back
        self.seed = config.seed
        self.budget = budget
        self.tolerate = frozenset(config.tolerate)
        self.notes: list[str] = []
        self.counts: dict[str, int] = {}
        self.base = ""
        self.applied: list[Revision] = []
        self.at_its_end = False  # the last revision can't be applied: none after it can
        self._found: list[RevisionResult] = []
        self._started = time.monotonic()
        self._before = Catalog({}, "", server.major)
        self._first = Replay(project, None, history=history)
        self._first.notes = self.notes
        self.prover = Prover(server, self._replay, self.seed, frozenset())
        self.forecaster = stats and Forecaster(
            server, self._replay, stats, config.forecast_rows, self.seed
        )
        self.killer = Killer(project, server, self._replay, self.prover.catalog)
        self.stage = Stage(
            server, self._replay, project.config.locks, clients, self.seed, self.prover.skip
        )

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(self, *error: object) -> None:
        if self.base:
            with contextlib.suppress(Exception):
                self.server.drop_database(self.base)

    def begin(self, earlier: Sequence[Revision] = ()) -> None:
        """Bring the base to where the first revision under test begins."""
        self.base = self.server.create_database()
        # Even without a revision env.py runs: what it makes itself is there before the first.
        self._first.url = self.server.url(self.base)
        self._first.visit(lambda heads: ())
        if earlier:
            self.progress(f"replaying {len(earlier)} earlier revisions")
            self._replay(self.base).run_all(list(earlier), "upgrade")
        self.applied = list(earlier)
        self._find_version_table()
        self._fill()
        self._before = self.prover.catalog(self.base)

    def rehearse(self, revision: Revision) -> RevisionResult:
        """Rehearse the next revision, and bring the base behind it."""
        result, proven = self._rehearse(revision, self._before, self.applied)
        self._found.append(result)
        after = self._advance(revision, proven, self.applied)
        if after is None:
            self.at_its_end = True
        else:
            self._before = after
            self.applied.append(revision)
        return result

    def result(self, stopped: str | None = None) -> RehearsalResult:
        """What was found so far; ``stopped`` says why there is not more."""
        return RehearsalResult(
            self.server.version,
            tuple(self._found),
            self.rows,
            self.clients,
            time.monotonic() - self._started,
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
            tuple(self._crashes(revision, before, proven)),
            self.forecaster.of(self.base, revision, proven.upgrade) if self.forecaster else (),
        )
        reasons, warnings = judge(result, self.budget, self.tolerate)
        return replace(result, reasons=reasons, warnings=(*warned, *warnings)), proven

    def _crashes(self, revision: Revision, before: Catalog, proven: Proven) -> Iterator[Crash]:
        chosen = points(proven.upgrade, self.crash_points, rolled_back=self.rolled_back)
        if chosen and proven.after is not None and proven.rollback is not None:
            restores = proven.rollback.outcome == "restores"
            yield from self.killer.kill(
                self.base, revision, proven.upgrade, before, proven.after, chosen, restores
            )

    def _under_traffic(
        self, revision: Revision, proven: Proven, *, new_values: bool
    ) -> tuple[Run, Run]:
        """Up and down on a copy of the base with clients at work."""
        if not self.clients:
            return quiet_run(proven.upgrade), quiet_run(proven.downgrade)
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
            reasons=(f"the upgrade fails on tables with rows ({said})",)
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
