"""JSON documents that have a chance to meet a check, put together from the paths it names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any

from zero_downtime.rehearse.rows.draws import TODAY, WORDS, Draw, Maker

Path = tuple[str, ...]
Leaf = Callable[[Draw], Any]

_VARIANTS = 48  # documents that are offered, each with other values at the same paths
# a -> 'b'::text ->> 'c'::text, as the server writes it: ((a -> 'b'::text) ->> 'c'::text)
_STEPS = re.compile(r"""(?:\s*\)?\s*->>?\s*(?:'(?:[^']|'')*'(?:::\w+)?|-?\d+))+""")
_STEP = re.compile(r"->>?\s*(?:'((?:[^']|'')*)'|(-?\d+))")
_SUBSCRIPTS = re.compile(r"(?:\['(?:[^']|'')*'(?:::\w+)?\])+")
_SUBSCRIPT = re.compile(r"\['((?:[^']|'')*)'")
_AT_PATH = re.compile(r"#>>?\s*'\{([^}']*)\}'")
_HAS = re.compile(r"\?[|&]?\s*(?:ARRAY\[([^\]]*)\]|'((?:[^']|'')*)'|'\{([^}']*)\}')")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_JSONPATH = re.compile(r"\$((?:\.\"?\w+\"?|\[\*\]|\[\d+\])+)")
_PATH_STEP = re.compile(r'\."?(\w+)"?|\[(\*|\d+)\]')
_TYPE = re.compile(r"jsonb?_typeof\((.*?)\)\s*(?:=|= ANY \(ARRAY\[)\s*'(\w+)'", re.S)
_CASTS = {
    "integer": "number", "bigint": "number", "numeric": "number", "double precision": "number",
    "smallint": "number", "real": "number", "boolean": "boolean", "date": "date", "uuid": "uuid",
    "timestamp": "date",
}  # fmt: skip
_ANY = ("string", "number", "object", "array", "boolean")


def makers(
    texts: Sequence[str],
    strings: Sequence[str],
    numbers: Sequence[Decimal],
    patterns: Sequence[Maker],
) -> list[Maker]:
    """Makers of documents for a column about which these texts are."""
    text = " ".join(texts)
    plain = [_fixed(s) for s in ("{}", "[]", '"text"', "1", "true", "null", "[1, 2]")]
    plain += [_fixed(s) for s in strings if s[:1] in "{[" and _parsed(s) is not None]
    wanted = _paths(text)
    types = _types(text)
    outer = [known for path, known in types.items() if not path]
    if not wanted and outer and outer[0] == "array":
        return plain + [_listed(count) for count in (1, 3)]
    contained: dict[str, Any] = {}
    for each in map(_parsed, strings):
        if isinstance(each, dict):
            _merge(contained, each)
    values = [d if isinstance(d := _parsed(s), str) else s for s in strings]
    values = [s for s in values if s not in {step for path in wanted for step in path}]
    made: list[Maker] = []
    for variant in range(_VARIANTS if wanted else 0):
        random = Random(variant)
        leaves = []
        for path in sorted(wanted, key=len):
            kind = types.get(path) or wanted[path] or random.choice(_ANY)
            leaves.append((path, _leaf(kind, values, numbers, patterns, random)))
        made.append(_document(contained, leaves, bool(variant % 2)))
    wide = _document({word: word for word in WORDS}, [], numbered=True)
    return plain + made + [wide, _fixed("[" + ", ".join(map(str, range(1, 30))) + "]")]


def _document(base: dict[str, Any], leaves: Sequence[tuple[Path, Leaf]], numbered: bool) -> Maker:
    """A document with something at each path, and perhaps a number of its own."""

    def make(draw: Draw) -> str:
        document: dict[str, Any] = {}
        _merge(document, base)
        for path, leaf in leaves:
            _put(document, path, leaf(draw))
        if numbered:
            document.setdefault("n", draw.number)
        return json.dumps(document)

    return make


