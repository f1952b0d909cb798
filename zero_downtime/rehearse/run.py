"""``zd rehearse`` as one function: which revisions, on which server, within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from zero_downtime.errors import HistoryError, RefusedDatabase
from zero_downtime.history import History, Revision, read_history
from zero_downtime.lint.git import Base
from zero_downtime.postgres.programs import embedded_bin_dir
from zero_downtime.postgres.server import InstalledServer, Server, open_server
from zero_downtime.postgres.urls import database_name
from zero_downtime.project import Project
from zero_downtime.rehearse.budget import Budget, read_budget
from zero_downtime.rehearse.kept import keep, place_for, taken
from zero_downtime.rehearse.measure import serverlog
from zero_downtime.rehearse.parts import Asked, rehearse_history
from zero_downtime.rehearse.rehearsal import Progress
from zero_downtime.rehearse.result import RehearsalResult
from zero_downtime.rehearse.traffic.statements import Written, read_statements
from zero_downtime.stats import Stats, read_stats

# A scratch server on which vacuuming does not come between, and waits are in the log.
SETTINGS = {"autovacuum": "off", **serverlog.SETTINGS}

_ROWS_IN_MEMORY = 20_000  # a table; beyond that the server's files go to the disk


@dataclass(frozen=True)
class Options:
    """What a rehearsal is asked for; None leaves a thing to the project's settings."""

    start: str | None = None  # rehearse what comes after this revision
    end: str | None = None
    diff: str | None = None  # of those, only what changed since a git ref, and what follows it
    rows: int | None = None
    clients: int | None = None
    server: str | None = None
    i_know: bool = False
    budget: str | None = None  # see rehearse.budget
    crash_points: int | None = None  # in each revision at most
    crash_seconds: float | None = None  # for the kills of all revisions
    quick: bool = False  # only whether downgrades restore the catalog: no rows, clients, kills
    stats: Path | None = None  # what zd stats pull wrote, to forecast with
    # A dump, or a URL: begin with the rows of that database; with start="base", the history does.
    data: str | None = None
    fresh: bool = False  # make the base anew, though one may be kept
    workload: Path | None = None  # statements that clients send: see rehearse.statements


def rehearse(
    project: Project, options: Options = Options(), progress: Progress = lambda line: None
) -> RehearsalResult:
    """Rehearse the revisions of a project. Nothing is left behind, however it ends.

    Raises ZeroDowntimeError for what is no finding: a history that can't be read, a server that
    does not start, an extension that it lacks, a revision before the rehearsed ones that fails.
    """
    history = read_history(project, all_load=False)
    base = Base(options.diff, project.root) if options.diff is not None else None
    earlier, tested = chosen(history, options, base)
    where = options.server or project.config.server
    _refuse_foreign(where, options.i_know)
    config = project.config.rehearse
    written = config.budget if options.budget is None else options.budget
    budget = read_budget(written, Budget(config.stall_ms))
    rows = config.rows if options.rows is None else options.rows
    clients = config.clients if options.clients is None else options.clients
    most = config.crash_points if options.crash_points is None else options.crash_points
    killing = config.crash_seconds if options.crash_seconds is None else options.crash_seconds
    if options.quick:
        rows = clients = most = 0
    stats = _stats(project, options)
    statements = workload_of(project, options.workload)
    place = None
    if "://" not in where and options.data is None and not options.fresh:
        programs = embedded_bin_dir() if where == "embedded" else Path(where)
        place = place_for(project, history, earlier, programs, SETTINGS, rows, stats)
    with taken(place) as found:
        server = scratch_server(where, rows, found[0] if found else None)
    try:
        asked = Asked(
            *(project, budget, rows, clients, most, killing, stats, statements),
            quick=options.quick,
            data=options.data,
            before_all=options.start == "base",
            base=base,
        )
        kept = found[1] if found else None
        keeping = None
        if place is not None and kept is None and isinstance(server, InstalledServer):
            keeping = partial(keep, place, server)
        return rehearse_history(asked, history, server, earlier, tested, progress, kept, keeping)
    finally:
        server.close()


def scratch_server(where: str, rows: int, data: Path | None = None) -> Server:
    """A server for a rehearsal with so many rows a table; see ``open_server`` for the others."""
    return open_server(
        where,
        SETTINGS if "://" not in where else None,
        in_memory=rows <= _ROWS_IN_MEMORY,
        data=data,
    )


def _stats(project: Project, options: Options) -> Stats | None:
    if options.stats is not None:
        return read_stats(options.stats)
    named = project.config.lint.stats
    return read_stats(project.root / named) if named else None


def workload_of(project: Project, path: Path | None = None) -> tuple[Written, ...]:
    """The statements that clients send, by this file or the settings. Raises InputError."""
    if path is not None:
        return read_statements(path)
    named = project.config.rehearse.workload
    return read_statements(project.root / named) if named else ()


def chosen(
    history: History, options: Options, base: Base | None
) -> tuple[list[Revision], list[Revision]]:
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
    earlier = [r for r in history if r.id in done]
    if base is None:
        return earlier, tested
    changed = base.changed()
    touched: set[str] = set()
    for revision in tested:
        follows = touched & {each.id for each in history.ancestors(revision)}
        if follows or Path(revision.path).resolve() in changed:
            touched.add(revision.id)
    before = [r for r in tested if r.id not in touched]
    return [*earlier, *before], [r for r in tested if r.id in touched]


def _refuse_foreign(where: str, i_know: bool) -> None:
    """A URL that names an application's database looks like a mistake: refuse it.

    The server's own databases are fine to connect to; ours are made beside them.
    """
    if "://" not in where or i_know:
        return
    name = database_name(where)
    if name not in ("", "postgres", "template1") and not name.endswith("_rehearsal"):
        raise RefusedDatabase(database=name)
