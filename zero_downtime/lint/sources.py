"""Where units come from: SQL files and folders, standard input, the project's Alembic history."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from zero_downtime.lint.unit import Unit, unit_of_script, with_python_suppressions
from zero_downtime.sql.script import read_script, split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.statement import Direction, Location, Statement

if TYPE_CHECKING:
    from zero_downtime.history import Revision
    from zero_downtime.postgres.server import Server
    from zero_downtime.project import Project

Say = Callable[[str], None]


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, a byte order mark removed. Raises InputError."""
    try:
        return decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise InputError(
            where=path, reason=f"can't be read ({error.strerror})", advice="Check the path"
        ) from error


def decoded(content: bytes, where: str) -> str:
    """Bytes as UTF-8, a byte order mark removed. Raises InputError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            where=where,
            reason=f"is not UTF-8 (byte {error.start})",
            advice="Save it in that encoding",
        ) from error


def schema_state(path: Path) -> State:
    """The state that a dump or any other script leaves. Raises InputError and ParseError."""
    return state_from(statement.sql for statement in split(read_text(path), str(path)))


def sql_histories(
    paths: Iterable[Path], stdin: str | None = None, in_transaction: bool = False
) -> list[list[Unit]]:
    """The SQL files named or found in folders, those of one folder as a history in name order."""
    folders: dict[Path, set[Path]] = {}
    for path in paths:
        for file in _sql_files(path):
            folders.setdefault(file.parent, set()).add(file)
    histories = [
        [_unit(read_text(file), str(file), in_transaction) for file in sorted(files)]
        for files in folders.values()
    ]
    if stdin is not None:
        histories.append([_unit(stdin.removeprefix("\ufeff"), "-", in_transaction)])
    return histories


def _unit(text: str, file: str, in_transaction: bool) -> Unit:
    return unit_of_script(read_script(text, file, in_transaction), file)


def _sql_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        found = sorted(each for each in path.rglob("*.sql") if each.is_file())
        if not found:
            raise InputError(
                where=path, reason="holds no .sql file", advice="Name the folder of the migrations"
            )
        yield from found
    elif path.exists():
        yield path
    else:
        raise InputError(where=path, reason="there is no such file", advice="Check the path")


def history_units(
    project: Project, where: str | None = None, say: Say = lambda line: None
) -> list[Unit]:
    """The revisions of a project's Alembic history, rendered, or captured where that fails.

    ``where`` is the scratch server for capturing: embedded, a bin directory or a URL.
    """
    from zero_downtime.history import read_history

    with _Capture(project, where, say) as capture:
        return [_revision_unit(project, revision, capture) for revision in read_history(project)]


def _revision_unit(project: Project, revision: Revision, capture: _Capture) -> Unit:
    notes: list[tuple[str, Location]] = []
    found: dict[Direction, tuple[Statement, ...]] = {}
    directions: tuple[Direction, ...] = ("upgrade", "downgrade")
    for direction in directions:
        try:
            found[direction] = _statements(project, revision, direction, capture)
        except SeveralDatabases:
            raise
        except (HistoryError, RevisionFailed) as error:
            found[direction] = ()
            notes.append((f"{direction}: {error}", Location(revision.file)))
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
    project: Project, revision: Revision, direction: Direction, capture: _Capture
) -> tuple[Statement, ...]:
    from zero_downtime.history import render

    try:
        return tuple(render(project, revision, direction))
    except NotRenderable as error:
        return capture.statements(revision, direction, error)


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
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join(done.stderr.split()) or "no common ancestor"
        raise InputError(
            where=f"--diff {base}", reason=f"git says: {said}", advice="Name a branch or commit"
        )
    return done.stdout