def _paths(text: str) -> dict[Path, str]:
    """The paths that a check follows, each with the type to which it casts what is there."""
    found: dict[Path, str] = {}
    for chain in _STEPS.finditer(text):
        steps = tuple(_plain(name) or place for name, place in _STEP.findall(chain[0]))
        cast = re.match(r"\s*\)*::([a-z ]+)", text[chain.end() :])
        kind = _CASTS.get(cast[1].strip(), "") if cast else ""
        found[steps] = kind or found.get(steps, "") or ("string" if "->>" in chain[0] else "")
    for chain in _SUBSCRIPTS.finditer(text):
        found.setdefault(tuple(map(_plain, _SUBSCRIPT.findall(chain[0]))), "")
    for listed in _AT_PATH.finditer(text):
        steps = tuple(part.strip('" ') for part in listed[1].split(","))
        cast = re.match(r"(?:::text\[\])?\s*\)*::([a-z ]+)", text[listed.end() :])
        found.setdefault(steps, _CASTS.get(cast[1].strip(), "") if cast else "")
    for many, one, literal in _HAS.findall(text):
        names = [*_STRING.findall(many), *([one] if one else []), *filter(None, literal.split(","))]
        for name in names:
            if "$" not in name:  # else it is a JSON path
                found.setdefault((_plain(name),), "")
    for body in _JSONPATH.findall(text):
        steps = tuple(name or ("0" if at == "*" else at) for name, at in _PATH_STEP.findall(body))
        found.setdefault(steps, "")
    return found


def _types(text: str) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for inner, kind in _TYPE.findall(text):
        steps = tuple(_plain(name) or place for name, place in _STEP.findall(inner))
        found.setdefault(steps, kind)
    for inner in re.findall(r"jsonb?_array_(?:length|elements(?:_text)?)\((.*?)\)\s", text):
        steps = tuple(_plain(name) or place for name, place in _STEP.findall(inner))
        found.setdefault(steps, "array")
    return found


def _leaf(
    kind: str,
    strings: Sequence[str],
    numbers: Sequence[Decimal],
    patterns: Sequence[Maker],
    random: Random,
) -> Leaf:
    """What makes the values at a path, of one kind that the variant of the document chooses."""
    if kind == "number":
        near = [float(n) + d for n in numbers for d in (0, 1, -1)] or [1.0]
        value = random.choice([*near, random.randint(0, 100)])
        return _always(int(value) if value == int(value) else value)
    if kind == "object":
        return _always({"a": 1} if random.random() < 0.5 else {})
    if kind == "array":
        return _always([random.choice(WORDS) for _ in range(random.randint(0, 3))])
    if kind == "boolean":
        return _always(random.random() < 0.7)
    if kind == "null":
        return _always(None)
    if kind == "date":
        year = TODAY.year + random.choice((-10, -1, 0, 10))
        return _always(f"{year}-0{random.randint(1, 9)}-15")
    if kind == "uuid":
        return lambda d: f"{d.random.getrandbits(128):032x}"
    if patterns and random.random() < 0.5:
        return random.choice(patterns)
    if random.random() < 0.3:
        return lambda d: f"{d.random.choice(WORDS)} {d.number}"
    return _always(random.choice([*strings, random.choice(WORDS), "1", ""]))


def _put(document: Any, path: Path, value: Any) -> None:
    """Set what is at a path; steps that are numbers lead into lists."""
    at = document
    for step, following in zip(path, (*path[1:], None), strict=True):
        inner = value if following is None else [] if following.isdigit() else {}
        if isinstance(at, list):
            place = int(step) if step.isdigit() else 0
            at.extend(None for _ in range(place + 1 - len(at)))
            if following is None or not isinstance(at[place], (dict, list)):
                at[place] = inner
            at = at[place]
        elif isinstance(at, dict):
            if following is None or not isinstance(at.get(step), (dict, list)):
                at[step] = inner
            at = at[step]
        else:
            return


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = json.loads(json.dumps(value))


def _listed(count: int) -> Maker:
    return lambda d: json.dumps([d.random.randrange(100) for _ in range(count)])


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _plain(text: str) -> str:
    return text.replace("''", "'")


def _fixed(value: str) -> Maker:
    return lambda draw: value


def _always(value: Any) -> Leaf:
    return lambda draw: value
