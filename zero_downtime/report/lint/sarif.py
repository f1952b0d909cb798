"""SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from zero_downtime import __version__
from zero_downtime.lint.finding import Finding, Note, Report
from zero_downtime.lint.registry import family_of, rules
from zero_downtime.lint.rule import Rule
from zero_downtime.report.lint.words import fingerprints, path, whole
from zero_downtime.sql.statement import Location


def sarif(report: Report) -> str:
    """A log of one run; what was not analysed stands there as notifications."""
    used = {finding.rule for finding in report.findings}
    described = [rule for name, rule in rules().items() if name in used]
    index = {rule.name(): number for number, rule in enumerate(described)}
    run = {
        "tool": {
            "driver": {
                "name": "zd",
                "version": __version__,
                "rules": [_rule(rule) for rule in described],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(note) for note in report.notes],
            }
        ],
        "properties": {
            "statements": report.statements,
            "analysed": report.analysed,
            "suppressed": report.suppressed,
            "baselined": report.baselined,
            "tiny": report.tiny,
        },
        "results": [
            _result(finding, index[finding.rule], fingerprint)
            for finding, fingerprint in zip(
                report.findings, fingerprints(report.findings), strict=True
            )
        ],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2, ensure_ascii=False)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name(),
        "shortDescription": {"text": rule.hazard()},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.safe},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {"tags": [family_of(rule)]},
    }


def _result(finding: Finding, number: int, fingerprint: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": finding.severity,
        "message": {"text": whole(finding)},
        "locations": [{"physicalLocation": _place(finding.location)}],
        "partialFingerprints": {"statement/v1": fingerprint},
    }
    if finding.fix is not None and finding.revision is None:
        change = {
            "deletedRegion": _region(finding.location),
            "insertedContent": {"text": finding.fix},
        }
        result["fixes"] = [
            {
                "description": {"text": finding.safe},
                "artifactChanges": [
                    {"artifactLocation": _artifact(finding.location), "replacements": [change]}
                ],
            }
        ]
    return result


def _notification(note: Note) -> dict[str, Any]:
    text = f"Not analysed ({note.cause}): {note.text}" if note.cause else note.text
    place = _place(note.location)
    return {
        "level": "note",
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }


def _place(place: Location) -> dict[str, Any]:
    return {"artifactLocation": _artifact(place), "region": _region(place)}


def _artifact(place: Location) -> dict[str, str]:
    file = path(place.file)
    quoted = quote(file.encode("utf-8", "surrogateescape"))
    return {"uri": f"file://{quoted}" if file.startswith("/") else quoted}


def _region(place: Location) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_line is not None and place.end_column is not None:
        region |= {"endLine": place.end_line, "endColumn": place.end_column}
    return region
