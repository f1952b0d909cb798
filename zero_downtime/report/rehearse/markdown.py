"""A rehearsal for a pull request: verdict and reasons in sight, the steps folded away."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.rehearse.result import RehearsalResult, RevisionResult, Run, StepResult
from zero_downtime.rehearse.times import milliseconds, seconds
from zero_downtime.report.rehearse.words import (
    crash_facts,
    error_facts,
    forecast_facts,
    lock_fact,
    rollback_facts,
    step_facts,
    summary,
    wait_facts,
    worst_wait,
)
from zero_downtime.sql.words import is_setting, shortened

# A comment has its limits: GitHub's are 65,536 characters.
_MOST_STEPS = 20  # of one direction
_MOST_LOCKS = 6  # of one step
_MOST_WAITS = 2
_MOST_CHARACTERS = 60_000


def markdown(result: RehearsalResult) -> str:
    """GitHub's and GitLab's Markdown."""
    mark = "✅" if result.verdict == "safe" else "❌"
    lines = [f"### {mark} Rehearsal: {result.verdict}", "", _text(summary(result))]
    if result.reasons or any(revision.warnings for revision in result.revisions):
        lines.append("")
    lines += [f"- ❌ {_text(reason)}" for reason in result.reasons]
    lines += [
        f"- ⚠️ {_text(revision.revision)}: {_text(warning)}"
        for revision in result.revisions
        for warning in revision.warnings
    ]
    if result.revisions:
        lines += ["", "| | revision | upgrade | longest wait of a client | rollback |"]
        lines.append("|-|-|-|-|-|")
        lines += [_row(revision) for revision in result.revisions]
    room = _MOST_CHARACTERS - sum(map(len, lines))
    left = 0
    for revision in sorted(result.revisions, key=lambda each: each.safe):  # what is wrong first
        details = list(_details(revision))
        length = sum(map(len, details))
        if length > room:
            left += 1
            continue
        room -= length
        lines += details
    if left:
        lines += ["", f"The steps of {left} more revisions do not fit into a comment."]
    if result.notes:
        lines += ["", *(f"> {_text(note)}" for note in result.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _row(revision: RevisionResult) -> str:
    rollback = revision.rollback.outcome if revision.rollback else "not reached"
    cells = (
        "✅" if revision.safe else "❌",
        f"`{revision.revision}` {_text(revision.message)}",
        "fails" if revision.upgrade.failed else seconds(revision.upgrade.seconds),
        worst_wait(revision),
        rollback,
    )
    return f"| {' | '.join(cells)} |"


def _details(revision: RevisionResult) -> Iterator[str]:
    runs = (("upgrade", revision.upgrade), ("downgrade", revision.downgrade))
    if not any(run.steps for _, run in runs):
        return
    yield ""
    yield f"<details><summary><code>{revision.revision}</code> step by step</summary>"
    for name, run in runs:
        yield from _steps(name, run)
    if revision.rollback:
        yield from ("", f"Rollback: {_text(' · '.join(rollback_facts(revision.rollback)))}")
    if revision.crashes:
        yield from ("", f"Crashes: {crash_facts(revision)}")
    if revision.forecasts:
        yield from ("", "Forecast for production:", "")
        yield from (f"- {_text(forecast_facts(each))}" for each in revision.forecasts)
    yield from ("", "</details>")


def _steps(name: str, run: Run) -> Iterator[str]:
    steps = [step for step in run.steps if step.locks or not is_setting(step.sql)]
    if not steps:
        return
    yield from ("", f"**{name}**", "", "| step | takes | locks | readers wait | writers wait |")
    yield "|-|-|-|-|-|"
    for step in steps[:_MOST_STEPS]:
        yield _step(step)
    if len(steps) > _MOST_STEPS:
        yield f"| … and {len(steps) - _MOST_STEPS} more | | | | |"


def _step(step: StepResult) -> str:
    locks = "<br>".join(
        f"{lock.mode} {_text(lock.relation)} {lock_fact(lock)}" for lock in step.locks[:_MOST_LOCKS]
    )
    if len(step.locks) > _MOST_LOCKS:
        locks += f"<br>… and {len(step.locks) - _MOST_LOCKS} more"
    facts = [*step_facts(step), *wait_facts(step)[:_MOST_WAITS], *error_facts(step)]
    cells = (
        "<br>".join([f"`{_code(shortened(step.sql, 90))}`", *map(_text, facts)]),
        seconds(step.seconds),
        locks,
        milliseconds(step.reads.wait_ms) if step.reads.operations else "",
        milliseconds(step.writes.wait_ms) if step.writes.operations else "",
    )
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Text that Markdown takes as it is, also in a table."""
    for sign in "\\`*_<>|[]":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _code(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|")
