"""A column that is dropped while code may still use it."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.compatibility.used import follows, then_drop
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import Node


class DropColumn(Rule):
    """A column is dropped that the running release may still use."""

    on = ("AT_DropColumn",)
    why = (
        "Queries of the running release that name the column fail, and so do those of an ORM that"
        " lists every column it knows. The values are gone for good. Where the declared models of"
        " the release before are known, they decide: what they no longer map may go."
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
        for key, name in _dropped(here):
            mapped = here.around.mapped(key, name)
            if mapped is False or (mapped is None and here.phase == "contract"):
                continue
            if follows(here, key, name, "AT_AddColumn"):
                continue  # see column-replaced
            subject = "Code that still reads"
            if mapped:
                subject = "The declared models still map this column: code that reads"
            yield self.found(
                here,
                f"{subject} {short(key)}.{name} fails from here on, and its values are lost.",
                f"First release code without {name}; {then_drop(here, self.name())}",
                key,
            )


class ColumnReplaced(Rule):
    """A column is dropped, and one of the same name added in its place."""

    on = ("AT_DropColumn",)
    why = (
        "The new column is empty: every value of the old one is lost. Between the two the running"
        " release fails, and with a NOT NULL column it goes on failing."
    )
    safe = "Add a column of another name, fill it in batches, move the application over."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders DROP COLUMN note, ADD COLUMN note text;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN remark text;"

    def check(self, here: Here) -> Iterator[Finding]:
        for key, name in _dropped(here):
            if follows(here, key, name, "AT_AddColumn"):
                yield self.found(
                    here,
                    f"The {name} that is added in its place is empty: every value of"
                    f" {short(key)}.{name} is lost.",
                    f"ALTER TABLE {short(key)} ADD COLUMN {name}_new …;\n"
                    f"then fill it in batches, let the application use it, and drop {name} in a"
                    " later release.",
                    key,
                )


def _dropped(here: Here) -> Iterator[tuple[str, str]]:
    """The columns in use that a statement drops."""
    for command in here.commands("AT_DropColumn"):
        key, name = here.table(), command["name"]
        if not _is_new_or_gone(here, key, command):
            yield key, name


def _is_new_or_gone(here: Here, key: str, command: Node) -> bool:
    relation = here.relation(key)
    column = relation.columns.get(command["name"])
    if column is None:
        return here.state.complete or relation.known or bool(command.get("missing_ok"))
    if column.born == here.state.unit:
        return True
    return column.name in relation.partition_key  # refused: see partition-key-dropped
