"""Making a project: a new one in an empty folder, or an Alembic project adopted where it is.

Nothing that exists is overwritten or moved; a ``pyproject.toml`` only grows by our tables.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from zero_downtime import environment
from zero_downtime.config import read_toml
from zero_downtime.errors import ConfigError, ProjectError, ZeroDowntimeError
from zero_downtime.project import Project, find_project
from zero_downtime.schema.find import find_models

_SUFFIX = ".template"


@dataclass(frozen=True)
class Initialised:
    """What was done, and what the user does next. Paths are relative to ``folder``."""

    folder: Path
    adopted: bool
    made: tuple[str, ...] = ()
    grown: tuple[str, ...] = ()  # files that got our tables added at their end
    kept: tuple[str, ...] = ()  # files of the template that were there already
    notes: tuple[str, ...] = ()
    next_steps: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.made or self.grown)


def initialise(folder: Path, config_file: Path | None = None) -> Initialised:
    """Make ``folder`` a project, or adopt the Alembic project that is in it.

    ``config_file`` names an ``alembic.ini`` with another name. Running it again changes nothing.
    Raises ConfigError, ProjectError.
    """
    folder = config_file.resolve().parent if config_file else folder.resolve()
    if config_file and not config_file.is_file():
        raise ConfigError(
            where=config_file, reason="there is no such file", advice="Check --config"
        )
    if folder.exists() and not folder.is_dir():
        raise ProjectError(reason=f"{folder} is not a folder", advice="Name a folder")
    toml = folder / "pyproject.toml"
    tool: dict[str, Any] = read_toml(toml).get("tool", {}) if toml.is_file() else {}
    ini = config_file if config_file and config_file.suffix != ".toml" else folder / "alembic.ini"
    try:
        if "zero_downtime" in tool:
            return _already(folder)
        if "alembic" in tool or ini.is_file():
            return _adopt(folder, ini)
        _refuse_second_environment(folder)
        return _new(folder)
    except OSError as error:
        raise ProjectError(
            reason=f"{error.filename or folder} can't be written ({error.strerror})",
            advice="Check the folder's permissions",
        ) from error


def template(name: str) -> str:
    """The text of a file that a new project gets, ``migrations/env.py`` for instance."""
    place = files("zero_downtime").joinpath("project_template", f"{name}{_SUFFIX}")
    return place.read_text("utf-8")


def _already(folder: Path) -> Initialised:
    note = "pyproject.toml has [tool.zero_downtime] already: nothing was changed"
    return Initialised(folder, adopted=False, notes=(note,))


def _new(folder: Path) -> Initialised:
    names = [name for name in _template_files() if name != "pyproject.toml"]
    notes: list[str] = []
    models = find_models(folder) if folder.is_dir() else None
    tables = template("pyproject.toml")
    if models is not None:
        place = models.relative_to(folder).as_posix()
        tables = tables.replace('schemas = "schemas"', f'schemas = "{place}"')
        names = [name for name in names if not name.startswith("schemas/")]
        notes.append(f"{place} holds your models and is what zd generate reads")
    elif (folder / "schemas").exists():
        raise ProjectError(
            reason=f"{folder / 'schemas'} exists, but holds no SQLAlchemy tables",
            advice='Rename it, or write [tool.zero_downtime] with schemas = "…" yourself',
        )
    kept = [name for name in names if (folder / name).exists()]
    _check_growth(folder, tables)  # refuse before the first file is written
    made = [name for name in names if name not in kept]
    for name in made:
        _write(folder / name, template(name))
    _write_if_absent(folder / "migrations" / "versions" / ".gitkeep", made, folder)
    grown = _grow_toml(folder, tables)
    return Initialised(
        folder=folder,
        adopted=False,
        made=tuple(made) if grown else (*made, "pyproject.toml"),
        grown=("pyproject.toml",) if grown else (),
        kept=tuple(kept),
        notes=tuple(notes),
        next_steps=(
            'zd generate -m "first tables"    writes the first revision',
            "zd rehearse                      runs it on a scratch server, and back",
            "DATABASE_URL=… zd upgrade        applies it",
        ),
    )


def _adopt(folder: Path, ini: Path) -> Initialised:
    settings = ["[tool.zero_downtime]"]
    notes: list[str] = []
    if ini.is_file() and ini.name != "alembic.ini":
        settings.append(f'alembic_ini = "{ini.name}"')
    env = _environment(folder, ini)
    models = find_models(folder, env)
    if models is not None:
        settings.append(f'schemas = "{models.relative_to(folder).as_posix()}"')
    else:
        settings.append('# schemas = "…"  # folder or file of your models, for zd generate')
        notes.append("no models were found; set schemas in pyproject.toml to use zd generate")
    text = "\n".join(settings) + "\n"
    _check_growth(folder, text)
    grown = _grow_toml(folder, text)
    project = find_project(folder / "pyproject.toml")
    notes.insert(0, _revisions_note(project, env.parent))
    if models is not None:
        notes.append(_models_note(project))
    return Initialised(
        folder=folder,
        adopted=True,
        made=() if grown else ("pyproject.toml",),
        grown=("pyproject.toml",) if grown else (),
        notes=tuple(notes),
        next_steps=(
            "zd lint        shows what your revisions lock, rewrite and break",
            "zd rehearse    runs them on a scratch server, up, down and up again",
            *(("zd check       compares your models with your revisions",) if models else ()),
        ),
    )


def _environment(folder: Path, ini: Path) -> Path:
    """The env.py of an Alembic project."""
    project = find_project(ini if ini.is_file() else folder / "pyproject.toml")
    with environment.guest(project):
        return Path(project.scripts().dir) / "env.py"


def _revisions_note(project: Project, place: Path) -> str:
    from zero_downtime.history import read_history

    shown = place.relative_to(project.root) if place.is_relative_to(project.root) else place
    try:
        count = len(read_history(project))
    except ZeroDowntimeError as error:
        return f"the revisions can't be read yet: {error}"
    return f"{count} revision{'' if count == 1 else 's'} below {shown}; none was touched"


def _models_note(project: Project) -> str:
    from zero_downtime.schema.load import read_declared

    place = project.config.schemas
    try:
        count = sum(
            1 for s in read_declared(project).statements if s.sql.startswith("CREATE TABLE")
        )
    except ZeroDowntimeError as error:
        return f"{place} looks like your models, but can't be read yet: {error}"
    return f"{place} holds your models: {count} table{'' if count == 1 else 's'}"


def _refuse_second_environment(folder: Path) -> None:
    """An alembic.ini one or two folders down is more likely meant than a second environment."""
    found = sorted([*folder.glob("*/alembic.ini"), *folder.glob("*/*/alembic.ini")])
    if found:
        raise ProjectError(
            reason=f"there is an Alembic project in {found[0].parent}",
            advice=f"Adopt it with zd init --config {found[0]}",
        )


def _check_growth(folder: Path, tables: str) -> None:
    """Refuse a pyproject.toml that would not be valid with our tables at its end."""
    toml = folder / "pyproject.toml"
    text = toml.read_text("utf-8") if toml.exists() else ""
    try:
        tomllib.loads(f"{text}\n{tables}")
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            where=toml,
            reason=f"our tables can't be added at its end ({error})",
            advice=f"Add them by hand: {' '.join(tables.split())}",
        ) from error


def _grow_toml(folder: Path, tables: str) -> bool:
    """Add tables to pyproject.toml; False when it had to be made."""
    toml = folder / "pyproject.toml"
    grown = toml.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with toml.open("a", encoding="utf-8") as file:  # appended: what is there keeps its bytes
        file.write(f"\n{tables}" if grown else tables)
    return grown


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:  # x: never over an existing file
        file.write(text)


def _write_if_absent(path: Path, made: list[str], folder: Path) -> None:
    if not path.parent.exists():
        _write(path, "")
        made.append(path.relative_to(folder).as_posix())


def _template_files() -> list[str]:
    def walk(place: Traversable, name: str) -> Iterator[str]:
        for entry in sorted(place.iterdir(), key=lambda entry: entry.name):
            if entry.is_dir():
                yield from walk(entry, f"{name}{entry.name}/")
            elif entry.name.endswith(_SUFFIX):
                yield f"{name}{entry.name.removesuffix(_SUFFIX)}"

    return list(walk(files("zero_downtime").joinpath("project_template"), ""))
