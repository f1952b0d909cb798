"""One row being made, and what its values are drawn from."""

from __future__ import annotations

import datetime
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

# Dates lie in the two years before this day, so that the same seed gives the same rows forever.
TODAY = datetime.datetime(2026, 1, 1)

# fmt: off
WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour", "iris", "juniper",
    "kelp", "linden", "maple", "nectar", "olive", "pearl", "quartz", "river", "sage", "tulip",
    "umber", "violet", "willow", "xenon", "yarrow", "zephyr",
)
# fmt: on
LETTERS = string.digits + string.ascii_lowercase


@dataclass(slots=True)
class Draw:
    """One row being made: its random source, its number in the table, its values so far."""

    random: Random
    number: int
    row: dict[str, str | None] = field(default_factory=dict)


Maker = Callable[[Draw], str | None]


def number_text(number: int) -> str:
    """A number in base 36, the shortest way to make short texts distinct."""
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = LETTERS[rest] + digits
        if not number:
            return digits
