"""A Code Quality report, which GitLab shows in a merge request."""

from __future__ import annotations

import json

from zero_downtime.lint.finding import Report
from zero_downtime.report.lint.words import fingerprints, path, whole


def gitlab(report: Report) -> str:
    """An entry for each finding; GitLab drops entries with an equal fingerprint."""
    entries = [
        {
            "description": whole(finding),
            "check_name": finding.rule,
            "fingerprint": fingerprint,
            "severity": "critical" if finding.severity == "error" else "minor",
            "location": {
                "path": path(finding.location.file),
                "lines": {
                    "begin": finding.location.line,
                    "end": finding.location.end_line or finding.location.line,
                },
            },
        }
        for finding, fingerprint in zip(report.findings, fingerprints(report.findings), strict=True)
    ]
    return json.dumps(entries, indent=2, ensure_ascii=False)
