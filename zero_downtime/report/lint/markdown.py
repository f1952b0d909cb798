"""Markdown for a comment on a pull request: a table for each file, and the safe ways below."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from zero_downtime.lint.finding import Finding, Note, Report
from zero_downtime.report.lint.words import path, summary

# GitHub takes 65,536 characters, GitLab more.
_MOST = 60_000
_SHOWN_LINES = 20
_WIDEST = 600


def markdown(report: Report) -> str:
    """The whole report, or as much of it as a comment holds."""
    parts = [f"**zd lint**: {summary(report)}"]
    room = _MOST - len(parts[0])
    for file, group in groupby(report.findings, key=lambda finding: finding.location.file):
        rows, room = _fitting(map(_row, group), room - len(file) - 100, _MOST // 3)
        if rows:
            parts.append("\n".join([f"#### {_code(path(file))}", "", *_HEAD, *rows]))
    shown = sum(part.count("\n") - 3 for part in parts[1:])
    if shown < len(report.findings):
        parts.append(f"{len(report.findings) - shown} more are not shown here: zd lint shows all.")
    notes, room = _fitting(map(_note, report.notes), room, _MOST // 6)
    if notes:
        parts.append("\n".join(notes))
    safe, room = _fitting(("\n".join(_safe_way(f)) for f in report.findings), room, 0)
    if safe:
        parts.append(
            "\n".join(["<details><summary>The safe ways</summary>", "", *safe, "</details>"])
        )
    return "\n\n".join(parts)


_HEAD = ("| line | | rule | what happens |", "|-:|-|-|-|")


def _fitting(texts: Iterable[str], room: int, left: int) -> tuple[list[str], int]:
    """The first of these texts that leave so much room, and the room behind them."""
    found = []
    for text in texts:
        if room - len(text) - 1 < left:
            break
        found.append(text)
        room -= len(text) + 1
    return found, room


def _row(finding: Finding) -> str:
    sign = "❌" if finding.severity == "error" else "⚠️"
    down = " (downgrade)" if finding.direction == "downgrade" else ""
    rule = f"`{finding.rule}`{down}"
    return f"| {finding.location.line} | {sign} | {rule} | {_cell(finding.message)} |"


def _note(note: Note) -> str:
    said = "not analysed: " if note.cause else ""
    return f"- {_code(str(note.location))}: {said}{_cell(note.text)}"


def _safe_way(finding: Finding) -> Iterator[str]:
    yield f"{_code(str(finding.location))} `{finding.rule}`"
    yield ""
    if finding.statement:
        yield from _block(finding.statement)
        yield "safe:"
        yield ""
    yield from _block(finding.safe)


def _block(text: str) -> Iterator[str]:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
    lines = text.replace("\r", "").split("\n")
    yield f"{fence}sql"
    yield from (
        line if len(line) < _WIDEST else f"{line[:_WIDEST]} …" for line in lines[:_SHOWN_LINES]
    )
    if len(lines) > _SHOWN_LINES:
        yield "…"
    yield fence
    yield ""


def _cell(text: str) -> str:
    """A text that can't end its cell, nor be taken for HTML or a mention."""
    text = " ".join(text.split())
    for sign, instead in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("@", "@\u200b")):
        text = text.replace(sign, instead)
    return re.sub(r"([*_`~\[\]])", r"\\\1", text)


def _code(text: str) -> str:
    ticks = "`" * max(1, *(len(run) + 1 for run in re.findall("`+", text) or [""]))
    return f"{ticks}{text}{ticks}" if ticks == "`" else f"{ticks} {text} {ticks}"
