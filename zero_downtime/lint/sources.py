"""Where units come from beside SQL files: the project's Alembic history, and what git knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zero_downtime.errors import (
    HistoryError,
    InputError,
    NotRenderable,
    RevisionFailed,
    SeveralDatabases,
)
from zero_downtime.lint.finding import Note
from zero_downtime.lint.texts import read_text
from zero_downtime.lint.unit import Unit, with_python_suppressions
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.statement import Direction, Location, Statement

if TYPE_CHECKING:
    from zero_downtime.history import Revision
    from zero_downtime.postgres.server import Server
    from zero_downtime.project import Project

Say = Callable[[str], None]
_DIRECTIONS: tuple[Direction, ...] = ("upgrade", "downgrade")


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

    revisions = list(read_history(project))
    rendered = _rendered(project, revisions)
    with _Capture(project, where, say) as capture:
        return [_revision_unit(revision, rendered, capture) for revision in revisions]


Rendered = dict[tuple[str, Direction], "list[Statement] | HistoryError"]


def _rendered(project: Project, revisions: Iterable[Revision]) -> Rendered:
    """The statements of each direction, or why it can't be rendered."""
    from zero_downtime.history import renderer

    found: Rendered = {}
    with renderer(project) as render:
        for revision in revisions:
            for direction in _DIRECTIONS:
                try:
                    found[revision.id, direction] = render(revision, direction)
                except SeveralDatabases:
                    raise
                except HistoryError as error:
                    found[revision.id, direction] = error
    return found


def _revision_unit(revision: Revision, rendered: Rendered, capture: _Capture) -> Unit:
    notes: list[Note] = []
    found: dict[Direction, tuple[Statement, ...]] = {}
    for direction in _DIRECTIONS:
        try:
            found[direction] = _statements(revision, direction, rendered, capture)
        except (HistoryError, RevisionFailed) as error:
            found[direction] = ()
            notes.append(Note(f"{direction}: {error}", Location(revision.file), "revision"))
    unit = Unit(
        revision.file,
        found["upgrade"],
        found["downgrade"],
        revision=revision.id,
        phase=revision.phase,
        notes=tuple(notes),
    )
    return with_python_suppressions(unit, read_text(revision.path))


def _statements(
    revision: Revision, direction: Direction, rendered: Rendered, capture: _Capture
) -> tuple[Statement, ...]:
    found = rendered[revision.id, direction]
    if isinstance(found, NotRenderable):
        return capture.statements(revision, direction, found)
    if isinstance(found, HistoryError):
        raise found
    return tuple(found)


class _Capture:
    """Runs revisions on a scratch server, which is started only when one needs it."""

    def __init__(self, project: Project, where: str | None, say: Say) -> None:
        self._project = project
        self._where = where or project.config.server
        self._say = say
        self._server: Server | None = None

    def __enter__(self) -> _Capture:
        return self

    def __exit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.close()

    def statements(
        self, revision: Revision, direction: Direction, why: NotRenderable
    ) -> tuple[Statement, ...]:
        """What the revision runs. Raises RevisionFailed when it does not run."""
        from zero_downtime.postgres.server import open_server
        from zero_downtime.replay import capture

        if self._server is None:
            self._server = open_server(self._where)
        self._say(f"{revision.id} is run on a scratch server: {why}")
        return tuple(capture(self._project, self._server, revision, direction))


def only(units: Sequence[Unit], files: Iterable[Path]) -> list[Unit]:
    """The same units, of which only those of these files are reported."""
    wanted = {file.resolve() for file in files}
    return [replace(unit, report=Path(unit.file).resolve() in wanted) for unit in units]


def changed_since(base: str, folder: Path) -> set[Path]:
    """The files that differ from where a git ref branched off, new ones included.

    Raises InputError when git does not know the ref or the folder is in no repository.
    """
    root = Path(_git(folder, base, "rev-parse", "--show-toplevel").strip())
    start = _git(folder, base, "merge-base", base, "HEAD").strip()
    named = _git(root, base, "diff", "--name-only", "-z", start)
    named += _git(root, base, "ls-files", "--others", "--exclude-standard", "-z")
    return {(root / name).resolve() for name in named.split("\0") if name}


def _git(folder: Path, base: str, *arguments: str) -> str:
    import subprocess

    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join(done.stderr.split()) or "no common ancestor"
        raise InputError(
            where=f"--diff {base}", reason=f"git says: {said}", advice="Name a branch or commit"
        )
    return done.stdout
