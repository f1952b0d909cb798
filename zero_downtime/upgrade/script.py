"""Revisions as one SQL script, for ``--sql``: what an upgrade would do, to be run by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from io import StringIO

from alembic.runtime.migration import HeadMaintainer, MigrationContext, MigrationStep, RevisionStep
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from zero_downtime.config import Locks
from zero_downtime.errors import HistoryError
from zero_downtime.history import History, Revision, read_history
from zero_downtime.history.env_options import version_table
from zero_downtime.history.rendering import render
from zero_downtime.project import Project
from zero_downtime.replay import Replay
from zero_downtime.sql.statement import Direction, Statement
from zero_downtime.upgrade.events import without_values
from zero_downtime.upgrade.runner import held_back

# A script has nobody to try again, so it asks for longer than the runner does.
_PATIENCE_MS = 1000


def upgrade_script(
    project: Project,
    url: str | None,
    target: str | None,
    *,
    contract: bool = False,
    locks: Locks | None = None,
) -> str:
    """The SQL that leads the database ``url`` (None: an empty one) up to ``target``.

    Raises NotRenderable for a revision that needs an answer from the database.
    """
    history = read_history(project)
    if target in (None, "head"):
        head = history.head()
        if head is None:
            return "-- There are no revisions.\n"
        target = head.id
    heads = Replay(project, url, history=history, strict=True).heads() if url else ()
    revisions = _plan(history, str(target), heads, "upgrade")
    now, later = held_back(revisions, contract)
    text = _script(project, history, now, "upgrade", heads, locks or project.config.locks)
    if later:
        text += f"\n-- Held back, of phase contract: {later[0].id} {later[0].message}\n"
    return text


def downgrade_script(
    project: Project, url: str | None, target: str, *, locks: Locks | None = None
) -> str:
    """The SQL that leads the database ``url`` (None: one at the heads) down to ``target``."""
    history = read_history(project)
    heads = history.heads
    if url:
        heads = Replay(project, url, history=history, strict=True).heads()
    revisions = _plan(history, target, heads, "downgrade")
    return _script(project, history, revisions, "downgrade", heads, locks or project.config.locks)


def _plan(
    history: History, target: str, heads: tuple[str, ...], direction: Direction
) -> list[Revision]:
    scripts = history.scripts
    try:
        steps: list[RevisionStep] = (
            scripts._upgrade_revs(target, heads)  # type: ignore[arg-type]
            if direction == "upgrade"
            else scripts._downgrade_revs(target, heads)  # type: ignore[arg-type]
        )
    except (CommandError, RevisionError) as error:
        raise HistoryError(
            where=scripts.dir,
            reason=" ".join(str(error).split()).rstrip("."),
            advice=f"The heads are {', '.join(history.heads) or 'none'}",
        ) from error
    return [history.revision(step.revision.revision) for step in steps]


def _script(
    project: Project,
    history: History,
    revisions: Sequence[Revision],
    direction: Direction,
    heads: tuple[str, ...],
    locks: Locks,
) -> str:
    versions = _Versions(project, history, heads)
    timeout = max(locks.timeout_ms, _PATIENCE_MS)
    lines: list[str] = [] if heads else [versions.table(), ""]
    for revision in revisions:
        lines += [f"-- {direction} {revision.id}: {revision.message}"]
        lines += [f"-- {revision.file}" + (f", phase {revision.phase}" if revision.phase else "")]
        body = _revision(render(project, revision, direction), timeout)
        # The version is set in the last transaction of its revision, as Alembic does.
        body = body[:-1] if body and body[-1] == "COMMIT;" else [*body, "BEGIN;"]
        lines += [*body, *versions.after(revision, direction), "COMMIT;", ""]
    return "\n".join(lines)


def _revision(statements: Iterable[Statement], timeout_ms: int) -> list[str]:
    lines: list[str] = []
    now: int | None = None
    for statement in statements:
        if statement.transaction != now and now is not None:
            lines.append("COMMIT;")
        if statement.transaction is None:
            if _is_long(statement.sql):
                lines += ["SET lock_timeout = 0;", "SET statement_timeout = 0;"]
                lines += [f"{statement.sql};", "RESET statement_timeout;", "RESET lock_timeout;"]
            else:
                lines += [f"SET lock_timeout = '{timeout_ms}ms';", f"{statement.sql};"]
                lines.append("RESET lock_timeout;")
        else:
            if statement.transaction != now:
                lines += ["BEGIN;", f"SET LOCAL lock_timeout = '{timeout_ms}ms';"]
            lines.append(f"{statement.sql};")
        now = statement.transaction
    if now is not None:
        lines.append("COMMIT;")
    return lines


def _is_long(sql: str) -> bool:
    text = without_values(sql)
    return re.search(r"\b(concurrently|validate\s+constraint)\b", text, re.IGNORECASE) is not None


class _Versions:
    """What Alembic writes into its version table, as SQL."""

    def __init__(self, project: Project, history: History, heads: tuple[str, ...]) -> None:
        name, schema = version_table(project, history.scripts)
        self._buffer = StringIO()
        self._context = MigrationContext.configure(
            dialect_name="postgresql",
            opts={
                "as_sql": True,
                "output_buffer": self._buffer,
                "version_table": name,
                "version_table_schema": schema,
            },
        )
        self._maintainer = HeadMaintainer(self._context, heads)

    def table(self) -> str:
        """CREATE TABLE of the version table."""
        self._context._version.create(self._context.connection)  # type: ignore[arg-type]
        return self._taken()[0].replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1)

    def after(self, revision: Revision, direction: Direction) -> list[str]:
        """The statements that record a revision as applied, or as undone."""
        make = (
            MigrationStep.upgrade_from_script
            if direction == "upgrade"
            else MigrationStep.downgrade_from_script
        )
        self._maintainer.update_to_step(make(revision.scripts.revision_map, revision.script))
        return self._taken()

    def _taken(self) -> list[str]:
        said = self._buffer.getvalue().strip()
        self._buffer.seek(0)
        self._buffer.truncate()
        return [part.rstrip() for part in said.split("\n\n")] if "CREATE" not in said else [said]
