"""Views, materialized views and the indexes of the latter."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from zero_downtime.schema.declaration import SchemaObject, comment_on, quoted

if TYPE_CHECKING:
    from sqlalchemy.sql.selectable import SelectBase

# SQL text, or a SQLAlchemy select.
Query: TypeAlias = "str | SelectBase"


@dataclass(frozen=True)
class View(SchemaObject):
    """A view.

    ``options`` are its storage options: ``{"security_invoker": "true"}`` as pairs,
    ``(("security_invoker", "true"),)``.
    """

    name: str
    query: Query
    schema: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    check_option: Literal["local", "cascaded"] | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"view {self.name}"

    def statements(self) -> tuple[str, ...]:
        name = quoted(self.name, self.schema)
        pairs = ", ".join(f"{option} = {value}" for option, value in self.options)
        options = f" WITH ({pairs})" if pairs else ""
        check = f"\nWITH {self.check_option.upper()} CHECK OPTION" if self.check_option else ""
        return (
            f"CREATE VIEW {name}{options} AS\n{_sql(self.query)}{check}",
            *comment_on("VIEW", name, self.comment),
        )


@dataclass(frozen=True)
class ViewIndex:
    """An index of a materialized view; ``columns`` are names or expressions in parentheses."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    using: str = "btree"
    include: tuple[str, ...] = ()
    where: str | None = None

    def statement(self, view: str) -> str:
        """The CREATE INDEX for a view, given as SQL name."""
        include = f" INCLUDE ({', '.join(self.include)})" if self.include else ""
        where = f" WHERE {self.where}" if self.where else ""
        return (
            f"CREATE {'UNIQUE ' if self.unique else ''}INDEX {quoted(self.name)} ON {view} "
            f"USING {self.using} ({', '.join(self.columns)}){include}{where}"
        )


@dataclass(frozen=True)
class MaterializedView(SchemaObject):
    """A materialized view with its indexes.

    One unique index without WHERE is what REFRESH … CONCURRENTLY needs.
    """

    name: str
    query: Query
    indexes: tuple[ViewIndex, ...] = ()
    schema: str | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"materialized view {self.name}"

    def statements(self) -> tuple[str, ...]:
        name = quoted(self.name, self.schema)
        return (
            f"CREATE MATERIALIZED VIEW {name} AS\n{_sql(self.query)}",
            *(index.statement(name) for index in self.indexes),
            *comment_on("MATERIALIZED VIEW", name, self.comment),
        )


def _sql(query: Query) -> str:
    if isinstance(query, str):
        return textwrap.dedent(query).strip().removesuffix(";")
    from sqlalchemy.dialects import postgresql

    # "named": no doubling of percent signs, since the text is run without parameters.
    dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
