"""A unit of linting: one SQL file or one revision, with what it says to silence."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from zero_downtime.lint.finding import Note
from zero_downtime.lint.suppressions import (
    Suppression,
    suppressions_in,
    suppressions_in_python,
)
from zero_downtime.sql.script import Script
from zero_downtime.sql.statement import Statement


class Unit(Struct, frozen=True):
    """What is deployed together: tables born in it are not in use yet."""

    file: str
    upgrade: tuple[Statement, ...]
    downgrade: tuple[Statement, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    revision: str | None = None
    phase: str | None = None
    notes: tuple[Note, ...] = ()
    report: bool = True  # False: it only leads to the state before what is to be reported
    only: str | None = None  # of a pair of files, the one that is reported
    filled: bool = False  # placeholders in it were given names
    unread: int = 0  # further statements, that can't be parsed for their placeholders

    also: tuple[str, ...] = ()  # further files that it is read from

    @property
    def files(self) -> frozenset[str]:
        """The files it is read from: a migration and its undoing may stand in two."""
        return frozenset((self.file, *self.also))


def units_of(statements: Iterable[Statement]) -> list[Unit]:
    """Statements grouped by file and revision, in the order in which these first come."""
    groups: dict[tuple[str, str | None], list[Statement]] = {}
    for statement in statements:
        groups.setdefault((statement.location.file, statement.revision), []).append(statement)
    return [
        Unit(
            file,
            tuple(s for s in group if s.direction == "upgrade"),
            tuple(s for s in group if s.direction == "downgrade"),
            revision=revision,
        )
        for (file, revision), group in groups.items()
    ]


def unit_of_script(script: Script, file: str) -> Unit:
    """The unit of a SQL file."""
    return Unit(file, script.statements, suppressions=suppressions_in(script))


def with_python_suppressions(unit: Unit, source: str) -> Unit:
    """The unit with the comments of its revision file."""
    return structs.replace(unit, suppressions=tuple(suppressions_in_python(source, unit.file)))
