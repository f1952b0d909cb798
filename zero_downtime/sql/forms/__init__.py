"""The forms of statements that the lock model is held to, and the two schemas they stand over.

A family is an ``.sql`` file, its first line the title; ``-- from 17`` or ``-- until 17`` before a
statement says which majors have it. The tests run every form on real servers and compare what it
did with what :func:`~zero_downtime.sql.effects.predict` says; ``docs/locks.md`` is made from them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from zero_downtime.sql.script import read_script

MAJORS = (14, 15, 16, 17, 18)
_BOUND = re.compile(r"-- (from|until) (\d+)")
_FAMILIES = (
    "columns",
    "types",
    "constraints",
    "indexes",
    "tables",
    "partitions",
    "inheritance",
    "attached",
    "replication",
    "views",
    "objects",
    "functions",
    "names",
    "privileges",
    "maintenance",
    "data",
    "combinations",
)


@dataclass(frozen=True, slots=True)
class Form:
    """One statement, with the majors that accept it."""

    sql: str
    since: int = MAJORS[0]
    until: int = MAJORS[-1]


def schema(major: int = MAJORS[-1]) -> str:
    """The script that makes everything the forms stand over, on a server of a major version."""
    later = (f"depot_{since}.sql" for since in (15, 18) if since <= major)
    return "\n".join(_text(name) for name in ("shop.sql", "depot.sql", *later))


def shop() -> str:
    """The part of the schema that the rules' examples stand over."""
    return _text("shop.sql")


@cache
def forms() -> Mapping[str, tuple[Form, ...]]:
    """Title of each family → its forms."""
    return dict(_family(_text(f"{name}.sql")) for name in _FAMILIES)


def _text(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")


def _family(text: str) -> tuple[str, tuple[Form, ...]]:
    script = read_script(text)
    bounds: dict[int, dict[str, int]] = {}
    for comment in script.comments:
        found = _BOUND.match(comment.text)
        if found:
            bounds.setdefault(comment.follows, {})[found[1]] = int(found[2])
    return text.splitlines()[0].removeprefix("-- "), tuple(
        Form(
            statement.sql,
            bounds.get(number, {}).get("from", MAJORS[0]),
            bounds.get(number, {}).get("until", MAJORS[-1]),
        )
        for number, statement in enumerate(script.statements)
    )
