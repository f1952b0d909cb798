"""Finding a project's SQLAlchemy models by reading its files, without importing anything."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

_SKIPPED = {"tests", "test", "node_modules", "site-packages", "build", "dist", "versions"}


def find_models(root: Path, environment: Path | None = None) -> Path | None:
    """The file or folder whose import brings all models of a project, or None.

    That is the one file in which they stand; or what env.py imports, the module of its
    ``target_metadata`` first, if it reaches them all; or the one folder around them.
    """
    models = [file for file in _python_files(root) if _declares_tables(file)]
    if not models:
        return None
    if len(models) == 1:
        return _folder_if_whole(models[0], root)
    for entry in _entries(environment, root) if environment else ():
        if set(models) <= _reach(entry, root):
            return _folder_if_whole(entry, root)
    folder = Path(os.path.commonpath([file.parent for file in models]))
    return folder if folder != root and folder.name != "src" else None


def _python_files(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and name not in _SKIPPED
            and not (Path(folder, name) / "pyvenv.cfg").exists()
            and not (Path(folder, name) / "script.py.mako").exists()  # Alembic's own folder
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".py"))


def _tree(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None


def _declares_tables(file: Path) -> bool:
    """A class with ``__tablename__``, a SQLModel table, or a call of ``Table(name, metadata``.

    A revision, wherever it lies, may hold tables of its day and declares none.
    """
    tree = _tree(file)
    return tree is not None and not _is_revision(tree) and any(map(_is_table, ast.walk(tree)))


def _is_revision(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "down_revision" for node in ast.walk(tree))


def _is_table(node: ast.AST) -> bool:
    if isinstance(node, ast.ClassDef):
        named = any(
            isinstance(target, ast.Name) and target.id in {"__tablename__", "__table__"}
            for statement in node.body
            if isinstance(statement, ast.Assign | ast.AnnAssign)
            for target in (
                statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            )
        )
        return named or any(
            word.arg == "table" and isinstance(word.value, ast.Constant) and word.value.value
            for word in node.keywords
        )
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        name = getattr(node.func, "id", getattr(node.func, "attr", None))
        first = node.args[0]
        return name == "Table" and isinstance(first, ast.Constant)
    return False


def _reach(entry: Path, root: Path) -> set[Path]:
    """The files of the project that importing one of them imports."""
    reached: set[Path] = set()
    waiting = [entry]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting.extend(_imported(file, root))
    return reached


def _entries(environment: Path, root: Path) -> list[Path]:
    """The project's files that env.py imports, the one of ``target_metadata`` first."""
    tree = _tree(environment) or ast.Module([], [])
    wanted = {
        word.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "target_metadata" for t in node.targets)
        for word in ast.walk(node.value)
        if isinstance(word, ast.Name)
    }
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    imports.sort(key=lambda node: wanted.isdisjoint(a.asname or a.name for a in node.names))
    names = [name for node in imports for name in _names(node)]
    return [found for name in names if (found := _resolve(name, environment, root))]


def _imported(file: Path, root: Path) -> list[Path]:
    """The project's files that a file imports, in the order written."""
    tree = _tree(file)
    names = [name for node in ast.walk(tree or ast.Module([], [])) for name in _names(node)]
    return [found for name in names if (found := _resolve(name, file, root))]


def _names(node: ast.AST) -> Iterator[str]:
    """Dotted names that an import may load, parents last; a leading dot is the file's folder."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield from _with_parents(alias.name)
    elif isinstance(node, ast.ImportFrom):
        base = "." * node.level + (node.module or "")
        joint = "" if base.endswith(".") else "."
        yield from (f"{base}{joint}{alias.name}" for alias in node.names)
        yield from _with_parents(base)


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


def _resolve(name: str, file: Path, root: Path) -> Path | None:
    level = len(name) - len(name.lstrip("."))
    parts = [part for part in name.split(".") if part]
    folders = [file.parents[level - 1]] if level else [root, root / "src", file.parent]
    for folder in folders:
        place = folder.joinpath(*parts)
        if parts and place.with_suffix(".py").is_file():
            return place.with_suffix(".py")
        if (place / "__init__.py").is_file() and place != root:
            return place / "__init__.py"
    return None


def _folder_if_whole(entry: Path, root: Path) -> Path:
    """A package instead of its ``__init__.py``, when importing that imports all of its files."""
    if entry.name != "__init__.py":
        return entry
    whole = set(entry.parent.rglob("*.py")) <= _reach(entry, root)
    return entry.parent if whole else entry
