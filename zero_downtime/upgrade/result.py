"""What an upgrade or a downgrade did."""

from __future__ import annotations

from dataclasses import dataclass

from zero_downtime.history import Revision
from zero_downtime.sql.statement import Direction, Statement


@dataclass(frozen=True)
class StatementResult:
    """One statement of an applied revision."""

    statement: Statement
    seconds: float
    waited: float
    requests: int
    skipped: bool  # the catalog already showed its effect


@dataclass(frozen=True)
class RevisionResult:
    """One revision that was applied or undone."""

    revision: Revision
    direction: Direction
    seconds: float
    statements: tuple[StatementResult, ...]


@dataclass(frozen=True)
class UpgradeResult:
    """What an upgrade or downgrade did, and what it left for later."""

    database: str  # the URL, password hidden
    direction: Direction
    before: tuple[str, ...]
    after: tuple[str, ...]
    revisions: tuple[RevisionResult, ...]
    held_back: tuple[Revision, ...] = ()  # a contract revision and what follows it
    leftovers: tuple[str, ...] = ()  # INVALID indexes that were dropped
    notes: tuple[str, ...] = ()
