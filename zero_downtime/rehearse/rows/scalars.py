"""Numbers and times that have a chance to meet a check, from the constants that it names."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from zero_downtime.rehearse.rows.draws import TODAY, Draw, Maker
from zero_downtime.rehearse.rows.plain import numeric_limits

_Item = TypeVar("_Item")

STRING = re.compile(r"E?'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?")
_UNITS = ("hour", "day", "week", "month", "year")

NUMERIC = {"int2", "int4", "int8", "numeric", "float4", "float8", "money"}
TEMPORAL = {"date", "timestamp", "timestamptz"}


def numbers_in(texts: Iterable[str], strings: Iterable[str]) -> list[Decimal]:
    """The numbers that stand in texts, and those that strings are."""
    said = [n for text in texts for n in _NUMBER.findall(STRING.sub(" ", text))]
    said += [s for s in strings if re.fullmatch(r"-?\d+(\.\d+)?", s)]
    return distinct(Decimal(n) for n in said)


def numeric_makers(numbers: Sequence[Decimal], scale: int) -> list[Maker]:
    """Numbers at, between, beside and beyond those given."""
    unit = Decimal(1).scaleb(-scale)
    points = distinct([*numbers, *(n + unit for n in numbers), *(n - unit for n in numbers)])
    makers: list[Maker] = [constant(f"{point:.{scale}f}") for point in points]
    edges = sorted({*numbers, *(Decimal(10) ** power for power in range(7)), Decimal(0)})
    makers += [_uniform(low, high, scale) for low, high in itertools.pairwise(edges)]
    if numbers:
        low, high = min(numbers), max(numbers)
        makers += [_uniform(low - 1000, low, scale), _uniform(high, high + 1000, scale)]
        makers.append(_uniform(low, high, scale))
        for step in numbers:
            if step > 1:  # multiples, for col % step = 0, and what lies between them
                makers += [
                    _multiple(step, scale, more) for more in distinct([Decimal(0), *numbers])
                ]
    highest = max([Decimal(0), *numbers])
    for step in distinct([Decimal(1), *(n for n in numbers if n > 1)]):  # never twice the same
        makers.append(_counting(step * (highest // step + 1), step, scale))
    for one, other in itertools.combinations(numbers[:6], 2):  # for col / 10 = 5
        makers += [_uniform(one * other, one * other + n, scale) for n in (one, other)]
    makers.append(_uniform(Decimal(-100), Decimal(0), scale))
    return makers


def largest(name: str, modifier: int) -> Decimal:
    """The largest number that a column of this type holds."""
    if name == "numeric" and modifier >= 4:
        precision, scale = numeric_limits(modifier)
        return (Decimal(10) ** precision - 1).scaleb(-scale)
    bits = {"int2": 15, "int4": 31}.get(name, 53)
    return Decimal(2) ** bits - 1


def clamped(make: Maker, most: Decimal) -> Maker:
    """The same, within what a column holds."""

    def within(draw: Draw) -> str | None:
        value = decimal(make(draw))
        return None if value is None else f"{max(-most, min(most, value)):f}"

    return within


def _multiple(step: Decimal, scale: int, more: Decimal) -> Maker:
    return lambda d: f"{step * d.random.randint(1, 5000) + more:.{scale}f}"


def _counting(start: Decimal, step: Decimal, scale: int) -> Maker:
    return lambda d: f"{start + step * d.number:.{scale}f}"


def _uniform(low: Decimal, high: Decimal, scale: int) -> Maker:
    width = float(high - low)
    base = float(low)
    return lambda d: f"{base + width * d.random.random():.{scale}f}"


def numeric_beside(names: Sequence[str], scale: int) -> list[Maker]:
    """Numbers beside those of other columns, their sums and products."""

    def beside(name: str, sign: int) -> Maker:
        def make(draw: Draw) -> str | None:
            other = decimal(draw.row.get(name))
            if other is None:
                return None
            return f"{other + sign * draw.random.randrange(1, 100):.{scale}f}"

        return make

    def combined(first: str, second: str, sign: str) -> Maker:
        def make(draw: Draw) -> str | None:
            a, b = decimal(draw.row.get(first)), decimal(draw.row.get(second))
            if a is None or b is None:
                return None
            return f"{a * b if sign == '*' else a + b if sign == '+' else a - b:.{scale}f}"

        return make

    makers = [beside(name, sign) for name in names for sign in (1, -1, 0)]
    for i, first in enumerate(names):
        for second in (*names[:i], *names[i + 1 :]):
            makers += [combined(first, second, sign) for sign in "*+-"]
    return makers


def temporal_makers(strings: Sequence[str], numbers: Sequence[Decimal], kind: str) -> list[Maker]:
    """Times around those that are said, and whole ones."""
    makers: list[Maker] = []
    for text in strings:
        at = moment(text)
        if at is not None:
            makers += [_around(at, 0, kind), _around(at, 30, kind), _around(at, -30, kind)]
            makers += [_days_from(at, kind)]
    for number in numbers:
        if 1900 <= number <= 2200:
            makers.append(_around(datetime.datetime(int(number), 1, 1), 364, kind))
    makers += [_rounded(unit, kind) for unit in _UNITS]
    makers += [_around(TODAY, -900, kind), _around(TODAY + datetime.timedelta(3650), 900, kind)]
    return makers


def _around(at: datetime.datetime, days: int, kind: str) -> Maker:
    return lambda d: said(after(at, days * d.random.random()), kind)


def after(at: datetime.datetime, days: float) -> datetime.datetime:
    """So many days later, as far as the calendar goes: '9999-12-31' stands for ever."""
    try:
        return at + datetime.timedelta(days=days)
    except OverflowError:
        return at


def _days_from(at: datetime.datetime, kind: str) -> Maker:
    """Day after day, never twice the same."""
    return lambda d: said(after(at, d.number), kind)


def _rounded(unit: str, kind: str) -> Maker:
    """Whole hours, days, weeks, months and years, for date_trunc() and its like."""

    def make(draw: Draw) -> str:
        at = TODAY - datetime.timedelta(days=draw.random.randrange(36_500))
        at += datetime.timedelta(hours=0 if unit != "hour" else draw.random.randrange(24))
        if unit == "week":
            at -= datetime.timedelta(days=at.weekday())
        elif unit in ("month", "year"):
            at = at.replace(day=1, month=at.month if unit == "month" else 1)
        return said(at, kind)

    return make


def interval_makers(strings: Sequence[str], numbers: Sequence[Decimal]) -> list[Maker]:
    """Spans as they stand in the text, and of every magnitude."""
    makers = [constant(s) for s in strings]
    for unit in ("seconds", "minutes", "hours", "days", "months", "years"):
        makers += [_spans(unit, 60), *(constant(f"{n} {unit}") for n in numbers)]
        makers += [constant(f"-1 {unit}")]
    return makers


def _spans(unit: str, most: int) -> Maker:
    return lambda d: f"{d.random.randint(1, most)} {unit}"


def temporal_beside(names: Sequence[str], kind: str) -> list[Maker]:
    """Times before, at and after those of other columns."""

    def beside(name: str, days: int) -> Maker:
        def make(draw: Draw) -> str | None:
            other = moment(draw.row.get(name) or "")
            if other is None:
                return None
            seconds = int(abs(days) * 86400 * draw.random.random()) + 86400 * bool(days)
            return said(after(other, seconds / (86400 if days > 0 else -86400)), kind)

        return make

    return [beside(name, days) for name in names for days in (30, -30, 0)]


def constant(value: str | None) -> Maker:
    """Always the same."""
    return lambda draw: value


def copied(name: str) -> Maker:
    """What another column has."""
    return lambda draw: draw.row.get(name)


def decimal(text: str | None) -> Decimal | None:
    """The number that a text says; None when it says none."""
    try:
        return Decimal(text) if text is not None else None
    except InvalidOperation:
        return None


def moment(text: str) -> datetime.datetime | None:
    """The time that a text says; None when it says none."""
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def said(at: datetime.datetime, kind: str) -> str:
    """A time as a type writes it."""
    if kind == "date":
        return at.date().isoformat()
    return at.isoformat(" ") + ("+00" if kind == "timestamptz" else "")


def distinct(items: Iterable[_Item]) -> list[_Item]:
    """Each once, in their order."""
    return list(dict.fromkeys(items))
