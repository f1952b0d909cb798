"""Texts that have a chance to meet a check: constants, lengths and patterns out of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal

from zero_downtime.rehearse.rows.draws import WORDS, Draw, Maker
from zero_downtime.rehearse.rows.patterns import from_like, from_pattern
from zero_downtime.rehearse.rows.scalars import constant
from zero_downtime.rehearse.rows.values import Values

_PATTERN = re.compile(
    r"(?:(?<![!~])~\*?\s*\(?|regexp_like\([^']*|SIMILAR TO\s*)E?'((?:[^']|'')*)'", re.I
)
_SIMILAR = re.compile(r"similar_to_escape\('((?:[^']|'')*)'|SIMILAR TO\s*'((?:[^']|'')*)'", re.I)
_LIKE = re.compile(r"(?:(?<!!)~~\*?|\bI?LIKE)\s*E?'((?:[^']|'')*)'")
_CAST = re.compile(r"::([a-z][a-z0-9_ ]*)")
_CUT = re.compile(  # what looks at a part of a text
    r"\b(left|right|substr|substring|position|strpos|starts_with|split_part|ascii|btrim"
    r'|string_to_array|reverse|overlay)"?\(|\^@',
    re.I,
)
_CLASSES = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z",
    "xdigit": "0-9a-fA-F", "space": r"\s", "punct": r"!-/:-@", "word": r"\w",
}  # fmt: skip
_CASTS = {
    "integer": "int4", "bigint": "int8", "numeric": "numeric", "date": "date", "inet": "inet",
    "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
    "uuid": "uuid", "double precision": "float8", "interval": "interval", "cidr": "cidr",
}  # fmt: skip
_LONGEST = 10_000
_ROOMY = 60  # characters in which several words have room


def text_makers(
    texts: Sequence[str],
    strings: Sequence[str],
    numbers: Sequence[Decimal],
    room: int,
    values: Values,
) -> list[Maker]:
    """Texts worth trying where so many characters have room."""
    makers: list[Maker] = [constant(s) for s in strings if len(s) <= room]
    makers += [constant(part) for s in strings if "," in s for part in s.split(",")]
    makers += 3 * patterns_in(texts)  # the most promising of all
    for text in texts:
        for early, late in _SIMILAR.findall(text):
            similar = _plain(early or late).replace("%", ".*").replace("_", ".")
            makers += _matching(f"^(?:{similar})$")
        for pattern in _LIKE.findall(text):
            makers += [constant(from_like(_plain(pattern))), _like(_plain(pattern), room)]
        for cast in _CAST.findall(text):
            makers += _of_type(_CASTS.get(cast.strip(), ""), values)
    for number in numbers:
        for length in (int(number) - 1, int(number), int(number) + 1):
            if 0 <= length <= min(room, _LONGEST):
                makers += [
                    _filled(length, letters) for letters in ("abcdef", "ABCDEF", "123456789")
                ]
    cut = any(_CUT.search(text) for text in texts)
    for part in strings if cut else ():
        if part and len(part) < room:
            makers += [_around(part, before, after) for before in range(4) for after in (0, 1, 6)]
    for part in strings if cut else ():
        if len(part) == 1 and not part.isalnum():
            makers += [_joined(part, count) for count in (2, 3, 4)]
    makers += [
        lambda d: d.random.choice(WORDS)[:room],
        lambda d: d.random.choice(WORDS).upper()[:room],
        lambda d: d.random.choice(WORDS).title()[:room],
        lambda d: str(d.random.randrange(10**6))[:room],
        lambda d: f"{d.random.choice(WORDS)}{d.number}@example.org"[-room:],
        lambda d: f"https://example.org/{d.random.choice(WORDS)}"[:room],
        lambda d: f"+4912345{d.random.randrange(10**6):06d}"[:room],
        lambda d: json.dumps({word: d.number for word in (*strings, "n") if "{" not in word})[
            :room
        ],
        lambda d: json.dumps([d.number, *strings])[:room],
        constant(""),
    ]
    return makers


def patterns_in(texts: Sequence[str]) -> list[Maker]:
    """Makers of what the regular expressions in texts match."""
    found = [pattern for text in texts for pattern in _PATTERN.findall(text)]
    made = [from_pattern(as_python(_plain(pattern))) for pattern in found]
    return [make for make in made if make is not None]


def as_python(pattern: str) -> str:
    """A regular expression of PostgreSQL's in Python's words."""
    pattern = re.sub(r"^\*{3}[:=]", "", pattern)
    pattern = re.sub(r"\[:(\w+):\]", lambda found: _CLASSES.get(found[1], "a"), pattern)
    return re.sub(r"\\[mMyY]", r"\\b", pattern)


def _matching(pattern: str) -> list[Maker]:
    made = from_pattern(pattern)
    return [] if made is None else [made, made, made]  # the most promising of all


def _like(pattern: str, room: int) -> Maker:
    def make(draw: Draw) -> str:
        pieces = re.split(r"(\\.|[%_])", pattern)
        for place, piece in enumerate(pieces):
            if piece == "%":
                word = draw.random.choice(WORDS) if room > _ROOMY else ""
                pieces[place] = f"{word}{draw.random.randrange(1000)}"
            elif piece == "_":
                pieces[place] = draw.random.choice("abcdef")
            elif piece.startswith("\\"):
                pieces[place] = piece[1:]
        return "".join(pieces)

    return make


def _of_type(name: str, values: Values) -> list[Maker]:
    kind = next((t for t in values.types.values() if t.name == name and t.kind == "base"), None)
    make = None if kind is None else values.maker(kind.oid)
    return [] if make is None else [make, make]


def _filled(length: int, letters: str) -> Maker:
    return lambda draw: "".join(draw.random.choices(letters, k=length))


def _around(part: str, before: int, after: int) -> Maker:
    return lambda d: (
        "".join(d.random.choices("abcdef", k=before))
        + part
        + "".join(d.random.choices("abcdef", k=after))
    )


def _joined(part: str, count: int) -> Maker:
    return lambda d: part.join(d.random.choice(WORDS) for _ in range(count))


def _plain(text: str) -> str:
    return text.replace("''", "'")
