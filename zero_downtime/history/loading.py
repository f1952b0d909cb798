"""The files of a history, loaded as Alembic does, each problem told with its file and line."""

from __future__ import annotations

import ast
import contextlib
import os
import re
from collections.abc import Sequence
from logging import Logger
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from alembic.util.pyfiles import load_python_file

from zero_downtime import environment
from zero_downtime.errors import HistoryError
from zero_downtime.history.stand_ins import Missing
from zero_downtime.sql.statement import Location

_IMPORT_WITHIN = re.compile(r"^[ \t]+(from|import)\s", re.MULTILINE)


# In the module of a revision: the packages that stand-ins took the place of.
MISSING = "__zd_missing__"


def load(scripts: ScriptDirectory, all_load: bool) -> list[Script]:
    loaded: list[Script] = []
    for folder in scripts._version_locations:
        if not folder.exists():
            continue
        if not os.access(folder, os.R_OK | os.X_OK):  # Alembic would find nothing there
            raise HistoryError(
                where=environment.shown(folder),
                reason="this folder of revisions can't be read",
                advice="Check its permissions",
            )
        for path in Script._list_py_dir(scripts, folder):
            script = load_one(scripts, path.resolve(), all_load)
            if script is not None and script.path not in {other.path for other in loaded}:
                loaded.append(script)
    if not loaded:
        _refuse_other_folders(scripts)
    return loaded


def _refuse_other_folders(scripts: ScriptDirectory) -> None:
    """Revisions that Alembic does not see must not pass for an empty history."""
    below = unread(scripts)
    elsewhere = filter(_looks_like_revision, sorted(Path(scripts.dir).rglob("*.py")))
    path = next(iter(below or elsewhere), None)
    if path is None:
        return
    folders = scripts._version_locations
    if below:
        folders = [each for each in folders if path.is_relative_to(each)]
        advice = "If folders below count, set recursive_version_locations = true"
    else:
        advice = "Name the folders of the revisions with version_locations"
    raise HistoryError(
        where=environment.shown(Path(folders[0])),
        reason=f"no revision is there, but {environment.shown(path)} looks like one",
        advice=advice,
    )


def unread(scripts: ScriptDirectory) -> list[Path]:
    """Files that look like revisions, in folders below those that Alembic reads."""
    folders = scripts._version_locations
    if scripts.recursive_version_locations:
        return []
    return [
        path
        for folder in folders
        for path in sorted(folder.glob("*/**/*.py"))
        if path.parent not in folders and _looks_like_revision(path)
    ]


def _looks_like_revision(path: Path) -> bool:
    return bool(re.search(r"^down_revision\b", path.read_text("utf-8", "replace"), re.MULTILINE))


def load_one(scripts: ScriptDirectory, path: Path, all_load: bool) -> Script | None:
    if all_load:
        return _loaded(scripts, path)
    try:
        script = _loaded(scripts, path)
    except HistoryError as error:
        if not isinstance(error.__cause__, ImportError):
            raise
        return _loaded_with_stand_ins(scripts, path, error)
    if script is not None and _IMPORT_WITHIN.search(path.read_text("utf-8")):
        _guard(script, Missing(path))
    return script


def _loaded_with_stand_ins(
    scripts: ScriptDirectory, path: Path, refusal: HistoryError
) -> Script | None:
    missing = Missing(path)
    while True:
        try:
            with missing.stood_in():
                script = _loaded(scripts, path)
        except HistoryError as error:
            cause = error.__cause__
            if isinstance(cause, ImportError) and missing.learns_from(cause):
                continue
            script = _unlabelled(path, missing) or _unloaded(path, refusal)
        if script is not None:
            script = _without_stand_ins(script, refusal)
            _guard(script, missing)
        return script


def _unlabelled(path: Path, missing: Missing) -> Script | None:
    """The file without its branch label, if that is all that is wrong with it."""
    with contextlib.suppress(Exception), missing.stood_in():
        module: Any = load_python_file(path.parent, path.name)
        module.branch_labels = None
        return Script(module, module.revision, path)
    return None


