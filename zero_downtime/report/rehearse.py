"""What ``zd rehearse`` found: the verdict first, reasons next, then what every step did."""

from __future__ import annotations

import io
import json

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from zero_downtime.rehearse.result import (
    HeldLock,
    RehearsalResult,
    RevisionResult,
    Rollback,
    Run,
    StepResult,
    Waits,
    as_json,
)
from zero_downtime.sql.words import is_setting, shortened

_MOST_STEPS = 12  # of one direction; JSON has them all
_MOST_LOCKS = 4  # of one step


def json_text(result: RehearsalResult) -> str:
    """For programs."""
    return json.dumps(as_json(result), indent=2)


def text(result: RehearsalResult, width: int = 100, color: bool = False) -> str:
    """For a terminal of that width."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(60, width),
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        highlight=False,
        soft_wrap=False,
    )
    for line in _lines(result, max(60, width)):
        # Printed with its indentation as a margin, a long line goes on below its own beginning.
        indent = len(line.plain) - len(line.plain.lstrip(" "))
        console.print(Padding(line[indent:], (0, 0, 0, indent)) if line.plain else line)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _lines(result: RehearsalResult, width: int) -> list[Text]:
    lines = [_verdict(result)]
    for revision in result.revisions:
        lines += [Text(), *_revision(revision, width)]
    if result.stopped:
        lines += [Text(), Text(f"Stopped: {result.stopped}.", "red")]
    if result.notes:
        lines.append(Text())
        lines += [Text(f"note: {note}", "yellow") for note in result.notes]
    return lines


def _verdict(result: RehearsalResult) -> Text:
    safe = result.verdict == "safe"
    line = Text(result.verdict.upper(), "bold green" if safe else "bold red")
    bad = sum(not revision.safe for revision in result.revisions)
    count = len(result.revisions)
    said = f"{count} revision{'s' * (count != 1)} rehearsed"
    if not count:
        said = "there is no revision to rehearse"
    elif bad:
        said += f", {bad} with findings"
    filled = sum(result.tables.values())
    line.append(
        f"  {said} · PostgreSQL {result.server} · {filled:,} rows in {len(result.tables)} tables"
        f" · {result.clients} clients · {result.seconds:.1f} s",
        "default not bold",
    )
    return line


def _revision(revision: RevisionResult, width: int) -> list[Text]:
    head = Text()
    head.append("✓ " if revision.safe else "✗ ", "green" if revision.safe else "red")
    head.append(revision.revision, "bold")
    head.append(f"  {revision.message}")
    if revision.phase:
        head.append(f"  [{revision.phase}]", "cyan")
    lines = [head]
    lines += [_bullet("✗", reason, "red") for reason in revision.reasons]
    lines += [_bullet("!", warning, "yellow") for warning in revision.warnings]
    lines += _direction("upgrade", revision.upgrade, width)
    lines += _direction("downgrade", revision.downgrade, width)
    if revision.rollback is not None:
        lines.append(_rollback(revision.rollback))
    return lines


def _bullet(mark: str, said: str, style: str) -> Text:
    return Text(f"    {mark} {said}", style)


def _direction(name: str, run: Run, width: int) -> list[Text]:
    if not run.steps:
        return []
    line = Text(f"  {name}", "bold")
    line.append(f" in {_seconds(run.seconds)}", "default not bold")
    line.append(_usual(run), "dim not bold")
    lines = [line]
    steps = [step for step in run.steps if step.locks or not is_setting(step.sql)]
    for number, step in enumerate(steps[:_MOST_STEPS], 1):
        lines += _step(number, step, width)
    if len(steps) > _MOST_STEPS:
        lines.append(Text(f"    … and {len(steps) - _MOST_STEPS} more (--format json)", "dim"))
    return lines


def _usual(run: Run) -> str:
    if not run.reads_before.operations and not run.writes_before.operations:
        return "   no table of it had clients"
    return (
        f"   before: readers {_ms(run.reads_before.p99_ms)}, "
        f"writers {_ms(run.writes_before.p99_ms)} (p99)"
    )


def _step(number: int, step: StepResult, width: int) -> list[Text]:
    first = Text(f"   {number:>2} ")
    first.append(shortened(step.sql, width - 18), "cyan")
    lines = [first]
    facts = [_seconds(step.seconds)]
    if step.reads.operations or step.writes.operations:
        facts.append(f"worst wait: readers {_worst(step.reads)}, writers {_worst(step.writes)}")
    if step.rewrote:
        facts.append(f"rewrites {', '.join(step.rewrote)}")
    elif step.scanned:
        facts.append(f"scans {', '.join(step.scanned)}")
    if step.wal_bytes >= 1024 * 1024:
        facts.append(f"{step.wal_bytes / 1024 / 1024:.0f} MB of WAL")
    lines.append(Text("      " + " · ".join(facts)))
    locks = sorted(step.locks, key=lambda lock: (-lock.seconds, lock.relation))
    if locks:
        told = ", ".join(_lock(lock) for lock in locks[:_MOST_LOCKS])
        more = f" and {len(locks) - _MOST_LOCKS} more" if len(locks) > _MOST_LOCKS else ""
        lines.append(Text(f"      locks {told}{more}", "dim"))
    return lines


def _lock(lock: HeldLock) -> str:
    held = f"{'' if lock.seen else 'under '}{_seconds(lock.seconds)}"
    waited = f" after {_seconds(lock.waited)}" if lock.waited >= 0.005 else ""
    return f"{lock.relation} {lock.mode} {held}{waited}"


def _worst(waits: Waits) -> str:
    return _ms(waits.max_ms) if waits.operations else "none"


def _rollback(rollback: Rollback) -> Text:
    good = rollback.outcome == "restores"
    line = Text("  rollback ", "bold")
    line.append(rollback.outcome, "bold green" if good else "bold red")
    facts = []
    if good:
        facts.append("up, down and up again: catalog " + rollback.grade)
    elif rollback.outcome == "differs":
        facts.append("; ".join(rollback.differences[:3]))
    elif rollback.where:
        facts.append(f"at {rollback.where}")
    if rollback.rows_checked and rollback.outcome != "raises":
        lost = f"{rollback.rows_lost:,}" if rollback.rows_lost else "none"
        changed = f"{rollback.rows_changed:,}" if rollback.rows_changed else "none"
        facts.append(f"{rollback.rows_checked:,} rows checked, {lost} lost, {changed} changed")
    line.append(" · ".join(["", *facts]), "default not bold")
    return line


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _ms(milliseconds: float) -> str:
    return _seconds(milliseconds / 1000) if milliseconds >= 10 else f"{milliseconds:.1f} ms"
