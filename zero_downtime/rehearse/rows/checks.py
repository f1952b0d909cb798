"""The conditions that rows of a table have to meet, with the columns that each is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from psycopg import sql

from zero_downtime.rehearse.rows.values import Values
from zero_downtime.rehearse.tables import Check, Column, Table

_STRINGS = re.compile(r"('(?:[^']|'')*')")
_HASHED = re.compile(r"satisfies_hash_partition\([^)]*\)")
_WORDS = re.compile(r'"(?:[^"]|"")+"|\w+')


def checks_of(
    table: Table, values: Values, written: Sequence[Column], functions: Mapping[str, str]
) -> list[Check]:
    """All conditions: CHECKs, those of domains, bounds of partitions, what may not be NULL.

    What AND joins is taken apart: the server then says which part is not met.
    """
    checks = list(table.checks)
    for column in written:
        name = sql.Identifier(column.name).as_string(None)
        for text in values.domain_checks(column.type):
            checks.append(Check(f"domain of {column.name}", _for_value(text, name), ()))
    for column in table.columns:
        if column.generated and column.not_null:
            name = sql.Identifier(column.name).as_string(None)
            checks.append(Check(f"{column.name} NOT NULL", f"({name} IS NOT NULL)", ()))
    constraints = [leaf.constraint for leaf in table.leaves]
    if constraints and all(constraints):
        joined = " OR ".join(f"({text})" for text in constraints)
        checks.append(Check("partition bounds", joined, ()))
    found = []
    for check in checks:
        for part in _parts(check.expression):
            columns = mentioned(table, part)
            said = _HASHED.sub("", part)  # of an oid and a remainder nothing can be guessed
            source = " ".join([said, *_behind(table, part), *_called(part, functions)])
            found.append(replace(check, expression=part, columns=columns, source=source))
    return found


def mentioned(table: Table, text: str, depth: int = 0) -> tuple[str, ...]:
    """The columns that an expression uses; behind a generated one, those it is made of."""
    names: list[str] = []
    words = set(_WORDS.findall(_STRINGS.sub("", text)))
    for column in table.columns:
        if not words & {column.name, sql.Identifier(column.name).as_string(None)}:
            continue
        if column.generated and column.default and depth < 3:
            names += mentioned(table, column.default, depth + 1)
        names.append(column.name)
    return tuple(dict.fromkeys(names))


def _behind(table: Table, text: str) -> Iterator[str]:
    names = mentioned(table, text)
    return (c.default or "" for c in table.columns if c.generated and c.name in names)


def _called(text: str, functions: Mapping[str, str], depth: int = 0) -> Iterator[str]:
    """The bodies of the users' functions that an expression calls, and that these call."""
    for word in dict.fromkeys(_WORDS.findall(_STRINGS.sub("", text))):
        body = functions.get(word.strip('"'))
        if body is not None:
            yield body
            if depth < 2:
                yield from _called(body, functions, depth + 1)


def _parts(text: str) -> list[str]:
    """What the outermost ANDs join; the server writes every operand in parentheses."""
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    parts, depth, start = [], 0, 0
    for place, piece in _pieces(text):
        depth += (piece == "(") - (piece == ")")
        if piece == " AND " and not depth:
            parts.append(text[start:place])
            start = place + len(piece)
    parts.append(text[start:])
    if len(parts) == 1 or not all(part.strip().startswith("(") for part in parts):
        return [f"({text})"]
    return [one for part in parts for one in _parts(part)]


def _closing(text: str) -> int:
    depth = 0
    for place, piece in _pieces(text):
        depth += (piece == "(") - (piece == ")")
        if not depth and piece == ")":
            return place
    return -1


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Parentheses and ANDs that stand in no string and no quoted name."""
    for found in re.finditer(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]| AND """, text):
        yield found.start(), found[0]


def _for_value(text: str, name: str) -> str:
    """A domain's check, over a column instead of VALUE; strings are left as they are."""
    parts = _STRINGS.split(text)
    return "".join(p if p[:1] == "'" else re.sub(r"\bVALUE\b", lambda _: name, p) for p in parts)
