"""Changes of tables and what they are made with."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Text, UniqueConstraint

from model_changes.change import CONVENTION, Family, all_of, item, key, metadata, nothing, table
from model_changes.keys import unnamed
from zero_downtime.schema import renamed_from

FAMILY = Family("table")
change = FAMILY.change

change("added", nothing, item(Column("x", Text)))
change(
    "added, with all about it",
    nothing,
    all_of(
        table("parent", key()),
        item(
            Column("x", Text, index=True, comment="of x"),
            Column("p", ForeignKey("parent.id")),
            UniqueConstraint("x", "p"),
            comment="of item",
        ),
    ),
)
change("dropped", item(Column("x", Text)), nothing)
change(
    "dropped, and one that refers to it",
    all_of(table("parent", key()), item(Column("p", ForeignKey("parent.id")))),
    nothing,
)
change(
    "renamed",
    item(Column("x", Text)),
    table("thing", key(), Column("x", Text), info=renamed_from("item")),
    keeps="SELECT count(x) > 0 FROM thing",
    rows="INSERT INTO item VALUES (1, 'x')",
)
change("comment added", item(), item(comment="Things"))
change("comment changed", item(comment="Things"), item(comment="It's all: 50 %"))
change("comment dropped", item(comment="Things"), item())
change("added in a new schema", nothing, table("item", key(), schema="stock"))
change(
    "moved to another schema",
    item(),
    table("item", key(), schema="stock", info=renamed_from("public.item")),
    keeps="SELECT count(*) > 0 FROM stock.item",
)
change(
    "in another schema: a column",
    table("item", key(), schema="stock"),
    table("item", key(), Column("x", Text), schema="stock"),
)
change(
    "in another schema: an index",
    table("item", key(), Column("x", Text), schema="stock"),
    table("item", key(), Column("x", Text, index=True), schema="stock"),
)
change("prefix UNLOGGED", item(), item(prefixes=["UNLOGGED"]))
change("no longer UNLOGGED", item(prefixes=["UNLOGGED"]), item())
change("WITH fillfactor", item(), item(postgresql_with={"fillfactor": 70}))
change(
    "WITH autovacuum settings, changed",
    item(postgresql_with={"autovacuum_vacuum_scale_factor": 0.1}),
    item(postgresql_with={"autovacuum_vacuum_scale_factor": 0.02}),
)
change("tablespace", item(), item(postgresql_tablespace="zd_far"))
change(
    "added partitioned",
    nothing,
    table("log", Column("day", Date), postgresql_partition_by="RANGE (day)"),
)
change(
    "partitioned: a column more",
    table("log", Column("day", Date), postgresql_partition_by="RANGE (day)"),
    table("log", Column("day", Date), Column("x", Text), postgresql_partition_by="RANGE (day)"),
)
change(
    "added as heir of another",
    item(),
    all_of(item(), table("special", Column("more", Text), postgresql_inherits="item")),
)
change(
    "heir: a column of its own",
    all_of(item(), table("special", Column("more", Text), postgresql_inherits="item")),
    all_of(
        item(),
        table("special", Column("more", Text), Column("x", Text), postgresql_inherits="item"),
    ),
)
change("access method, spelled out", item(), item(postgresql_using="heap"), no_change=True)
change(
    "a naming convention comes in",
    unnamed(item(Column("x", Text, unique=True))),
    metadata(item(Column("x", Text, unique=True)), CONVENTION),
)
change(
    "two tables swap a column",
    all_of(item(Column("x", Text)), table("other", key())),
    all_of(item(), table("other", key(), Column("x", Text))),
)

change(
    "added, one that refers to itself",
    nothing,
    item(Column("boss_id", BigInteger, ForeignKey("item.id"))),
)
