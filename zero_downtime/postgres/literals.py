"""Python values as SQL literals, and driver placeholders filled in with them.

For statements that are shown, linted or printed. What runs on a server runs with its parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

_PERCENT = re.compile(r"%(?:\((?P<name>[^)]*)\))?(?P<kind>[%sbt])")
_NUMBERED = re.compile(r"\$(\d+)")


class NoLiteral(ValueError):
    """A Python value that has no SQL literal we know of."""


def literal(value: object) -> str:
    """A Python value as an SQL literal. Raises NoLiteral."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, dict):
        return literal(json.dumps(value))
    if isinstance(value, tuple) and value:  # a row; with psycopg2 also what stands behind IN
        return f"({', '.join(map(literal, value))})"
    if callable(quoted := getattr(value, "getquoted", None)):  # psycopg2's own wrappers
        return str(quoted().decode())
    try:
        return sql.Literal(value).as_string(None).strip()
    except psycopg.Error as error:
        raise NoLiteral(f"a value of the type {type(value).__name__} has no literal") from error


def fill(text: str, parameters: Mapping[str, Any] | Sequence[Any], paramstyle: str) -> str:
    """A driver's SQL text with its placeholders replaced by literals. Raises NoLiteral."""
    if paramstyle in ("format", "pyformat"):
        return _fill_percent(text, parameters)
    if paramstyle == "numeric_dollar" and parameters:
        values = list(parameters.values() if isinstance(parameters, Mapping) else parameters)
        return _NUMBERED.sub(lambda found: literal(values[int(found[1]) - 1]), text)
    return text


def _fill_percent(text: str, parameters: Mapping[str, Any] | Sequence[Any]) -> str:
    position = iter(range(len(parameters)))

    def one(found: re.Match[str]) -> str:
        if found["kind"] == "%":
            return "%"
        if isinstance(parameters, Mapping):
            if found["name"] not in parameters:
                return found[0]
            return literal(parameters[found["name"]])
        return literal(parameters[next(position)])

    return _PERCENT.sub(one, text)
