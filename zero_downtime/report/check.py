"""What ``zd check`` found."""

from __future__ import annotations

import json
from collections.abc import Iterable

from zero_downtime.catalog import Change, Fact
from zero_downtime.check import Checked, Difference
from zero_downtime.sql.words import shortened


def text(checked: Checked) -> str:
    """For a terminal: the verdict of each comparison, then its differences."""
    lines = [f"note: {note}" for note in checked.notes]
    for difference in checked.differences:
        lines += _lines(difference)
    if checked.behind:
        lines.append(f"The database lacks {', '.join(checked.behind)}: run zd upgrade.")
    lines.append(f"Not compared: {'; '.join(checked.ignored)}.")
    return "\n".join(lines)


def as_json(checked: Checked) -> str:
    """For programs."""
    return json.dumps(
        {
            "version": 1,
            "clean": checked.clean,
            "comparisons": [
                {
                    "name": difference.name,
                    "between": list(difference.between),
                    "grade": difference.comparison.grade,
                    "differences": [
                        {
                            "change": change.kind,
                            "object": str(change.identity),
                            "old": change.old.definition if change.old else None,
                            "new": change.new.definition if change.new else None,
                        }
                        for change in difference.comparison.changes
                    ],
                    "noted": [
                        {"object": str(identity), "note": remark}
                        for identity, remark in difference.comparison.notes
                    ],
                }
                for difference in checked.differences
            ],
            "behind": list(checked.behind),
            "not_compared": list(checked.ignored),
            "notes": list(checked.notes),
        },
        indent=2,
    )


def _lines(difference: Difference) -> list[str]:
    one, other = difference.between
    comparison = difference.comparison
    if comparison.equal:
        return [f"No {difference.name}: {one} and {other} are equal."]
    named = ", but only in generated names" if comparison.grade != "different" else ""
    changes = outermost(comparison.changes)
    lines = [f"{difference.name.capitalize()}: {other} and {one} differ{named}:"]
    said = {"added": f"only in {other}", "removed": f"missing in {other}", "altered": "differs"}
    return lines + [f"  {said[change.kind]}: {_described(change)}" for change in changes]


def outermost(changes: Iterable[Change]) -> list[Change]:
    """The changes without what lies inside a relation that is itself added or removed."""
    changes = list(changes)
    whole = {
        (change.kind, change.identity.name)
        for change in changes
        if change.identity.kind in ("table", "view", "materialized view", "index")
        and change.kind != "altered"
    }
    return [change for change in changes if (change.kind, change.identity.of) not in whole]


def _described(change: Change) -> str:
    if change.old and change.new:
        return f"{change.identity}: {_short(change.old)} → {_short(change.new)}"
    return f"{change.identity}: {_short(change.new or change.old)}"


def _short(fact: Fact | None) -> str:
    return shortened(fact.definition, 80) if fact else ""
