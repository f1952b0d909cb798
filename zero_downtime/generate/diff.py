"""Plan from one schema to another: two scripts, a live database, head, or the schema modules."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from zero_downtime.catalog import Catalog, read_catalog
from zero_downtime.config import Ignore, Lint
from zero_downtime.errors import ConfigError
from zero_downtime.generate.prove import plan_and_prove
from zero_downtime.generate.states import Place, declared, live, replayed, scripted
from zero_downtime.history import read_history
from zero_downtime.lint.engine import lint
from zero_downtime.plan import Plan, Step
from zero_downtime.postgres.server import Server, open_server
from zero_downtime.postgres.urls import libpq_url, masked
from zero_downtime.project import Project, find_project
from zero_downtime.sql.effects import predict
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.statement import Location, Statement


@dataclass(frozen=True)
class PlannedStep:
    """A step with what the lock model says about it."""

    step: Step
    transactional: bool
    lock: str | None  # the strongest, by PostgreSQL's name
    relation: str | None  # on which
    hazards: tuple[str, ...]
    undo: str | None


@dataclass(frozen=True)
class Diff:
    """A plan from one schema to another. ``converged`` is None when it was not to be proven."""

    steps: tuple[PlannedStep, ...]
    plan: Plan
    converged: bool | None
    reason: str = ""  # why it does not converge

    @property
    def fine(self) -> bool:
        """All is planned, and it converges as far as that was asked."""
        return not self.plan.not_planned and self.converged is not False


def diff(
    old: str, new: str, config_file: Path | None, server: str | None, check: bool = False
) -> Diff:
    """Plan from ``old`` to ``new``; each a ``.sql`` file, a URL, ``schemas`` or ``head``.

    Everything is planned and marked, nothing refused. Raises ConfigError for a source that is
    none of these, and what loading it may raise.
    """
    project = _project(config_file, old, new)
    where = server or (project.config.server if project else "embedded")
    with contextlib.closing(open_server(where)) as scratch:
        before, after = _sources(scratch, project, old, new)
        proven = plan_and_prove(scratch, before.database, before.catalog, after.catalog)
        planned = replace(proven.plan, not_planned=proven.not_planned)
        undo = _undo(scratch, before, after)
        steps = tuple(_planned(planned, before.catalog, undo))
    converged = proven.proof.converged and not planned.not_planned
    failed = proven.proof.failed
    reason = (
        f"{failed.sql}: {proven.proof.reason}" if failed else "; ".join(proven.proof.differences)
    )
    return Diff(steps, planned, converged if check else None, reason if check else "")


def _project(config_file: Path | None, *sources: str) -> Project | None:
    if config_file is None and not {"schemas", "head"} & set(sources):
        return None
    return find_project(config_file)


def _sources(server: Server, project: Project | None, *sources: str) -> Iterator[Place]:
    """The schemas on the scratch server; beside a live database all are read with its ignores."""
    ignore = project.config.ignore if project else Ignore()
    lives = any("://" in source for source in sources)
    for source in sources:
        place = _source(server, source, project, ignore)
        if lives:
            catalog = read_catalog(server, place.database, ignore=ignore)
            place = replace(place, catalog=catalog)
        yield place


def _source(server: Server, source: str, project: Project | None, ignore: Ignore) -> Place:
    if "://" in source:
        return scripted(server, live(server, libpq_url(source), ignore).dump)
    if source == "schemas" and project is not None:
        return declared(project, server)[0]
    if source == "head" and project is not None:
        return replayed(project, server, read_history(project))[0]
    path = Path(source)
    if path.suffix != ".sql":
        raise ConfigError(
            where=masked(source),
            reason="is no schema that can be compared",
            advice="Give a .sql file, a database URL, schemas or head",
        )
    try:
        return scripted(server, path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            where=path, reason=f"can't be read ({reason})", advice="Check the path"
        ) from error


def _undo(server: Server, before: Place, after: Place) -> dict[str, str]:
    """The statements that lead back, by the object that they are about."""
    undo: dict[str, str] = {}
    for step in plan_and_prove(server, after.database, after.catalog, before.catalog).plan.steps:
        undo[step.object] = f"{undo[step.object]};\n{step.sql}" if step.object in undo else step.sql
    return undo


def _planned(plan: Plan, old: Catalog, undo: dict[str, str]) -> Iterator[PlannedStep]:
    state = state_from(statement.sql for statement in split(old.dump_body))
    hazards = _hazards(plan, state, old.major)
    for number, step in enumerate(plan.steps, 1):
        effect = predict(step.sql, state, old.major)
        strongest = effect.strongest
        yield PlannedStep(
            step,
            transactional=effect.transactional,
            lock=strongest.mode.sql if strongest else None,
            relation=strongest.relation if strongest else None,
            hazards=tuple(hazards.get(number, ())),
            undo=undo.pop(step.object, None),  # at the first of several steps of an object
        )
        state.apply(step.sql)


def _hazards(plan: Plan, state: State, major: int) -> dict[int, list[str]]:
    """The lint rules that a step breaks, by its number. The runner sees to the timeouts."""
    statements = [
        Statement(step.sql, Location("plan", number), transaction=_transaction(step))
        for number, step in enumerate(plan.steps, 1)
    ]
    config = Lint(disable=("no-lock-timeout",))
    hazards: dict[int, list[str]] = {}
    for finding in lint(statements, state, config, major).findings:
        hazards.setdefault(finding.location.line, []).append(finding.rule)
    return hazards


def _transaction(step: Step) -> int | None:
    return None if step.alone else step.group
