"""A change of SQLAlchemy models: the metadata before and after, and words to write both with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Table
from sqlalchemy.schema import SchemaItem

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Part = Callable[[MetaData], object]


@dataclass(frozen=True)
class Change:
    """What somebody did to the models."""

    family: str
    name: str
    old: MetaData
    new: MetaData
    before: str = ""  # SQL that makes what models can't state: extensions, functions
    rows: str | None = None  # SQL that fills the old tables; None: rows are made up
    keeps: str = ""  # a query that tells, on the new tables, whether the old values are there
    no_change: bool = False  # the database is the same: nothing must be written
    refused: str = ""  # words of the reason why no revision can be right, on tables with rows

    @property
    def id(self) -> str:
        return f"{self.family}: {self.name}"


class Family:
    """Collects the changes of one kind."""

    def __init__(self, name: str, before: str = "") -> None:
        self.name = name
        self.changes: list[Change] = []
        self._before = before

    def change(self, name: str, old: Part | MetaData, new: Part | MetaData, **more: Any) -> None:
        """A change between two parts of a schema."""
        made = Change(
            self.name, name, metadata(old), metadata(new), **{"before": self._before, **more}
        )
        self.changes.append(made)

    def column(self, name: str, old: Column[Any], new: Column[Any], **more: Any) -> None:
        """A change of one column of the table ``item``."""
        self.change(name, item(old), item(new), **more)


def metadata(part: Part | MetaData, convention: dict[str, str] | None = CONVENTION) -> MetaData:
    """A metadata with this part of a schema in it."""
    if isinstance(part, MetaData):
        return part
    made = MetaData(naming_convention=convention)
    part(made)
    return made


def table(name: str, *items: SchemaItem, **options: Any) -> Part:
    """A table."""
    return lambda metadata: Table(name, metadata, *items, **options)


def item(*items: SchemaItem, **options: Any) -> Part:
    """The table ``item``, with a primary key ``id``."""
    return table("item", key(), *items, **options)


def key() -> Column[int]:
    """A primary key."""
    return Column("id", BigInteger, primary_key=True)


def all_of(*parts: Part) -> Part:
    """Several parts together."""

    def make(metadata: MetaData) -> None:
        for part in parts:
            part(metadata)

    return make


def nothing(metadata: MetaData) -> None:
    """No part at all."""
