"""Values of a partition key that lie within the bounds of a partition."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal

from zero_downtime.rehearse.rows.draws import TODAY, Maker
from zero_downtime.rehearse.rows.scalars import NUMERIC, TEMPORAL, constant, moment, said


def from_bounds(bounds: Sequence[str], strategy: str, place: int, kind: str) -> list[Maker]:
    """Makers for one column of a partition key, from the FOR VALUES texts of its partitions."""
    makers: list[Maker] = []
    for bound in bounds:
        if strategy == "l":
            makers += [constant(s.replace("''", "'")) for s in _items(bound)]
            continue
        found = re.fullmatch(r"FOR VALUES FROM \((.*)\) TO \((.*)\)", bound)
        if not found:
            continue
        low, high = _items(found[1], True), _items(found[2], True)
        if place < len(low) and place < len(high):
            makers.append(_between(low[place], high[place], kind))
    return makers


def _items(text: str, keywords: bool = False) -> list[str]:
    """The literals of a bound; MINVALUE and MAXVALUE stay as words."""
    found = re.findall(r"'((?:[^']|'')*)'|(MINVALUE|MAXVALUE)|(-?\d[\d.]*|true|false)", text)
    return [a or c or (b if keywords else "") for a, b, c in found if a or c or keywords]


def _between(low: str, high: str, kind: str) -> Maker:
    if kind in NUMERIC:
        least = Decimal(0 if low == "MINVALUE" else low)
        most = least + 1000 if high == "MAXVALUE" else Decimal(high)
        if low == "MINVALUE":
            least = most - 1000
        if least == int(least):
            wide = max(int(most - least), 1)
            return lambda d: str(int(least) + int(wide * d.random.random() ** 2))
        return lambda d: str(least + (most - least) * Decimal(f"{d.random.random():.3f}"))
    if kind in TEMPORAL:
        start = TODAY if low == "MINVALUE" else moment(low)
        end = None if high == "MAXVALUE" else moment(high)
        if start is None:
            return constant(low)
        if end is None:
            end = start + datetime.timedelta(days=30)
        if low == "MINVALUE":
            start = end - datetime.timedelta(days=30)
        length = max(int((end - start).total_seconds()) - 1, 0)
        return lambda d: said(
            start + datetime.timedelta(seconds=int(length * d.random.random())), kind
        )
    return constant("" if low == "MINVALUE" else low)
