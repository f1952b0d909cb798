"""Where units come from beside SQL files: the project's Alembic history, a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from zero_downtime.errors import (
    EnvironmentFailed,
    HistoryError,
    InputError,
    NotRenderable,
    RevisionFailed,
    ServerError,
    SeveralDatabases,
    ZeroDowntimeError,
)
from zero_downtime.lint.finding import Note
from zero_downtime.lint.texts import read_text
from zero_downtime.lint.unit import Unit, with_python_suppressions
from zero_downtime.sql.script import OWN, Borders, split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.statement import Direction, Location, Statement

if TYPE_CHECKING:
    from zero_downtime.history import Revision
    from zero_downtime.project import Project

Say = Callable[[str], None]


def schema_state(path: Path) -> State:
    """The state that a dump or any other script leaves. Raises InputError and ParseError."""
    return state_from(statement.sql for statement in split(read_text(path), str(path)))


def history_units(
    project: Project, where: str | None = None, say: Say = lambda line: None
) -> list[Unit]:
    """The revisions of a project's Alembic history, rendered, or captured where that fails.

    ``where`` is the scratch server for capturing: embedded, a bin directory or a URL.
    """
    from zero_downtime.history import read_history

    revisions = list(read_history(project, all_load=False))
    found = _rendered(project, revisions)
    failed = {part: got for part, got in found.items() if isinstance(got, NotRenderable)}
    missing = sorted({package for revision in revisions for package in revision.missing})
    if failed and missing:
        found |= {part: _without_packages(why, missing) for part, why in failed.items()}
    elif failed:
        found |= _captured(project, where or project.config.server, revisions, failed, say)
    return [_unit(revision, found) for revision in revisions]


_Part = tuple[str, Direction]
_Found = dict[_Part, "tuple[Statement, ...] | ZeroDowntimeError"]
_DIRECTIONS: tuple[Direction, ...] = ("upgrade", "downgrade")


def _rendered(project: Project, revisions: Iterable[Revision]) -> _Found:
    """The statements of each direction, or why it can't be rendered."""
    from zero_downtime.history.rendering import renderer

    found: _Found = {}
    with renderer(project) as render:
        for revision in revisions:
            for direction in _DIRECTIONS:
                try:
                    found[revision.id, direction] = tuple(render(revision, direction))
                except SeveralDatabases:
                    raise
                except HistoryError as error:
                    found[revision.id, direction] = error
    return found


def _unit(revision: Revision, found: _Found) -> Unit:
    notes: list[Note] = []
    statements: dict[Direction, tuple[Statement, ...]] = {"upgrade": (), "downgrade": ()}
    for direction in _DIRECTIONS:
        got = found[revision.id, direction]
        if isinstance(got, ZeroDowntimeError):
            notes.append(Note(f"{direction}: {got}", Location(revision.file), "revision"))
        else:
            statements[direction] = tuple(_with_own_transactions(got))
    unit = Unit(
        revision.file,
        statements["upgrade"],
        statements["downgrade"],
        revision=revision.id,
        phase=revision.phase,
        notes=tuple(notes),
    )
    return with_python_suppressions(unit, read_text(revision.path))


def _with_own_transactions(statements: Sequence[Statement]) -> Iterator[Statement]:
    """The statements with those transactions that a revision begins by itself, outside of one."""
    borders = Borders(last=OWN)
    for statement in statements:
        if statement.transaction is None:
            number = borders.number_of(statement.sql)
            yield statement if number is None else structs.replace(statement, transaction=number)
        else:
            yield statement


def _captured(
    project: Project,
    where: str,
    revisions: Sequence[Revision],
    failed: Mapping[_Part, NotRenderable],
    say: Say,
) -> _Found:
    """What revisions that can't be rendered run on a scratch server, if there can be one."""
    from zero_downtime.postgres.server import open_server
    from zero_downtime.replay import capture, capture_history

    say(f"{len(failed)} parts of the history are run on a scratch server")
    found: _Found = {}
    try:
        with closing(open_server(where)) as server:
            for direction in _DIRECTIONS:
                wanted = [r for r in revisions if (r.id, direction) in failed]
                if not wanted:
                    continue
                try:
                    all_at_once = capture_history(project, server, direction)
                    found |= {(r.id, direction): tuple(all_at_once[r.id]) for r in wanted}
                except (HistoryError, RevisionFailed):
                    # One that fails must not hide the others: each by itself, then.
                    for revision in wanted:
                        part = (revision.id, direction)
                        try:
                            found[part] = tuple(capture(project, server, revision, direction))
                        except (HistoryError, RevisionFailed) as error:
                            found[part] = error
    except (ServerError, EnvironmentFailed) as error:
        return {part: _without_server(why, error) for part, why in failed.items()}
    return found


def _without_server(why: NotRenderable, error: ZeroDowntimeError) -> ZeroDowntimeError:
    return InputError(
        where=why.facts["where"],
        reason=f"this revision has no SQL without a database ({why.facts['reason']})",
        advice=f"It could not be run on a scratch server either: {error}",
    )


def _without_packages(why: NotRenderable, missing: Sequence[str]) -> ZeroDowntimeError:
    packages = ", ".join(missing)
    return InputError(
        where=why.facts["where"],
        reason=f"this revision has no SQL without a database ({why.facts['reason']})",
        advice=f"To run it on a scratch server, install what the history imports: {packages}",
    )


def only(units: Sequence[Unit], files: Iterable[Path]) -> list[Unit]:
    """The same units, of which only those of these files are reported."""
    wanted = {file.resolve() for file in files}
    return [structs.replace(unit, report=Path(unit.file).resolve() in wanted) for unit in units]
