"""What ``zd generate`` says about what it wrote, or why it wrote nothing."""

from __future__ import annotations

import json
from pathlib import Path

from zero_downtime.generate.result import Generated, Written
from zero_downtime.plan import Step


def text(result: Generated, root: Path) -> str:
    """For a terminal."""
    lines = [f"note: {note}" for note in result.notes]
    lines += [f"note: {name}: {remark}" for name, remark in result.noted]
    if result.nothing_to_do:
        return "\n".join([*lines, "Nothing to do: the schema modules are what head says."])
    lines += [f"not planned: {each.object}: {each.reason}" for each in result.not_planned]
    lines += [f"refused: {reason}" for reason in result.refused]
    if not result.written:
        return "\n".join([*lines, "Nothing was written."])
    for written in result.written:
        lines += _written(written, root)
    lines.append("Proven on scratch copies: up leads to the schema modules, down leads back.")
    return "\n".join(lines)


def as_json(result: Generated, root: Path) -> str:
    """For programs."""
    return json.dumps(
        {
            "version": 1,
            "written": [
                {
                    "revision": written.id,
                    "file": _relative(written.path, root),
                    "phase": written.phase,
                    "upgrade": [step.sql for step in written.upgrade],
                    "downgrade": [step.sql for step in written.downgrade],
                    "lost": list(written.lost),
                }
                for written in result.written
            ],
            "not_planned": [
                {"object": each.object, "reason": each.reason} for each in result.not_planned
            ],
            "refused": list(result.refused),
            "noted": [{"object": name, "note": remark} for name, remark in result.noted],
            "notes": list(result.notes),
        },
        indent=2,
    )


def _written(written: Written, root: Path) -> list[str]:
    lines = [f"Wrote {_relative(written.path, root)} (phase {written.phase})"]
    lines += [f"  {_short(step)}" for step in written.upgrade]
    lines += [f"  the way down can't bring back {line}" for line in written.lost]
    return lines


def _short(step: Step) -> str:
    sql = " ".join(step.sql.split())
    sql = sql if len(sql) <= 92 else sql[:91] + "…"
    return f"{sql}\n      {step.why}" if step.why else sql


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
