"""Importing a project's schema modules afresh, without leaving a trace in ``sys.modules``.

A schema module may have been imported before: by an env.py, by the run before, or from another
project that has a folder of the same name. So every module of the project is put aside, the
modules are imported anew, and afterwards the interpreter is as it was.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from sqlalchemy import MetaData, Table

from zero_downtime import environment
from zero_downtime.errors import SchemaError
from zero_downtime.project import Project

# Ours stay: the schema modules must meet the same classes as the code that reads them.
_KEPT = {"zero_downtime", "zero_downtime_cli", "__main__", "__mp_main__"}


@dataclass(frozen=True)
class Source:
    """Where schema modules are found: files, their import names, and what goes on sys.path."""

    modules: tuple[tuple[str, Path], ...]  # import name, file
    path: tuple[Path, ...]


def find_source(project: Project) -> Source:
    """The schema modules of a project. Raises SchemaError when there are none."""
    place = project.schemas
    if place is None:
        raise SchemaError(
            where=project.toml or project.ini,
            reason="the project names no schema modules",
            advice='Set schemas = "…" in [tool.zero_downtime] of pyproject.toml, or run zd init',
        )
    if not place.exists():
        raise SchemaError(
            where=place,
            reason="there is no such folder or file of schema modules",
            advice="Make it, or mend the setting schemas",
        )
    place = place.resolve()
    if place.is_file():
        root = package_root(place.parent)
        if root == place.parent and place.is_relative_to(top := project.root.resolve()):
            root = top if any(not name for name in _imports(place)) else root
        return Source(((_dotted(place, root), place),), (root,))
    files = [file for file in sorted(place.rglob("*.py")) if not _hidden(file, place)]
    if (place / "__init__.py").exists():
        root = package_root(place)
    else:
        root = place if _import_each_other_bare(files, place) else package_root(place.parent)
    modules = tuple((_dotted(file, root), file) for file in files)
    return Source(tuple(module for module in modules if module[0]), (root,))


def package_root(folder: Path) -> Path:
    """The folder that must be on ``sys.path`` for the packages around ``folder``."""
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


@contextlib.contextmanager
def imported(project: Project) -> Iterator[list[ModuleType]]:
    """The project's modules, freshly imported; the schema modules and what they import of ours.

    Raises SchemaError when a module does not import or comes from elsewhere.
    """
    source = find_source(project)
    root = project.root.resolve()
    with environment.guest(project):
        aside = {
            name: module
            for name, module in list(sys.modules.items())
            if _belongs(name, module, root) or _same_name(name, source)
        }
        before = set(sys.modules) - set(aside)
        path, write_bytecode = list(sys.path), sys.dont_write_bytecode
        _leave_foreign_metadata(aside)
        for name in aside:
            del sys.modules[name]
        sys.path[:0] = [str(folder) for folder in (*source.path, root)]
        # A file changed twice within a second keeps its old bytecode: write none.
        sys.dont_write_bytecode = True
        importlib.invalidate_caches()
        try:
            for name, file in source.modules:
                _make_folders_packages(name, file)
                _import(name, file, root)
            fresh = [name for name in sys.modules if name not in before]
            yield [module for name in fresh if _belongs(name, module := sys.modules[name], root)]
        finally:
            ours = {
                name: module
                for name, module in sys.modules.items()
                if name not in before and (_belongs(name, module, root) or _same_name(name, source))
            }
            _leave_foreign_metadata(ours)
            for name in ours:
                del sys.modules[name]
            sys.modules.update(aside)
            sys.path[:], sys.dont_write_bytecode = path, write_bytecode


def shown(file: str | Path, root: Path) -> str:
    """A file as messages name it: relative to the project where possible."""
    path = Path(file)
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def one_line(error: BaseException) -> str:
    """A Python or SQLAlchemy error in one line, without the link to its manual."""
    text = " ".join(str(error).split()).partition(" (Background on this error")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _leave_foreign_metadata(modules: dict[str, ModuleType]) -> None:
    """Take the project's tables out of a base that comes from elsewhere, SQLModel for instance.

    Such a base outlives the modules; the next import would find its tables defined already.
    """
    values = [value for module in modules.values() for value in list(vars(module).values())]
    foreign = {
        id(vars(owner)["metadata"])
        for value in values
        if isinstance(value, type)
        for owner in value.__mro__
        if isinstance(vars(owner).get("metadata"), MetaData) and owner.__module__ not in modules
    }
    for value in values:
        table = getattr(value, "__table__", None) if isinstance(value, type) else value
        ours = not isinstance(value, type) or value.__module__ in modules
        if ours and isinstance(table, Table) and id(table.metadata) in foreign:
            table.metadata.remove(table)


def _make_folders_packages(name: str, file: Path) -> None:
    """Enter the folders around a module that have no ``__init__.py`` as packages.

    Left to the interpreter, a package of the same name anywhere on sys.path would win over them.
    """
    folder = file.parent.parent if file.name == "__init__.py" else file.parent
    while package := name.rpartition(".")[0]:
        if package not in sys.modules and not (folder / "__init__.py").exists():
            spec = ModuleSpec(package, None, is_package=True)
            spec.submodule_search_locations = [str(folder)]
            sys.modules[package] = module_from_spec(spec)
        name, folder = package, folder.parent


def _import(name: str, file: Path, root: Path) -> None:
    try:
        module = importlib.import_module(name)
    except SyntaxError as error:
        where = shown(error.filename or file, root)
        raise SchemaError(
            where=f"{where}:{error.lineno or 1}",
            reason=f"the schema module does not import ({type(error).__name__}: {error.msg})",
            advice="Mend that line",
        ) from error
    except (Exception, SystemExit) as error:
        missing = isinstance(error, ModuleNotFoundError)
        raise SchemaError(
            where=_place_of(error, file, root),
            reason=f"the schema module does not import ({one_line(error)})",
            advice="Install it where zd runs, or mend that line" if missing else "Mend that line",
        ) from error
    origin = getattr(module, "__file__", None)
    found = Path(origin).resolve() if origin else None
    if found != file:
        raise SchemaError(
            where=file,
            reason=f"the name {name} leads to {found or 'a built-in module'} instead of this file",
            advice="Rename the folder of the schema modules, or run zd in an environment "
            "without the other one",
        )


def _place_of(error: BaseException, file: Path, root: Path) -> str:
    """The deepest line of the project in a traceback."""
    ours = Path(__file__).parent.parent
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if (path := Path(frame.filename)).is_relative_to(root)
        and not path.is_relative_to(ours)
        and not _installed(path, root)
    ]
    if not frames:
        return f"{shown(file, root)}:1"
    return f"{shown(frames[-1].filename, root)}:{frames[-1].lineno}"


def _belongs(name: str, module: ModuleType | None, root: Path) -> bool:
    """Whether a loaded module is a file of the project, neither installed nor our own."""
    file = getattr(module, "__file__", None)
    if name.partition(".")[0] in _KEPT or not isinstance(file, str):
        return False
    path = Path(file)
    return path.is_relative_to(root) and not _installed(path, root)


def _installed(path: Path, root: Path) -> bool:
    return not {"site-packages", "dist-packages"}.isdisjoint(path.relative_to(root).parts)


def _same_name(name: str, source: Source) -> bool:
    tops = {module.partition(".")[0] for module, _ in source.modules}
    return name.partition(".")[0] in tops - _KEPT


def _dotted(file: Path, root: Path) -> str:
    parts = list(file.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _hidden(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    return any(part.startswith(".") or part == "__pycache__" for part in parts)


def _import_each_other_bare(files: list[Path], folder: Path) -> bool:
    """Whether modules of a plain folder say ``from base import Base`` for their neighbours."""
    names = {file.stem for file in files if file.parent == folder} - sys.stdlib_module_names
    return any(name in names for file in files for name in _imports(file))


def _imports(file: Path) -> Iterator[str]:
    """The first part of each name that a file imports; empty for a relative import."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return  # the import itself will say so, with the line
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield "" if node.level else (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
