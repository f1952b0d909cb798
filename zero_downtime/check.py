"""Compare what should be the same: a live database with head, the schema modules with head."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from zero_downtime.catalog import Comparison, compare_stable, read_catalog
from zero_downtime.generate.states import Place, declared, live, replayed
from zero_downtime.history import History, Revision, read_history
from zero_downtime.postgres.server import Server, open_server
from zero_downtime.project import Project
from zero_downtime.replay import Replay, connects_to

Say = Callable[[str], None]

# What neither a dump nor our queries hold. Named wherever equality is claimed.
NOT_COMPARED = (
    "roles and memberships",
    "settings of databases and roles",
    "sequence positions",
)
# Which ones a live server has is its packages' business.
_NOT_COMPARED_LIVE = ("versions of extensions",)


@dataclass(frozen=True)
class Difference:
    """One comparison: *drift* (database against history) or *divergence* (modules against head)."""

    name: str
    between: tuple[str, str]
    comparison: Comparison


@dataclass(frozen=True)
class Checked:
    """The outcome of ``zd check``."""

    differences: tuple[Difference, ...]
    behind: tuple[str, ...] = ()  # revisions that the live database lacks
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Everything that was compared is equal, and the database is at head."""
        return not self.behind and all(each.comparison.equal for each in self.differences)


def check(
    project: Project,
    url: str | None = None,
    server: str | None = None,
    say: Say = lambda line: None,
) -> Checked:
    """Look for drift at ``url`` and for divergence of the schema modules.

    Without schema modules and without ``url`` it is the database that env.py connects to. A live
    database is only read. Raises DatabaseError when it refuses, EnvironmentFailed when env.py
    does not say which it is.
    """
    if url is None and project.schemas is None:
        url = connects_to(project)  # a stranger's project: the database that it is about
    history = read_history(project)
    with contextlib.closing(open_server(server or project.config.server)) as scratch:
        say(f"replaying {len(history)} revisions")
        head, notes = replayed(project, scratch, history)
        differences = []
        behind: tuple[str, ...] = ()
        if project.schemas is not None:
            say("loading the schema modules")
            modules, _ = declared(project, scratch)
            comparison = compare_stable(scratch, head.catalog, modules.catalog)
            differences.append(Difference("divergence", ("head", "schema modules"), comparison))
        if url is not None:
            say("reading the database")
            drift, behind = _drift(project, scratch, history, head, url)
            differences.append(drift)
    ignored = (*_ignored(project), *(_NOT_COMPARED_LIVE if url is not None else ()))
    return Checked(tuple(differences), behind, ignored, tuple(notes))


def _drift(
    project: Project, server: Server, history: History, head: Place, url: str
) -> tuple[Difference, tuple[str, ...]]:
    catalog = live(server, url, project.config.ignore)
    at = Replay(project, url, history=history).heads()
    applied = _applied(history, at)
    missing = tuple(each.id for each in history if each not in applied)
    if missing:
        head, _ = replayed(project, server, history, applied)
    where = f"revision {', '.join(at) or 'base'}" if missing else "head"
    # Read anew, with the same eyes as the live one.
    known = read_catalog(server, head.database, ignore=project.config.ignore)
    usual = {i: fact for i, fact in known.facts.items() if i.kind != "extension version"}
    known = replace(known, facts=usual)
    comparison = compare_stable(server, known, catalog, (where, "the database"))
    return Difference("drift", (where, "the database"), comparison), missing


def _applied(history: History, at: tuple[str, ...]) -> list[Revision]:
    wanted: set[str] = set()
    for name in at:
        revision = history.revision(name)
        wanted |= {revision.id, *(each.id for each in history.ancestors(revision))}
    return [each for each in history if each.id in wanted]


def _ignored(project: Project) -> tuple[str, ...]:
    ignore = project.config.ignore
    parts = ["owners"] if ignore.owners else []
    parts += ["privileges"] if ignore.privileges else []
    parts += [f"schemas {', '.join(ignore.schemas)}"] if ignore.schemas else []
    parts += [f"tables {', '.join(ignore.tables)}"] if ignore.tables else []
    parts += [f"extensions {', '.join(ignore.extensions)}"] if ignore.extensions else []
    return (*parts, *NOT_COMPARED)
