"""Comments that silence rules: ``zd: ignore[rule, until=2027-03-01] reason``.

``ignore`` speaks of one statement (in a revision: of one call), ``ignore-file`` of a whole file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from msgspec import Struct

from zero_downtime.sql.script import Comment, Script
from zero_downtime.sql.statement import Location

_IGNORE = re.compile(
    r"zd:\s*(?P<what>ignore(?:-file)?)(?![\w-])\s*(?:\[(?P<names>[^\]]*)\])?\s*"
    r"(?P<reason>.*?)\s*(?:\*/)?\s*$",
    re.DOTALL,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Suppression(Struct, frozen=True):
    """One such comment, and the lines of the statement that it is about."""

    rules: tuple[str, ...]  # ids of rules and families
    reason: str
    location: Location
    first_line: int
    last_line: int
    until: date | None = None  # the last day on which it counts
    problem: str | None = None  # what is wrong with how it is written

    def covers(self, place: Location) -> bool:
        """Whether it speaks of this place."""
        return self.location.file == place.file and self.first_line <= place.line <= self.last_line

    def counts(self, today: date) -> bool:
        """Whether it silences anything on a day."""
        return bool(self.reason) and self.problem is None and not self.is_expired(today)

    def is_expired(self, today: date) -> bool:
        return self.until is not None and today > self.until


_ALL_LINES = (0, 1 << 31)


def suppressions_in(script: Script) -> tuple[Suppression, ...]:
    """What the comments of a script silence."""
    found = (_in_sql(comment, script) for comment in script.comments if "zd:" in comment.text)
    return tuple(each for each in found if each is not None)


def _in_sql(comment: Comment, script: Script) -> Suppression | None:
    """A comment speaks of the statement it stands in or behind, else of the next one."""
    line = comment.location.line
    about = None
    if comment.follows:
        before = script.statements[comment.follows - 1]
        if line <= (before.location.end_line or before.location.line):
            about = before
    if about is None and comment.follows < len(script.statements):
        about = script.statements[comment.follows]
    first = about.location.line if about else line
    last = (about.location.end_line if about else None) or first
    return _suppression(comment.text, comment.location, first, last)


def _suppression(text: str, location: Location, first: int, last: int) -> Suppression | None:
    found = _IGNORE.search(text)
    if not found:
        return None
    names = [name.strip() for name in (found["names"] or "").split(",")]
    rules = tuple(name for name in names if name and "=" not in name)
    until, problem = _until([name for name in names if "=" in name])
    if not rules:
        problem = "it names no rule"
    if found["what"] == "ignore-file":
        first, last = _ALL_LINES
    return Suppression(rules, found["reason"], location, first, last, until, problem)


def _until(settings: list[str]) -> tuple[date | None, str | None]:
    until = None
    for setting in settings:
        name, _, value = (part.strip() for part in setting.partition("="))
        if name != "until":
            return None, f"{name} is nothing that it can be given"
        try:
            if not _DATE.fullmatch(value):
                raise ValueError
            until = date.fromisoformat(value)
        except ValueError:
            return None, f"{value or 'nothing'} is no date"
    return until, None


def suppressions_in_python(source: str, file: str) -> Iterable[Suppression]:
    """Comments of a revision: each speaks of its own line's call or of the call below it."""
    if "zd:" not in source:
        return
    for text, place, first, last in _comments(source, file):
        suppression = _suppression(text, place, first, last)
        if suppression is not None:
            yield suppression


def _comments(source: str, file: str) -> Iterator[tuple[str, Location, int, int]]:
    """The comments, each with the first and last line of the code that it is about."""
    # Imported late: linting plain SQL needs no tokens of Python.
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
                yield text, place, first or last, last
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
        yield text, place, place.line, place.line
