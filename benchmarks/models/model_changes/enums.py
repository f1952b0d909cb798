"""Changes of enums."""

from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Column, Enum, Index, Text

from model_changes.change import Family, all_of, item, table

FAMILY = Family("enum")
change, column = FAMILY.change, FAMILY.column


def mood(*values: str, **options: Any) -> Enum:
    return Enum(*(values or ("sad", "ok")), name="mood", **options)


SAD = "INSERT INTO item VALUES (1, 'sad')"

column("text to an enum, which needs USING", Column("x", Text), Column("x", mood()), rows=SAD)
column("an enum to text", Column("x", mood()), Column("x", Text), rows=SAD)
change("a new column of a new enum", item(), item(Column("x", mood())))
change("its last column is dropped", item(Column("x", mood())), item(), rows=SAD)
column("value added at the end", Column("x", mood()), Column("x", mood("sad", "ok", "happy")))
column("value added in the middle", Column("x", mood()), Column("x", mood("sad", "so so", "ok")))
column("value added at the start", Column("x", mood()), Column("x", mood("awful", "sad", "ok")))
column("two values added", Column("x", mood()), Column("x", mood("sad", "ok", "fine", "happy")))
column(
    "value removed that no row has",
    Column("x", mood("sad", "ok", "happy")),
    Column("x", mood()),
    rows=SAD,
)
column("values reordered", Column("x", mood("sad", "ok")), Column("x", mood("ok", "sad")), rows=SAD)
column(
    "value removed, with a default",
    Column("x", mood("sad", "ok", "so"), server_default="sad"),
    Column("x", mood(), server_default="sad"),
    rows=SAD,
)
column(
    "value removed, in an array",
    Column("x", ARRAY(mood("sad", "ok", "so"))),
    Column("x", ARRAY(mood())),
    rows="INSERT INTO item VALUES (1, '{sad}')",
)
change(
    "value removed, under a check and a partial index",
    item(
        Column("x", mood("sad", "ok", "so")),
        CheckConstraint("x <> 'ok'", name="not_ok"),
        Index("ix_sad", "id", postgresql_where="x = 'sad'"),
    ),
    item(
        Column("x", mood()),
        CheckConstraint("x <> 'ok'", name="not_ok"),
        Index("ix_sad", "id", postgresql_where="x = 'sad'"),
    ),
    rows=SAD,
)
change(
    "value added, in two tables",
    all_of(item(Column("x", mood())), table("other", Column("y", mood(), primary_key=True))),
    all_of(
        item(Column("x", mood("sad", "ok", "happy"))),
        table("other", Column("y", mood("sad", "ok", "happy"), primary_key=True)),
    ),
    rows=SAD,
)
column(
    "value added, and it is the default",
    Column("x", mood(), server_default="ok"),
    Column("x", mood("sad", "ok", "new"), server_default="new"),
    rows=SAD,
)
column(
    "of another name", Column("x", mood()), Column("x", Enum("sad", "ok", name="feeling")), rows=SAD
)
column(
    "native_enum=False: longer",
    Column("x", mood(native_enum=False)),
    Column("x", mood("sad", "overjoyed", native_enum=False)),
    rows=SAD,
)
column(
    "native_enum=False with a check: values",
    Column("x", mood(native_enum=False, create_constraint=True)),
    Column("x", mood("sad", "ok", "hi", native_enum=False, create_constraint=True)),
    rows=SAD,
)
