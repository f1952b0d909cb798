"""Fixes written in the place of SQL statements, as far as they bring no other finding.

A statement of a revision is fixed where the file holds its text as a literal.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from functools import lru_cache
from pathlib import Path

from zero_downtime.errors import InputError
from zero_downtime.lint.finding import Finding, Report
from zero_downtime.lint.texts import Read, Text, read
from zero_downtime.sql.statement import Location

_LINE_END = re.compile(r"\r\n?|\n")


@dataclass(frozen=True)
class Change:
    """One file, as it was and as it is to be."""

    path: Path
    before: Text
    after: str

    def diff(self) -> str:
        """The difference as ``patch`` takes it."""
        before, after = (text.splitlines(keepends=True) for text in (self.before.text, self.after))
        found = unified_diff(before, after, str(self.path), str(self.path))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in found
        )

    def write(self) -> None:
        """Write the file in its own encoding. Raises InputError."""
        try:
            self.path.write_bytes(self.before.encode(self.after))
        except (OSError, UnicodeEncodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(
                where=self.path, reason=f"can't be written ({reason})", advice="Check the file"
            ) from error


@dataclass(frozen=True)
class Fixes:
    """What to write, the findings that this ends, and those whose fix would bring others."""

    changes: tuple[Change, ...] = ()
    applied: tuple[Finding, ...] = ()
    refused: tuple[Finding, ...] = ()


# Statements of revisions by place and text, with what stands there instead.
Replaced = Mapping[tuple[Location, str], str]
Judge = Callable[[Read, Replaced], Report]


def fixed(judge: Judge) -> tuple[Report, Fixes]:
    """Fix until nothing changes any more; ``judge`` lints what a function reads.

    The report is on the fixed texts. Nothing is written.
    """
    work = _Work(judge)
    while candidates := work.candidates():
        work.try_all(candidates)  # each round ends some findings or refuses all that are left
    return work.report, Fixes(work.changes(), tuple(work.applied), tuple(work.refused))


class _Work:
    """Texts that are being fixed, and the report on them."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._before: dict[Path, Text] = {}
        self._texts: dict[Path, str] = {}
        self._replaced: dict[tuple[Location, str], str] = {}
        self.report = judge(self._read, self._replaced)
        self.applied: list[Finding] = []
        self.refused: list[Finding] = []

    def _read(self, path: Path) -> Text:
        if path not in self._before:
            self._before[path] = read(path)
            self._texts[path] = self._before[path].text
        found = self._before[path]
        return Text(self._texts[path], found.encoding, found.mark, found.note)

    def candidates(self) -> list[Finding]:
        """The findings with a fix whose statement stands in a file as it was linted."""
        tried = {_key(finding) for finding in self.refused}
        return [
            finding
            for finding in self.report.findings
            if _instead(finding) is not None
            and _key(finding) not in tried
            and self._span(finding) is not None
        ]

    def try_all(self, candidates: Sequence[Finding]) -> bool:
        """Apply these together or, where that brings other findings, in parts.

        Whether something was applied: what is left has moved then, and is another round's.
        """
        chosen = _without_overlaps(candidates)
        if self._try(chosen):
            return True
        if len(chosen) == 1:
            self.refused += chosen
            return False
        half = len(chosen) // 2
        return self.try_all(chosen[:half]) or self.try_all(chosen[half:])

    def _try(self, findings: Sequence[Finding]) -> bool:
        texts, replaced, report = dict(self._texts), dict(self._replaced), self.report
        for path, own in _by_path(findings).items():
            self._texts[path] = self._applied(self._texts[path], path, own)
        for finding in findings:
            if finding.revision is not None:
                place = (finding.location, finding.statement)
                self._replaced[place] = _instead(finding) or ""
        self.report = self._judge(self._read, self._replaced)
        added = _counted(self.report.findings) - _counted(report.findings)
        if added or len(self.report.findings) >= len(report.findings):
            self._texts, self._replaced, self.report = texts, replaced, report
            return False
        self.applied += findings
        return True

    def _applied(self, text: str, path: Path, findings: Iterable[Finding]) -> str:
        line_end = "\r\n" if "\r\n" in self._before[path].text else "\n"
        spans = [(self._span(finding), finding) for finding in findings]
        for span, finding in sorted(spans, key=lambda each: each[0] or (0, 0), reverse=True):
            assert span is not None
            instead = _LINE_END.sub(lambda _: line_end, _instead(finding) or "")
            text = text[: span[0]] + instead + text[span[1] :]
        return text

    def _span(self, finding: Finding) -> tuple[int, int] | None:
        """Where the statement stands in its text; None when it does not stand there as it is."""
        path = Path(finding.location.file)
        if finding.revision is not None:
            return _in_literal(self._read(path).text, finding)
        text = self._texts.get(path)
        if text is None:
            return None
        start = _offset(text, finding.location)
        end = start + len(finding.statement)
        return (start, end) if text[start:end] == finding.statement else None

    def changes(self) -> tuple[Change, ...]:
        """The files that differ from how they were."""
        return tuple(
            Change(path, before, self._texts[path])
            for path, before in sorted(self._before.items())
            if self._texts[path] != before.text
        )


def _instead(finding: Finding) -> str | None:
    """What takes the statement's place; several where the file runs each by itself."""
    return ";\n".join(finding.split) if finding.split else finding.fix


def _in_literal(source: str, finding: Finding) -> tuple[int, int] | None:
    """Where the one literal of a call in a revision holds the statement just as it is."""
    place, sql = finding.location, finding.statement
    first = _offset(source, Location(place.file, place.line))
    last = _offset(source, Location(place.file, (place.end_line or place.line) + 1))
    start = source.find(sql, first, last)
    if not sql or start < 0 or source.find(sql, start + 1, last) >= 0:
        return None
    instead = _instead(finding) or ""
    changed = source[:start] + instead + source[start + len(sql) :]
    try:
        before, after = _literals(source), _literals(changed)
    except (SyntaxError, ValueError):
        return None
    gone, new = list((before - after).elements()), list((after - before).elements())
    as_meant = len(gone) == 1 and new == [gone[0].replace(sql, instead, 1)]
    return (start, start + len(sql)) if as_meant else None


def _literals(source: str) -> Counter[str]:
    return Counter(
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _offset(text: str, place: Location) -> int:
    starts = _line_starts(text)
    if place.line > len(starts):
        return len(text)
    return starts[place.line - 1] + place.column - 1


@lru_cache(maxsize=64)
def _line_starts(text: str) -> tuple[int, ...]:
    return (0, *(match.end() for match in _LINE_END.finditer(text)))


def _key(finding: Finding) -> tuple[str, ...]:
    return (finding.rule, finding.location.file, finding.statement)


def _counted(findings: Iterable[Finding]) -> Counter[tuple[str, str]]:
    return Counter((finding.rule, finding.location.file) for finding in findings)


def _by_path(findings: Iterable[Finding]) -> dict[Path, list[Finding]]:
    found: dict[Path, list[Finding]] = {}
    for finding in findings:
        found.setdefault(Path(finding.location.file), []).append(finding)
    return found


def _without_overlaps(candidates: Iterable[Finding]) -> list[Finding]:
    """One finding for each statement, the errors first."""
    found: dict[tuple[str, int, int], Finding] = {}
    for finding in sorted(candidates, key=lambda each: each.severity):
        place = finding.location
        found.setdefault((place.file, place.line, place.column), finding)
    return list(found.values())
