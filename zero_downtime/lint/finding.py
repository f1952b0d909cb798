"""What lint says: findings, each one hazard at one place, and the report that holds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.statement import Direction, Location

Severity = Literal["error", "warning"]


class Finding(Struct, frozen=True):
    """One hazard at one place. ``safe`` is the way out, with the reader's names filled in."""

    rule: str
    severity: Severity
    message: str
    safe: str
    location: Location
    statement: str
    revision: str | None = None
    direction: Direction = "upgrade"
    relation: str | None = None
    lock: LockMode | None = None
    rewrites: bool = False
    scans: bool = False
    fix: str | None = None  # what to write in the statement's place
    split: tuple[str, ...] = ()  # the same in several statements, each in its own transaction


# What can keep lint from looking into something; "" for a remark about what it did look into.
Cause = Literal["dynamic SQL", "placeholder", "psql command", "revision", ""]


class Note(Struct, frozen=True):
    """Something that lint could not look into, or that it had to assume."""

    text: str
    location: Location
    cause: Cause = "dynamic SQL"


class Report(Struct, frozen=True):
    """All findings in the order of the history, and how much was looked at."""

    findings: tuple[Finding, ...]
    notes: tuple[Note, ...] = ()
    files: int = 0
    statements: int = 0
    suppressed: int = 0
    baselined: int = 0
    tiny: int = 0  # findings left out since the table is tiny
    unparsed: int = 0  # statements among them that the grammar refuses

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        return sum(finding.severity == "warning" for finding in self.findings)

    @property
    def analysed(self) -> int:
        """The statements that could be looked at."""
        return self.statements - self.unparsed

    @property
    def not_analysed(self) -> Mapping[str, int]:
        """What kept lint from looking into something, and how often."""
        found: Counter[str] = Counter(note.cause for note in self.notes if note.cause)
        if broken := sum(finding.rule == "sql-syntax-error" for finding in self.findings):
            found["syntax error"] = broken
        return dict(sorted(found.items()))

    def fails_on(self, level: str) -> bool:
        """Whether there is a finding at or above a level: error, warning or never."""
        return level != "never" and bool(self.errors or (level == "warning" and self.warnings))
