"""What ``zd generate --rebase`` says about the revisions that it put behind others."""

from __future__ import annotations

import json
from pathlib import Path

from zero_downtime.generate.rebase import Rebased


def text(result: Rebased, root: Path) -> str:
    """For a terminal."""
    if result.onto is None:
        return "Nothing to do: the history has one head."
    lines = [f"Behind {result.onto.id} ({result.onto.path.name}) now:"]
    lines += [f"  {each.id} “{each.message}” ({each.path.name})" for each in result.moved]
    lines.append("Proven on a scratch copy: the history runs up, and these down again.")
    return "\n".join([*lines, *(f"note: {note}" for note in result.notes)])


def as_json(result: Rebased, root: Path) -> str:
    """For programs."""
    return json.dumps(
        {
            "version": 1,
            "onto": result.onto.id if result.onto else None,
            "moved": [{"revision": each.id, "file": each.file} for each in result.moved],
            "notes": list(result.notes),
        },
        indent=2,
    )
