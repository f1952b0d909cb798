"""What ``zd lint`` says, in every shape that people and machines ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.json import Encoder

from zero_downtime import __version__
from zero_downtime.lint.finding import Finding, Report
from zero_downtime.lint.registry import rules
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.statement import Location, Statement

_encode = Encoder().encode

_SHOWN_LINES = 4
_RED, _YELLOW, _BOLD, _DIM, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"


def text(report: Report, color: bool = False) -> str:
    """For a terminal: the place, the statement, who waits for what, and the safe way."""
    paint = _painter(color)
    blocks = ["\n".join(_block(finding, paint)) for finding in report.findings]
    notes = [f"{note.location}: not looked into: {note.text}" for note in report.notes]
    if notes:
        blocks.append("\n".join(notes))
    return "\n\n".join([*blocks, _summary(report)])


Paint = Callable[[str, str], str]


def _painter(color: bool) -> Paint:
    return (lambda words, code: f"{code}{words}{_PLAIN}") if color else (lambda words, code: words)


def _block(finding: Finding, paint: Paint) -> Iterator[str]:
    place = finding.location
    loud = _RED if finding.severity == "error" else _YELLOW
    head = paint(f"{finding.severity}[{finding.rule}]", loud)
    where = f"{place.file}:{place.line}:{place.column}"
    down = " (downgrade)" if finding.direction == "downgrade" else ""
    yield f"{paint(where, _BOLD)} {head}{down}"
    yield f"  {finding.message}"
    yield from (paint(line, _DIM) for line in _source(finding))
    facts = list(_facts(finding))
    if facts:
        yield f"  effect:   {', '.join(facts)}"
    for number, line in enumerate(finding.safe.split("\n")):
        yield f"  {'safe way: ' if number == 0 else '          '}{line}"


def _source(finding: Finding) -> Iterator[str]:
    """The statement with its lines as the file counts them, and a caret line below the first."""
    if not finding.statement:
        return
    lines = finding.statement.split("\n")
    if finding.revision:  # the file has Python there; the SQL is what it runs
        gutters = [""] * len(lines)
    else:
        first = finding.location.line if finding.rule != "sql-syntax-error" else 0
        gutters = [str(first + n) if first else "" for n in range(len(lines))]
    width = max(map(len, gutters))
    for number, (gutter, line) in enumerate(zip(gutters, lines, strict=True)):
        if number == _SHOWN_LINES:
            yield f"  {'':>{width}} | …"
            return
        line = line.rstrip("\r").expandtabs(4)
        yield f"  {gutter:>{width}} | {line}"
        if number == 0:
            yield f"  {'':>{width}} | {'^' * max(1, len(line.strip()))}"


def _facts(finding: Finding) -> Iterator[str]:
    if finding.lock is not None:
        yield f"{finding.lock.sql} on {finding.relation}"
    if finding.rewrites:
        yield "writes the whole table anew"
    elif finding.scans:
        yield "reads the whole table"


def _summary(report: Report) -> str:
    said = (
        f"{_count(report.statements, 'statement')} in {_count(report.files, 'file')}:"
        f" {_count(report.errors, 'error')}, {_count(report.warnings, 'warning')}"
    )
    if report.suppressed:
        said += f", {report.suppressed} silenced"
    if report.baselined:
        said += f", {report.baselined} in the baseline"
    if report.notes:
        said += f", {len(report.notes)} not looked into"
    return said + "."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def as_json(report: Report) -> str:
    """The stable shape for programs."""
    summary = {
        "files": report.files,
        "statements": report.statements,
        "errors": report.errors,
        "warnings": report.warnings,
    }
    return (
        f'{{"version": 1,\n "findings": {_a_line_each(map(finding_value, report.findings))},\n'
        f' "summary": {_compact(summary)}}}'
    )


def _a_line_each(values: Iterable[object]) -> str:
    """A JSON list of many values: indented ones would take longer than the linting."""
    return "[" + ",\n  ".join(map(_compact, values)) + "]"


def _compact(value: object) -> str:
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:  # a file name that is no Unicode
        return json.dumps(value)


def finding_value(finding: Finding) -> dict[str, Any]:
    """One finding as the JSON shape has it."""
    place = finding.location
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "message": _whole(finding),
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


def _whole(finding: Finding) -> str:
    return f"{finding.message}\nSafe way: {finding.safe}"


def _dumps(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


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


def effects_text(effects: Iterable[tuple[Statement, Effect]]) -> str:
    """The same for a terminal."""
    return "\n".join(line for pair in effects for line in _effect_lines(*pair))


def _effect_lines(statement: Statement, effect: Effect) -> Iterator[str]:
    sql = " ".join(statement.sql.split())
    yield f"{statement.location}: {sql if len(sql) <= 90 else sql[:89] + '…'}"
    for lock in effect.locks:
        did = [
            word
            for word, keys in (("rewritten", effect.rewrites), ("read whole", effect.scans))
            if lock.relation in keys
        ]
        yield f"    {lock.mode.sql:<24} {lock.relation}{', ' + ', '.join(did) if did else ''}"
    if not effect.transactional:
        yield "    runs outside a transaction block only"
    yield from (f"    not known: {what}" for what in effect.unknown)


# Shapes of other tools


def sarif(report: Report) -> str:
    """SARIF 2.1.0, for code scanning."""
    used = {finding.rule for finding in report.findings}
    described = [
        {
            "id": name,
            "shortDescription": {"text": rule.hazard()},
            "fullDescription": {"text": rule.why},
            "help": {"text": rule.safe},
            "defaultConfiguration": {"level": rule.severity},
        }
        for name, rule in rules().items()
        if name in used
    ]
    results = [
        {
            "ruleId": finding.rule,
            "level": finding.severity,
            "message": {"text": _whole(finding)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": finding.location.file.replace("\\", "/")},
                        "region": _region(finding.location),
                    }
                }
            ],
            "partialFingerprints": {"statement/v1": _fingerprint(finding)},
        }
        for finding in report.findings
    ]
    return _dumps(
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {"driver": {"name": "zd", "version": __version__, "rules": described}},
                    "columnKind": "unicodeCodePoints",
                    "results": results,
                }
            ],
        }
    )


def _region(place: Location) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": place.column}
    if place.end_line is not None and place.end_column is not None:
        region |= {"endLine": place.end_line, "endColumn": place.end_column}
    return region


def _fingerprint(finding: Finding) -> str:
    from hashlib import sha256

    facts = (finding.rule, finding.location.file, finding.direction, finding.statement)
    return sha256("\0".join(facts).encode()).hexdigest()[:32]


def github(report: Report) -> str:
    """Workflow commands, which GitHub shows at the lines of a pull request."""
    lines = []
    for finding in report.findings:
        place = finding.location
        facts: Mapping[str, object] = {
            "file": place.file,
            "line": place.line,
            "endLine": place.end_line or place.line,
            "title": finding.rule,
        }
        properties = ",".join(f"{name}={_property(str(value))}" for name, value in facts.items())
        lines.append(f"::{finding.severity} {properties}::{_data(_whole(finding))}")
    return "\n".join(lines)


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")


def gitlab(report: Report) -> str:
    """A Code Quality report."""
    counted: dict[str, int] = {}
    entries = []
    for finding in report.findings:
        fingerprint = _fingerprint(finding)
        number = counted[fingerprint] = counted.get(fingerprint, 0) + 1
        entries.append(
            {
                "description": _whole(finding),
                "check_name": finding.rule,
                # GitLab drops entries with an equal fingerprint.
                "fingerprint": fingerprint if number == 1 else f"{fingerprint}-{number}",
                "severity": "critical" if finding.severity == "error" else "minor",
                "location": {
                    "path": finding.location.file,
                    "lines": {
                        "begin": finding.location.line,
                        "end": finding.location.end_line or finding.location.line,
                    },
                },
            }
        )
    return _dumps(entries)


def junit(report: Report) -> str:
    """A JUnit file: a failed test for every finding, or one that passed."""
    from xml.etree import ElementTree as xml

    suite = xml.Element(
        "testsuite",
        name="zd lint",
        tests=str(len(report.findings) or 1),
        failures=str(len(report.findings)),
        errors="0",
    )
    if not report.findings:
        xml.SubElement(suite, "testcase", classname="zd lint", name="no findings")
    for finding in report.findings:
        place = finding.location
        case = xml.SubElement(
            suite,
            "testcase",
            classname=_printable(place.file),
            name=f"{finding.rule} at line {place.line}",
            file=_printable(place.file),
            line=str(place.line),
        )
        failure = xml.SubElement(
            case, "failure", type=finding.severity, message=_printable(finding.message)
        )
        failure.text = _printable(f"{finding.statement}\n\nSafe way: {finding.safe}")
    root = xml.Element("testsuites")
    root.append(suite)
    xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml.tostring(root, encoding="unicode")


def _printable(value: str) -> str:
    """Without the control characters that XML can't hold."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", " ", value)


def markdown(report: Report) -> str:
    """For a comment on a pull request."""
    parts = [f"**zd lint**: {_summary(report)}"]
    for finding in report.findings:
        place = finding.location
        fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", finding.statement) or [""]))
        body = [f"#### {finding.severity}: `{finding.rule}` at `{place}`", finding.message]
        if finding.statement:
            body.append(f"{fence}sql\n{finding.statement}\n{fence}")
        body.append(f"Safe way:\n{fence}sql\n{finding.safe}\n{fence}")
        parts.append("\n\n".join(body))
    return "\n\n".join(parts)


SHAPES: Mapping[str, Callable[[Report], str]] = {
    "text": text,
    "json": as_json,
    "sarif": sarif,
    "github": github,
    "gitlab": gitlab,
    "junit": junit,
    "markdown": markdown,
}
EFFECT_SHAPES: Mapping[str, Callable[[Sequence[tuple[Statement, Effect]]], str]] = {
    "text": effects_text,
    "json": effects_json,
}
