"""Compare two catalogs: what was added, removed and altered, and how equal they are.

Order of columns is a note, never a difference: nothing but SELECT * depends on it, and changing
it means rewriting the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from zero_downtime.catalog.facts import Catalog, Fact, Identity
from zero_downtime.errors import MajorMismatch

Grade = Literal["equal", "equal but for generated names", "different"]

# What PostgreSQL calls things that were given no name (ChooseRelationName, and for NOT NULL
# since 18): table_column_suffix, with a number when that name is taken.
_GENERATED = re.compile(r"_(?:not_null|check|fkey|key|pkey|idx|excl|seq)\d*\"?\Z")
_NAMED_NOT_NULL = re.compile(r"CONSTRAINT (\S+|\"[^\"]+\") NOT NULL")

_SHORT = 80  # characters of a definition that a sentence bears
_AROUND = 3  # words that are shown before and behind a difference


@dataclass(frozen=True, slots=True)
class Change:
    """One identity with its fact before and after; one of the two may be missing."""

    identity: Identity
    old: Fact | None
    new: Fact | None

    @property
    def kind(self) -> Literal["added", "removed", "altered"]:
        """What happened to the identity."""
        if self.old is None:
            return "added"
        return "removed" if self.new is None else "altered"

    def __str__(self) -> str:
        return f"{self.kind}: {self.identity}"


@dataclass(frozen=True)
class Comparison:
    """All differences between two catalogs, and notes on what is none."""

    changes: tuple[Change, ...]
    notes: tuple[tuple[Identity, str], ...]
    grade: Grade

    @property
    def equal(self) -> bool:
        """No difference at all."""
        return not self.changes

    def describe(self) -> list[str]:
        """One line a difference, with both definitions where they are short."""
        return [_described(change) for change in self.changes]


def compare(old: Catalog, new: Catalog, names: tuple[str, str] = ("old", "new")) -> Comparison:
    """The differences that lead from ``old`` to ``new``. Raises MajorMismatch."""
    if old.major != new.major:
        raise MajorMismatch(
            left=names[0], left_major=old.major, right=names[1], right_major=new.major
        )
    if old.dump_body == new.dump_body and _hidden(old) == _hidden(new):
        return Comparison((), (), "equal")
    changes = []
    for identity, fact in new.facts.items():
        before = old.facts.get(identity)
        if before is None or before.definition != fact.definition:
            changes.append(Change(identity, before, fact))
    for identity, fact in old.facts.items():
        if identity not in new.facts:
            changes.append(Change(identity, fact, None))
    notes = tuple(
        (Identity("table", table), "the columns stand in another order")
        for table in new.tables
        if _reordered(old.columns(table), new.columns(table))
    )
    return Comparison(tuple(changes), notes, _grade(changes))


def _hidden(catalog: Catalog) -> dict[Identity, str]:
    return {i: fact.definition for i, fact in catalog.facts.items() if i.hidden}


def _reordered(old: list[str], new: list[str]) -> bool:
    return [c for c in old if c in new] != [c for c in new if c in old]


def _grade(changes: list[Change]) -> Grade:
    if not changes:
        return "equal"
    return "different" if any(_leftover(changes)) else "equal but for generated names"


def _leftover(changes: list[Change]) -> list[Change]:
    """The changes that are more than another generated name."""
    removed: dict[tuple[str, str, str], list[Change]] = {}
    rest = []
    for change in changes:
        key = (change.identity.kind, change.identity.of, _nameless(change.old or change.new))
        if change.kind == "removed" and _GENERATED.search(change.identity.name):
            removed.setdefault(key, []).append(change)
    for change in changes:
        key = (change.identity.kind, change.identity.of, _nameless(change.old or change.new))
        if change.kind == "added" and _GENERATED.search(change.identity.name) and removed.get(key):
            removed[key].pop()
        elif change.kind == "altered" and _nameless(change.old) == _nameless(change.new):
            continue
        elif change.kind != "removed" or not _GENERATED.search(change.identity.name):
            rest.append(change)
    return rest + [change for changes in removed.values() for change in changes]


def _nameless(fact: Fact | None) -> str:
    """A definition without generated names in it."""
    if fact is None:
        return ""
    text = fact.definition
    if fact.identity.kind == "not null":
        named = _NAMED_NOT_NULL.match(text)
        return "NOT NULL" if named and _GENERATED.search(named[1]) else text
    if fact.identity.kind in ("sequence", "sequence owner"):
        text = text.replace(fact.identity.name, "?")
    if fact.identity.kind in ("default", "identity"):
        text = re.sub(r"[\w.\"]+_seq\d*\"?", "?", text)
    return text


def _described(change: Change) -> str:
    old, new = _words(change.old), _words(change.new)
    if change.kind != "altered":
        return f"{change}: {_short(new or old)}"
    if max(len(" ".join(old)), len(" ".join(new))) > _SHORT:
        old, new = _where_they_differ(old, new)
    return f"altered: {change.identity}: {_short(old)} → {_short(new)}"


def _words(fact: Fact | None) -> list[str]:
    return fact.definition.split() if fact else []


def _short(words: list[str]) -> str:
    text = " ".join(words)
    return text if len(text) <= _SHORT else text[: _SHORT - 3] + "…"


def _where_they_differ(one: list[str], other: list[str]) -> tuple[list[str], list[str]]:
    """Long definitions without what both begin and end with, but for as many words as fit."""
    first = _alike(one, other)
    last = _alike(one[first:][::-1], other[first:][::-1])

    def cut(words: list[str], around: int) -> list[str]:
        end = len(words) - max(0, last - around)
        before = ["…"] if first > around else []
        return [*before, *words[max(0, first - around) : end], *["…"] * (end < len(words))]

    for around in range(_AROUND, 0, -1):
        found = cut(one, around), cut(other, around)
        if max(len(" ".join(words)) for words in found) <= _SHORT:
            return found
    return cut(one, 0), cut(other, 0)


def _alike(one: list[str], other: list[str]) -> int:
    """How many words both begin with."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
