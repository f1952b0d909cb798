"""Synthetic values: one small function per type, each giving the text that the server reads.

Values are plausible rather than realistic: skewed a little, never the same for all rows, and
the same for the same seed. A *distinct* maker never repeats a value as long as the type has
enough of them.
"""

from __future__ import annotations

import datetime
import importlib
import string
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from zero_downtime.rehearse.tables import Column, Type

# Dates lie in the two years before this day, so that the same seed gives the same rows forever.
TODAY = datetime.datetime(2026, 1, 1)
_TWO_YEARS = 2 * 365 * 24 * 3600
_DAYS = 2_900_000  # to the last year of which Python knows
_HOURS = 60_000_000

# fmt: off
WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour", "iris", "juniper",
    "kelp", "linden", "maple", "nectar", "olive", "pearl", "quartz", "river", "sage", "tulip",
    "umber", "violet", "willow", "xenon", "yarrow", "zephyr",
)
# fmt: on
_LETTERS = string.digits + string.ascii_lowercase


@dataclass(slots=True)
class Draw:
    """One row being made: its random source, its number in the table, its values so far."""

    random: Random
    number: int
    row: dict[str, str | None] = field(default_factory=dict)


Maker = Callable[[Draw], str | None]


class Values:
    """Makers for the types of one database.

    ``samples`` holds texts that the server accepted, for types that are not known here and for
    domains that stand within arrays and composite types, where no check can be told apart.
    """

    def __init__(
        self, types: Mapping[int, Type], samples: Mapping[int, Sequence[str]] | None = None
    ) -> None:
        self.types = types
        self.samples = dict(samples or {})

    def of(self, column: Column, distinct: bool = False) -> Maker | None:
        """What makes values for a column; None when its type is unknown."""
        kind, modifier = self.base(column.type, column.modifier)
        return self.maker(kind.oid, modifier, distinct)

    def base(self, oid: int, modifier: int) -> tuple[Type, int]:
        """The type and modifier below all domains."""
        kind = self.types[oid]
        while kind.kind == "domain":
            modifier = kind.modifier
            kind = self.types[kind.element]
        return kind, modifier

    def domain_checks(self, oid: int) -> tuple[str, ...]:
        """The checks of a domain and of the domains below it."""
        checks: tuple[str, ...] = ()
        kind = self.types[oid]
        while kind.kind == "domain":
            checks += kind.checks
            kind = self.types[kind.element]
        return checks

    def domain_not_null(self, oid: int) -> bool:
        """Whether a domain forbids NULL."""
        kind = self.types[oid]
        while kind.kind == "domain":
            if kind.not_null:
                return True
            kind = self.types[kind.element]
        return False

    def maker(self, oid: int, modifier: int = -1, distinct: bool = False) -> Maker | None:
        """What makes values of a type, NULL never among them; None when it is unknown."""
        if self.types[oid].kind == "domain" and oid in self.samples:
            return _skewed(tuple(self.samples[oid]))
        kind, modifier = self.base(oid, modifier)
        if kind.kind == "enum":
            labels = kind.labels
            if not labels:
                return None
            return (lambda d: labels[d.number % len(labels)]) if distinct else _skewed(labels)
        if kind.kind == "array":
            return self._array(kind, modifier, distinct)
        if kind.kind == "range":
            return self._range(kind)
        if kind.kind == "multirange":
            inner = self._range(self.types[kind.element])
            return inner and (lambda d: "{" + str(inner(d)) + "}")
        if kind.kind == "composite":
            return self._composite(kind, distinct)
        make = _BASE.get(kind.name)
        if make is not None:
            return make(modifier, distinct)
        samples = self.samples.get(kind.oid)
        return _skewed(tuple(samples)) if samples else None

    def apart(self, oid: int) -> Maker | None:
        """A range (or a point in time, a number, a shape) that overlaps with no other row's."""
        kind, _ = self.base(oid, -1)
        if kind.kind == "range":
            inner = self.step(kind.element)
            return inner and (
                lambda d: (
                    f'["{inner(d.number * 10)}","{inner(d.number * 10 + d.random.randint(1, 9))}")'
                )
            )
        if kind.kind == "multirange":
            one = self.apart(kind.element)
            return one and (lambda d: "{" + str(one(d)) + "}")
        if kind.name == "box":
            return lambda d: f"({d.number * 10 + 5},5),({d.number * 10},0)"
        if kind.name == "circle":
            return lambda d: f"<({d.number * 10},0),3>"
        if kind.name == "polygon":
            return lambda d: f"(({d.number * 10},0),({d.number * 10 + 5},0),({d.number * 10},5))"
        return self.maker(oid, -1, distinct=True)

    def step(self, oid: int) -> Callable[[int], str] | None:
        """The n-th value of a type that has an order: n days on, the number n."""
        kind, _ = self.base(oid, -1)
        if kind.name in ("int2", "int4", "int8", "numeric", "float4", "float8", "money", "oid"):
            return str
        if kind.name == "date":
            return _nth_day
        if kind.name == "timestamp":
            return lambda n: (TODAY + datetime.timedelta(hours=n % _HOURS)).isoformat(" ")
        if kind.name == "timestamptz":
            return lambda n: (TODAY + datetime.timedelta(hours=n % _HOURS)).isoformat(" ") + "+00"
        if kind.name == "time":
            return lambda n: (TODAY + datetime.timedelta(seconds=n % 86400)).time().isoformat()
        if kind.name == "interval":
            return lambda n: f"{n} minutes"
        if kind.name in ("text", "varchar", "bpchar"):
            return lambda n: f"{n:012d}"
        return None

    def _array(self, kind: Type, modifier: int, distinct: bool) -> Maker | None:
        element = self.maker(kind.element, modifier, distinct)
        if element is None:
            return None

        def make(draw: Draw) -> str:
            length = 1 if distinct else draw.random.randrange(4)
            return array_text([element(draw) for _ in range(length)])

        return make

    def _range(self, kind: Type) -> Maker | None:
        step = self.step(kind.element)
        if step is None:
            return None

        def make(draw: Draw) -> str:
            low = draw.random.randrange(8000)
            return f'["{step(low)}","{step(low + draw.random.randint(1, 400))}")'

        return make

    def _composite(self, kind: Type, distinct: bool) -> Maker | None:
        parts = [self.maker(of, modifier, distinct) for _, of, modifier in kind.attributes]

        def make(draw: Draw) -> str:
            texts = []
            for part in parts:
                value = part(draw) if part else None
                texts.append("" if value is None else _quoted(value))
            return "(" + ",".join(texts) + ")"

        return make