def _without_stand_ins(script: Script, refusal: HistoryError) -> Script:
    """A branch label of a missing package is given up; a parent from one is refused."""
    depends: object = script.dependencies or ()
    parents = (
        script._versioned_down_revisions,
        depends if isinstance(depends, tuple) else (depends,),
    )
    if not all(isinstance(name, str) for names in parents for name in names):
        raise refusal
    labels = tuple(script._orig_branch_labels)
    if all(isinstance(label, str) for label in labels):
        return script
    module: Any = script.module
    module.branch_labels = tuple(label for label in labels if isinstance(label, str))
    return Script(module, script.revision, script.path)


def _guard(script: Script, missing: Missing) -> None:
    if missing.packages:
        missing.guard(script.module)
        setattr(script.module, MISSING, missing.packages)


def _loaded(scripts: ScriptDirectory, path: Path) -> Script | None:
    try:
        return Script._from_path(scripts, path)
    except SyntaxError as error:
        _refuse(path, error.lineno, f"a syntax error ({error.msg})", "Mend that line", error)
    except CommandError as error:
        _refuse(path, 1, "no variable named revision", "Add it, or move the file away", error)
    except AttributeError as error:
        if error.name == "down_revision" and not environment.lines_in(error, path):
            advice = "Add it (None for the first revision)"
            _refuse(path, 1, "no variable named down_revision", advice, error)
        _refuse_import(path, error)
    except Exception as error:
        _refuse_import(path, error)


def _unloaded(path: Path, error: HistoryError) -> Script:
    """A file that can't be loaded, known by the constants that its text assigns."""

    def refuse() -> NoReturn:
        raise error

    module = ModuleType(path.stem)
    module.__dict__.update(upgrade=refuse, downgrade=refuse, down_revision=None)
    tree = ast.parse(path.read_text("utf-8"))
    module.__doc__ = ast.get_docstring(tree)
    for node in tree.body:
        with contextlib.suppress(ValueError):
            for name in _assigned(node):
                module.__dict__[name] = ast.literal_eval(node.value)  # type: ignore[attr-defined]
    if not isinstance(getattr(module, "revision", None), str):
        raise error
    return Script(module, module.revision, str(path))


def _refuse_import(path: Path, error: Exception) -> NoReturn:
    lines = environment.lines_in(error, path)
    advice = "Mend that line"
    if isinstance(error, ModuleNotFoundError):
        advice = "Install it beside zd, or check prepend_sys_path"
    reason = f"the file does not load, {type(error).__name__}: {sentence(error)}"
    _refuse(path, lines[-1] if lines else 1, reason, advice, error)


def _refuse(path: Path, line: int | None, reason: str, advice: str, error: Exception) -> NoReturn:
    where = Location(environment.shown(path), line or 1)
    raise HistoryError(where=where, reason=reason, advice=advice) from error


def check(loaded: Sequence[Script]) -> None:
    """Say with file and line what Alembic's revision map would fail on."""
    by_id: dict[str, Script] = {}
    for script in loaded:
        other = by_id.setdefault(script.revision, script)
        if other is not script:
            raise HistoryError(
                where=Location(_shown(script), line_of(Path(script.path), "revision")),
                reason=f"revision {script.revision} is also that of {_shown(other)}",
                advice="Give one of them another id",
            )
    labels = {label for script in loaded for label in script.branch_labels or ()}
    for script in loaded:
        wanted = [("down_revision", each) for each in script._versioned_down_revisions]
        wanted += [("depends_on", each) for each in _names(script.dependencies)]
        for variable, name in wanted:
            if name in by_id or name in labels or "@" in name:
                continue
            if variable == "depends_on" and any(each.startswith(name) for each in by_id):
                continue
            raise HistoryError(
                where=Location(_shown(script), line_of(Path(script.path), variable)),
                reason=f"{variable} names {name}, which no file of the history has",
                advice="Correct the id, or bring the missing file back",
            )


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(each) for each in value) if isinstance(value, Sequence) else ()


def _shown(script: Script) -> str:
    return environment.shown(Path(script.path))


def is_fixed(value: object, module: str) -> bool:
    """Whether running a module's code can't change one of its values."""
    if isinstance(value, type):
        return value.__module__ != module
    if isinstance(value, tuple):
        return all(is_fixed(each, module) for each in value)
    return value is None or isinstance(
        value, str | int | float | FunctionType | ModuleType | Logger
    )


def line_of(path: Path, name: str) -> int:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node.lineno
        if name in _assigned(node):
            return node.lineno
    return 1


def _assigned(node: ast.stmt) -> list[str]:
    """The names that a statement assigns a value to."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def sentence(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
