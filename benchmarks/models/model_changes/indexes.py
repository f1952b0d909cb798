"""Changes of indexes."""

from typing import Any

from sqlalchemy import Column, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from model_changes.change import Family, Part, item, key, table
from zero_downtime.schema import renamed_from

FAMILY = Family("index")
change = FAMILY.change


def indexed(*what: Any, name: str = "ix_it", **options: Any) -> Part:
    """A table with an index."""
    columns = (Column("a", Text), Column("b", Integer), Column("j", JSONB))
    return item(*columns, *([Index(name, *what, **options)] if what else ()))


change("added", indexed(), indexed("a"))
change("dropped", indexed("a"), indexed())
change("index=True", item(Column("a", Text)), item(Column("a", Text, index=True)))
change("of another column", indexed("a"), indexed("b"))
change("of one column more", indexed("a"), indexed("a", "b"))
change("order of its columns", indexed("a", "b"), indexed("b", "a"))
change("unique", indexed("b"), indexed("b", unique=True))
change("not unique any more", indexed("b", unique=True), indexed("b"))
change(
    "unique: NULLS NOT DISTINCT",
    indexed("b", unique=True),
    indexed("b", unique=True, postgresql_nulls_not_distinct=True),
)
change("predicate added", indexed("a"), indexed("a", postgresql_where=text("b > 0")))
change(
    "predicate changed",
    indexed("a", postgresql_where=text("b > 0")),
    indexed("a", postgresql_where=text("b > 1")),
)
change("predicate dropped", indexed("a", postgresql_where=text("b > 0")), indexed("a"))
change(
    "predicate written otherwise",
    indexed("a", postgresql_where=text("b > 0 AND b < 9")),
    indexed("a", postgresql_where=text("(b > 0) and ((b) < 9)")),
    no_change=True,
)
change("INCLUDE added", indexed("a"), indexed("a", postgresql_include=["b"]))
change(
    "INCLUDE: another column",
    indexed("a", postgresql_include=["b"]),
    indexed("a", postgresql_include=["id"]),
)
change("USING hash", indexed("a"), indexed("a", postgresql_using="hash"))
change(
    "USING gin",
    indexed("j", postgresql_using="gin"),
    indexed("j", postgresql_using="gin", postgresql_ops={"j": "jsonb_path_ops"}),
)
change(
    "USING brin, WITH pages_per_range",
    indexed("b", postgresql_using="brin"),
    indexed("b", postgresql_using="brin", postgresql_with={"pages_per_range": 16}),
)
change("operator class", indexed("a"), indexed("a", postgresql_ops={"a": "text_pattern_ops"}))
change("WITH fillfactor added", indexed("a"), indexed("a", postgresql_with={"fillfactor": 70}))
change("WITH fillfactor dropped", indexed("a", postgresql_with={"fillfactor": 70}), indexed("a"))
change("DESC", indexed("b"), indexed(text("b DESC")))
change("NULLS FIRST", indexed("b"), indexed(text("b NULLS FIRST")))
change("collation", indexed("a"), indexed(text('a COLLATE "C"')))
change("expression added", indexed(), indexed(text("lower(a)")))
change("expression changed", indexed(text("lower(a)")), indexed(text("upper(a)")))
change(
    "expression and a predicate",
    indexed(text("lower(a)")),
    indexed(text("lower(a)"), postgresql_where=text("a IS NOT NULL")),
)
change(
    "expression and an operator class",
    indexed(text("lower(a)")),
    indexed(text("lower(a) text_pattern_ops")),
)
change("a column to an expression", indexed("a"), indexed(text("lower(a)")))
change(
    "CONCURRENTLY, which is no attribute of an index",
    indexed("a"),
    indexed("a", postgresql_concurrently=True),
    no_change=True,
)
change("added CONCURRENTLY", indexed(), indexed("a", postgresql_concurrently=True))
change("tablespace", indexed("a"), indexed("a", postgresql_tablespace="zd_far"))
change("renamed", indexed("a", name="ix_old"), indexed("a", name="ix_new"))
change(
    "renamed, declared",
    indexed("a", name="ix_old"),
    indexed("a", name="ix_new", info=renamed_from("ix_old")),
)


def partitioned(*items: Any) -> Part:
    return table("item", key(), Column("a", Text), *items, postgresql_partition_by="RANGE (id)")


change("added to a partitioned table", partitioned(), partitioned(Index("ix_it", "a")))


def vectors(**options: Any) -> Part:
    from pgvector.sqlalchemy import Vector

    index = Index("ix_it", "v", postgresql_using="hnsw", **options)
    return item(Column("v", Vector(3)), index)


VECTOR = {"before": "CREATE EXTENSION vector"}
L2, COSINE = {"v": "vector_l2_ops"}, {"v": "vector_cosine_ops"}
change("hnsw: operator class", vectors(postgresql_ops=L2), vectors(postgresql_ops=COSINE), **VECTOR)
change(
    "hnsw: m and ef_construction",
    vectors(postgresql_ops=L2),
    vectors(postgresql_ops=L2, postgresql_with={"m": 24, "ef_construction": 96}),
    **VECTOR,
)
