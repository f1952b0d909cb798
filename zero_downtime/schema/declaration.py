"""What all declared objects share: their place in the source, their SQL, their names."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from zero_downtime.sql.statement import Location

if TYPE_CHECKING:
    from sqlalchemy import MetaData, Table

# A declarative class, a Table, or a name that is written into the SQL as it is.
Relation: TypeAlias = "type[Any] | Table | str"

_HERE = str(Path(__file__).parent)
_INFO = "zero_downtime"
_RENAMED = "renamed_from"


@dataclass(frozen=True)
class SchemaObject(ABC):
    """One declared object. ``place`` is the line that made it, for error messages."""

    place: Location = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", _place_of_caller())

    @property
    @abstractmethod
    def label(self) -> str:
        """Kind and name as PostgreSQL says them, ``view sales``."""

    @abstractmethod
    def statements(self) -> tuple[str, ...]:
        """The SQL that makes the object, in order."""


def attach(metadata: MetaData, *objects: SchemaObject) -> None:
    """Add objects that have no module-level name of their own to a MetaData."""
    metadata.info.setdefault(_INFO, []).extend(objects)


def attached(metadata: MetaData) -> tuple[SchemaObject, ...]:
    """What :func:`attach` added."""
    return tuple(metadata.info.get(_INFO, ()))


def renamed_from(old: str) -> dict[str, str]:
    """The ``info`` of a table, column, index or constraint that had another name before.

    Without it a rename can't be told from a drop and an addition. It may stay after the revision
    is written; once the old name is gone from the history it means nothing. A table's old name
    may say its old schema, ``public.articles``.

        sku: Mapped[str] = mapped_column(info=renamed_from("article_number"))
    """
    return {_RENAMED: old}


def old_name(info: dict[Any, Any]) -> str | None:
    """What :func:`renamed_from` put into an ``info``."""
    name = info.get(_RENAMED)
    return name if isinstance(name, str) else None


def quoted(name: str, schema: str | None = None) -> str:
    """A name as an SQL identifier, schema-qualified when there is a schema."""
    identifier = '"{}"'.format(name.replace('"', '""'))
    return f"{quoted(schema)}.{identifier}" if schema else identifier


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'{}'".format(text.replace("'", "''"))


def table_of(relation: Relation) -> Table | None:
    """The Table behind a declarative class or a Table; None for a name."""
    if isinstance(relation, str):
        return None
    table: Table = getattr(relation, "__table__", relation)  # type: ignore[arg-type]
    return table


def relation_name(relation: Relation) -> str:
    """A relation's name as SQL."""
    if isinstance(relation, str):
        return relation
    table = table_of(relation)
    assert table is not None
    return quoted(table.name, table.schema)


def plain_name(relation: Relation) -> str:
    """A relation's name as a person says it."""
    return relation_name(relation).replace('"', "")


def comment_on(kind: str, name: str, comment: str | None) -> tuple[str, ...]:
    """The COMMENT statement, when there is a comment."""
    return (f"COMMENT ON {kind} {name} IS {literal(comment)}",) if comment else ()


def _place_of_caller() -> Location:
    frame = sys._getframe(1)
    # "<string>" is the __init__ that dataclasses writes.
    while frame.f_back and frame.f_code.co_filename.startswith((_HERE, "<string>")):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)
