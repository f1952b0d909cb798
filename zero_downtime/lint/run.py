"""``zd lint`` as one function: from paths and options to a report or to the effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from zero_downtime.errors import InputError, ParseError, ProjectError
from zero_downtime.lint.baseline import baseline_text, without_accepted
from zero_downtime.lint.evidence import mapped_by
from zero_downtime.lint.finding import Report
from zero_downtime.lint.options import Options
from zero_downtime.lint.processes import lint_histories
from zero_downtime.lint.sources import (
    history_units,
    only,
    schema_state,
)
from zero_downtime.lint.sql_files import files_alone, sql_histories
from zero_downtime.lint.texts import Text
from zero_downtime.lint.unit import Unit
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.script import error_location
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import NotParsed

if TYPE_CHECKING:
    from zero_downtime.lint.git import Base
    from zero_downtime.project import Project

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What is asked of lint."""

    paths: tuple[Path, ...] = ()
    stdin: Text | None = None
    schema: str | None = None  # a file, or "history"
    diff: str | None = None
    major: int | None = None
    in_transaction: bool = False
    independent: bool = False
    baseline: Path | None = None
    server: str | None = None
    processes: int = 1  # that judge at the same time, where there is enough to judge

    @property
    def only_sql(self) -> bool:
        """Whether nothing of an Alembic project is asked for."""
        given = bool(self.paths) or self.stdin is not None
        named = any(path.suffix == ".py" or _holds_revisions(path) for path in self.paths)
        return given and not named and self.schema != "history"


def project_for(request: Request, config_file: Path | None) -> Project | None:
    """The project whose settings (and history) count; None for SQL files outside of any.

    Raises ProjectError when the request needs one, ConfigError when its settings can't be read.
    """
    from zero_downtime.project import find_project

    try:
        return find_project(config_file)
    except ProjectError:
        if config_file is not None or not request.only_sql:
            raise
        return None


def write_accepted(report: Report, path: Path) -> None:
    """Write the baseline that accepts a report. Raises InputError."""
    try:
        path.write_text(baseline_text(report), "utf-8")
    except OSError as error:
        raise InputError(
            where=path, reason=f"can't be written ({error.strerror})", advice="Check the path"
        ) from error


def lint_request(request: Request, project: Project | None, say: Say = lambda line: None) -> Report:
    """Lint what is asked for. Raises InputError, ParseError and what reading a history raises."""
    base = _base(request, project)
    histories, start = _read(request, project, say, base)
    if project is not None:
        config = project.config.lint
        options = Options.of(config, request.major, request.independent, project.root)
    else:
        options = Options(request.major or 18, independent=request.independent)
    options = replace(options, mapped=mapped_by(project, base))
    report = lint_histories(histories, start, options, request.processes)
    return without_accepted(report, request.baseline) if request.baseline else report


def effects_of_request(
    request: Request, project: Project | None, say: Say = lambda line: None
) -> list[tuple[Statement, Effect]]:
    """The effect of every statement; files start anew from the schema, revisions follow on."""
    histories, start = _read(request, project, say, _base(request, project), pairs=False)
    found: list[tuple[Statement, Effect]] = []
    for units in histories:
        now = (start or State()).copy()
        for unit in units:
            if unit.revision is None:
                now = (start or State()).copy()
            now.unit += 1
            now.new_session()
            found += _effects(unit, now, request.major or 18)
    return found


def _effects(unit: Unit, state: State, major: int) -> list[tuple[Statement, Effect]]:
    found = []
    for statement in (*unit.upgrade, *unit.downgrade):
        state.transaction = statement.transaction
        try:
            effect = predict(statement.sql, state, major)
        except RecursionError as error:
            raise ParseError(where=statement.location, reason="nested too deeply") from error
        except NotParsed as error:
            place = error_location(statement, error)
            raise ParseError(
                where=f"{place.file}:{place.line}:{place.column}", reason=str(error)
            ) from error
        if unit.report:
            found.append((statement, effect))
        state.apply(statement.sql)
    state.transaction = None
    return found


def _base(request: Request, project: Project | None) -> Base | None:
    """What ``--diff`` compares with."""
    if request.diff is None:
        return None
    from zero_downtime.lint.git import Base

    return Base(request.diff, project.root if project else Path.cwd())


def _read(
    request: Request, project: Project | None, say: Say, base: Base | None, pairs: bool = True
) -> tuple[list[list[Unit]], State | None]:
    """What is to be judged, and the schema before it."""
    revisions = [path for path in request.paths if path.suffix == ".py"]
    folders = [path for path in request.paths if _holds_revisions(path)]
    scripts = [path for path in request.paths if path not in (*revisions, *folders)]
    history: list[Unit] = []
    if not request.only_sql:
        assert project is not None, "project_for gives one or raises"
        history = history_units(project, request.server, say)
    start = schema_state(Path(request.schema)) if request.schema not in (None, "history") else None
    if request.schema == "history":
        start = _state_after(history)
    read_files = sql_histories if pairs else files_alone
    histories = read_files(scripts, request.stdin, request.in_transaction)
    if revisions or folders:
        histories.append(_chosen(history, revisions, folders))
    elif not (request.paths or request.stdin is not None):
        histories.append(history)
    if base is not None:
        changed = base.changed()
        histories = [
            [
                replace(
                    unit,
                    report=unit.report
                    and any(Path(file).resolve() in changed for file in unit.files),
                )
                for unit in units
            ]
            for units in histories
        ]
    return histories, start


def _holds_revisions(path: Path) -> bool:
    return path.is_dir() and any(path.rglob("*.py")) and not any(path.rglob("*.sql"))


def _chosen(history: Sequence[Unit], files: list[Path], folders: list[Path]) -> list[Unit]:
    wanted = [*files, *(file for folder in folders for file in folder.rglob("*.py"))]
    units = only(history, wanted)
    known = {Path(unit.file).resolve() for unit in units}
    for file in files:
        if file.resolve() not in known:
            raise InputError(
                where=file,
                reason="is no revision of this project's history",
                advice="Check the path, or --config",
            )
    return units


def _state_after(units: Sequence[Unit]) -> State:
    state = State()
    for unit in units:
        state.unit += 1
        state.new_session()
        for statement in unit.upgrade:
            state.apply(statement.sql)
    return state
