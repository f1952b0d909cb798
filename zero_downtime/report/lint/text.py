"""Text for people: the place, the statement, who waits for what, and the safe way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from zero_downtime.lint.finding import Finding, Note, Report
from zero_downtime.report.lint.words import summary
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.statement import Statement

_SHOWN_LINES = 4
_WIDEST = 110
_MANY = 30  # findings, above which what was said before is not said again
_RED, _YELLOW, _BOLD, _DIM, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[1m", "\x1b[2m", "\x1b[0m"

Paint = Callable[[str, str], str]


def text(report: Report, color: bool = False) -> str:
    """A block for each finding, then what was not looked into, then the summary."""
    paint = _painter(color)
    blocks: list[str] = []
    said: Counter[str] = Counter()
    before: Finding | None = None
    many = len(report.findings) > _MANY
    for finding in report.findings:
        said[finding.rule] += 1
        brief = many and said[finding.rule] > 3
        blocks.append("\n".join(_block(finding, before, brief, paint)))
        before = finding
    if report.notes:
        blocks.append("\n".join(map(_note, report.notes)))
    if many:
        blocks.append("\n".join(_by_rule(report, paint)))
    return "\n\n".join([*blocks, summary(report)])


def _painter(color: bool) -> Paint:
    return (lambda words, code: f"{code}{words}{_PLAIN}") if color else (lambda words, code: words)


def _loud(finding: Finding) -> str:
    return _RED if finding.severity == "error" else _YELLOW


def _block(finding: Finding, before: Finding | None, brief: bool, paint: Paint) -> Iterator[str]:
    """One finding. What the block above shows, or three blocks before, is not shown again."""
    place = finding.location
    where = f"{place.file}:{place.line}:{place.column}"
    down = " (downgrade)" if finding.direction == "downgrade" else ""
    head = paint(f"{finding.severity}[{finding.rule}]", _loud(finding))
    yield f"{paint(where, _BOLD)} {head}{down}"
    yield f"  {finding.message}"
    if brief:
        return
    if before is None or (before.location, before.statement) != (place, finding.statement):
        yield from (paint(line, _DIM) for line in _source(finding))
    facts = list(_facts(finding))
    if facts:
        yield f"  effect:   {', '.join(facts)}"
    for number, line in enumerate(finding.safe.expandtabs(4).split("\n")):
        yield f"  {'safe way: ' if number == 0 else '          '}{line}"


def _source(finding: Finding) -> Iterator[str]:
    """The statement with its lines as the file counts them, and a caret line below the first."""
    if not finding.statement:
        return
    lines = finding.statement.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if finding.rule == "sql-syntax-error":
        yield from _where_it_breaks(finding, lines)
        return
    width, gutters = 0, [""] * len(lines)
    if not finding.revision:  # else the file has Python there; the SQL is what it runs
        first = finding.location.line
        gutters = [str(first + n) if first else "" for n in range(len(lines))]
        lines[1:] = [_without_indent(line, finding.location.column - 1) for line in lines[1:]]
        width = max(map(len, gutters[:_SHOWN_LINES]))
    for number, (gutter, line) in enumerate(zip(gutters, lines, strict=True)):
        if number == _SHOWN_LINES:
            yield f"  {'':>{width}} | …"
            return
        line = line.rstrip().expandtabs(4)
        if len(line) > _WIDEST:
            line = line[: _WIDEST - 2] + " …"
        yield f"  {gutter:>{width}} | {line}".rstrip()
        if number == 0:
            yield f"  {'':>{width}} | {'^' * max(1, _columns(line.strip()))}"


_NEAR = re.compile(r'at or near "(.+)"\.$', re.DOTALL)


def _where_it_breaks(finding: Finding, lines: list[str]) -> Iterator[str]:
    """The line of a syntax error and the one before it, with a caret below the error."""
    near = _NEAR.search(finding.message)
    token = near[1].split("\n")[0] if near else ""
    column = finding.location.column - 1
    number = len(lines) - 1
    if token:
        # In the statement's first line columns count from where it begins.
        at_column = (n for n in range(1, len(lines)) if lines[n][column:].startswith(token))
        number = next(at_column, 0)
    if number == 0 or not token:
        column = lines[number].find(token) if token in lines[number] and token else -1
        column = len(lines[number].rstrip()) if column < 0 else column
    last = str(finding.location.line)
    width = len(last)
    begin = max(0, number - 1)
    for each in range(begin, number + 1):
        gutter = str(finding.location.line - number + each) if not finding.revision else ""
        yield f"  {gutter:>{width}} | {lines[each].rstrip().expandtabs(4)}".rstrip()
    indent = _columns(lines[number][:column].expandtabs(4))
    yield f"  {'':>{width}} | {' ' * indent}{'^' * max(1, _columns(token))}"


def _without_indent(line: str, indent: int) -> str:
    """A line moved to the left as far as the statement's first line was."""
    return line[min(indent, len(line) - len(line.lstrip())) :]


def _columns(line: str) -> int:
    """How wide a terminal shows a line: wide characters count twice, combining ones not."""
    if line.isascii():
        return len(line)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in line
    )


def _facts(finding: Finding) -> Iterator[str]:
    if finding.lock is not None:
        yield f"{finding.lock.sql} on {finding.relation}"
    if finding.rewrites:
        yield "writes the whole table anew"
    elif finding.scans:
        yield "reads the whole table"


def _note(note: Note) -> str:
    return f"{note.location}: {'not looked into: ' if note.cause else ''}{note.text}"


def _by_rule(report: Report, paint: Paint) -> Iterator[str]:
    """The rules with their number of findings, the most frequent first."""
    counted = Counter((finding.rule, finding.severity) for finding in report.findings)
    for (rule, severity), number in counted.most_common():
        head = paint(f"{severity}[{rule}]", _RED if severity == "error" else _YELLOW)
        yield f"{number:>6}  {head}"


def effects_text(effects: Iterable[tuple[Statement, Effect]]) -> str:
    """The lock model's answer for every statement."""
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
