"""A project's migrations as its tests see them."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import cached_property

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import UpgradeOps
from alembic.runtime.migration import MigrationContext

from zero_downtime.catalog import compare_stable
from zero_downtime.errors import ZeroDowntimeError
from zero_downtime.generate.states import declared, replayed
from zero_downtime.history import History, Revision, read_history
from zero_downtime.lint import Finding, Report
from zero_downtime.lint.git import Base
from zero_downtime.lint.run import Request, lint_request
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.project import Project
from zero_downtime.rehearse.budget import Budget, read_budget
from zero_downtime.rehearse.proof.crash import Allowance
from zero_downtime.rehearse.rehearsal import Rehearsal
from zero_downtime.rehearse.result import RevisionResult
from zero_downtime.rehearse.run import Options, chosen, workload_of
from zero_downtime.replay import Replay

# Of what leads from head to the models: what is found where.
_FOUND = {"added": "only in the models", "removed": "missing in the models", "altered": "differs"}


def _found(line: str) -> str:
    kind, _, what = line.partition(": ")
    return f"{_FOUND[kind]}: {what}"


class Migrations:
    """The revisions of a project on a server, each rehearsed once, when a test first asks for it.

    A context: no database of it stays on the server.
    """

    def __init__(self, project: Project, server: Server, base: Base | None = None) -> None:
        self.project = project
        self.server = server
        self.base = base  # where the branch began, of whose revisions alone the tests are
        self._rehearsal: Rehearsal | None = None
        self._results: dict[str, RevisionResult] = {}

    def __enter__(self) -> Migrations:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    @cached_property
    def history(self) -> History:
        """The Alembic history. Raises HistoryError."""
        return read_history(self.project)

    @property
    def budget(self) -> Budget:
        """The limits in the project's settings."""
        settings = self.project.config.rehearse
        return read_budget(settings.budget, Budget(settings.stall_ms))

    def rehearsed(self, revision: Revision) -> RevisionResult | None:
        """What a rehearsal of the revision showed; None when one before it can't be applied."""
        if revision.id not in self._results:
            rehearsal = self._at(revision)
            if rehearsal is None:
                return None
            self._results[revision.id] = rehearsal.rehearse(revision)
        return self._results[revision.id]

    def _at(self, revision: Revision) -> Rehearsal | None:
        """A rehearsal whose base is the state before the revision."""
        order = [each.id for each in self.history]
        earlier = list(self.history)[: order.index(revision.id)]
        now = self._rehearsal
        if now is not None:
            if now.blocked(revision):
                return None
            earlier = [each for each in earlier if each.id not in now.failed]
        if now is not None:
            applied = [each.id for each in now.applied]
            if applied == [each.id for each in earlier[: len(applied)]]:
                self._follow(now, earlier[len(applied) :])
                return now
        return self._begin(earlier)

    def _begin(self, earlier: Sequence[Revision]) -> Rehearsal:
        self._close()
        settings = self.project.config.rehearse
        _, tested = chosen(self.history, Options(), self.base)
        self._rehearsal = Rehearsal(
            self.project,
            self.history,
            self.server,
            self.budget,
            settings.rows,
            settings.clients,
            settings.crash_points,
            Allowance(settings.crash_seconds, len(tested)),
            statements=workload_of(self.project),
            base=self.base,
        )
        self._rehearsal.begin(earlier)
        return self._rehearsal

    def _follow(self, rehearsal: Rehearsal, revisions: Sequence[Revision]) -> None:
        """Tests may be chosen, shuffled or spread over processes: some revisions are left out."""
        try:
            if revisions:
                rehearsal.follow(revisions)
        except ZeroDowntimeError:
            self._close()
            raise

    def _close(self) -> None:
        if self._rehearsal is not None:
            self._rehearsal.__exit__()
            self._rehearsal = None

    def upgrade(self) -> None:
        """All revisions up, on an empty database. Raises RevisionFailed or EnvironmentFailed."""
        with scratch_database(self.server) as name:
            self._replay(name).run_all(list(self.history), "upgrade")

    def up_down_up(self) -> None:
        """All revisions up, all down, all up again. Raises RevisionFailed."""
        with scratch_database(self.server) as name:
            replay, order = self._replay(name), list(self.history)
            replay.run_all(order, "upgrade")
            replay.run_all(order[::-1], "downgrade")
            replay.run_all(order, "upgrade")

    def differences_from_models(self) -> Sequence[str] | None:
        """What head and the models differ in, a line each; None when there are no models.

        The schema modules of the settings are compared as catalogs; without any, Alembic's
        autogenerate compares the ``target_metadata`` of env.py.
        """
        if self.project.schemas is None:
            return self._autogenerated()
        head, _ = replayed(self.project, self.server, self.history)
        modules, _ = declared(self.project, self.server)
        try:
            comparison = compare_stable(self.server, head.catalog, modules.catalog)
        finally:
            for place in (head, modules):
                with contextlib.suppress(Exception):
                    self.server.drop_database(place.database)
        return [_found(line) for line in comparison.describe()]

    def _autogenerated(self) -> Sequence[str] | None:
        found: list[UpgradeOps | None] = []

        def look(context: MigrationContext) -> None:
            metadata = context.opts.get("target_metadata")
            if metadata is not None:
                found.append(produce_migrations(context, metadata).upgrade_ops)

        with scratch_database(self.server) as name:
            replay = self._replay(name)
            replay.run_all(list(self.history), "upgrade")
            replay.visit(lambda heads: (), look=look)
        if not found:
            return None
        operations = found[0]
        if operations is None or operations.is_empty():
            return []
        code = (line.removeprefix("    ") for line in render_python_code(operations).splitlines())
        return [line for line in code if not line.startswith("# ###")]

    @cached_property
    def _report(self) -> Report:
        ref = None if self.base is None else self.base.commit
        return lint_request(Request(diff=ref), self.project)

    def findings(self, revision: Revision) -> list[Finding]:
        """What lint finds in the revision at or above the level at which the project fails."""
        level = self.project.config.lint.fail_on
        counted = {"error": ("error",), "warning": ("error", "warning")}.get(level, ())
        return [
            finding
            for finding in self._report.findings
            if finding.revision == revision.id and finding.severity in counted
        ]

    def _replay(self, database: str) -> Replay:
        """With env.py as ``alembic upgrade`` runs it: without, no model would be seen."""
        url = self.server.url(database)
        return Replay(self.project, url, history=self.history, strict=True, copies=True)
