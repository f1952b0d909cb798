"""A unit of linting: one SQL file or one revision, with what it says to silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from zero_downtime.lint.finding import Note
from zero_downtime.lint.suppressions import (
    Suppression,
    suppressions_in,
    suppressions_in_python,
)
from zero_downtime.sql.script import Script
from zero_downtime.sql.statement import Statement


@dataclass(frozen=True, slots=True)
class Unit:
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

    @property
    def files(self) -> frozenset[str]:
        """The files it is read from: a migration and its undoing may stand in two."""
        beside = self.downgrade[0].location.file if self.downgrade else self.file
        return frozenset((self.file, beside))


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
<<<<<<< HEAD
    return replace(unit, suppressions=tuple(suppressions_in_python(source, unit.file)))
=======
    return replace(unit, suppressions=tuple(_in_python(source, unit.file)))


def _in_sql(comment: Comment, script: Script) -> Suppression | None:
    """A comment speaks of the statement it stands in or behind, else of the next one."""
    line = comment.location.line
    before = script.statements[comment.follows - 1] if comment.follows else None
    if before and line <= (before.location.end_line or before.location.line):
        about: Statement | None = before
    elif comment.follows < len(script.statements):
        about = script.statements[comment.follows]
    else:
        about = None
    target = about.location.line if about else line
    return _suppression(comment.text, comment.location, target, target)


def _suppression(text: str, location: Location, first: int, last: int) -> Suppression | None:
    found = _IGNORE.search(text)
    if not found:
        return None
    names = tuple(name.strip() for name in found[1].split(",") if name.strip())
    return Suppression(names, found[2], location, first, last)


def _in_python(source: str, file: str) -> Iterable[Suppression]:
    """Comments of a revision: each speaks of its own line's call or of the call below it."""
    import io
    import tokenize

    waiting: list[tuple[str, Location]] = []
    first: int | None = None  # first line of the logical line that is being read
    trailing: list[tuple[str, Location]] = []
    try:
        found = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    for token in found:
        if token.type == tokenize.COMMENT:
            line, column = token.start
            place = Location(file, line, column + 1, line, token.end[1] + 1)
            (waiting if first is None else trailing).append((token.string, place))
        elif token.type == tokenize.NEWLINE:
            last = token.start[0]
            for text, place in (*waiting, *trailing):
                suppression = _suppression(text, place, first or last, last)
                if suppression:
                    yield suppression
            waiting, trailing, first = [], [], None
        elif first is None and token.type not in (
            tokenize.NL,
            tokenize.INDENT,
            tokenize.DEDENT,
            tokenize.ENCODING,
            tokenize.ENDMARKER,
        ):
            first = token.start[0]
    for text, place in waiting:
        suppression = _suppression(text, place, place.line, place.line)
        if suppression:
            yield suppression
>>>>>>> 19fcfad (Start: a small file is linted without pglast's classes, hashlib, subprocess and xml)