def array_text(items: Sequence[str | None]) -> str:
    """The text of a one-dimensional array."""
    return "{" + ",".join("NULL" if item is None else _quoted(item) for item in items) + "}"


def number_text(number: int) -> str:
    """A number in base 36, the shortest way to make short texts distinct."""
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = _LETTERS[rest] + digits
        if not number:
            return digits


def from_pattern(pattern: str) -> Maker | None:
    """What makes texts that a regular expression matches; None when it is too clever for us.

    PostgreSQL's advanced regular expressions and Python's agree on what constraints use.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that Python may read it differently one day
            parsed = importlib.import_module("re._parser").parse(pattern)
    except Exception:  # a pattern of PostgreSQL's that Python does not know
        return None

    def make(draw: Draw) -> str | None:
        try:
            return _matching(parsed, draw.random, {})
        except NotImplementedError:
            return None

    return make


def from_like(pattern: str) -> str:
    """A text that a LIKE pattern matches."""
    text = ""
    escaped = False
    for letter in pattern:
        if not escaped and letter == "\\":
            escaped = True
            continue
        text += letter if escaped or letter not in "%_" else "a"
        escaped = False
    return text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _skewed(values: Sequence[str]) -> Maker:
    count = len(values)
    return lambda d: values[int(count * d.random.random() ** 2)]


def _matching(parsed: Any, random: Random, groups: dict[int, str]) -> str:
    text = ""
    for code, argument in parsed:
        name = str(code)
        if name == "LITERAL":
            text += chr(argument)
        elif name == "NOT_LITERAL":
            text += "a" if argument != ord("a") else "b"
        elif name == "ANY":
            text += random.choice("abcxyz")
        elif name == "IN":
            text += _letter(argument, random)
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = argument
            times = random.randint(least, min(int(most), least + 6))
            text += "".join(_matching(inner, random, groups) for _ in range(times))
        elif name == "SUBPATTERN":
            part = _matching(argument[-1], random, groups)
            if argument[0] is not None:
                groups[argument[0]] = part
            text += part
        elif name == "BRANCH":
            text += _matching(random.choice(argument[1]), random, groups)
        elif name == "CATEGORY":
            text += random.choice(_category(str(argument)))
        elif name == "GROUPREF":
            text += groups.get(argument, "")
        elif name not in ("AT", "ASSERT", "ASSERT_NOT"):
            raise NotImplementedError(name)
    return text


def _letter(options: Any, random: Random) -> str:
    letters: set[str] = set()
    negated = False
    for code, argument in options:
        name = str(code)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            letters.add(chr(argument))
        elif name == "RANGE":
            low, high = argument
            letters.update(chr(n) for n in range(low, min(high, low + 200) + 1))
        elif name == "CATEGORY":
            letters.update(_category(str(argument)))
        else:
            raise NotImplementedError(name)
    if negated:
        letters = set(string.ascii_letters + string.digits + "-_ .") - letters
    if not letters:
        raise NotImplementedError("an empty class")
    return random.choice(sorted(letters))


def _category(name: str) -> str:
    return {
        "CATEGORY_DIGIT": string.digits,
        "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
        "CATEGORY_SPACE": " ",
        "CATEGORY_NOT_SPACE": string.ascii_letters,
        "CATEGORY_NOT_DIGIT": string.ascii_letters,
        "CATEGORY_NOT_WORD": "-.",
    }.get(name, string.ascii_letters)


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
    return lambda d: _LETTERS[d.number % 36] if distinct else d.random.choice("abcdef")


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


def _nth_day(number: int) -> str:
    days = number % _DAYS - 36500
    return (TODAY.date() + datetime.timedelta(days=days)).isoformat()


def _moment(draw: Draw, distinct: bool) -> datetime.datetime:
    if distinct:
        return TODAY - datetime.timedelta(seconds=_TWO_YEARS - 60 * draw.number)
    # Skewed towards today, as a table that grows is.
    return TODAY - datetime.timedelta(seconds=int(_TWO_YEARS * draw.random.random() ** 2))


def _date(_: int, distinct: bool) -> Maker:
    if distinct:
        return lambda d: _nth_day(d.number)
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


_BASE: dict[str, Callable[[int, bool], Maker]] = {
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

# What the server is offered for a type that stands nowhere above, until it accepts one.
GUESSES = (
    "1", "a", "0", "{}", "[]", "(0,0)", "POINT(0 0)", "[1,2]", "{1,2}", "1-2", "0/1",
    "2026-01-01", "00:00", "\\x00", "10.0.0.1", "978-0-306-40615-7", "1:1:", "", "true",
)  # fmt: skip
