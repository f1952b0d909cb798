"""What XML can hold."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def printable(value: str) -> str:
    """A text without the characters that XML can't hold."""
    return _UNPRINTABLE.sub(" ", value)
