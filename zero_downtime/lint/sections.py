"""Up and down sections of one SQL file, as goose, dbmate, sql-migrate and their kin mark them.

Where the marks say how the tool runs the file, that counts more than what the command line
assumes; where they don't, nothing is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from zero_downtime.sql.statement import Direction


class Section(Struct, frozen=True):
    """Whole lines of a file. ``in_transaction`` None: the marks do not say."""

    direction: Direction
    start: int  # offsets of the text
    end: int
    first_line: int
    in_transaction: bool | None = None


class _Tool(Struct, frozen=True):
    """How one kind of tool marks its sections."""

    up: re.Pattern[str]
    down: re.Pattern[str]
    in_transaction: bool | None = None
    not_in_transaction: re.Pattern[str] | None = None  # in the line that begins a section
    anywhere: re.Pattern[str] | None = None  # the same, in any line of the file


def _line(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@cache
def _tools() -> tuple[_Tool, ...]:
    """The tools, whose patterns are made only for files that look as if they had sections."""
    return (
        _Tool(
            _line(r"\s*--\s*\+goose\s+up\b"),
            _line(r"\s*--\s*\+goose\s+down\b"),
            True,
            anywhere=re.compile(r"^--\s*\+goose\s+NO\s+TRANSACTION", re.IGNORECASE | re.MULTILINE),
        ),
        _Tool(
            _line(r"\s*--\s*\+migrate\s+up\b"),
            _line(r"\s*--\s*\+migrate\s+down\b"),
            True,
            _line(r".*\bnotransaction\b"),
        ),
        _Tool(
            _line(r"\s*--\s*migrate:\s*up\b"),
            _line(r"\s*--\s*migrate:\s*down\b"),
            True,
            _line(r".*\btransaction:\s*false\b"),
        ),
        _Tool(
            _line(r"--[\s-]*up\s+migration(?:\s*\(.*\))?[-=:\s]*$"),
            _line(r"--[\s-]*down\s+migration(?:\s*\(.*\))?[-=:\s]*$"),
            True,
        ),
        _Tool(_line(r"\s*--\s*\+micrate\s+up\b"), _line(r"\s*--\s*\+micrate\s+down\b")),
        _Tool(_line(r"--\s*rambler\s+up\b"), _line(r"--\s*rambler\s+down\b")),
        _Tool(_line(r"(--|#)[\s-]*!ups\b"), _line(r"(--|#)[\s-]*!downs\b")),
        _Tool(_line(r"(?!)"), _line(r"\s*--\s*//\s*@undo\b")),
        _Tool(_line(r"(?!)"), _line(r"-{4}\s*create above\s*/\s*drop below\s*-{4}")),
        _Tool(_line(r"--[-=+*#@\s]*up[-=+*#:\s]*$"), _line(r"--[-=+*#@\s]*down[-=+*#:\s]*$")),
    )


# Quick to look for: without one of these comments a text is a single section.
_LIKELY = re.compile(
    r"--[^\n\w]*(?:goose|migrate|up|down|micrate|rambler|!?ups|undo|create above|liquibase)\b",
    re.IGNORECASE,
)
_CHANGESET = re.compile(r"^--\s*changeset\s+\S+:\S+(.*)$", re.IGNORECASE | re.MULTILINE)
_LIQUIBASE = re.compile(r"\s*--\s*liquibase formatted sql", re.IGNORECASE)
_ALONE = re.compile(r"runInTransaction:\s*\"?false", re.IGNORECASE)
# Said for a whole file: the tool adds no transaction.
_NO_TRANSACTION = re.compile(
    r"--!?\s*(?:no-transaction|transactional:\s*false|atlas:txmode\s+none)\b", re.IGNORECASE
)


def sections(text: str) -> tuple[Section, ...]:
    """The sections of a text in their order; one for the upgrade when nothing is marked."""
    if _LIKELY.search(text) is not None:
        if _LIQUIBASE.match(text):
            return tuple(_changesets(text))
        for tool in _tools():
            found = _marked(text, tool)
            if found:
                return found
    said = False if _NO_TRANSACTION.search(text) else None
    return (Section("upgrade", 0, len(text), 1, said),)


def _marked(text: str, tool: _Tool) -> tuple[Section, ...]:
    """The sections that one tool would see; none when it would see no mark of its own."""
    found: list[tuple[Direction, int, int, int, bool]] = []  # where the mark begins and ends
    for number, (start, end, line) in enumerate(_lines(text), 1):
        if line.lstrip()[:1] not in ("-", "#"):
            continue
        direction: Direction | None = None
        if tool.down.match(line):
            direction = "downgrade"
        elif tool.up.match(line):
            direction = "upgrade"
        if direction is not None:
            alone = tool.not_in_transaction
            declined = bool(alone and alone.match(line))
            found.append((direction, start, end, number + 1, declined))
    directions = {direction for direction, *_ in found}
    named = tool.in_transaction is not None
    if not directions or (not named and "downgrade" not in directions):
        return ()
    if found[0][1] > 0:
        found.insert(0, ("upgrade", 0, 0, 1, False))
    # What only says where the way down begins may be anybody's heading.
    whole = tool.in_transaction if "upgrade" in directions else None
    if tool.anywhere is not None and tool.anywhere.search(text):
        whole = False
    ends = [start for _, start, *_ in found[1:]] + [len(text)]
    return tuple(
        Section(direction, start, end, line, False if alone else whole)
        for (direction, _, start, line, alone), end in zip(found, ends, strict=True)
    )


def _changesets(text: str) -> Iterator[Section]:
    """Liquibase: a transaction for each changeset that does not decline it."""
    marks = list(_CHANGESET.finditer(text))
    starts = [0, *(mark.start() for mark in marks), len(text)]
    line = 1
    for mark, start, end in zip([None, *marks], starts, starts[1:], strict=False):
        yield Section(
            "upgrade", start, end, line, mark is not None and not _ALONE.search(mark.group(1))
        )
        line += text.count("\n", start, end)


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Each line with the offsets of its beginning and of the next one's."""
    start = 0
    for line in text.split("\n"):
        end = min(start + len(line) + 1, len(text))
        yield start, end, line.rstrip()
        start = end
