"""What ``zd check`` found."""

from __future__ import annotations

import json

from zero_downtime.check import Checked, Difference


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
    count = len(comparison.changes)
    named = " (but for generated names)" if comparison.grade != "different" else ""
    lines = [f"{difference.name.capitalize()}: {other} differs from {one} in {count}{named}:"]
    return lines + [f"  {line}" for line in comparison.describe()]
