"""The stable shape for programs: what the interface of ``zd lint`` promises."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec.json import Encoder

from zero_downtime.lint.finding import Finding, Report
from zero_downtime.report.lint.words import whole
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.statement import Statement

_encode = Encoder().encode


def json_text(report: Report) -> str:
    """A report; under ``summary`` also what was not analysed and why."""
    summary = {
        "files": report.files,
        "statements": report.statements,
        "errors": report.errors,
        "warnings": report.warnings,
        "suppressed": report.suppressed,
        "baselined": report.baselined,
        "tiny": report.tiny,
        "analysed": report.analysed,
        "not_analysed": report.not_analysed,
        "notes": [
            {
                "file": note.location.file,
                "line": note.location.line,
                "cause": note.cause or None,
                "text": note.text,
            }
            for note in report.notes
        ],
    }
    return (
        f'{{"version": 1,\n "findings": {_a_line_each(map(finding_value, report.findings))},\n'
        f' "summary": {_compact(summary)}}}'
    )


def finding_value(finding: Finding) -> dict[str, Any]:
    """One finding as the shape has it."""
    place = finding.location
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": whole(finding),
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line or place.line,
        "end_column": place.end_column or place.column,
        "statement": finding.statement,
        "revision": finding.revision,
        "direction": finding.direction,
        "relation": finding.relation,
        "lock": finding.lock.sql if finding.lock is not None else None,
        "rewrites": finding.rewrites,
        "scans": finding.scans,
        "fix": finding.fix,
    }


def effects_json(effects: Iterable[tuple[Statement, Effect]]) -> str:
    """The lock model's answer for every statement."""
    values = (
        {
            "file": statement.location.file,
            "line": statement.location.line,
            "statement": statement.sql,
            "locks": [{"relation": lock.relation, "mode": lock.mode.sql} for lock in effect.locks],
            "rewrites": list(effect.rewrites),
            "scans": list(effect.scans),
            "transactional": effect.transactional,
        }
        for statement, effect in effects
    )
    return f'{{"version": 1,\n "statements": {_a_line_each(values)}}}'


def _a_line_each(values: Iterable[object]) -> str:
    """A JSON list of many values: indented ones would take longer than the linting."""
    return "[" + ",\n  ".join(map(_compact, values)) + "]"


def _compact(value: object) -> str:
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:  # a file name that is no Unicode
        return json.dumps(value)
