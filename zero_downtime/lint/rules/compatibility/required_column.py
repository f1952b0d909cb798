"""A new column that the running release does not fill."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import fields_of, names_of
from zero_downtime.sql.types import SERIAL_TYPES


class RequiredColumn(Rule):
    """A NOT NULL column without a default is added to a table in use."""

    on = ("AT_AddColumn",)
    words = ("null",)
    why = (
        "It fails as soon as the table has a row, and the running release, which does not know the"
        " column, can insert nothing any more."
    )
    safe = "Give it a constant default, or add it nullable, fill it, and set NOT NULL later."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean NOT NULL;"
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN gift boolean NOT NULL DEFAULT false;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns():
            kinds = {fields_of(item)["contype"] for item in column.get("constraints", ())}
            if "CONSTR_NOTNULL" not in kinds or not kinds.isdisjoint(_FILLS):
                continue
            type_names = names_of(column.get("typeName", {}).get("names"))
            if type_names and type_names[-1] in SERIAL_TYPES:
                continue
            key, name = here.table(), column["colname"]
            yield self.found(
                here,
                f"{name} is NOT NULL without a default: this fails if {short(key)} has rows, and"
                f" inserts of the running release fail after it.",
                f"ALTER TABLE {short(key)} ADD COLUMN {name} … NOT NULL DEFAULT …;  -- a constant",
                key,
            )


_FILLS = ("CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED")
