"""Running a project's own Python: its revisions, its env.py and all that they import.

That code is a guest in our process. It finds its own modules even where others of the same name
are loaded, sees its own folder as working directory, and whatever it prints, logs or warns does
not mix with our output.
"""

from __future__ import annotations

import contextlib
import io
import logging
import logging.config
import os
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from zero_downtime.project import Project
from zero_downtime.sql.statement import Location

Say = Callable[[str], None]
Host = Callable[[], contextlib.AbstractContextManager[None]]

# Modules of a project that share their name with one loaded before, kept from run to run.
_kept: dict[Path, dict[str, ModuleType]] = {}
# The working directories that guests have left.
_home: list[Path] = []


@contextlib.contextmanager
def guest(project: Project, say: Say | None = None) -> Iterator[Host]:
    """All that a project's code needs around it; ``say`` receives the lines that it prints.

    Gives a function: with its result entered, our own code has our streams back.
    """
    streams = sys.stdout, sys.stderr

    @contextlib.contextmanager
    def host() -> Iterator[None]:
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            yield

    def tell(line: str) -> None:
        with host():
            (say or _nobody)(line)

    with imports(project), _own_output(tell), _batch_places():
        yield host


@contextlib.contextmanager
def imports(project: Project) -> Iterator[None]:
    """The project's modules come first, and none of another project passes for one of them."""
    path, folder = list(sys.path), Path.cwd()
    _home.append(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about old spellings of prepend_sys_path
        prepended = project.alembic_config().get_prepend_sys_paths_list() or ()
    ours = [project.root / entry for entry in prepended]
    os.chdir(project.root)
    _forget_relative_paths()
    sys.path[:0] = [str(entry) for entry in ours]
    displaced = _take_out(_names_in([*ours, project.root]), project.root)
    taken = {name.partition(".")[0] for name in sys.modules}
    kept = _kept.pop(project.root, {})
    sys.modules.update({n: kept[n] for n in kept if n.partition(".")[0] not in taken})
    try:
        yield
    finally:
        if displaced:
            tops = {name.partition(".")[0] for name in displaced}
            _kept[project.root] = _remove(tops)
            sys.modules.update(displaced)
        sys.path[:] = path
        _forget_relative_paths()
        os.chdir(folder)
        _home.pop()


def _forget_relative_paths() -> None:
    """Alembic puts "." on the path; Python would remember which folder that was at first."""
    for entry in [e for e in sys.path_importer_cache if not os.path.isabs(e)]:
        del sys.path_importer_cache[entry]


def _names_in(folders: list[Path]) -> set[str]:
    names = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            for entry in folder.iterdir():
                if entry.suffix == ".py" or entry.is_dir():
                    names.add(entry.stem if entry.suffix == ".py" else entry.name)
    return names


def _take_out(names: set[str], root: Path) -> dict[str, ModuleType]:
    """Remove the loaded modules of these names that belong to somebody else's sources."""
    strangers = {
        name
        for name in names & sys.modules.keys()
        if (place := _place_of(sys.modules[name])) is not None
        and not place.is_relative_to(root)
        and not any(place.is_relative_to(folder) for folder in _installed())
    }
    return _remove(strangers - {"zero_downtime", "zero_downtime_cli"})


def _remove(names: set[str]) -> dict[str, ModuleType]:
    return {
        name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] in names
    }


def _place_of(module: ModuleType) -> Path | None:
    if file := getattr(module, "__file__", None):
        return Path(file).resolve()
    paths = list(getattr(module, "__path__", ()))
    return Path(paths[0]).resolve() if paths else None


def _installed() -> tuple[Path, ...]:
    return _installations(tuple(sys.path))


