"""Workflow commands, which GitHub shows at the lines of a pull request."""

from __future__ import annotations

from zero_downtime.lint.finding import Finding, Report
from zero_downtime.report.lint.words import has_more, path, summary, whole


def github(report: Report) -> str:
    """An annotation for each finding, and a notice of what was left out or not analysed."""
    lines = [_annotation(finding) for finding in report.findings]
    if has_more(report):
        lines.append(f"::notice title=zd lint::{_data(summary(report))}")
    return "\n".join(lines)


def _annotation(finding: Finding) -> str:
    place = finding.location
    end_line = place.end_line or place.line
    facts: dict[str, object] = {"file": path(place.file), "line": place.line, "endLine": end_line}
    if end_line == place.line:  # GitHub takes columns for a single line only
        facts |= {"col": place.column, "endColumn": place.end_column or place.column}
    facts["title"] = finding.rule
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in facts.items())
    return f"::{finding.severity} {properties}::{_data(whole(finding))}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
