"""A rehearsal: each revision run on a real server, quietly on copies and then under traffic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from msgspec import structs

from zero_downtime.catalog import Catalog
from zero_downtime.catalog.digest import Digester, written
from zero_downtime.config import Locks
from zero_downtime.environment import shown
from zero_downtime.errors import RevisionFailed
from zero_downtime.history import History, Revision
from zero_downtime.history.loading import unread
from zero_downtime.lint.git import Base as GitBase
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.project import Project
from zero_downtime.rehearse.base import Base
from zero_downtime.rehearse.budget import Budget
from zero_downtime.rehearse.forecast import Forecaster
from zero_downtime.rehearse.judge import judge, rollback_reasons
from zero_downtime.rehearse.live import Stage, quiet_run
from zero_downtime.rehearse.measure.serverlog import RESOLUTION_MS
from zero_downtime.rehearse.proof.crash import Allowance, Killer, Point, points
from zero_downtime.rehearse.proof.rollback import Proven, Prover
from zero_downtime.rehearse.proof.sweep import Swept, sweep
from zero_downtime.rehearse.result import Crash, RehearsalResult, RevisionResult, Rollback, Run
from zero_downtime.rehearse.tables import read_tables
from zero_downtime.rehearse.traffic.application import Applications
from zero_downtime.rehearse.traffic.models import Models, read_models
from zero_downtime.rehearse.traffic.statements import Written
from zero_downtime.replay import Replay
from zero_downtime.stats import Stats

Progress = Callable[[str], None]

_MOST_PATIENCE = 30.0  # seconds that a statement asks for its locks


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
        crash_points: int | None = None,  # in each revision at most; None: all
        killing: Allowance | None = None,  # None: all the time that it takes
        stats: Stats | None = None,  # of production, to forecast with
        statements: Sequence[Written] = (),  # that clients send; none: they are made up
        base: GitBase | None = None,  # the commit on which the old application runs
        progress: Progress = lambda line: None,
    ) -> None:
        config = project.config.rehearse
        self.history = history
        self.server = server
        self.progress = progress
        self.rows = rows
        self.clients = clients
        self.crash_points = crash_points
        self.killing = killing or Allowance()
        self.seed = config.seed
        self.budget = budget
        self.tolerate = frozenset(config.tolerate)
        self.failed: set[str] = set()  # revisions that can't be applied
        self._found: list[RevisionResult] = []
        self._started = time.monotonic()
        self._before: Catalog | None = None  # of the base; None: not read yet
        self._first = Replay(project, None, history=history, copies=True)
        self.notes = self._first.notes
        self.notes += _left_out(history)
        self.prover = Prover(server, self._replay, self.seed, frozenset(), config.values, stats)
        self.base = Base(server, history, self._replay, self.prover, rows, self.notes)
        self.forecaster = (
            None
            if stats is None
            else Forecaster(
                server, self._replay, stats, config.forecast_rows, self.seed, config.values
            )
        )
        self.killer = Killer(project, server, self._replay, self.prover.compare)
        models = read_models(project, base) if clients else Models()
        self.notes += models.notes
        self.applications = Applications(
            self.seed,
            self.prover.skip,
            statements,
            models,
            history.heads[0] if len(history.heads) == 1 else None,
            config.values,
            self._gone,
        )
        self.stage = Stage(
            server,
            self._replay,
            _patient(project.config.locks),
            clients,
            self.seed,
            self.applications,
        )

    def __enter__(self) -> Rehearsal:
        return self

    def __exit__(self, *error: object) -> None:
        self.base.end()

    @property
    def applied(self) -> list[Revision]:
        """The revisions behind which the base is."""
        return self.base.applied

    def begin(
        self,
        earlier: Sequence[Revision] = (),
        data: str | None = None,
        *,
        before_all: bool = False,
    ) -> None:
        """Bring the base to where the first revision under test begins.

        ``data`` is a dump, or the URL of a database: the base begins with its rows, or with its
        tables ``before_all`` revisions.
        """
        if data is not None:
            self.progress("taking over the data")
            self.base.give(data, before_all=before_all)
        if earlier:
            self.progress(f"replaying {len(earlier)} earlier revisions")
        self.base.begin(earlier)
        self._before = None

    def follow(self, revisions: Sequence[Revision]) -> None:
        """Bring the base behind these revisions too, which nobody asks about."""
        self.base.follow(revisions)
        self._before = None

    @property
    def before(self) -> Catalog:
        """The catalog of the base."""
        if self._before is None:
            self._before = self.prover.catalog(self.base.database)
        return self._before

    def blocked(self, revision: Revision) -> bool:
        """Whether it builds on a revision that can't be applied."""
        return bool(self.failed & {each.id for each in self.history.ancestors(revision)})

    def rehearse(self, revision: Revision) -> RevisionResult:
        """Rehearse the next revision, and bring the base behind it."""
        result, proven = self._rehearse(revision)
        self._found.append(result)
        if not self.base.advance(revision, works=proven.failed is None):
            self.failed.add(revision.id)
        self._before = proven.after if proven.failed is None else None
        return result

    def sweep(self, revisions: Sequence[Revision]) -> int:
        """Rehearse the first of these revisions, as far as it is plain what their downgrades do.

        Gives how many those are. Nothing else is looked at: no rows, locks or waits.
        """
        if self.blocked(revisions[0]):
            return 0
        swept = self._swept(revisions, strict=False)
        if swept is None:
            swept = self._swept(revisions, strict=True) or []
        self._before = None
        for one in swept:
            result = RevisionResult(
                one.revision.id,
                one.revision.message,
                one.revision.phase,
                one.revision.file,
                Run(one.upgrade),
                Run(one.downgrade),
                one.rollback,
            )
            reasons, warnings = judge(result, self.budget, self.tolerate)
            self._found.append(replace(result, reasons=reasons, warnings=warnings))
        return len(swept)

    def _swept(self, revisions: Sequence[Revision], *, strict: bool) -> list[Swept] | None:
        """Sweep them and bring the base behind them; None when that leads to two catalogs."""
        with (
            scratch_database(self.server, template=self.base.database) as copy,
            Digester(self.server.url(copy)) as digester,
        ):
            swept = sweep(self._replay(copy), digester, revisions, strict=strict)
        if not swept:
            return []
        applied = list(self.applied)
        try:
            self.base.follow([one.revision for one in swept])
        except RevisionFailed:  # it worked on the copy: the close look tells more
            self.base.begin(applied)
            return [] if strict else None
        with Digester(self.server.url(self.base.database)) as digester:
            if strict or written(digester.digest()) == written(swept[-1].digest):
                return swept
        self.base.begin(applied)
        return None

    def result(self, stopped: str | None = None) -> RehearsalResult:
        """What was found so far; ``stopped`` says why there is not more."""
        return RehearsalResult(
            self.server.version,
            tuple(self._found),
            self.rows,
            self.clients,
            time.monotonic() - self._started,
            tuple(dict.fromkeys((*self.notes, *self.applications.notes()))),
            stopped,
            dict(sorted(self.base.counts.items())),
            RESOLUTION_MS if self.server.log is not None and self.clients else None,
        )

    def _gone(self, statement: Written, revision: Revision) -> bool:
        """Whether no application sends it any more when the revision is applied."""
        last = statement.until
        ancestors = {each.id for each in self.history.ancestors(revision)}
        return last is not None and (last == revision.id or last in ancestors)

    def _replay(self, database: str) -> Replay:
        """The project on one of our databases; what env.py needed once is known from then on."""
        return self._first.at(self.server.url(database))

    # One revision

    def _rehearse(self, revision: Revision) -> tuple[RevisionResult, Proven]:
        proven = self._proven(revision)
        while proven.failed is not None and self.base.provide(proven.failed):
            self._before = None
            proven = self._proven(revision)
        warned: tuple[str, ...] = ()
        if proven.failed is not None and self.base.fit(revision, self.before):
            warned = (f"on rows that do not fit yet the upgrade fails ({_said(proven.failed)})",)
            proven = self._proven(revision)
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
        moments = points(proven.upgrade)
        crashes = tuple(self._crashes(revision, proven, moments[: self.crash_points]))
        result = RevisionResult(
            revision.id,
            revision.message,
            revision.phase,
            revision.file,
            up,
            down,
            proven.rollback,
            crashes,
            self.forecaster.of(self.base.database, revision, proven.upgrade)
            if self.forecaster
            else (),
            crashes_left_out=len(moments) - len(crashes),
        )
        reasons, warnings = judge(result, self.budget, self.tolerate)
        return replace(result, reasons=reasons, warnings=(*warned, *warnings)), proven

    def _proven(self, revision: Revision) -> Proven:
        return self.prover.prove(self.base.database, self.before, revision)

    def _crashes(
        self, revision: Revision, proven: Proven, moments: Sequence[Point]
    ) -> Iterator[Crash]:
        if proven.after is None or proven.rollback is None:
            return
        yield from self.killer.kill(
            self.base.database,
            revision,
            proven.upgrade,
            (self.before, proven.digests[0]),
            (proven.after, proven.digests[1]),
            self.killing.allowed(moments),
            restores=proven.rollback.outcome == "restores",
        )

    def _under_traffic(
        self, revision: Revision, proven: Proven, *, new_values: bool
    ) -> tuple[Run, Run]:
        """Up and down on a copy of the base with clients at work."""
        if not self.clients:
            return quiet_run(proven.upgrade), quiet_run(proven.downgrade)
        with scratch_database(self.server, template=self.base.database) as live:
            with self.server.connect(live) as connection:
                old = read_tables(connection)
            up = self.stage.run(live, revision, "upgrade", proven, old, new_values=new_values)
            if up.failed is not None or proven.rollback is None:
                return up, Run()
            if proven.rollback.outcome == "raises":
                return up, Run()
            # The old application runs again, and knows no value that only the new schema has.
            down = self.stage.run(live, revision, "downgrade", proven, old, new_values=False)
            return up, down

    def _missing_before(self, failed: RevisionFailed) -> str:
        """A history may begin on tables that something else made."""
        undefined = failed.facts["sqlstate"] in ("42P01", "3F000")  # table, schema
        elsewhere = (
            ": does the history begin on tables made elsewhere? Give a dump of them with --data,"
            " and --from base"
        )
        return elsewhere if undefined else ""

    def _failed(self, revision: Revision, proven: Proven) -> RevisionResult:
        assert proven.failed is not None
        said = _said(proven.failed)
        reasons = [f"the upgrade fails ({said}){self._missing_before(proven.failed)}"]
        warnings: list[str] = []
        rollback = self._without_rows(revision)
        if rollback is not None:
            also, warnings = rollback_reasons(rollback, revision.phase)
            reasons = [f"the upgrade fails {self._where_it_fails(revision)} ({said})", *also]
        return RevisionResult(
            revision.id,
            revision.message,
            revision.phase,
            revision.file,
            Run(failed=said),
            Run(),
            rollback,
            reasons=tuple(reasons),
            warnings=tuple(warnings),
        )

    def _where_it_fails(self, revision: Revision) -> str:
        """What the base has, and a database with this revision's ancestors alone has not."""
        ancestors = {each.id for each in self.history.ancestors(revision)}
        others = [each.id for each in self.applied if each.id not in ancestors]
        if others:
            try:
                with self.base.without_rows(self.applied) as empty:
                    self._replay(empty).run(revision, "upgrade")
            except RevisionFailed:
                more = f" and {len(others) - 1} more" if len(others) > 1 else ""
                return f"behind {others[0]}{more}, which it does not build on"
        return "on tables with rows"

    def _without_rows(self, revision: Revision) -> Rollback | None:
        """The proof on empty tables; None where not even there the upgrade works."""
        try:
            with self.base.without_rows(self.history.ancestors(revision)) as empty:
                before = self.prover.catalog(empty)
                rollback = self.prover.prove(empty, before, revision).rollback
        except RevisionFailed:
            return None
        note = "the rollback was proven on empty tables"
        return rollback and replace(rollback, notes=(note, *rollback.notes))


def _patient(locks: Locks) -> Locks:
    """Clients never rest here: what does not get in soon never does."""
    return structs.replace(locks, deadline_s=min(locks.deadline_s, _MOST_PATIENCE))


def _left_out(history: History) -> list[str]:
    files = unread(history.scripts)
    if not files:
        return []
    return [
        f"not in the history: files in folders below that look like revisions ({len(files)}, such "
        f"as {shown(files[0])}); recursive_version_locations = true would read them"
    ]


def _minds_values(sqlstate: str | None) -> bool:
    """Integrity constraint violations, and data that a new type does not take."""
    return sqlstate is not None and sqlstate[:2] in ("22", "23")


def _said(failed: RevisionFailed) -> str:
    return f"{failed.facts['where']}: {failed.facts['reason']}"
