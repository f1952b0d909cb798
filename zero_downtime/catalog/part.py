"""The part of a dump that some facts need: their statements and those that they stand on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pglast import parser

from zero_downtime.catalog.compare import Comparison
from zero_downtime.catalog.facts import Catalog, Identity

# Their text is the same in every dump: it holds no expression that PostgreSQL writes out.
_FIXED = {
    "cluster on", "column", "event trigger", "extension", "extension version", "identity",
    "index partition", "not null", "operator class", "operator family", "owner", "partition",
    "replica identity", "schema", "sequence", "sequence owner", "text search configuration",
    "text search dictionary", "trigger state", "type",
}  # fmt: skip
_FIXED_CONSTRAINT = ("FOREIGN KEY", "PRIMARY KEY", "UNIQUE")
_FIXED_INDEX = re.compile(r"(?:UNIQUE )?INDEX ON [^()]+ \([\w\s,.\"]+\)")
_FIXED_DEFAULT = re.compile(r"(?:[\w.]+|'[^']*'(?:::[\w .\"]+)?)(?:\(\))?")


def unsettled(comparison: Comparison) -> frozenset[Identity]:
    """What differs only as far as it is known: its text may be another one after a reload.

    What is only added can't be a changed text, unless something like it was removed.
    """
    sides: dict[tuple[str, str], set[str]] = {}
    for change in comparison.changes:
        sides.setdefault((change.identity.kind, change.identity.of), set()).add(change.kind)
    found = set()
    for change in comparison.changes:
        both = sides[change.identity.kind, change.identity.of]
        if change.kind != "altered" and not {"added", "removed"} <= both:
            continue
        if not all(_is_fixed(fact.identity.kind, fact.definition)
                   for fact in (change.old, change.new) if fact):  # fmt: skip
            found.add(change.identity)
    return frozenset(found)


def _is_fixed(kind: str, definition: str) -> bool:
    if kind == "constraint":
        return definition.startswith(_FIXED_CONSTRAINT)
    if kind == "index":
        return _FIXED_INDEX.fullmatch(definition) is not None
    if kind == "default":
        return _FIXED_DEFAULT.fullmatch(definition) is not None
    if kind in ("function", "procedure"):
        return "BEGIN ATOMIC" not in definition and " DEFAULT " not in definition
    return kind in _FIXED or kind.endswith((" comment", " privileges")) or kind.startswith("set ")


def part_of_dump(catalog: Catalog, wanted: Iterable[Identity]) -> str:
    """A script that makes these things and all that they stand on, in the order of the dump."""
    at: dict[int, list[Identity]] = {}
    named: dict[str, list[Identity]] = {}
    for identity, fact in catalog.facts.items():
        at.setdefault(fact.position, []).append(identity)
        if not identity.of:
            named.setdefault(identity.name, []).append(identity)
    needed: set[int] = set()
    waiting = [*wanted]
    while waiting:
        identity = waiting.pop()
        if identity not in catalog or catalog.facts[identity].position in needed:
            continue
        position = catalog.facts[identity].position
        needed.add(position)
        for beside in at[position]:
            waiting += catalog.depends.get(beside, ())
            waiting += named.get(beside.of, ())
    return ";\n".join(_statements(catalog, needed)) + ";\n"


def _statements(catalog: Catalog, needed: set[int]) -> Iterable[str]:
    """The needed statements with the settings before them; a schema is always needed."""
    position = 0
    for sql in parser.split(catalog.dump_body):
        setting = sql.startswith(("SET ", "RESET ", "SELECT "))
        position += not setting
        if setting or position in needed or sql.startswith(_ALWAYS):
            yield sql


_ALWAYS = ("CREATE SCHEMA ", "CREATE EXTENSION ", "CREATE LANGUAGE ", "CREATE TRUSTED LANGUAGE ")
