"""Identifiers as PostgreSQL writes them: quoted when, and only when, they need it."""

from __future__ import annotations

import functools
import re

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
