"""Write the revision that leads from the history to the schema modules.

*Current* is the history replayed on a scratch server, *desired* the schema modules loaded there.
The server normalises both, the planner leads from one to the other, and the files are run up and
down on a copy before they are left in place.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.util import rev_id

from zero_downtime.catalog import Catalog, compare_stable, read_catalog
from zero_downtime.errors import PlanError, SchemaError
from zero_downtime.generate.prove import ProvenPlan, plan_and_prove, run_steps
from zero_downtime.generate.renames import rename_steps, undo_renames
from zero_downtime.generate.result import Generated, Written
from zero_downtime.generate.revision_file import Draft, revision_text
from zero_downtime.generate.states import Place, replayed_and_declared
from zero_downtime.generate.suggest import perhaps_renamed
from zero_downtime.history import History, read_history
from zero_downtime.plan import Plan, Step
from zero_downtime.postgres.server import Server, open_server
from zero_downtime.project import Project
from zero_downtime.replay import Replay
from zero_downtime.schema.ddl import Rename
from zero_downtime.schema.load import Declared, read_declared
from zero_downtime.sql.effects import predict
from zero_downtime.sql.script import split
from zero_downtime.sql.state import state_from

if TYPE_CHECKING:
    from zero_downtime.lint.finding import Finding

Say = Callable[[str], None]

_REQUIRED = "a required column"  # it loses nothing: somebody has to fill it


@dataclass(frozen=True)
class Consent:
    """What the user allows a plan to do."""

    rewrite: bool = False
    data_loss: tuple[str, ...] = ()  # objects as the plan names them, "*" for all


def generate(
    project: Project,
    message: str,
    consent: Consent = Consent(),
    server: str | None = None,
    say: Say = lambda line: None,
) -> Generated:
    """Plan, write and prove. Files stay only when everything is planned, allowed and proven.

    Raises SchemaError, HistoryError, PlanError and what the scratch server may raise.
    """
    if project.schemas is None:
        raise SchemaError(
            where=project.toml or project.ini,
            reason="the project names no schema modules",
            advice='Set schemas = "FOLDER" in [tool.zero_downtime], or run zd init',
        )
    history = read_history(project)
    head = history.head()
    say("loading the schema modules")
    scratch, read = _server_and_modules(project, server or project.config.server)
    with contextlib.closing(scratch):
        say(f"replaying {len(history)} revisions on PostgreSQL {scratch.version}")
        current, desired_place, notes = replayed_and_declared(project, scratch, history, read)
        desired, renames = desired_place.catalog, read.renames
        say("comparing and planning")
        steps, renamed = _renamed(scratch, current, renames)
        proven = plan_and_prove(scratch, renamed.database, renamed.catalog, desired)
        result = Generated(noted=proven.plan.noted, notes=tuple(notes))
        if proven.not_planned:
            return replace(result, not_planned=proven.not_planned)
        if not steps and proven.plan.empty:
            return result
        refused = (
            *_refused_rewrites(current.catalog, (*steps, *proven.plan.steps), consent),
            *_refused_losses(proven.plan, renamed.catalog, desired, consent),
        )
        if refused:
            return replace(result, refused=refused)
        say("proving the way down")
        try:
            first = head.id if head else None
            drafts = list(_drafts(scratch, message, first, current, steps, proven))
        except _NoWayDown as stuck:
            return replace(result, not_planned=stuck.not_planned)
        say("running the files up and down on a copy")
        written, more = _write_proven(project, scratch, history, current, desired, drafts)
        return replace(
            result,
            written=written,
            findings=_findings(project, written),
            notes=(*notes, *more),
        )


def _server_and_modules(project: Project, where: str) -> tuple[Server, Declared]:
    """The scratch server, and what the schema modules declare.

    One after the other: while a project's modules are imported, sys.path and the working directory
    are theirs, in all threads.
    """
    server = open_server(where)
    try:
        return server, read_declared(project)
    except BaseException:
        server.close()
        raise


def _renamed(
    server: Server, current: Place, renames: tuple[Rename, ...]
) -> tuple[tuple[Step, ...], Place]:
    """The declared renames, and a copy on which they were done."""
    steps = rename_steps(renames, current.catalog)
    return steps, _after(server, current, steps) if steps else current


def _after(server: Server, place: Place, steps: tuple[Step, ...]) -> Place:
    database = server.create_database(template=place.database)
    run_steps(server, database, steps)
    return Place(database, read_catalog(server, database))


def _refused_rewrites(current: Catalog, steps: tuple[Step, ...], consent: Consent) -> Iterator[str]:
    if consent.rewrite:
        return
    before = state_from(statement.sql for statement in split(current.dump_body))
    state = before.copy()
    for step in steps:
        effect = predict(step.sql, state, current.major)
        # What is new in this plan holds no rows yet and is rewritten in no time.
        rewritten = [name for name in effect.rewrites if before.exists(name)]
        if rewritten and not step.sql.startswith("REFRESH "):
            yield (
                f"{step.sql} rewrites {', '.join(rewritten)} while nobody can read it: "
                "allow it with --allow-rewrite"
            )
        state.apply(step.sql)


def _refused_losses(plan: Plan, old: Catalog, new: Catalog, consent: Consent) -> Iterator[str]:
    for loss in plan.loses_data:
        name = loss.object.partition(" ")[2]
        if not {"*", name, loss.object} & set(consent.data_loss):
            allow = f"allow it with --allow-data-loss {name}"
            if loss.reason.startswith(_REQUIRED):
                yield (
                    f"{loss.object}: {loss.reason}: give it a server_default, or, if you fill it "
                    f"before the last of the revisions, {allow}"
                )
            else:
                hint = perhaps_renamed(loss.object, old, new)
                yield f"{loss.object} would lose {loss.reason}: {allow}{hint}"


def _drafts(
    server: Server,
    message: str,
    down: str | None,
    current: Place,
    renames: tuple[Step, ...],
    proven: ProvenPlan,
) -> Iterator[Draft]:
    """One draft a phase, each with its own way down to where it started."""
    parts = list(proven.plan.parts())
    if renames:
        parts.insert(0, Plan(renames))
    place = current
    for number, part in enumerate(parts, 1):
        steps = part.steps
        after = _after(server, place, steps)
        if steps is renames:
            back = undo_renames(steps)
        else:
            way_down = plan_and_prove(server, after.database, after.catalog, place.catalog)
            if way_down.not_planned:
                raise _NoWayDown(way_down)
            back = way_down.plan.steps
        losses = [each for each in part.loses_data if not each.reason.startswith(_REQUIRED)]
        lost = tuple(f"{loss.object}: {loss.reason}" for loss in losses)
        title = message if len(parts) == 1 else f"{message} ({number} of {len(parts)})"
        draft = Draft(rev_id(), down, title, steps[0].phase, steps, back, lost)
        yield draft
        down, place = draft.id, after


class _NoWayDown(Exception):
    """A step forward that no plan leads back from."""

    def __init__(self, proven: ProvenPlan) -> None:
        super().__init__()
        self.not_planned = tuple(
            replace(each, reason=f"the way down: {each.reason}") for each in proven.not_planned
        )


def _write_proven(
    project: Project,
    server: Server,
    history: History,
    current: Place,
    desired: Catalog,
    drafts: list[Draft],
) -> tuple[tuple[Written, ...], tuple[str, ...]]:
    """Write the files, run them by Alembic up and down on copies, and keep them if that holds.

    The second value is what there is to note of rows.
    """
    from zero_downtime.generate.with_rows import run_with_rows

    now = dt.datetime.now(dt.UTC)
    paths: list[Path] = []
    try:
        for number, draft in enumerate(drafts):
            made = now + dt.timedelta(seconds=number)  # names by time keep the order
            path = _path(history, draft, made)
            paths.append(path)
            path.write_text(revision_text(draft, made), "utf-8")
        ids = [draft.id for draft in drafts]
        _prove_files(project, server, current, desired, ids)
        steps = [step for draft in drafts for step in draft.upgrade]
        notes = tuple(run_with_rows(project, server, current, ids, steps))
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise
    written = tuple(
        Written(draft.id, path, draft.phase, draft.upgrade, draft.downgrade, draft.lost)
        for draft, path in zip(drafts, paths, strict=True)
    )
    return written, notes


def _prove_files(
    project: Project, server: Server, current: Place, desired: Catalog, ids: list[str]
) -> None:
    database = server.create_database(template=current.database)
    replay = Replay(project, server.url(database), copies=True)
    revisions = [replay.history.revision(name) for name in ids]
    replay.run_all(revisions, "upgrade")
    up = compare_stable(server, read_catalog(server, database), desired)
    replay.run_all(revisions[::-1], "downgrade")
    down = compare_stable(server, read_catalog(server, database), current.catalog)
    for direction, comparison in (("up", up), ("down", down)):
        if not comparison.equal:
            raise PlanError(
                reason=f"the files do not do {direction} what the plan does: "
                + "; ".join(comparison.describe()),
                advice="They were removed again; this is a bug of zd, please report it",
            )


def _findings(project: Project, written: tuple[Written, ...]) -> tuple[Finding, ...]:
    """What lint says about the new files; nothing is said of how to write them."""
    # Imported here, since most runs write nothing and the rules take a tenth of a second.
    from zero_downtime.lint.run import Request, lint_request

    request = Request(paths=tuple(each.path for each in written))
    return lint_request(request, project).findings


def _path(history: History, draft: Draft, now: dt.datetime) -> Path:
    """Where Alembic would put the file: beside the head's, named by file_template."""
    scripts = history.scripts
    folder = Path(scripts.versions)
    if draft.down is not None and any(each.id == draft.down for each in history):
        folder = history.revision(draft.down).path.parent
    folder.mkdir(parents=True, exist_ok=True)
    return Path(scripts._rev_path(folder, draft.id, draft.message, now))
