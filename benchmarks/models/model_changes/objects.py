"""Changes of sequences, views and what else a metadata may hold."""

from typing import Any

from sqlalchemy import DDL, Column, Integer, MetaData, Sequence, String, Text, event, select, text
from sqlalchemy.sql.ddl import CreateView

from model_changes.change import Family, Part, item, nothing

FAMILY = Family("other object")
change = FAMILY.change


def sequence(name: str = "numbers", **options: Any) -> Part:
    return lambda metadata: Sequence(name, metadata=metadata, **options)


def view(where: str = "true", type_: Any = Text, **options: Any) -> Part:
    """A view of a table, as SQLAlchemy 2.1 has it."""

    def make(metadata: MetaData) -> None:
        item(Column("x", type_))(metadata)
        columns = metadata.tables["item"].c
        CreateView(
            select(columns.id, columns.x).where(text(where)), "seen", metadata=metadata, **options
        )

    return make


def event_ddl(sql: str) -> Part:
    """DDL that the models run after a table is made."""

    def make(metadata: MetaData) -> None:
        item(Column("x", Text))(metadata)
        event.listen(metadata.tables["item"], "after_create", DDL(sql))  # type: ignore[no-untyped-call]

    return make


change("sequence added", nothing, sequence())
change("sequence dropped", sequence(), nothing)
change("sequence: increment and cache", sequence(), sequence(increment=10, cache=20))
change("sequence: limits and cycle", sequence(), sequence(minvalue=1, maxvalue=99, cycle=True))
change("sequence: start", sequence(start=1), sequence(start=1000))
change("sequence: type", sequence(), sequence(data_type=Integer))
change("view added", item(Column("x", Text)), view())
change("view: a condition", view(), view("x IS NOT NULL"))
change("view dropped", view(), item(Column("x", Text)))
change("materialized view added", item(Column("x", Text)), view(materialized=True))
change(
    "view of a column that changes its type",
    view(),
    view(type_=String(40)),
)
change(
    "an event's DDL: a statistics object",
    item(Column("x", Text)),
    event_ddl("CREATE STATISTICS st_item ON id, x FROM item"),
)
change(
    "an event's DDL: storage of a column",
    item(Column("x", Text)),
    event_ddl("ALTER TABLE item ALTER x SET STORAGE EXTERNAL"),
)
change(
    "an event's DDL: row-level security",
    item(Column("x", Text)),
    event_ddl("ALTER TABLE item ENABLE ROW LEVEL SECURITY"),
)
