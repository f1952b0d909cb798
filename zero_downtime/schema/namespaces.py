"""Extensions and schemas (namespaces)."""

from __future__ import annotations

from dataclasses import dataclass

from zero_downtime.schema.declaration import SchemaObject, comment_on, literal, quoted


@dataclass(frozen=True)
class Extension(SchemaObject):
    """``CREATE EXTENSION``: ``Extension("btree_gist")``."""

    name: str
    schema: str | None = None
    version: str | None = None

    @property
    def label(self) -> str:
        return f"extension {self.name}"

    def statements(self) -> tuple[str, ...]:
        where = f" SCHEMA {quoted(self.schema)}" if self.schema else ""
        which = f" VERSION {literal(self.version)}" if self.version else ""
        return (f"CREATE EXTENSION IF NOT EXISTS {quoted(self.name)}{where}{which}",)


@dataclass(frozen=True)
class Schema(SchemaObject):
    """A namespace. The schemas of SQLAlchemy tables are made without being declared."""

    name: str
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"schema {self.name}"

    def statements(self) -> tuple[str, ...]:
        name = quoted(self.name)
        return (
            f"CREATE SCHEMA IF NOT EXISTS {name}",
            *comment_on("SCHEMA", name, self.comment),
        )