@cache
def _installations(path: tuple[str, ...]) -> tuple[Path, ...]:
    """The folders that packages are installed into: a project may have a folder alembic."""
    standard = {Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platstdlib")}
    folders = {Path(entry) for entry in path if next(Path(entry).glob("*.dist-info"), None)}
    return tuple(folder.resolve() for folder in standard | folders)


class _Lines(io.TextIOBase):
    """A text stream that hands on whole lines."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._say(line)
        return len(text)

    def finish(self) -> None:
        if self._rest:
            self._say(self._rest)
            self._rest = ""


@contextlib.contextmanager
def _own_output(say: Say) -> Iterator[None]:
    lines = _Lines(say)
    with (
        _logging_kept(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(lines),
        contextlib.redirect_stderr(lines),
    ):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            lines.finish()


@contextlib.contextmanager
def _logging_kept() -> Iterator[None]:
    """Let env.py set up no logging, and undo what other code sets up."""
    root, file_config = logging.getLogger(), logging.config.fileConfig
    handlers, level = list(root.handlers), root.level
    disabled = {
        name: logger.disabled
        for name, logger in logging.Logger.manager.loggerDict.items()
        if isinstance(logger, logging.Logger)
    }
    logging.config.fileConfig = _ignored  # alembic's template calls it in every env.py
    driver = logging.getLogger("psycopg")
    disabled["psycopg"] = driver.disabled
    driver.disabled = True  # it warns of pipelines that errors ended; we tell the errors
    try:
        yield
    finally:
        logging.config.fileConfig = file_config
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, was in disabled.items():
            logging.getLogger(name).disabled = was


def _ignored(*arguments: Any, **options: Any) -> None:
    """Takes the place of logging.config.fileConfig."""


def _nobody(line: str) -> None:
    """Hears a line that nobody asked for."""


def shown(path: Path) -> str:
    """A path as messages show it: relative to the user's working directory when it lies below."""
    with contextlib.suppress(ValueError, OSError):
        return str(path.relative_to(_home[0] if _home else Path.cwd()))
    return str(path)


def place(path: Path, file: str) -> Location | None:
    """Where in the source file ``path`` the running code is: the innermost frame of that file.

    None when the file is not on the stack. ``file`` is the name that the location shows.
    """
    name = str(path)
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == name:
            return _location(frame, file)
        if (noted := _noted(frame)) is not None:
            return noted
        frame = frame.f_back
    return None


def _location(frame: FrameType, file: str) -> Location:
    line, end_line, column, end_column = _positions(frame.f_code)[frame.f_lasti // 2]
    return Location(
        file,
        line=line or frame.f_lineno,
        column=(column or 0) + 1,
        end_line=end_line,
        end_column=None if end_column is None else end_column + 1,
    )


@cache
def _positions(code: CodeType) -> list[tuple[int | None, int | None, int | None, int | None]]:
    return list(code.co_positions())


class _Noted(list[Any]):
    """The operations that a ``batch_alter_table`` collects, each with the line that asked for it.

    Alembic issues them when the block ends; without this all would stand at its first line.
    """

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Location | None] = []

    def append(self, item: Any) -> None:
        super().append(item)
        self.places.append(place(*_current[-1]) if _current else None)


# The revision file whose code is running, with the name that locations show.
_current: list[tuple[Path, str]] = []


@contextlib.contextmanager
def running(path: Path, file: str) -> Iterator[None]:
    """Tells the places of batch operations which file to look for."""
    _current.append((path, file))
    try:
        yield
    finally:
        _current.pop()


@contextlib.contextmanager
def _batch_places() -> Iterator[None]:
    from alembic.operations.batch import BatchOperationsImpl

    original = BatchOperationsImpl.__init__

    def begin(self: BatchOperationsImpl, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)  # type: ignore[no-untyped-call]
        self.batch = _Noted()

    BatchOperationsImpl.__init__ = begin  # type: ignore[method-assign]
    try:
        yield
    finally:
        BatchOperationsImpl.__init__ = original  # type: ignore[method-assign]


def _noted(frame: FrameType) -> Location | None:
    if frame.f_code.co_name != "flush":
        return None
    batch = getattr(frame.f_locals.get("self"), "batch", None)
    argument = frame.f_locals.get("arg")
    if isinstance(batch, _Noted):
        for item, noted in zip(batch, batch.places, strict=True):
            if item[1] is argument:
                return noted
    return None


def lines_in(error: BaseException, path: Path) -> list[int]:
    """The lines of a file that an exception came through, the innermost last."""
    lines, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines
