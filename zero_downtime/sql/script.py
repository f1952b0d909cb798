"""A script cut into statements, each with its exact place and its transaction."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from zero_downtime.errors import ParseError
from zero_downtime.sql.lexer import Token, tokens
from zero_downtime.sql.statement import Location, Statement
from zero_downtime.sql.tree import NotParsed, parse

_COPY_FROM_STDIN = re.compile(r"copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_COPY_END = re.compile(r"^\\\.[ \t\r]*$", re.MULTILINE)
_RULE = re.compile(r"create\s+(or\s+replace\s+)?rule\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with its place; ``follows`` is the number of statements that begin before it."""

    text: str
    location: Location
    follows: int


@dataclass(frozen=True, slots=True)
class Script:
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


def read_script(text: str, file: str = "-", in_transaction: bool = False) -> Script:
    """Cut a script without parsing it. ``in_transaction``: a runner wraps the whole script."""
    text = _without_psql(text.removeprefix("\ufeff"))
    places = _Places(text, file)
    transactions = _Transactions(in_transaction)
    statements: list[Statement] = []
    comments: list[Comment] = []
    for piece in _pieces(text):
        if isinstance(piece, Token):
            comments.append(
                Comment(
                    text[piece.start : piece.end],
                    places.location(piece.start, piece.end),
                    len(statements),
                )
            )
            continue
        start, end = piece
        sql = text[start:end]
        statements.append(
            Statement(sql, places.location(start, end), transaction=transactions.number_of(sql))
        )
    return Script(tuple(statements), tuple(comments))


def error_location(statement: Statement, error: NotParsed) -> Location:
    """The place in the file of an error in a statement."""
    before = statement.sql[: error.position]
    line = statement.location.line + before.count("\n")
    column = len(before) - before.rfind("\n")
    if line == statement.location.line:
        column += statement.location.column - 1
    return Location(statement.location.file, line, column, line, column + 1)


class _Places:
    """Offsets turned into lines and columns."""

    def __init__(self, text: str, file: str) -> None:
        self._file = file
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def location(self, start: int, end: int) -> Location:
        line, column = self._place(start)
        end_line, end_column = self._place(end)
        return Location(self._file, line, column, end_line, end_column)

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class _Transactions:
    """Numbers the transactions of a script by its BEGIN and COMMIT."""

    def __init__(self, inside: bool) -> None:
        self._last = 1 if inside else 0
        self._now: int | None = 1 if inside else None

    def number_of(self, sql: str) -> int | None:
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
    words = statement.sql[:40].lower().split()
    return bool(words) and words[0] in ("rollback", "abort") and _ends_transaction(words)


def _pieces(text: str) -> list[tuple[int, int] | Token]:
    """Statements as (start, end) and comments, in the order of their beginnings."""
    found: list[tuple[int, int] | Token] = []
    inside: list[Token] = []  # comments inside a statement stand behind its beginning
    start = end = depth = atomic = 0
    is_rule = open_statement = False
    words: list[str] = []
    for token in tokens(text):
        if token.kind == "comment":
            (inside if open_statement else found).append(token)
            continue
        if token.kind == "semicolon" and not atomic and not (is_rule and depth > 0):
            if open_statement:
                found.append((start, end))
            found += inside
            inside, words, open_statement, depth = [], [], False, 0
            continue
        if not open_statement:
            open_statement, start = True, token.start
            is_rule = _RULE.match(text, start) is not None
        end = token.end
        if token.kind == "open":
            depth += 1
        elif token.kind == "close":
            depth -= 1
        elif token.kind == "word":
            word = text[token.start : token.end].lower()
            if atomic:
                atomic += {"case": 1, "begin": 1, "end": -1}.get(word, 0)
            elif word == "atomic" and words[0] == "create" and words[-1] == "begin":
                atomic = 1
            words[1:] = [word] if words else []
            words = words or [word]
    if open_statement:
        found.append((start, end))
    return found + inside


def _without_psql(text: str) -> str:
    """The text with psql's backslash commands and COPY data blanked, every offset kept."""
    if "\\" not in text:
        return text
    out: list[str] = []
    position = begin = 0  # begin: where the current statement may start
    while position < len(text):
        stop = resume = len(text)
        instead = ""
        for token in tokens(text, position):
            if token.kind == "semicolon":
                data = _copy_data(text, begin, token.end)
                begin = token.end
                if data:
                    stop, resume = data
                    break
            elif token.kind == "backslash":
                stop = token.start
                resume = text.find("\n", stop) if "\n" in text[stop:] else len(text)
                if text.startswith("\\g", stop) and text[begin:stop].strip():
                    instead = ";"  # \g, \gset, \gexec send the statement before them
                    begin = resume
                break
        out.append(text[position:stop])
        out.append(instead + re.sub(r"[^\n]", " ", text[stop:resume])[len(instead) :])
        position = resume
    return "".join(out)


def _copy_data(text: str, begin: int, end: int) -> tuple[int, int] | None:
    """Where the rows after COPY … FROM stdin stand, the closing backslash-dot included."""
    if not _COPY_FROM_STDIN.search(text[begin:end]):
        return None
    line_end = text.find("\n", end)
    closing = _COPY_END.search(text, line_end) if line_end >= 0 else None
    return (line_end, closing.end()) if closing else None
