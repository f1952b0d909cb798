"""Evidence for or against a drop: whether the application's declared models map what goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zero_downtime.lint.git import Base
    from zero_downtime.lint.models import Models
    from zero_downtime.project import Project

Mapped = Callable[[str, str | None], bool | None]

_DECLARING = r"__tablename__|table *= *True|reflect\(|Table\(|Column\(|mapped_column\(|Mapped\["
_REVISION = "down_revision"  # revisions have tables of their own, for a moment


def mapped_by(project: Project | None, base: Base | None, anywhere: bool) -> Mapped:
    """Tells whether the declared models map a table or a column of it; None: not known.

    The models are those of ``base``, where there is one: what the running release was built
    from. Else they are the project's schema modules. They are read when a rule first asks.
    ``anywhere``: without schema modules all Python files of the base are looked through, as is
    right where SQLAlchemy's models and Alembic's revisions are known to go together.
    """

    @cache
    def models() -> Models | None:
        from zero_downtime.lint.models import read_models

        return read_models(_sources(project, base, anywhere))

    def mapped(table: str, column: str | None) -> bool | None:
        found = models()
        return None if found is None else found.maps(table, column)

    return mapped


def _sources(project: Project | None, base: Base | None, anywhere: bool) -> Iterator[str]:
    folder = _modules(project)
    if base is not None and (folder is not None or anywhere):
        found = base.python_sources("" if folder else _DECLARING, folder)
        yield from (source for source in found if _REVISION not in source)
    elif base is None and folder is not None:
        files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]
        for file in files:
            yield file.read_text("utf-8", "replace")


def _modules(project: Project | None) -> Path | None:
    """The folder or file of the schema modules."""
    if project is None or project.schemas is None:
        return None
    name = str(project.config.schemas)
    dotted = project.root / name.replace(".", "/")
    places = (project.schemas, dotted, dotted.with_suffix(".py"))
    return next((place for place in places if place.exists()), None)
