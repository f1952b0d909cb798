"""A rehearsal for a terminal: the verdict first, reasons next, then what every step did."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from zero_downtime.rehearse.result import (
    RehearsalResult,
    RevisionResult,
    Rollback,
    Run,
    StepResult,
    Waits,
)
from zero_downtime.rehearse.times import milliseconds, seconds
from zero_downtime.report.rehearse.words import (
    crash_facts,
    forecast_facts,
    lock_fact,
    rollback_facts,
    step_facts,
    summary,
    wait_facts,
)
from zero_downtime.sql.words import is_setting, shortened

_MOST_STEPS = {"upgrade": 8, "downgrade": 4}  # JSON and HTML have them all
_MOST_LOCKS = 4  # of one step
_MOST_WAITS = 2


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
    line.append(f"  {summary(result)}", "default not bold")
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
    if revision.crashes:
        lines.append(_crashes(revision))
    if revision.forecasts:
        lines.append(Text("  forecast", "bold"))
        lines += [Text(f"    {forecast_facts(each)}") for each in revision.forecasts]
    return lines


def _bullet(mark: str, said: str, style: str) -> Text:
    return Text(f"    {mark} {said}", style)


def _direction(name: str, run: Run, width: int) -> list[Text]:
    if not run.steps:
        return []
    line = Text(f"  {name}", "bold")
    line.append(f" in {seconds(run.seconds)}", "default not bold")
    line.append(_usual(run), "dim not bold")
    lines = [line]
    chosen = _heaviest(run.steps, _MOST_STEPS[name])
    last = StepResult("", "", 0, 0.0)
    for number in chosen:
        step = run.steps[number - 1]
        lines += _step(number, step, width, last)
        last = step
    if left := sum(_tells(step) for step in run.steps) - len(chosen):
        lines.append(
            Text(f"    … and {left} lighter step{'s' * (left != 1)} (--format html)", "dim")
        )
    return lines


def _tells(step: StepResult) -> bool:
    return bool(step.locks) or not is_setting(step.sql)


def _heaviest(steps: Sequence[StepResult], most: int) -> list[int]:
    """The numbers of the steps that cost most, in the order of the steps."""
    numbers = [number for number, step in enumerate(steps, 1) if _tells(step)]

    def weight(number: int) -> tuple[bool, float]:
        step = steps[number - 1]
        held = max((lock.seconds for lock in step.locks), default=0.0)
        return bool(step.differences or step.errors), max(held, step.seconds)

    return sorted(sorted(numbers, key=weight, reverse=True)[:most])


def _usual(run: Run) -> str:
    if not run.reads_before.operations and not run.writes_before.operations:
        return "   no table of it had clients"
    return (
        f"   before: readers {milliseconds(run.reads_before.p99_ms)}, "
        f"writers {milliseconds(run.writes_before.p99_ms)} (p99)"
    )


def _step(number: int, step: StepResult, width: int, last: StepResult) -> list[Text]:
    first = Text(f"   {number:>2} ")
    first.append(shortened(step.sql, width - 18), "cyan")
    lines = [first]
    facts = [seconds(step.seconds)]
    pairs = ((last.reads, step.reads), (last.writes, step.writes))
    if any(now.operations and now.wait_ms != before.wait_ms for before, now in pairs):
        facts.append(f"worst wait: readers {_worst(step.reads)}, writers {_worst(step.writes)}")
    facts += step_facts(step)
    lines.append(Text("      " + " · ".join(facts)))
    locks = sorted(step.locks, key=lambda lock: (-lock.seconds, lock.relation))
    if locks:
        told = ", ".join(
            f"{lock.relation} {lock.mode} {lock_fact(lock)}" for lock in locks[:_MOST_LOCKS]
        )
        more = f" and {len(locks) - _MOST_LOCKS} more" if len(locks) > _MOST_LOCKS else ""
        lines.append(Text(f"      locks {told}{more}", "dim"))
    lines += [Text(f"      {said}", "dim") for said in wait_facts(step)[:_MOST_WAITS]]
    return lines


def _worst(waits: Waits) -> str:
    return milliseconds(waits.wait_ms) if waits.operations else "none"


def _rollback(rollback: Rollback) -> Text:
    good = rollback.outcome == "restores"
    line = Text("  rollback ", "bold")
    line.append(rollback.outcome, "bold green" if good else "bold red")
    facts = rollback_facts(rollback)
    line.append(" · ".join(["", *facts]), "default not bold")
    return line


def _crashes(revision: RevisionResult) -> Text:
    good = all(crash.recovered for crash in revision.crashes)
    line = Text("  crashes ", "bold")
    line.append(crash_facts(revision), "default not bold" if good else "bold red")
    return line
