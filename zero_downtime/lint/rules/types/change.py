"""The type changes of a statement, with what is known of each column before."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from zero_downtime.lint.rule import Here
from zero_downtime.sql.alter_types import type_change, using_is_plain
from zero_downtime.sql.facts import Column
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import Node, fields_of
from zero_downtime.sql.types import Change, Type, change_of


class TypeChange(Struct, frozen=True):
    """One ALTER COLUMN … TYPE of a table in use."""

    key: str
    name: str  # of the column
    definition: Node
    column: Column | None  # None: its type before is not known
    new: Type
    does: Change  # to the rows
    by_session: bool  # what it does depends on the session's TimeZone
    plain: bool  # no USING, or one that only names the column


def changes(here: Here) -> Iterator[TypeChange]:
    """The type changes of the statement at hand."""
    for command in here.commands("AT_AlterColumnType"):
        key, name = here.table(), command["name"]
        if here.is_foreign:
            continue
        definition = fields_of(command["def"])
        column = here.relation(key).columns.get(name)
        new = here.state.type_of(definition["typeName"])
        plain = using_is_plain(definition.get("raw_default"), name)
        base = here.state.base_type
        yield TypeChange(
            key,
            name,
            definition,
            column,
            new,
            type_change(Prediction(here.state, here.major), key, command),
            column is not None and plain and change_of(base(column.type), base(new)) == "session",
            plain,
        )
