"""A script cut into statements, each with its exact place and its transaction."""

from __future__ import annotations

import re
from bisect import bisect_right

from msgspec import Struct

from zero_downtime.errors import ParseError
from zero_downtime.sql.cutter import pieces
from zero_downtime.sql.statement import Location, Statement
from zero_downtime.sql.tree import NotParsed, parse

# How statements begin that may begin or end a transaction.
_BORDERS = frozenset(("beg", "sta", "com", "end", "abo", "rol", "pre"))


class Comment(Struct, frozen=True):
    """A comment with its place; ``follows`` is the number of statements that begin before it."""

    text: str
    location: Location
    follows: int


class Script(Struct, frozen=True):
    """A text as it was read: statements (parsable or not) and comments."""

    statements: tuple[Statement, ...]
    comments: tuple[Comment, ...]


def split(text: str, file: str = "-", in_transaction: bool = False) -> list[Statement]:
    """The statements of a script, without their semicolons. Raises ParseError at a syntax error.

    Places count lines and columns from 1, columns in characters; the end column is the one after
    the last character. A byte order mark, psql's backslash commands and COPY data are skipped.
    """
    statements = read_script(text, file, in_transaction).statements
    for statement in statements:
        try:
            parse(statement.sql)
        except NotParsed as error:
            place = error_location(statement, error)
            raise ParseError(
                where=f"{place.file}:{place.line}:{place.column}", reason=str(error)
            ) from error
    return list(statements)


def read_script(
    text: str, file: str = "-", in_transaction: bool = False, first_line: int = 1
) -> Script:
    """Cut a script without parsing it. ``in_transaction``: a runner wraps the whole script."""
    text = text.removeprefix("\ufeff")
    places = _Places(text, file, first_line)
    transactions = Borders(1 if in_transaction else None)
    statements: list[Statement] = []
    comments: list[Comment] = []
    for sql, start, end in pieces(text):
        place = places.location(start, end)
        if sql:
            statements.append(Statement(sql, place, transaction=transactions.number_of(sql)))
        else:
            comments.append(Comment(text[start:end], place, len(statements)))
    return Script(tuple(statements), tuple(comments))


def error_location(statement: Statement, error: NotParsed) -> Location:
    """The place in the file of an error in a statement."""
    # The parser gives no position for what is missing at the end.
    at_end = str(error).endswith("at end of input")
    return place_in(statement, len(statement.sql) if at_end else error.position)


def place_in(statement: Statement, position: int) -> Location:
    """The place in the file of a character of a statement."""
    before = statement.sql[:position]
    ends = [match.end() for match in _LINE_END.finditer(before)]
    line = statement.location.line + len(ends)
    column = len(before) - (ends[-1] if ends else 0) + 1
    if not ends:
        column += statement.location.column - 1
    return Location(statement.location.file, line, column, line, column + 1)


# A carriage return alone ends a line too, for PostgreSQL as for editors.
_LINE_END = re.compile(r"\r\n?|\n")
_NEWLINE = re.compile("\n")


class _Places:
    """Offsets turned into lines and columns."""

    def __init__(self, text: str, file: str, first_line: int = 1) -> None:
        self._file = file
        self._before = first_line - 1
        ends = _LINE_END if "\r" in text else _NEWLINE
        self._starts = [0, *(match.end() for match in ends.finditer(text))]

    def location(self, start: int, end: int) -> Location:
        line, column = self._place(start)
        end_line, end_column = self._place(end)
        return Location(self._file, line, column, end_line, end_column)

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line + self._before, offset - self._starts[line - 1] + 1


# Numbers from here on are of transactions that a revision begins by itself, outside of Alembic's.
OWN = 1 << 20


class Borders:
    """Numbers the transactions of a script by its BEGIN and COMMIT.

    ``inside`` is the number of the one that is open already, ``last`` the last that was given.
    """

    def __init__(self, inside: int | None = None, last: int = 0) -> None:
        self._last = last if inside is None else inside
        self._now = inside

    def number_of(self, sql: str) -> int | None:
        if sql[:3].lower() not in _BORDERS:
            return self._now
        words = sql[:40].lower().split()
        first, second = (*words, "", "")[:2]
        if first == "begin" or (first == "start" and second.startswith("transaction")):
            if self._now is None:
                self._last += 1
                self._now = self._last
            return self._now
        now = self._now
        if _ends_transaction(words):
            self._now = None
            if "chain" in sql.lower().split() and "no" not in words:
                self._last += 1
                self._now = self._last
        return now


def _ends_transaction(words: list[str]) -> bool:
    first = words[0] if words else ""
    if first in ("commit", "end", "abort"):
        return "prepared" not in words
    if first == "rollback":
        return "to" not in words and "prepared" not in words
    return words[:2] == ["prepare", "transaction"]


def ends_in_rollback(statement: Statement) -> bool:
    """Whether the statement throws its transaction away."""
    if statement.sql[:3].lower() not in ("rol", "abo"):
        return False
    words = statement.sql[:40].lower().split()
    return bool(words) and words[0] in ("rollback", "abort") and _ends_transaction(words)
