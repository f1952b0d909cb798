"""A statement: one SQL text with its place and the transaction it belongs to."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Direction = Literal["upgrade", "downgrade"]


class Location(Struct, frozen=True):
    """Where a statement stands. Lines and columns count from 1, columns in characters."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Statement(Struct, frozen=True):
    """One SQL statement, without its closing semicolon.

    ``transaction`` numbers the transactions of one script or revision: statements with the same
    number commit together; None means that the statement runs and commits by itself (autocommit).
    """

    sql: str
    location: Location
    revision: str | None = None
    direction: Direction = "upgrade"
    transaction: int | None = 0
