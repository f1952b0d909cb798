"""How statements of a revision are handed to whoever wants to see them run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from alembic.runtime.migration import MigrationContext

from zero_downtime.history import Revision
from zero_downtime.sql.statement import Direction, Statement


class Execution(Protocol):
    """A statement about to run in the session of its revision; calling it runs it."""

    def __call__(self) -> None:
        """Execute the statement. May be called again after an error, in autocommit."""

    def value(self, sql: str) -> object:
        """Execute another SQL text in the same session; the first value of its result, or None."""


Around = Callable[[Statement, Execution], None]
Choose = Callable[[tuple[str, ...]], Iterable[tuple[Revision, Direction]]]
Look = Callable[[MigrationContext], None]


class RunAgain(Exception):
    """Raised by an Around: roll the revision back and run it again from its start."""


@dataclass(frozen=True)
class CursorExecution:
    """An Execution on the cursor that SQLAlchemy is about to use."""

    run: Callable[[], None]
    context: Any

    def __call__(self) -> None:
        self.run()

    def value(self, sql: str) -> object:
        cursor = self.context.root_connection.connection.cursor()
        try:
            return first_value(cursor, sql)
        finally:
            cursor.close()


def first_value(cursor: Any, sql: str) -> object:
    """The first value of what a query gives on a driver's cursor; None where it gives nothing."""
    cursor.execute(sql)
    row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None
