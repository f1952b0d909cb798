"""What the shapes of a report have in common: sentences, paths, and what tells findings apart."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from pathlib import Path

from zero_downtime.lint.finding import Finding, Report


def whole(finding: Finding) -> str:
    """The message with the safe way."""
    return f"{finding.message}\nSafe way: {finding.safe}"


def count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def summary(report: Report) -> str:
    """How much was looked at, what was found, and what could not be looked at."""
    said = (
        f"{count(report.statements, 'statement')} in {count(report.files, 'file')}:"
        f" {count(report.errors, 'error')}, {count(report.warnings, 'warning')}"
    )
    if report.suppressed:
        said += f", {report.suppressed} silenced"
    if report.tiny:
        said += f", {report.tiny} on tiny tables left out"
    if report.baselined:
        said += f", {report.baselined} in the baseline"
    coverage = not_analysed(report)
    return f"{said}. {coverage}" if coverage else f"{said}."


def has_more(report: Report) -> bool:
    """Whether there is more to tell than the findings: what was left out, or not looked at."""
    left_out = report.suppressed or report.baselined or report.tiny
    return bool(left_out or report.not_analysed)


def not_analysed(report: Report) -> str:
    """The sentence about what was not analysed and why; empty when all was."""
    parts = [f"{number} {_cause(cause, number)}" for cause, number in report.not_analysed.items()]
    return f"Not analysed: {', '.join(parts)}." if parts else ""


def _cause(cause: str, number: int) -> str:
    return cause if number == 1 or cause == "dynamic SQL" else f"{cause}s"


def path(file: str) -> str:
    """A file as tools want it: below the working directory where it lies there, with slashes."""
    if Path(file).is_absolute() and Path(file).is_relative_to(Path.cwd()):
        file = str(Path(file).relative_to(Path.cwd()))
    return posixpath.normpath(file.replace("\\", "/"))


def fingerprints(findings: Iterable[Finding]) -> Iterator[str]:
    """What tells each finding from the others, and stays when lines move."""
    from hashlib import sha256

    counted: dict[str, int] = {}
    for finding in findings:
        statement = " ".join(finding.statement.split())
        facts = (finding.rule, path(finding.location.file), finding.direction, statement)
        found = sha256("\0".join(facts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        number = counted[found] = counted.get(found, 0) + 1
        yield found if number == 1 else f"{found}-{number}"
