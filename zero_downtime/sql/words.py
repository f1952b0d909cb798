"""How statements are told in a line."""

from __future__ import annotations

import re

_SETTING = re.compile(r"\s*(?:SET(?!\s+CONSTRAINTS)|RESET)\b", re.IGNORECASE)


def shortened(text: str, room: int) -> str:
    """The text on one line of at most ``room`` characters."""
    words = " ".join(text.split())
    return words if len(words) <= room else words[: room - 1] + "…"


def is_setting(sql: str) -> bool:
    """Whether a statement only sets a parameter of its session: nothing to tell in a summary."""
    return _SETTING.match(sql) is not None
