"""Arrays, ranges, addresses and bytes that have a chance to meet a check."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Sequence
from decimal import Decimal

from zero_downtime.rehearse.rows.draws import WORDS, Draw, Maker
from zero_downtime.rehearse.rows.scalars import (
    NUMERIC,
    TEMPORAL,
    after,
    constant,
    decimal,
    moment,
    said,
)
from zero_downtime.rehearse.rows.values import Values, array_text

_LONGEST = 2000  # elements of an array, bytes of a bytea
_VERSIONS = "1345678"


def array_makers(
    element: int, strings: Sequence[str], numbers: Sequence[Decimal], values: Values
) -> list[Maker]:
    """Arrays of the lengths and with the elements that the text names."""
    inner = values.maker(element)
    makers: list[Maker] = [constant("{}")]
    lengths = {1, 2, 3, *(int(n) + k for n in numbers if 0 <= n <= _LONGEST for k in (-1, 0, 1))}
    if inner is not None:
        for length in sorted(lengths):
            if length > 0:
                makers += [_array_of(inner, length), _array_of(inner, length, deep=True)]
    makers += [constant(text) for text in strings if text[:1] == "{"]
    items = [text for text in strings if text[:1] != "{"] + [str(number) for number in numbers]
    makers += [constant(array_text([text])) for text in items]
    if items:
        makers += [constant(array_text(items)), constant(array_text(items[::-1]))]
        makers.append(lambda d: array_text(d.random.sample(items, d.random.randint(1, len(items)))))
    return makers


def _array_of(inner: Maker, length: int, deep: bool = False) -> Maker:
    def make(draw: Draw) -> str:
        text = array_text([inner(draw) for _ in range(length)])
        return f"{{{text},{text}}}" if deep else text

    return make


def range_makers(
    element: int, strings: Sequence[str], numbers: Sequence[Decimal], values: Values
) -> list[Maker]:
    """Ranges of the widths that the text names and of usual ones, from its constants on."""
    makers = [constant(s) for s in strings if s[:1] in "[("]
    makers += [constant("empty"), constant("(,)")]
    step = values.step(element)
    if step is None:
        return makers
    widths = {1, 2, 5, 24, *(int(n) + k for n in numbers if 0 < n < 100_000 for k in (0, 1))}
    starts = [None, *strings, *(str(n) for n in numbers)]
    kind = values.base(element, -1)[0].name
    for start in starts:
        at = moment(start) if start is not None and kind in TEMPORAL else None
        if start is not None and at is None and (kind not in NUMERIC or decimal(start) is None):
            continue
        for width in sorted(widths):
            makers.append(_from(start, at, width, step, kind))
    return [*makers, constant(f'["{step(5)}",)'), constant(f'(,"{step(5)}")')]


def _from(
    start: str | None,
    at: datetime.datetime | None,
    width: int,
    step: Callable[[int], str],
    kind: str,
) -> Maker:
    def make(draw: Draw) -> str:
        if at is not None:
            low = after(at, draw.random.randrange(1000))
            high = after(low, width if kind == "date" else width / 24)
            return f'["{said(low, kind)}","{said(high, kind)}")'
        first = draw.random.randrange(8000)
        if start is not None:
            first = int(Decimal(start)) + draw.random.randrange(5)
        return f'["{step(first)}","{step(first + width)}")'

    return make


def multirange_makers(ranges: Sequence[Maker]) -> list[Maker]:
    """Each range alone in its multirange, and none at all."""

    def within(make: Maker) -> Maker:
        return lambda draw: "{" + str(make(draw)) + "}"

    return [constant("{}"), *(within(make) for make in ranges)]


def address_makers(kind: str, strings: Sequence[str], numbers: Sequence[Decimal]) -> list[Maker]:
    """Addresses and networks of both families, of the lengths and within those that are named."""
    makers = [constant(s) for s in strings]
    makers += [lambda d: f"2001:db8::{d.number % 65536:x}", lambda d: f"192.168.{d.number % 256}.1"]
    for length in [*(int(n) + k for n in numbers for k in (-1, 0, 1)), 8, 16, 24, 32]:
        if 0 <= length <= 32:
            makers.append(_network("10.0.0.0/8", max(length, 0), kind))
    for text in strings:
        makers += [_network(text, length, kind) for length in (16, 20, 24, 28, 32)]
    return makers


def _network(within: str, length: int, kind: str) -> Maker:
    try:
        outer = ipaddress.ip_network(within, strict=False)
    except ValueError:
        return constant(within)

    def make(draw: Draw) -> str:
        at = outer.network_address + draw.random.randrange(outer.num_addresses)
        if kind == "cidr":
            return str(ipaddress.ip_network(f"{at}/{length}", strict=False))
        return str(at) if length == at.max_prefixlen else f"{at}/{length}"

    return make


def bytes_makers(strings: Sequence[str], numbers: Sequence[Decimal]) -> list[Maker]:
    """Bytes of the lengths that the text names, and such as begin with what it names."""
    makers: list[Maker] = [constant("\\x")]
    lengths = {8, 16, *(int(n) + k for n in numbers if 0 <= n <= _LONGEST for k in (-1, 0, 1))}
    for length in sorted(lengths):
        if length > 0:
            makers.append(_bytes("", length))
    return makers + [_bytes(s[2:], 8) for s in strings if s[:2] == "\\x"]


def _bytes(start: str, length: int) -> Maker:
    return lambda d: f"\\x{start}{d.random.getrandbits(8 * length):0{2 * length}x}"


def uuid_makers() -> list[Maker]:
    """UUIDs of every version."""

    def version(digit: str) -> Maker:
        def make(draw: Draw) -> str:
            text = f"{draw.random.getrandbits(128):032x}"
            return f"{text[:12]}{digit}{text[13:16]}8{text[17:]}"

        return make

    return [version(digit) for digit in _VERSIONS]


def pair_makers(strings: Sequence[str]) -> list[Maker]:
    """hstore: the keys that the text names."""
    keys = [s.replace('"', "") for s in strings if s]
    both = ", ".join(f'"{key}"=>"1"' for key in keys)
    return [constant(f'"{key}"=>"1"') for key in keys] + ([constant(both)] if keys else [])


def search_makers() -> list[Maker]:
    """tsvector: documents of several words."""
    return [
        constant(" ".join(f"'{word}':{at + 1}" for at, word in enumerate(WORDS[:n])))
        for n in (1, 5, 26)
    ]
