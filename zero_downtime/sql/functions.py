"""Which functions are volatile: the fact that makes ADD COLUMN … DEFAULT rewrite a table."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

Volatility = Literal["volatile", "not volatile", "unknown"]

# Functions of extensions that come with PostgreSQL and that stand in column defaults.
_VOLATILE_IN_EXTENSIONS = frozenset(
    {
        "gen_random_bytes",
        "gen_salt",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "nextid",
    }
)
_STABLE_IN_EXTENSIONS = frozenset({"uuid_nil", "uuid_generate_v3", "uuid_generate_v5", "unaccent"})


@cache
def _builtin() -> dict[str, Volatility]:
    text = Path(__file__).with_name("builtin_functions.txt").read_text("ascii")
    _, volatile, steady = text.split("]\n")
    found: dict[str, Volatility] = dict.fromkeys(steady.split(), "not volatile")
    found.update(dict.fromkeys(volatile.partition("[")[0].split(), "volatile"))
    return found


def is_builtin(name: str) -> bool:
    """Whether pg_catalog has a function of this name."""
    return name in _builtin()


def builtin_volatility(name: tuple[str, ...]) -> Volatility:
    """The volatility of a function that no CREATE FUNCTION in sight defines."""
    if len(name) > 1 and name[0] != "pg_catalog":
        return _in_extensions(name[-1])
    return _builtin().get(name[-1]) or _in_extensions(name[-1])


def _in_extensions(name: str) -> Volatility:
    if name in _VOLATILE_IN_EXTENSIONS:
        return "volatile"
    return "not volatile" if name in _STABLE_IN_EXTENSIONS else "unknown"
