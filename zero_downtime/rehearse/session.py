"""Little things about database sessions that several parts of a rehearsal need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]


def rows_of(
    connection: Connection, query: str | psycopg.sql.Composable, values: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return connection.execute(query, values or None).fetchall()  # type: ignore[arg-type]


def one_line(error: BaseException) -> str:
    """What the server said first, in one line."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return " ".join(error.diag.message_primary.split())
    return " ".join(str(error).split())
