"""Vector indexes and extended statistics of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from zero_downtime.schema.declaration import (
    Relation,
    SchemaObject,
    comment_on,
    plain_name,
    quoted,
    relation_name,
    table_of,
)


@dataclass(frozen=True)
class VectorIndex(SchemaObject):
    """An index of pgvector.

    ``column`` is a name, or an expression in parentheses. ``options`` are those of the method:
    ``m`` and ``ef_construction`` of hnsw, ``lists`` of ivfflat.

        VectorIndex("ix_products_embedding", Product, "embedding", "vector_cosine_ops", {"m": 24})
    """

    name: str
    on: Relation
    column: str
    operator_class: str
    options: Mapping[str, int] = field(default_factory=dict, hash=False)
    using: Literal["hnsw", "ivfflat"] = "hnsw"
    where: str | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"vector index {self.name} on {plain_name(self.on)}"

    def statements(self) -> tuple[str, ...]:
        table = table_of(self.on)
        column = self.column if self.column.startswith("(") else quoted(self.column)
        options = ", ".join(f"{option} = {value}" for option, value in self.options.items())
        with_ = f" WITH ({options})" if options else ""
        where = f" WHERE {self.where}" if self.where else ""
        schema = table.schema if table is not None else None
        if table is None and "." in str(self.on):
            schema = str(self.on).partition(".")[0].strip('"')
        return (
            f"CREATE INDEX {quoted(self.name)} ON {relation_name(self.on)} "
            f"USING {self.using} ({column} {self.operator_class}){with_}{where}",
            *comment_on("INDEX", quoted(self.name, schema), self.comment),
        )


@dataclass(frozen=True)
class Statistics(SchemaObject):
    """Extended statistics; ``columns`` are names or expressions in parentheses, ``kinds`` all
    when empty.

    Statistics("orders_state_tenant", Order, ("state", "tenant_id"), kinds=("dependencies",))
    """

    name: str
    on: Relation
    columns: tuple[str, ...]
    kinds: tuple[Literal["ndistinct", "dependencies", "mcv"], ...] = ()
    schema: str | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"statistics {self.name} on {plain_name(self.on)}"

    def statements(self) -> tuple[str, ...]:
        name = quoted(self.name, self.schema)
        kinds = f" ({', '.join(self.kinds)})" if self.kinds else ""
        columns = ", ".join(
            column if column.startswith("(") else quoted(column) for column in self.columns
        )
        return (
            f"CREATE STATISTICS {name}{kinds} ON {columns} FROM {relation_name(self.on)}",
            *comment_on("STATISTICS", name, self.comment),
        )
