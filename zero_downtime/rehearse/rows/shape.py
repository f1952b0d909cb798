"""Production's shape in synthetic rows: how wide texts are and how many values there are.

The figures are those that ``zd stats pull`` wrote down; no value is known.
"""

from __future__ import annotations

from zero_downtime.rehearse.rows.draws import Draw, Maker
from zero_downtime.stats import ColumnStats

_MOST_VALUES = 10_000  # that are remembered, to be drawn again
_HEADER = (
    1  # bytes of a short text that are not its own (PostgreSQL docs, database physical storage)
)
_FILLING = "the quick brown fox jumps over the lazy dog and runs on through the wide open field "
_TEXTS = ("text", "varchar")


def shaped(make: Maker, kind: str, most: int | None, figures: ColumnStats, rows: int) -> Maker:
    """A maker of values as wide and as often repeated as the figures say.

    ``kind`` is the name of the type, ``most`` how many characters it takes, ``rows`` how many
    rows production has.
    """
    wide = figures.width - _HEADER
    if kind in _TEXTS and wide > 0:
        make = _padded(make, wide if most is None else min(wide, most), most)
    there = figures.distinct if figures.distinct >= 0 else -figures.distinct * rows
    if 1 <= there < _MOST_VALUES:
        make = _repeated(make, round(there))
    return make


def _padded(make: Maker, wide: int, most: int | None) -> Maker:
    """Texts between half and one and a half times as long."""

    def padded(draw: Draw) -> str | None:
        value = make(draw)
        length = int(wide * (0.5 + draw.random.random()))
        if most is not None:
            length = min(length, most)
        if value is None or len(value) >= length:
            return value
        missing = length - len(value) - 1
        return f"{value} {_FILLING * (missing // len(_FILLING) + 1)}"[:length]

    return padded


def _repeated(make: Maker, count: int) -> Maker:
    """The first ``count`` values over and over, some more often than others."""
    known: list[str | None] = []

    def repeated(draw: Draw) -> str | None:
        if len(known) < count:
            known.append(make(draw))
            return known[-1]
        return known[int(count * draw.random.random() ** 2)]

    return repeated
