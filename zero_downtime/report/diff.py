"""The plan of ``zd diff``: as SQL to read or run, as JSON, as a summary."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from zero_downtime.generate.diff import Diff, PlannedStep


def sql(diff: Diff) -> str:
    """A script with one statement a step; what is not planned stands in comments."""
    lines = [f"-- not planned: {each.object}: {each.reason}" for each in diff.plan.not_planned]
    lines += [f"-- noted: {name}: {remark}" for name, remark in diff.plan.noted]
    lines += [f"-- loses data: {loss.object}: {loss.reason}" for loss in diff.plan.loses_data]
    if diff.reason:
        lines.append(f"-- does not converge: {' '.join(diff.reason.split())}")
    elif diff.converged and diff.steps:
        lines.append("-- converges: proven on a scratch copy")
    if not diff.steps:
        lines.append("-- nothing to do" if not diff.plan.not_planned else "-- no step")
    for (alone, _), group in groupby(
        diff.steps, key=lambda each: (each.step.alone, each.step.group)
    ):
        members = list(group)
        together = not alone and len(members) > 1
        lines += ["BEGIN;"] if together else []
        for planned in members:
            lines.append(f"-- {_marks(planned)}")
            lines.append(f"{planned.step.sql};")
        lines += ["COMMIT;"] if together else []
    return "\n".join(lines)


def text(diff: Diff) -> str:
    """For a terminal: one line a step and what it locks."""
    return "\n".join(_text_lines(diff))


def as_json(diff: Diff) -> str:
    """The value that design and acceptance checks know."""
    return json.dumps(
        {
            "version": 1,
            "steps": [
                {
                    "sql": planned.step.sql,
                    "phase": planned.step.phase.value,
                    "transactional": planned.transactional,
                    "lock": planned.lock,
                    "relation": planned.relation,
                    "hazards": list(planned.hazards),
                    "undo": planned.undo,
                }
                for planned in diff.steps
            ],
            "not_planned": [
                {"object": each.object, "reason": each.reason} for each in diff.plan.not_planned
            ],
            "noted": [{"object": name, "note": remark} for name, remark in diff.plan.noted],
            "loses_data": [
                {"object": loss.object, "reason": loss.reason} for loss in diff.plan.loses_data
            ],
            "converged": diff.converged,
        },
        indent=2,
    )


def _text_lines(diff: Diff) -> Iterator[str]:
    for each in diff.plan.not_planned:
        yield f"not planned: {each.object}: {each.reason}"
    for name, remark in diff.plan.noted:
        yield f"noted: {name}: {remark}"
    for loss in diff.plan.loses_data:
        yield f"loses data: {loss.object}: {loss.reason}"
    for number, planned in enumerate(diff.steps, 1):
        yield f"{number}. {' '.join(planned.step.sql.split())}"
        yield f"   {_marks(planned)}"
    if not diff.steps and not diff.plan.not_planned:
        yield "Nothing to do."
    if diff.converged is not None:
        yield (
            "Converges: proven on a scratch copy."
            if diff.converged
            else (f"Does not converge: {diff.reason or 'not everything is planned'}")
        )


def _marks(planned: PlannedStep) -> str:
    parts = [planned.step.phase.value]
    if planned.lock:
        parts.append(f"{planned.lock} on {planned.relation}")
    if not planned.transactional:
        parts.append("outside a transaction")
    return "; ".join([*parts, *planned.hazards])
