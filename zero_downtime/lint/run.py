"""``zd lint`` as one function: from paths and options to a report or to the effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from zero_downtime.config import Lint
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
from zero_downtime.lint.texts import Read, Text, read
from zero_downtime.lint.unit import Unit
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.script import error_location, read_script
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import NotParsed

if TYPE_CHECKING:
    from zero_downtime.lint.fix import Fixes, Replaced
    from zero_downtime.lint.git import Base
    from zero_downtime.lint.propose import Proposal
    from zero_downtime.lint.sizes import Sizes
    from zero_downtime.project import Project

Say = Callable[[str], None]


class Request(Struct, frozen=True):
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
    stats: Path | None = None  # what zd stats pull wrote
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
    return _Job(request, project, say).report()


class Mended(Struct, frozen=True):
    """The report on what is left, the fixes, and the proposals that were written."""

    report: Report
    fixes: Fixes | None = None
    proposed: tuple[Path, ...] = ()
    written: bool = False  # the fixes are in the files


def mend_request(
    request: Request,
    project: Project | None,
    say: Say = lambda line: None,
    fix: bool = False,
    show: bool = False,
    folder: Path | None = None,
) -> Mended:
    """Lint, and ``fix`` what can be mended in its place or only ``show`` it.

    For what is left, proposals are written into ``folder``. Raises like :func:`lint_request`.
    """
    if not fix and not show:
        report, fixes = lint_request(request, project, say), None
    else:
        from zero_downtime.lint.fix import fixed

        report, fixes = fixed(_Job(request, project, say).report)
        for change in fixes.changes if not show else ():
            change.write()
    found = _proposals(report, project) if folder is not None else []
    proposed = tuple(each.write(folder) for each in found if folder is not None)
    return Mended(report, fixes, proposed, fix and not show)


def _proposals(report: Report, project: Project | None) -> list[Proposal]:
    """Migrations for the findings of a report that have a safe way spelt out."""
    from zero_downtime.lint.propose import proposals

    heads: tuple[str, ...] = ()
    if any(finding.revision is not None for finding in report.findings) and project is not None:
        from zero_downtime.history import read_history

        heads = read_history(project).heads
    return proposals(report.findings, heads)


def effects_of_request(
    request: Request, project: Project | None, say: Say = lambda line: None
) -> list[tuple[Statement, Effect]]:
    """The effect of every statement; files start anew from the schema, revisions follow on."""
    job = _Job(request, project, say)
    start = job.start or State()
    found: list[tuple[Statement, Effect]] = []
    for units in job.histories(read, pairs=False):
        now = start.copy()
        for unit in units:
            if unit.revision is None:
                now = start.copy()
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


class _Job:
    """A request with what was read for it; SQL files may be read again."""

    def __init__(self, request: Request, project: Project | None, say: Say) -> None:
        self._request = request
        self._project = project
        self._say = say
        paths = request.paths
        self._revisions = [path for path in paths if path.suffix == ".py"]
        self._folders = [path for path in paths if _holds_revisions(path)]
        others = (*self._revisions, *self._folders)
        self._scripts = [path for path in paths if path not in others]

    def report(self, read: Read = read, replaced: Replaced | None = None) -> Report:
        """The report; ``read`` gives the text of a SQL file, revisions have statements replaced."""
        options, processes = self.options, self._request.processes
        histories = self.histories(read)
        if replaced:
            histories = [[_with(unit, replaced) for unit in units] for units in histories]
        report = lint_histories(histories, self.start, options, processes)
        baseline = self._request.baseline
        return without_accepted(report, baseline) if baseline else report

    @cached_property
    def options(self) -> Options:
        request, project = self._request, self._project
        if project is not None:
            from zero_downtime.lint.custom import load_custom_rules

            load_custom_rules()
            config = project.config.lint
            options = Options.of(config, request.major, request.independent, project.root)
        else:
            options = Options(request.major or 18, independent=request.independent)
        mapped = mapped_by(project, self._base, anywhere=not request.only_sql)
        return structs.replace(options, mapped=mapped, sizes=self._sizes())

    def _sizes(self) -> Sizes | None:
        """How large the tables are, where that was asked to count."""
        config = self._project.config.lint if self._project else Lint()
        path = self._request.stats
        if path is None and self._project is not None and config.stats:
            path = self._project.root / config.stats
        if path is None:
            return None
        from zero_downtime.lint.sizes import Sizes
        from zero_downtime.stats import read_stats

        speed = config.mb_per_second
        return Sizes(read_stats(path), speed, config.tiny_rows, config.tiny_bytes)

    @cached_property
    def start(self) -> State | None:
        """The schema before what is to be judged."""
        if self._request.schema == "history":
            return _state_after(self._history)
        return schema_state(Path(self._request.schema)) if self._request.schema else None

    def histories(self, read: Read, pairs: bool = True) -> list[list[Unit]]:
        """What is to be judged."""
        request = self._request
        read_files = sql_histories if pairs else files_alone
        histories = read_files(self._scripts, request.stdin, request.in_transaction, read)
        if self._revisions or self._folders:
            histories.append(_chosen(self._history, self._revisions, self._folders))
        elif not (request.paths or request.stdin is not None):
            histories.append(self._history)
        if self._base is None:
            return histories
        changed = self._base.changed()
        histories = [[_only_changed(unit, changed) for unit in units] for units in histories]
        return [self._as_applied(units) for units in histories]

    def _as_applied(self, units: list[Unit]) -> list[Unit]:
        """Revisions that are pending together, in the transaction that they share."""
        if self._project is None or not any(unit.revision for unit in units):
            return units
        from zero_downtime.history.env_options import shares_transaction
        from zero_downtime.lint.pending import in_one_transaction

        return in_one_transaction(units) if shares_transaction(self._project) else units

    @cached_property
    def _history(self) -> list[Unit]:
        if self._request.only_sql:
            return []
        assert self._project is not None, "project_for gives one or raises"
        return history_units(self._project, self._request.server, self._say)

    @cached_property
    def _base(self) -> Base | None:
        """What ``--diff`` compares with."""
        if self._request.diff is None:
            return None
        from zero_downtime.lint.git import Base

        return Base(self._request.diff, self._project.root if self._project else Path.cwd())


def _with(unit: Unit, replaced: Replaced) -> Unit:
    """The unit with other statements in the place of some."""
    if unit.revision is None:
        return unit

    def changed(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for each in statements:
            instead = replaced.get((each.location, each.sql))
            parts = read_script(instead).statements if instead is not None else ()
            found += [structs.replace(each, sql=part.sql) for part in parts] or [each]
        return tuple(found)

    return structs.replace(unit, upgrade=changed(unit.upgrade), downgrade=changed(unit.downgrade))


def _only_changed(unit: Unit, changed: set[Path]) -> Unit:
    is_changed = any(Path(file).resolve() in changed for file in unit.files)
    return structs.replace(unit, report=unit.report and is_changed)


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
