"""How times are told, in reasons and in every shape of a report."""

from __future__ import annotations


def duration(value: float) -> str:
    """A time in the unit that fits: seconds, minutes, hours."""
    if value < 100:
        return seconds(value)
    return f"{value / 60:.0f} min" if value < 6000 else f"{value / 3600:.1f} h"


def seconds(value: float) -> str:
    """A time for people: ``1.2 s`` or ``34 ms``."""
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def milliseconds(value: float) -> str:
    """The same from milliseconds, with a decimal where they are few."""
    return seconds(value / 1000) if value >= 10 else f"{value:.1f} ms"
