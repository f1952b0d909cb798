"""A column that is dropped while code may still use it."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short


class DropColumn(Rule):
    """A column is dropped that the running release may still use."""

    on = ("AT_DropColumn",)
    why = (
        "Queries of the running release that name the column fail, and so do those of an ORM that"
        " lists every column it knows. The values are gone for good."
    )
    safe = (
        "Release code that no longer uses the column, then drop it: in a revision whose phase is"
        ' "contract", or with a comment that says since when nothing reads it.'
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders DROP COLUMN note;"
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-column] no release since 4.2 reads it\n"
        "ALTER TABLE orders DROP COLUMN note;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.phase == "contract":
            return
        for command in here.commands("AT_DropColumn"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if column is None and (here.state.complete or command.get("missing_ok")):
                continue
            if column is not None and column.born == here.state.unit:
                continue
            if name in here.relation(key).partition_key:
                continue  # refused: see partition-key-dropped
            yield self.found(
                here,
                f"Code that still reads {short(key)}.{name} fails from here on, and its values are"
                f" lost.",
                f"First release code without {name}; then drop it in a revision with"
                f' phase = "contract".',
                key,
            )
