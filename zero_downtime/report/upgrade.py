"""What ``zd upgrade``, ``zd downgrade`` and ``zd status`` say."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from zero_downtime.history import Revision
from zero_downtime.sql.words import is_setting, shortened
from zero_downtime.upgrade.events import (
    Event,
    LeftoverDropped,
    NotGranted,
    RevisionBegins,
    Skipped,
    StatementEnds,
    Waiting,
)
from zero_downtime.upgrade.result import RevisionResult, StatementResult, UpgradeResult
from zero_downtime.upgrade.status import Status

_WIDTH = 76


def event_line(event: Event) -> str | None:
    """What to show of an event while it happens; None for what is not worth a line."""
    match event:
        case RevisionBegins(revision, direction):
            arrow = "↑" if direction == "upgrade" else "↓"
            return f"{arrow} {_named(revision)}"
        case StatementEnds(statement) if is_setting(statement.sql):
            return None
        case StatementEnds(statement, seconds):
            return f"  {_time(seconds):>8}  {shortened(statement.sql, _WIDTH)}"
        case Skipped(statement):
            return f"   is done  {shortened(statement.sql, _WIDTH)}"
        case LeftoverDropped(_, index):
            return f"   dropped  {index}, INVALID since an interrupted build"
        case Waiting(statement, holders, seconds):
            return f"   waiting  {_time(seconds)} for {'; '.join(map(str, holders))}"
        case NotGranted(_, request, holders, again_in, deadlock):
            by = "; ".join(map(str, holders)) or "somebody who is gone"
            to = "in a deadlock with" if deadlock else "to"
            return f"  gave way  {to} {by}; request {request + 1} in {_time(again_in)}"
        case _:
            return None


def text(result: UpgradeResult) -> str:
    """For a terminal."""
    lines = [f"note: {note}" for note in result.notes]
    lines += [_done(each) for each in result.revisions]
    if result.leftovers:
        lines.append(f"Dropped INVALID indexes: {', '.join(result.leftovers)}.")
    if result.held_back:
        first = result.held_back[0]
        lines.append(
            f"Stopped before {_named(first)}: run zd upgrade --contract once no instance of the "
            "previous release is left."
        )
    elif not result.revisions:
        lines.append("Nothing to do.")
    lines.append(f"{result.database} is at {_at(result.after)}.")
    return "\n".join(lines)


def as_json(result: UpgradeResult) -> str:
    """For programs."""
    return json.dumps(
        {
            "version": 1,
            "database": result.database,
            "direction": result.direction,
            "before": list(result.before),
            "after": list(result.after),
            "revisions": [
                {
                    **_as_value(each.revision),
                    "seconds": round(each.seconds, 4),
                    "statements": [_statement(statement) for statement in each.statements],
                }
                for each in result.revisions
            ],
            "held_back": [_as_value(revision) for revision in result.held_back],
            "dropped_invalid_indexes": list(result.leftovers),
            "notes": list(result.notes),
        },
        indent=2,
    )


def status_text(status: Status) -> str:
    """For a terminal."""
    lines = [f"{status.database} is at {_at([each.id for each in status.current])}."]
    held = {revision.id for revision in status.held_back}
    for revision in status.pending:
        wants = " (zd upgrade --contract)" if revision.id in held else ""
        lines.append(f"  pending  {_named(revision)}{wants}")
    if not status.pending and not status.unknown:
        lines.append("Nothing is pending.")
    for id in status.unknown:
        lines.append(f"  unknown  {id}: no file of the history has this revision")
    if len(status.heads) > 1:
        names = ", ".join(head.id for head in status.heads)
        lines.append(
            f"The history has {len(status.heads)} heads: {names}. Put yours behind the others with "
            "zd generate --rebase, or join them with alembic merge heads."
        )
    for name in status.invalid_indexes:
        lines.append(f"  INVALID  {name}: left by an interrupted build, serves no query")
    for revision in status.edited:
        lines.append(f"   edited  {revision.file}: changed by hand since zd generate wrote it")
    if status.runner is not None:
        lines.append(f"Another zd is migrating it right now (backend {status.runner}).")
    return "\n".join(lines)


def status_json(status: Status) -> str:
    """For programs."""
    return json.dumps(
        {
            "version": 1,
            "database": status.database,
            "current": [_as_value(revision) for revision in status.current],
            "unknown": list(status.unknown),
            "pending": [_as_value(revision) for revision in status.pending],
            "held_back": [revision.id for revision in status.held_back],
            "heads": [revision.id for revision in status.heads],
            "edited": [_as_value(revision) for revision in status.edited],
            "invalid_indexes": list(status.invalid_indexes),
            "runner": status.runner,
            "in_order": status.in_order,
        },
        indent=2,
    )


def _done(result: RevisionResult) -> str:
    verb = "Applied" if result.direction == "upgrade" else "Undid"
    count = len(result.statements)
    counted = f"{count} statement{'' if count == 1 else 's'}"
    skipped = sum(each.skipped for each in result.statements)
    parts = [f"{counted} in {_time(result.seconds)}"]
    if skipped:
        parts.append(f"{skipped} of them already done")
    waited = sum(each.waited for each in result.statements)
    if waited >= 0.1:
        parts.append(f"waited {_time(waited)} for locks")
    return f"{verb} {_named(result.revision)}: {', '.join(parts)}."


def _named(revision: Revision) -> str:
    phase = f", {revision.phase}" if revision.phase else ""
    return f"{revision.id} “{revision.message}”{phase}" if revision.message else revision.id + phase


def _at(ids: Iterable[str]) -> str:
    return ", ".join(ids) or "base (no revision)"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _as_value(revision: Revision) -> dict[str, Any]:
    return {
        "revision": revision.id,
        "message": revision.message,
        "phase": revision.phase,
        "file": revision.file,
    }


def _statement(result: StatementResult) -> dict[str, Any]:
    statement = result.statement
    return {
        "sql": statement.sql,
        "line": statement.location.line,
        "transaction": statement.transaction,
        "seconds": round(result.seconds, 4),
        "waited": round(result.waited, 4),
        "requests": result.requests,
        "skipped": result.skipped,
    }
