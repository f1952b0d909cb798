"""Changes of primary keys, unique constraints and foreign keys."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

from model_changes.change import Family, Part, all_of, item, key, metadata, table
from zero_downtime.schema import renamed_from

FAMILY = Family("key")
change, column = FAMILY.change, FAMILY.column


def parent(*items: Column[int]) -> Part:
    return table("parent", key(), *items)


def unnamed(part: Part) -> MetaData:
    """The part in a metadata without a naming convention."""
    return metadata(part, None)


def plain(*names: str) -> list[Column[int]]:
    return [Column(name, Integer, nullable=False, autoincrement=False) for name in names]


def pointing(**options: Any) -> Part:
    """A table that refers to another."""
    return all_of(parent(), item(Column("parent_id", ForeignKey("parent.id", **options))))


change(
    "primary key added",
    table("item", *plain("a")),
    table("item", *plain("a"), PrimaryKeyConstraint("a")),
)
change(
    "primary key dropped",
    table("item", *plain("a"), PrimaryKeyConstraint("a")),
    table("item", *plain("a")),
)
change(
    "primary key of another column",
    table("item", *plain("a", "b"), PrimaryKeyConstraint("a")),
    table("item", *plain("a", "b"), PrimaryKeyConstraint("b")),
    rows="INSERT INTO item VALUES (1, 1)",
)
change(
    "primary key of one column more",
    table("item", *plain("a", "b"), PrimaryKeyConstraint("a")),
    table("item", *plain("a", "b"), PrimaryKeyConstraint("a", "b")),
)
change(
    "primary key: order of its columns",
    table("item", *plain("a", "b"), PrimaryKeyConstraint("a", "b")),
    table("item", *plain("a", "b"), PrimaryKeyConstraint("b", "a")),
)
change(
    "primary key: INCLUDE",
    table("item", *plain("a", "b"), PrimaryKeyConstraint("a")),
    table("item", *plain("a", "b"), PrimaryKeyConstraint("a", postgresql_include=["b"])),
)
change(
    "primary key renamed",
    table("item", *plain("a"), PrimaryKeyConstraint("a", name="pk_old")),
    table("item", *plain("a"), PrimaryKeyConstraint("a", name="pk_new")),
)
change("unique added", item(Column("x", Text)), item(Column("x", Text), UniqueConstraint("x")))
change("unique=True, then not", item(Column("x", Text, unique=True)), item(Column("x", Text)))
change(
    "unique added without a name",
    unnamed(item(Column("x", Text))),
    unnamed(item(Column("x", Text, unique=True))),
)
change(
    "unique of one column more",
    item(Column("x", Text), Column("y", Text), UniqueConstraint("x", name="uq_it")),
    item(Column("x", Text), Column("y", Text), UniqueConstraint("x", "y", name="uq_it")),
)
change(
    "unique: NULLS NOT DISTINCT",
    item(Column("x", Text), UniqueConstraint("x")),
    item(Column("x", Text), UniqueConstraint("x", postgresql_nulls_not_distinct=True)),
)
change(
    "unique: INCLUDE",
    item(Column("x", Text), UniqueConstraint("x")),
    item(Column("x", Text), UniqueConstraint("x", postgresql_include=["id"])),
)
change(
    "unique: DEFERRABLE",
    item(Column("x", Text), UniqueConstraint("x")),
    item(Column("x", Text), UniqueConstraint("x", deferrable=True, initially="DEFERRED")),
)
change(
    "unique: from an index",
    item(Column("x", Text, index=True, unique=True)),
    item(Column("x", Text), UniqueConstraint("x", name="ix_item_x")),
)
change(
    "unique: renamed",
    item(Column("x", Text), UniqueConstraint("x", name="uq_old")),
    item(Column("x", Text), UniqueConstraint("x", name="uq_new", info=renamed_from("uq_old"))),
)
ROWS = "INSERT INTO parent VALUES (1); INSERT INTO item VALUES (1, 1)"
change(
    "foreign key added",
    all_of(parent(), item(Column("parent_id", BigInteger))),
    pointing(),
    rows=ROWS,
)
change(
    "foreign key added without a name",
    unnamed(all_of(parent(), item(Column("parent_id", BigInteger)))),
    unnamed(pointing()),
    rows=ROWS,
)
change("foreign key dropped", pointing(), all_of(parent(), item(Column("parent_id", BigInteger))))
change("foreign key: ON DELETE", pointing(), pointing(ondelete="CASCADE"))
change("foreign key: ON UPDATE", pointing(), pointing(onupdate="CASCADE"))
change(
    "foreign key: SET NULL of some columns",
    pointing(ondelete="SET NULL"),
    pointing(ondelete="SET NULL (parent_id)"),
)
change("foreign key: DEFERRABLE", pointing(), pointing(deferrable=True))
change(
    "foreign key: INITIALLY DEFERRED",
    pointing(deferrable=True),
    pointing(deferrable=True, initially="DEFERRED"),
)
change("foreign key: MATCH FULL", pointing(), pointing(match="FULL"))
change(
    "foreign key: to another table",
    all_of(parent(), table("other", key()), item(Column("p", ForeignKey("parent.id", name="fk")))),
    all_of(parent(), table("other", key()), item(Column("p", ForeignKey("other.id", name="fk")))),
    rows="INSERT INTO parent VALUES (1); INSERT INTO other VALUES (1);"
    "INSERT INTO item VALUES (1, 1)",
)
change(
    "foreign key: NOT VALID",
    all_of(parent(), item(Column("parent_id", BigInteger))),
    pointing(postgresql_not_valid=True),
    rows=ROWS,
)
change("foreign key: VALIDATE", pointing(postgresql_not_valid=True), pointing())
change(
    "foreign key: of two columns",
    all_of(
        table("parent", *plain("a", "b"), PrimaryKeyConstraint("a", "b")), item(*plain("a", "b"))
    ),
    all_of(
        table("parent", *plain("a", "b"), PrimaryKeyConstraint("a", "b")),
        item(*plain("a", "b"), ForeignKeyConstraint(["a", "b"], ["parent.a", "parent.b"])),
    ),
    rows="INSERT INTO parent VALUES (1, 1); INSERT INTO item VALUES (1, 1, 1)",
)
change(
    "foreign keys of two new tables to each other",
    parent(),
    all_of(
        parent(),
        table("egg", key(), Column("hen_id", ForeignKey("hen.id", use_alter=True))),
        table("hen", key(), Column("egg_id", ForeignKey("egg.id", use_alter=True))),
    ),
)
change(
    "foreign key: the type of both ends",
    all_of(
        table("parent", Column("id", Integer, primary_key=True)),
        item(Column("parent_id", Integer, ForeignKey("parent.id"))),
    ),
    all_of(
        table("parent", Column("id", BigInteger, primary_key=True)),
        item(Column("parent_id", BigInteger, ForeignKey("parent.id"))),
    ),
)
