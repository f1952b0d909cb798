"""Which columns the application's models know: those of this checkout, and those of a commit.

The models of a commit are imported by a process of their own, from a copy of the commit's files:
neither the checkout nor the modules that are loaded here are touched.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from zero_downtime.errors import ZeroDowntimeError
from zero_downtime.lint.git import Base
from zero_downtime.project import Project
from zero_downtime.sql.state import State

# Columns by table (``schema.name``).
Columns = Mapping[str, Collection[str]]

_SERVE = "from zero_downtime.rehearse.traffic.models import serve; serve()"
_MOST_SECONDS = 60
# What models and an env.py are made of, and read while they are imported.
_SUFFIXES = frozenset({".py", ".sql", ".toml", ".ini", ".cfg", ".json", ".yaml", ".yml", ".env"})


@dataclass(frozen=True)
class Models:
    """What the new application knows behind the last revision, and what the old one knows.

    None where nothing tells: then both are made up from the catalog. ``notes`` say why.
    """

    new: Columns | None = None
    old: Columns | None = None
    notes: tuple[str, ...] = ()


def read_models(project: Project, base: Base | None = None) -> Models:
    """The models of the checkout and those of the commit that it began from.

    They are the schema modules. With a commit to compare with, the ``target_metadata`` of env.py
    stands in for them where there are none.
    """
    if project.schemas is None and base is None:
        return Models()
    try:
        new = known_columns(project)
    except ZeroDowntimeError as error:
        said = f"the new application is made up without the models ({_reason(error)})"
        return Models(notes=(said,))
    if new is None or base is None:
        return Models(new)
    try:
        return Models(new, _columns_at(project, base))
    except _NoModels as error:
        said = f"the old application is made up without the models of {base.ref} ({error})"
        return Models(new, notes=(said,))


def known_columns(project: Project) -> Columns | None:
    """The columns that a project's models declare, None without any. Raises ZeroDowntimeError."""
    if project.schemas is not None:
        from zero_downtime.schema.load import declared_statements

        return _columns_of(declared_statements(project))
    from zero_downtime import environment
    from zero_downtime.history.env_options import target_metadata

    with environment.guest(project):
        metadata = target_metadata(project, project.scripts())
    several = metadata if isinstance(metadata, Sequence) else [metadata]
    tables = [table for each in several if each is not None for table in each.tables.values()]
    return {
        f"{table.schema or 'public'}.{table.name}": [column.name for column in table.columns]
        for table in tables
    } or None


def _columns_of(statements: Iterable[str]) -> Columns:
    state = State()
    for statement in statements:
        state.apply(statement)
    return {
        name: sorted(state.relations[name].columns)
        for name in state.relations
        if state.relations[name].kind in ("table", "partitioned table")
    }


def _reason(error: ZeroDowntimeError) -> str:
    """What is wrong, without the advice: nothing has to be done about it now."""
    told = [str(error.facts[name]) for name in ("where", "reason") if error.facts.get(name)]
    return ": ".join(told) or str(error)


# In a process


class _NoModels(Exception):
    """Why there are no models at a commit."""


def _columns_at(project: Project, base: Base) -> Columns:
    """What the models knew at a commit. Raises _NoModels."""
    with tempfile.TemporaryDirectory(prefix="zd-models-") as name:
        there = Path(name).resolve()
        base.export(there, _SUFFIXES)
        told = (_moved(project, base.root, there), base.root, there, list(sys.path))
        try:
            done = subprocess.run(
                [sys.executable, "-c", _SERVE],
                input=pickle.dumps(told),
                capture_output=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                timeout=_MOST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _NoModels(f"their import takes more than {_MOST_SECONDS} s") from None
        if done.returncode:
            raise _NoModels((done.stderr.decode("utf-8", "replace").splitlines() or ["?"])[-1])
        found: dict[str, list[str]] | str = json.loads(done.stdout)
    if isinstance(found, str):
        raise _NoModels(found.replace(f"{there}{os.sep}", ""))
    return found


def _moved(project: Project, root: Path, there: Path) -> Project:
    """The project as it lies in the copy, with the settings of today."""

    def moved(path: Path | None) -> Path | None:
        copy = there / path.resolve().relative_to(root) if path is not None else None
        return copy if copy is not None and copy.exists() else None

    return structs.replace(
        project,
        root=there / project.root.resolve().relative_to(root),
        ini=moved(project.ini),
        toml=moved(project.toml),
    )


def serve() -> None:
    """What the process does: it is told a project on its input, and answers on its output."""
    project, root, there, path = pickle.load(sys.stdin.buffer)
    sys.path[:] = [_in_copy(entry, root, there) for entry in path]
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever is printed is no answer
    answer: Columns | str
    try:
        answer = known_columns(project) or "there are none"
    except ZeroDowntimeError as error:
        answer = _reason(error)
    if strange := _of_checkout(root, there):
        answer = f"{strange} comes from the checkout, not from the commit"
    json.dump(answer, answers)
    answers.close()


def _in_copy(entry: str, root: Path, there: Path) -> str:
    """A place of modules, in the copy where the commit has it; installed packages stay."""
    path = Path(entry or ".").resolve()
    if not path.is_relative_to(root):
        return entry
    copy = there / path.relative_to(root)
    return str(copy) if copy.is_dir() else entry


def _of_checkout(root: Path, there: Path) -> str | None:
    """A module that an installation of the project led to, past the copy."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name.partition(".")[0] == "zero_downtime":
            continue
        path = Path(file).resolve()
        inside = path.is_relative_to(root) and not path.is_relative_to(there)
        if inside and (there / path.relative_to(root)).exists():
            return name
    return None
