"""What ``zd generate`` says about what it wrote, or why it wrote nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from zero_downtime.generate.result import Generated, Written
from zero_downtime.plan import Step
from zero_downtime.sql.words import shortened

_SHOWN = 8  # so many steps are told one by one


def text(result: Generated, root: Path) -> str:
    """For a terminal."""
    lines = [f"note: {note}" for note in result.notes]
    lines += _noted(result.noted)
    if result.nothing_to_do:
        return "\n".join([*lines, "Nothing to do: the schema modules are what head says."])
    lines += [f"not planned: {each.object}: {each.reason}" for each in result.not_planned]
    lines += [f"refused: {reason}" for reason in result.refused]
    if not result.written:
        return "\n".join([*lines, "Nothing was written."])
    for written in result.written:
        lines += _written(written, root)
    for finding in result.findings:
        down = " (way down)" if finding.direction == "downgrade" else ""
        lines.append(f"lint{down}: {finding.severity}: {finding.rule}: {finding.message}")
    if result.findings:
        rules = ", ".join(sorted({finding.rule for finding in result.findings}))
        lines.append(f"To accept: # zd: ignore[RULE] REASON above the statement ({rules}).")
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
            "findings": _findings(result),
            "noted": [{"object": name, "note": remark} for name, remark in result.noted],
            "notes": list(result.notes),
        },
        indent=2,
    )


def _noted(noted: tuple[tuple[str, str], ...]) -> Iterator[str]:
    by_remark: dict[str, list[str]] = {}
    for name, remark in noted:
        by_remark.setdefault(remark, []).append(name)
    for remark, names in by_remark.items():
        yield f"note: {', '.join(names)}: {remark}"


def _written(written: Written, root: Path) -> Iterator[str]:
    yield f"Wrote {_relative(written.path, root)} (phase {written.phase})"
    new = [step for step in written.upgrade if not step.alone]
    if len(new) > _SHOWN:
        kinds = Counter(step.object.partition(" ")[0] for step in new)
        counts = ", ".join(_counted(kind, count) for kind, count in kinds.items())
        yield f"  in one transaction, nothing of it in use yet: {counts}"
    else:
        yield from (f"  {_short(step)}" for step in new)
    yield from (f"  {_short(step)}" for step in written.upgrade if step.alone)
    yield from (f"  the way down can't bring back {line}" for line in written.lost)


def _counted(kind: str, count: int) -> str:
    if count == 1:
        return f"1 {kind}"
    if kind.endswith("y"):
        return f"{count} {kind[:-1]}ies"
    return f"{count} {kind}{'es' if kind.endswith('x') else 's'}"


def _short(step: Step) -> str:
    sql = shortened(step.sql, 92)
    return f"{sql}\n      {step.why}" if step.why else sql


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _findings(result: Generated) -> list[dict[str, object]]:
    if not result.findings:
        return []
    # Imported here, since most runs find nothing and the rules take a tenth of a second.
    from zero_downtime.report.lint.json import finding_value

    return [finding_value(finding) for finding in result.findings]
