"""The words in which rules speak of relations and of who waits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.script import read_script

# As PostgreSQL reads it without quotes; placeholders of templates are full-width.
_PLAIN = re.compile(r"[a-z_\uff00-\uffef][a-z0-9_$\uff00-\uffef]*")
_RESERVED = frozenset(
    {
        *("all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric"),
        *("both", "case", "cast", "check", "collate", "column", "constraint", "create"),
        *("default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "false"),
        *("fetch", "for", "foreign", "from", "grant", "group", "having", "in", "initially"),
        *("intersect", "into", "lateral", "leading", "limit", "localtime", "localtimestamp"),
        *("not", "null", "offset", "on", "only", "or", "order", "placing", "primary"),
        *("references", "returning", "select", "session_user", "some", "symmetric", "table"),
        *("then", "to", "trailing", "true", "union", "unique", "user", "using", "variadic"),
        *("when", "where", "window", "with"),
    }
)


@lru_cache(maxsize=1024)
def short(key: str) -> str:
    """A relation as people call it, fit for SQL: without the schema public, quoted if need be."""
    schema, dot, name = key.removeprefix("public.").partition(".")
    return f"{quoted(schema)}{dot}{quoted(name)}" if dot else quoted(schema)


def listed(keys: Sequence[str]) -> str:
    """Relations as people list them: a, b and c."""
    *first, last = map(short, keys)
    return f"{', '.join(first)} and {last}" if first else last


def quoted(name: str) -> str:
    """A name as it must be written in SQL."""
    if not name or (_PLAIN.fullmatch(name) and name not in _RESERVED):
        return name
    inner = name.replace('"', '""')
    return f'"{inner}"'


def steps(safe: str) -> tuple[str, ...]:
    """The statements of a safe way that is spelt out; none of one with gaps to fill in."""
    found = tuple(statement.sql for statement in read_script(safe).statements)
    return () if any("…" in sql for sql in found) else found


def waits(mode: LockMode, key: str) -> str:
    """Who waits while this lock is held on a relation (or on several, named already)."""
    name = key if " " in key else short(key)
    if mode.blocks_reads:
        return f"every query on {name}, SELECT included, waits"
    if mode.blocks_writes:
        return f"INSERT, UPDATE and DELETE on {name} wait"
    return f"other schema changes of {name} wait"


def rewrites_rows(key: str, what: str) -> str:
    """That something writes every row of a table anew."""
    return (
        f"{what} writes every row of {short(key)} anew under ACCESS EXCLUSIVE:"
        f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} until it is done."
    )
