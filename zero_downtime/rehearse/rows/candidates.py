"""Values that have a chance to meet a constraint, guessed from the constraint's own text.

Nothing here understands a constraint. Constants, lengths and patterns are picked out of it and
offered; the server says which rows it would take, and the generator learns from that.
"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from zero_downtime.rehearse.rows.values import (
    TODAY,
    WORDS,
    Draw,
    Maker,
    Values,
    array_text,
    from_like,
    from_pattern,
    numeric_limits,
)
from zero_downtime.rehearse.tables import Column

_Item = TypeVar("_Item")

_STRING = re.compile(r"E?'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?")
_PATTERN = re.compile(r"(?<![!~])~(\*?) E?'((?:[^']|'')*)'")
_LIKE = re.compile(r"(?<!!)~~(\*?) E?'((?:[^']|'')*)'")

_NUMERIC = {"int2", "int4", "int8", "numeric", "float4", "float8", "money"}
_TEXTUAL = {"text", "varchar", "bpchar", "citext", "name"}
_TEMPORAL = {"date", "timestamp", "timestamptz"}


def makers_for(
    column: Column,
    texts: Sequence[str],
    neighbours: Mapping[str, Column],
    values: Values,
    default: Maker | None,
    nullable: bool,
) -> list[Maker]:
    """Makers worth trying for a column that stands in these constraint texts.

    ``neighbours`` are the other columns of the same constraints: a value may have to lie
    before, after or at theirs.
    """
    kind, modifier = values.base(column.type, column.modifier)
    strings = _distinct(s.replace("''", "'") for text in texts for s in _STRING.findall(text))
    numbers = _numbers(texts, strings)
    makers: list[Maker] = [] if default is None else [default]
    if kind.name in _NUMERIC:
        integral = kind.name in ("int2", "int4", "int8")
        scale = 0 if integral else numeric_limits(modifier)[1] if modifier >= 4 else 2
        offered = _numeric_makers(numbers, max(scale, 0))
        offered += _numeric_beside(
            [n for n, c in neighbours.items() if values.base(c.type, -1)[0].name in _NUMERIC],
            max(scale, 0),
        )
        makers += [_clamped(make, _largest(kind.name, modifier)) for make in offered]
    elif kind.name in _TEXTUAL:
        room = modifier - 4 if modifier >= 4 else 10_000
        makers += _text_makers(texts, strings, numbers, room)
        makers += [
            _copy(n) for n, c in neighbours.items() if values.base(c.type, -1)[0].name in _TEXTUAL
        ]
    elif kind.name in _TEMPORAL:
        makers += _temporal_makers(strings, kind.name)
        makers += _temporal_beside(
            [n for n, c in neighbours.items() if values.base(c.type, -1)[0].name in _TEMPORAL],
            kind.name,
        )
    elif kind.kind == "enum":
        makers += [_constant(s) for s in strings if s in kind.labels]
        makers += [_constant(label) for label in kind.labels]
    elif kind.name == "bool":
        makers += [_constant("t"), _constant("f")]
    elif kind.kind == "array":
        makers += _array_makers(kind.element, strings, numbers, values)
    elif kind.name in ("json", "jsonb"):
        makers += _json_makers(strings)
    elif kind.name == "bytea":
        makers += [_constant("\\x" + "ab" * int(n)) for n in numbers if 0 <= n <= 1000]
    elif kind.kind == "range":
        makers += [_constant(s) for s in strings if s[:1] in "[("]
        makers += [_constant("empty"), _constant("(,)")]
        if (step := values.step(kind.element)) is not None:
            makers += [_constant(f'["{step(5)}",)'), _constant(f'(,"{step(5)}")')]
    elif kind.name == "interval":
        makers += [_constant(s) for s in strings] + [_constant("1 hour"), _constant("1 day")]
    else:
        makers += [_constant(s) for s in strings if s]
    if column.default and (plain := _STRING.match(column.default)):
        makers.append(_constant(plain[1].replace("''", "'")))
    if nullable:
        makers.append(_constant(None))
    return makers


def from_bounds(bounds: Sequence[str], strategy: str, place: int, kind: str) -> list[Maker]:
    """Makers for one column of a partition key, from the FOR VALUES texts of its partitions."""
    makers: list[Maker] = []
    for bound in bounds:
        if strategy == "l":
            makers += [_constant(s.replace("''", "'")) for s in _items(bound)]
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
    if kind in _NUMERIC:
        least = 0 if low == "MINVALUE" else int(Decimal(low))
        most = least + 1000 if high == "MAXVALUE" else int(Decimal(high))
        if low == "MINVALUE":
            least = most - 1000
        return lambda d: str(least + int(max(most - least, 1) * d.random.random() ** 2))
    if kind in _TEMPORAL:
        start = TODAY if low == "MINVALUE" else _moment(low)
        end = None if high == "MAXVALUE" else _moment(high)
        if start is None:
            return _constant(low)
        if end is None:
            end = start + datetime.timedelta(days=30)
        if low == "MINVALUE":
            start = end - datetime.timedelta(days=30)
        length = max(int((end - start).total_seconds()) - 1, 0)
        return lambda d: _said(
            start + datetime.timedelta(seconds=int(length * d.random.random())), kind
        )
    return _constant("" if low == "MINVALUE" else low)


def _numbers(texts: Iterable[str], strings: Iterable[str]) -> list[Decimal]:
    said = [n for text in texts for n in _NUMBER.findall(_STRING.sub(" ", text))]
    said += [s for s in strings if re.fullmatch(r"-?\d+(\.\d+)?", s)]
    return _distinct(Decimal(n) for n in said)


def _numeric_makers(numbers: Sequence[Decimal], scale: int) -> list[Maker]:
    unit = Decimal(1).scaleb(-scale)
    points = _distinct([*numbers, *(n + unit for n in numbers), *(n - unit for n in numbers)])
    makers: list[Maker] = [_constant(f"{point:.{scale}f}") for point in points]
    edges = sorted({*numbers, Decimal(0), Decimal(1), Decimal(100), Decimal(1000)})
    makers += [_uniform(low, high, scale) for low, high in itertools.pairwise(edges)]
    if numbers:
        low, high = min(numbers), max(numbers)
        makers += [_uniform(low - 1000, low, scale), _uniform(high, high + 1000, scale)]
        makers.append(_uniform(low, high, scale))
        for step in numbers:
            if step > 1:  # multiples, for col % step = 0
                makers.append(_multiple(step, scale))
    makers.append(_uniform(Decimal(-100), Decimal(0), scale))
    return makers


def _largest(name: str, modifier: int) -> Decimal:
    """The largest number that a column of this type holds."""
    if name == "numeric" and modifier >= 4:
        precision, scale = numeric_limits(modifier)
        return (Decimal(10) ** precision - 1).scaleb(-scale)
    bits = {"int2": 15, "int4": 31}.get(name, 53)
    return Decimal(2) ** bits - 1


def _clamped(make: Maker, largest: Decimal) -> Maker:
    def within(draw: Draw) -> str | None:
        value = _decimal(make(draw))
        return None if value is None else f"{max(-largest, min(largest, value)):f}"

    return within


def _multiple(step: Decimal, scale: int) -> Maker:
    return lambda d: f"{step * d.random.randint(1, 50):.{scale}f}"


def _uniform(low: Decimal, high: Decimal, scale: int) -> Maker:
    width = float(high - low)
    base = float(low)
    return lambda d: f"{base + width * d.random.random():.{scale}f}"


def _numeric_beside(names: Sequence[str], scale: int) -> list[Maker]:
    def beside(name: str, sign: int) -> Maker:
        def make(draw: Draw) -> str | None:
            other = _decimal(draw.row.get(name))
            if other is None:
                return None
            return f"{other + sign * draw.random.randrange(1, 100):.{scale}f}"

        return make

    def combined(first: str, second: str, sign: str) -> Maker:
        def make(draw: Draw) -> str | None:
            a, b = _decimal(draw.row.get(first)), _decimal(draw.row.get(second))
            if a is None or b is None:
                return None
            return f"{a * b if sign == '*' else a + b if sign == '+' else a - b:.{scale}f}"

        return make

    makers = [beside(name, sign) for name in names for sign in (1, -1, 0)]
    for i, first in enumerate(names):
        for second in (*names[:i], *names[i + 1 :]):
            makers += [combined(first, second, sign) for sign in "*+-"]
    return makers


def _text_makers(
    texts: Sequence[str], strings: Sequence[str], numbers: Sequence[Decimal], room: int
) -> list[Maker]:
    makers: list[Maker] = [_constant(s) for s in strings if len(s) <= room]
    for text in texts:
        for _, pattern in _PATTERN.findall(text):
            made = from_pattern(pattern.replace("''", "'"))
            if made is not None:
                makers += [made, made, made]  # the most promising of all
        for _, pattern in _LIKE.findall(text):
            makers.append(_constant(from_like(pattern.replace("''", "'"))))
    for number in numbers:
        for length in (int(number) - 1, int(number), int(number) + 1):
            if 0 <= length <= min(room, 10_000):
                makers += [_filled(length, "abcdefgh"), _filled(length, "ABCDEFGH")]
                makers.append(_filled(length, "123456789"))
    makers += [
        lambda d: d.random.choice(WORDS)[:room],
        lambda d: d.random.choice(WORDS).upper()[:room],
        lambda d: d.random.choice(WORDS).title()[:room],
        lambda d: str(d.random.randrange(10**6))[:room],
        lambda d: f"{d.random.choice(WORDS)}{d.number}@example.org"[-room:],
        lambda d: f"https://example.org/{d.random.choice(WORDS)}"[:room],
        lambda d: f"+4912345{d.random.randrange(10**6):06d}"[:room],
        _constant(""),
    ]
    return makers


def _filled(length: int, letters: str) -> Maker:
    return lambda draw: "".join(draw.random.choices(letters, k=length))


def _temporal_makers(strings: Sequence[str], kind: str) -> list[Maker]:
    makers: list[Maker] = []
    for text in strings:
        at = _moment(text)
        if at is not None:
            makers += [_around(at, 0, kind), _around(at, 30, kind), _around(at, -30, kind)]
    makers += [_around(TODAY, -900, kind), _around(TODAY + datetime.timedelta(3650), 900, kind)]
    return makers


def _around(at: datetime.datetime, days: int, kind: str) -> Maker:
    return lambda d: _said(at + datetime.timedelta(days=days * d.random.random()), kind)


def _temporal_beside(names: Sequence[str], kind: str) -> list[Maker]:
    def beside(name: str, days: int) -> Maker:
        def make(draw: Draw) -> str | None:
            other = _moment(draw.row.get(name) or "")
            if other is None:
                return None
            seconds = int(abs(days) * 86400 * draw.random.random()) + 86400 * bool(days)
            return _said(
                other + datetime.timedelta(seconds=seconds * (1 if days > 0 else -1)), kind
            )

        return make

    return [beside(name, days) for name in names for days in (30, -30, 0)]


def _array_makers(
    element: int, strings: Sequence[str], numbers: Sequence[Decimal], values: Values
) -> list[Maker]:
    inner = values.maker(element)
    makers: list[Maker] = []
    lengths = {0, 1, 2, *(int(n) + k for n in numbers if 0 <= n <= 100 for k in (-1, 0, 1))}
    if inner is not None:
        for length in sorted(lengths):
            if length >= 0:
                makers.append(_array_of(inner, length))
    for text in strings:
        makers.append(_constant(text if text[:1] == "{" else array_text([text])))
    return makers


def _array_of(inner: Maker, length: int) -> Maker:
    return lambda d: array_text([inner(d) for _ in range(length)])


def _json_makers(strings: Sequence[str]) -> list[Maker]:
    makers = [_constant(s) for s in ("{}", "[]", '"text"', "1", "null", "[1, 2]")]
    for key in strings:
        if re.fullmatch(r"[\w-]+", key):
            makers += [
                _constant(f'{{"{key}": "{key}"}}'),
                _constant(f'{{"{key}": 1}}'),
                _constant(f'{{"{key}": {{}}}}'),
                _constant(f'{{"{key}": []}}'),
            ]
    keys = [key for key in strings if re.fullmatch(r"[\w-]+", key)]
    if keys:
        makers.append(_constant("{" + ", ".join(f'"{key}": "a"' for key in keys) + "}"))
        makers.append(_constant("{" + ", ".join(f'"{key}": 1' for key in keys) + "}"))
    return makers


def _constant(value: str | None) -> Maker:
    return lambda draw: value


def _copy(name: str) -> Maker:
    return lambda draw: draw.row.get(name)


def _decimal(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text is not None else None
    except InvalidOperation:
        return None


def _moment(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None


def _said(at: datetime.datetime, kind: str) -> str:
    if kind == "date":
        return at.date().isoformat()
    return at.isoformat(" ") + ("+00" if kind == "timestamptz" else "")


def _distinct(items: Iterable[_Item]) -> list[_Item]:
    return list(dict.fromkeys(items))
