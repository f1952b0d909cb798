"""Column types, and which changes from one to another leave the table's rows as they are.

Source: PostgreSQL's ATColumnChangeRequiresRewrite (a change is free when the cast is a plain
relabelling or a length coercion that its support function removes), checked on servers 14 to 18
by the tests of the lock model.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from msgspec import Struct

from zero_downtime.sql.tree import Node, constant, names_of

Change = Literal["none", "rewrite", "session"]  # session: free when TimeZone is UTC

SERIAL_TYPES = {
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
    "smallserial": "int2",
    "serial2": "int2",
}

_SPELLED = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "varbit": "bit varying",
    "bpchar": "char",
}

_OID_LIKE = frozenset({"oid", "int4"})
_REG = frozenset(
    {"regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regrole", "regtype"}
)
CITEXT = ("citext", "public.citext")
# Casts that relabel the value without touching it (pg_cast.castmethod = 'b').
_RELABELLED = frozenset(
    {
        ("varchar", "text"),
        ("text", "varchar"),
        ("text", "bpchar"),
        ("varchar", "bpchar"),
        ("cidr", "inet"),
        ("bit", "varbit"),
        ("varbit", "bit"),
        ("xml", "text"),
        ("xml", "varchar"),
        ("xml", "bpchar"),
        *((a, b) for a in _OID_LIKE for b in _REG),
        *((a, b) for a in _REG for b in _OID_LIKE),
        ("int4", "oid"),
        ("oid", "int4"),
        ("regproc", "regprocedure"),
        *((a, b) for a in ("text", "varchar") for b in CITEXT),
        *((a, b) for a in CITEXT for b in ("text", "varchar", "bpchar")),
        ("regprocedure", "regproc"),
    }
)
_PRECISE_TIMES = frozenset({"timestamp", "timestamptz", "time", "timetz"})


class Type(Struct, frozen=True):
    """A type as a column has it: PostgreSQL's internal name, modifiers, array or not."""

    name: str  # "int4", "varchar"; user-defined ones as "schema.name", if the schema is known
    modifiers: tuple[str, ...] = ()
    array: bool = False

    def __str__(self) -> str:
        name = _SPELLED.get(self.name, self.name.removeprefix("public."))
        length = f"({','.join(self.modifiers)})" if self.modifiers else ""
        return f"{name}{length}{'[]' if self.array else ''}"


def read_type(node: Node) -> Type:
    """The type that a TypeName node names. A schema other than pg_catalog stays in the name."""
    names = names_of(node.get("names"))
    if "typmods" in node or "arrayBounds" in node:
        modifiers = tuple(str(constant(item)) for item in node.get("typmods", ()))
        return _type(names, modifiers, bool(node.get("arrayBounds")))
    return _type(names)


@lru_cache(maxsize=1024)
def _type(names: tuple[str, ...], modifiers: tuple[str, ...] = (), array: bool = False) -> Type:
    if names[:1] == ("pg_catalog",):
        names = names[1:]
    name = ".".join(names)
    if name == "interval" and len(modifiers) == 2 and modifiers[0] == "32767":
        modifiers = modifiers[1:]  # interval(p): all fields, which is what 32767 says
    elif name == "interval" and modifiers == ("32767",):
        modifiers = ()
    return Type(name, modifiers, array)


def change_of(old: Type, new: Type) -> Change:
    """What ALTER COLUMN … TYPE does to the rows, domains already reduced to their base types."""
    if old.array or new.array:
        same = (old.name, old.array) == (new.name, new.array)
        return "none" if same and new.modifiers in ((), old.modifiers) else "rewrite"
    if old.name == new.name:
        return "none" if _no_narrower(new.name, old.modifiers, new.modifiers) else "rewrite"
    if {old.name, new.name} == {"timestamp", "timestamptz"}:
        wider = _no_narrower("timestamp", old.modifiers, new.modifiers)
        return "session" if wider else "rewrite"
    if (old.name, new.name) not in _RELABELLED:
        return "rewrite"
    # A length of another type is always imposed anew, even an equal one.
    return "rewrite" if new.modifiers else "none"


def _no_narrower(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """Whether the new modifiers of one type need no look at the values."""
    if not new or new == old:
        return True
    try:
        before, after = [int(m) for m in old], [int(m) for m in new]
    except ValueError:
        return False
    if name in ("varchar", "varbit"):
        return bool(before) and after[0] >= before[0]
    if name == "numeric":
        scale_before, scale_after = [*before, 0, 0][1], [*after, 0, 0][1]
        return bool(before) and after[0] >= before[0] and scale_after == scale_before
    if name in _PRECISE_TIMES:
        return after[0] >= (before[0] if before else 6)
    if name == "interval":
        return len(after) == 1 and (after[0] >= 6 or (len(before) == 1 and after[0] >= before[0]))
    return False
