"""A baseline: the findings that a project has accepted for now, so that only new ones count."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from zero_downtime.errors import InputError
from zero_downtime.lint.finding import Finding, Report


def baseline_text(report: Report) -> str:
    """The file that accepts all findings of a report. Lines may move, statements may not."""
    entries = [
        {
            "rule": finding.rule,
            "file": finding.location.file,
            "direction": finding.direction,
            "statement": _fingerprint(finding),
        }
        for finding in report.findings
    ]
    return json.dumps({"version": 1, "findings": entries}, indent=2) + "\n"


def without_accepted(report: Report, path: Path) -> Report:
    """The report without the findings of a baseline file. Raises InputError."""
    accepted = _read(path)
    kept = []
    for finding in report.findings:
        key = _key(finding)
        if accepted[key]:
            accepted[key] -= 1
        else:
            kept.append(finding)
    gone = len(report.findings) - len(kept)
    return replace(report, findings=tuple(kept), baselined=gone)


def _read(path: Path) -> Counter[tuple[str, ...]]:
    try:
        entries = json.loads(path.read_text("utf-8"))["findings"]
        return Counter(
            (entry["rule"], entry["file"], entry["direction"], entry["statement"])
            for entry in entries
        )
    except OSError as error:
        raise InputError(
            where=path,
            reason=f"can't be read ({error.strerror})",
            advice="Make it with --write-baseline",
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            where=path,
            reason="is no baseline of zd lint",
            advice="Make it anew with --write-baseline",
        ) from error


def _key(finding: Finding) -> tuple[str, ...]:
    return (finding.rule, finding.location.file, finding.direction, _fingerprint(finding))


def _fingerprint(finding: Finding) -> str:
    from hashlib import sha256

    return sha256(" ".join(finding.statement.split()).encode()).hexdigest()[:16]
