"""Makers for PostgreSQL's own types and those of well-known extensions, by name."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from random import Random

from zero_downtime.rehearse.rows.draws import LETTERS, TODAY, WORDS, Draw, Maker, number_text

_TWO_YEARS = 2 * 365 * 24 * 3600
_DAYS = 2_900_000  # to the last year of which Python knows


def _integer(largest: int) -> Callable[[int, bool], Maker]:
    def build(_: int, distinct: bool) -> Maker:
        if distinct:
            return lambda d: str(d.number % largest)
        return lambda d: str(1 + int(min(1000, largest) * d.random.random() ** 2))

    return build


def _numeric(modifier: int, distinct: bool) -> Maker:
    if modifier < 4:
        if distinct:
            return lambda d: str(d.number)
        return lambda d: f"{d.random.random() ** 2 * 1000:.2f}"
    precision, scale = numeric_limits(modifier)
    unit = Decimal(1).scaleb(-scale)
    most = min(10 ** min(precision, 18) - 1, 100_000) if scale >= 0 else 9
    if distinct:
        top = 10 ** min(precision, 18)
        return lambda d: str(unit * (d.number % top))
    return lambda d: f"{unit * (1 + int((most - 1) * d.random.random() ** 2)):f}"


def numeric_limits(modifier: int) -> tuple[int, int]:
    """Precision and scale of numeric(p, s) from its modifier (numeric.c, make_numeric_typmod)."""
    scale = (modifier - 4) & 0x7FF
    return (modifier - 4) >> 16 & 0xFFFF, (scale ^ 1024) - 1024


def _float(_: int, distinct: bool) -> Maker:
    if distinct:
        return lambda d: str(d.number)
    return lambda d: f"{d.random.random() ** 2 * 1000:.3f}"


def _money(_: int, distinct: bool) -> Maker:
    return lambda d: f"{d.number if distinct else d.random.randrange(100_000) / 100:.2f}"


def _boolean(_: int, distinct: bool) -> Maker:
    if distinct:
        return lambda d: "ft"[d.number % 2]
    return lambda d: "t" if d.random.random() < 0.7 else "f"


def _text(modifier: int, distinct: bool) -> Maker:
    room = modifier - 4 if modifier >= 4 else 60
    if distinct:
        if room < 10:
            return lambda d: number_text(d.number).rjust(room, "0")[-room:]
        return lambda d: f"{WORDS[d.number % 26]}-{number_text(d.number)}"[:room]

    def make(draw: Draw) -> str:
        roll = draw.random.random()
        word = WORDS[int(26 * roll * roll)]
        if room > 20 and roll > 0.3:
            word += " " + WORDS[int(roll * 997) % 26]
        return word[:room]

    return make


def _char(modifier: int, distinct: bool) -> Maker:
    return lambda d: LETTERS[d.number % 36] if distinct else d.random.choice("abcdef")


def _bytea(_: int, distinct: bool) -> Maker:
    if distinct:
        return lambda d: f"\\x{d.number:016x}"
    return lambda d: f"\\x{d.random.getrandbits(64):016x}"


def _uuid(_: int, distinct: bool) -> Maker:
    # Version 4, variant 1: what gen_random_uuid() gives as well.
    def make(draw: Draw) -> str:
        digits = f"{draw.random.getrandbits(128):032x}"
        return (
            f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-"
            f"{'89ab'[int(digits[16], 16) % 4]}{digits[17:20]}-{digits[20:]}"
        )

    return make


def nth_day(number: int) -> str:
    """The n-th of the days that are never said twice."""
    days = number % _DAYS - 36500
    return (TODAY.date() + datetime.timedelta(days=days)).isoformat()


def _moment(draw: Draw, distinct: bool) -> datetime.datetime:
    if distinct:
        return TODAY - datetime.timedelta(seconds=_TWO_YEARS - 60 * draw.number)
    # Skewed towards today, as a table that grows is.
    return TODAY - datetime.timedelta(seconds=int(_TWO_YEARS * draw.random.random() ** 2))


def _date(_: int, distinct: bool) -> Maker:
    if distinct:
        return lambda d: nth_day(d.number)
    return lambda d: _moment(d, False).date().isoformat()


def _timestamp(suffix: str) -> Callable[[int, bool], Maker]:
    def build(_: int, distinct: bool) -> Maker:
        return lambda d: _moment(d, distinct).isoformat(" ") + suffix

    return build


def _time(suffix: str) -> Callable[[int, bool], Maker]:
    def build(_: int, distinct: bool) -> Maker:
        if distinct:
            return lambda d: (
                (TODAY + datetime.timedelta(seconds=d.number % 86400)).time().isoformat() + suffix
            )
        return lambda d: f"{d.random.randrange(24):02d}:{d.random.randrange(60):02d}:00{suffix}"

    return build


def _interval(_: int, distinct: bool) -> Maker:
    if distinct:
        return lambda d: f"{d.number} minutes"
    return lambda d: f"{d.random.randrange(1, 90)} days {d.random.randrange(24):02d}:00:00"


def _json(_: int, distinct: bool) -> Maker:
    if distinct:
        return lambda d: f'{{"n": {d.number}}}'
    return lambda d: f'{{"n": {d.random.randrange(100)}, "tag": "{d.random.choice(WORDS)}"}}'


def _inet(_: int, distinct: bool) -> Maker:
    def make(draw: Draw) -> str:
        n = draw.number if distinct else draw.random.randrange(1 << 16)
        return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"

    return make


def _macaddr(octets: int) -> Callable[[int, bool], Maker]:
    def build(_: int, distinct: bool) -> Maker:
        def make(draw: Draw) -> str:
            n = draw.number if distinct else draw.random.getrandbits(octets * 8)
            digits = f"{n:0{octets * 2}x}"
            return ":".join(digits[i : i + 2] for i in range(0, octets * 2, 2))

        return make

    return build


def _bits(modifier: int, distinct: bool) -> Maker:
    width = max(modifier, 1)

    def make(draw: Draw) -> str:
        n = draw.number if distinct else draw.random.getrandbits(width)
        return f"{n % (1 << width):0{width}b}"

    return make


_HALF = 2000


def _vector(modifier: int, distinct: bool) -> Maker:
    size = modifier if modifier > 0 else 3
    # Long vectors are put together from a few ready pieces: a thousand calls a value cost too much.
    piece = min(size, 16)
    pool = Random(size)
    pieces = [",".join(f"{pool.uniform(-1, 1):.4f}" for _ in range(piece)) for _ in range(64)]
    whole, rest = divmod(size, piece)

    def make(draw: Draw) -> str:
        parts = draw.random.choices(pieces, k=whole)
        if rest:
            parts.append(",".join(draw.random.choice(pieces).split(",")[:rest]))
        if distinct:  # digits that half a float holds exactly
            number, digits = draw.number, []
            for _ in range(min(size, 3)):
                number, digit = divmod(number, _HALF)
                digits.append(str(digit))
            parts = [",".join([*digits, *",".join(parts).split(",")[len(digits) :]])]
        return "[" + ",".join(parts) + "]"

    return make


def _sparse_vector(modifier: int, distinct: bool) -> Maker:
    size = modifier if modifier > 0 else 3

    def make(draw: Draw) -> str:
        weight = draw.number if distinct else draw.random.uniform(0.1, 1)
        return f"{{{draw.random.randint(1, size)}:{weight:.4f}}}/{size}"

    return make


def _geometry(text: str) -> Callable[[int, bool], Maker]:
    def build(_: int, distinct: bool) -> Maker:
        def make(draw: Draw) -> str:
            x = draw.number if distinct else draw.random.randrange(1000)
            y = draw.random.randrange(1000)
            return text.format(x=x, y=y, x2=x + 5, y2=y + 5)

        return make

    return build


def _fixed(text: str) -> Callable[[int, bool], Maker]:
    return lambda modifier, distinct: lambda draw: text


def _counted(text: str) -> Callable[[int, bool], Maker]:
    return lambda modifier, distinct: (
        lambda draw: text.format(
            n=draw.number if distinct else draw.random.randrange(1000),
            w=number_text(draw.number) if distinct else draw.random.choice(WORDS),
        )
    )


PLAIN: dict[str, Callable[[int, bool], Maker]] = {
    "bool": _boolean,
    "int2": _integer(32767),
    "int4": _integer(2**31 - 1),
    "int8": _integer(2**63 - 1),
    "numeric": _numeric,
    "float4": _float,
    "float8": _float,
    "money": _money,
    "text": _text,
    "varchar": _text,
    "bpchar": _text,
    "citext": _text,
    "name": lambda modifier, distinct: _text(-1, distinct),
    "char": _char,
    "bytea": _bytea,
    "uuid": _uuid,
    "date": _date,
    "timestamp": _timestamp(""),
    "timestamptz": _timestamp("+00"),
    "time": _time(""),
    "timetz": _time("+00"),
    "interval": _interval,
    "json": _json,
    "jsonb": _json,
    "jsonpath": _counted("$.a[{n}]"),
    "xml": _counted("<a n='{n}'/>"),
    "inet": _inet,
    "cidr": _inet,
    "macaddr": _macaddr(6),
    "macaddr8": _macaddr(8),
    "bit": _bits,
    "varbit": lambda modifier, distinct: _bits(modifier if modifier > 0 else 16, distinct),
    "tsvector": _counted("'{w}':1 'stone':2"),
    "tsquery": _counted("'{w}'"),
    "point": _geometry("({x},{y})"),
    "line": _geometry("{{1,{x},{y}}}"),
    "lseg": _geometry("[({x},{y}),({x2},{y2})]"),
    "box": _geometry("({x2},{y2}),({x},{y})"),
    "path": _geometry("[({x},{y}),({x2},{y2})]"),
    "polygon": _geometry("(({x},{y}),({x2},{y}),({x2},{y2}))"),
    "circle": _geometry("<({x},{y}),3>"),
    "oid": _counted("{n}"),
    "xid": _counted("{n}"),
    "xid8": _counted("{n}"),
    "cid": _counted("{n}"),
    "tid": _counted("({n},1)"),
    "pg_lsn": _counted("0/{n}"),
    "regclass": _fixed("pg_class"),
    "regtype": _fixed("integer"),
    "regproc": _fixed("now"),
    "regprocedure": _fixed("now()"),
    "regrole": _fixed("0"),
    "regnamespace": _fixed("pg_catalog"),
    "regconfig": _fixed("simple"),
    "regdictionary": _fixed("simple"),
    "int2vector": _counted("{n}"),
    "oidvector": _counted("{n}"),
    "hstore": _counted('"k"=>"{w}"'),
    "ltree": _counted("top.{w}"),
    "lquery": _counted("top.{w}.*"),
    "cube": _counted("({n},1)"),
    "seg": _counted("{n}"),
    "vector": _vector,
    "halfvec": _vector,
    "sparsevec": _sparse_vector,
}
