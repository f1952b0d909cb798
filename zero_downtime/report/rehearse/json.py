"""A rehearsal for programs."""

from __future__ import annotations

import json

from zero_downtime.rehearse.result import RehearsalResult, as_json


def json_text(result: RehearsalResult) -> str:
    """The promised JSON structure."""
    return json.dumps(as_json(result), indent=2)
