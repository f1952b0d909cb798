"""Identifiers as PostgreSQL writes them: quoted when, and only when, they need it."""

from __future__ import annotations

import functools
import re

_DOT = re.compile(r"\.(?=(?:[^\"]|\"[^\"]*\")*\Z)")  # outside of quotes
_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")


@functools.lru_cache(maxsize=4096)
def quoted(name: str) -> str:
    """One identifier, as quote_ident() gives it (keywords but the unreserved ones are quoted)."""
    from pglast.keywords import COL_NAME_KEYWORDS, RESERVED_KEYWORDS, TYPE_FUNC_NAME_KEYWORDS

    if (
        _PLAIN.match(name)
        and name not in RESERVED_KEYWORDS
        and name not in COL_NAME_KEYWORDS
        and name not in TYPE_FUNC_NAME_KEYWORDS
    ):
        return name
    return '"' + name.replace('"', '""') + '"'


def qualified(*parts: str) -> str:
    """A dotted name of quoted parts; empty parts are left out."""
    return ".".join(quoted(part) for part in parts if part)


def bare(name: str) -> str:
    """The last part of a dotted SQL name, quoted as it stands."""
    return _DOT.split(name)[-1]


def beside(name: str, suffix: str = "new") -> str:
    """A dotted SQL name for something that stands beside this one; at most 63 bytes."""
    last = bare(name)
    plain = last[1:-1].replace('""', '"') if last.startswith('"') else last
    short = plain.encode()[: 62 - len(suffix)].decode(errors="ignore")
    return f"{name[: len(name) - len(last)]}{quoted(f'{short}_{suffix}')}"
