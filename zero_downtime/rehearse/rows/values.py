"""Synthetic values for every type of a database: made of those of its base types.

Values are plausible rather than realistic: skewed a little, never the same for all rows, and
the same for the same seed. A *distinct* maker never repeats a value as long as the type has
enough of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

from zero_downtime.rehearse.rows.draws import TODAY, Draw, Maker
from zero_downtime.rehearse.rows.plain import PLAIN, nth_day
from zero_downtime.rehearse.tables import Column, Type

_HOURS = 60_000_000


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
        make = PLAIN.get(kind.name)
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
            return nth_day
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


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _skewed(values: Sequence[str]) -> Maker:
    count = len(values)
    return lambda d: values[int(count * d.random.random() ** 2)]


# What the server is offered for a type that stands nowhere above, until it accepts one.
GUESSES = (
    "1", "a", "0", "{}", "[]", "(0,0)", "POINT(0 0)", "[1,2]", "{1,2}", "1-2", "0/1",
    "2026-01-01", "00:00", "\\x00", "10.0.0.1", "978-0-306-40615-7", "1:1:", "", "true",
)  # fmt: skip
