"""The changes that are still to be planned; handlers take from it, and what is left was missed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from zero_downtime.catalog import Catalog, Change, Fact, Identity
from zero_downtime.plan.step import Loss, NotPlanned

# What GRANT and COMMENT may call by another kind: GRANT says TABLE of a view too.
_RELATIONS = {"table", "foreign table", "view", "materialized view", "sequence", "index"}
_ROUTINES = {"function", "procedure", "aggregate", "routine"}
_TYPES = {"type", "domain"}
_WRAPPERS = {"fdw", "foreign data wrapper"}
_SERVERS = {"server", "foreign server"}
_LANGUAGES = {"language", "procedural language"}
_SAME = (_RELATIONS, _ROUTINES, _TYPES, _WRAPPERS, _SERVERS, _LANGUAGES)


@dataclass
class Pool:
    """The changes not yet planned, and the two catalogs they lie between."""

    old: Catalog
    new: Catalog
    changes: dict[Identity, Change]
    kept_below: set[Identity] = field(default_factory=set)  # columns that only a parent loses
    aside: dict[Identity, str] = field(default_factory=dict)  # names that made way for others
    losses: list[Loss] = field(default_factory=list)
    not_planned: list[NotPlanned] = field(default_factory=list)

    def take(self, kind: str, name: str, of: str = "") -> Change | None:
        """Take a change out of the pool; None when there is none of this identity."""
        return self.changes.pop(Identity(kind, name, of), None)

    def take_all(self, of: str, *kinds: str) -> list[Change]:
        """Take all changes inside a relation, of these kinds if any are named."""
        found = [
            identity
            for identity in self.changes
            if identity.of == of and (not kinds or identity.kind in kinds)
        ]
        return [self.changes.pop(identity) for identity in found]

    def take_renamed(self, kind: str) -> Iterator[tuple[Identity, Identity]]:
        """Take the pairs of removed and added that differ in nothing but their name."""
        removed = {
            (identity.of, change.old.definition): identity
            for identity, change in self.changes.items()
            if identity.kind == kind
            and change.kind == "removed"
            and change.old is not None
            and not self.is_gone(identity.of)
        }
        for identity, change in list(self.changes.items()):
            if identity.kind != kind or change.kind != "added" or change.new is None:
                continue
            twin = removed.pop((identity.of, change.new.definition), None)
            if twin is not None:
                del self.changes[twin], self.changes[identity]
                yield twin, identity

    def is_new(self, name: str) -> bool:
        """Whether a relation, type or domain exists only after the plan."""
        return name not in self._old_names and name in self._new_names

    def is_gone(self, name: str) -> bool:
        """Whether a relation, type or domain exists only before the plan."""
        return name in self._old_names and name not in self._new_names

    def is_partitioned(self, table: str) -> bool:
        """Whether a table is the parent of partitions."""
        fact = self.new.get("table", table) or self.old.get("table", table)
        return fact is not None and "PARTITION BY" in fact.definition

    def is_foreign(self, table: str) -> bool:
        """Whether the rows of a table are on another server."""
        fact = self.new.get("table", table) or self.old.get("table", table)
        return fact is not None and fact.definition.startswith("FOREIGN TABLE")

    def is_detached(self, table: str) -> bool:
        """Whether a partition becomes a table of its own."""
        parent = self.old.parent(table)
        return parent is not None and self.new.parent(table) is None and not self.is_gone(table)

    def is_attached(self, table: str) -> bool:
        """Whether a table becomes a partition."""
        parent = self.new.parent(table)
        return parent is not None and self.old.parent(table) is None and not self.is_new(table)

    def refuse(self, change: Change, reason: str) -> tuple[()]:
        """Say that a change is not planned, and why; it has no steps."""
        self.not_planned.append(NotPlanned(str(change.identity), reason))
        return ()

    @cached_property
    def dependents(self) -> dict[Identity, list[Identity]]:
        """What stands on each object before the plan."""
        return _dependents(self.old)

    def standing_on(self, things: Iterable[Identity]) -> set[Identity]:
        """All that stands on some things after the plan, directly or not."""
        found, waiting, dependents = set[Identity](), list(things), _dependents(self.new)
        while waiting:
            new = [each for each in dependents.get(waiting.pop(), ()) if each not in found]
            found.update(new)
            waiting += new
        return found

    @cached_property
    def _old_names(self) -> set[str]:
        return _names(self.old)

    @cached_property
    def _new_names(self) -> set[str]:
        return _names(self.new)


def _dependents(catalog: Catalog) -> dict[Identity, list[Identity]]:
    found: dict[Identity, list[Identity]] = {}
    for identity, others in catalog.depends.items():
        for other in others:
            found.setdefault(other, []).append(identity)
    return found


def belongings(catalog: Catalog, thing: Identity) -> list[Fact]:
    """The facts that go with a thing when it is dropped, in the order of the dump."""
    beside = _BESIDE.get(thing.kind, set())
    found = []
    names = {thing.name}
    for identity, fact in catalog.facts.items():
        if thing.of:
            inside = identity.of == thing.of and identity.name == thing.name
            inside = inside and identity.kind in beside
        else:
            inside = identity.of == thing.name and identity.kind not in _PARTITIONING
        if thing.kind == "index":
            bare = thing.name.rpartition(".")[2]
            inside = (identity.of == thing.name and identity.kind not in _PARTITIONING) or (
                identity.of == thing.of
                and identity.kind in ("cluster on", "replica identity")
                and fact.sql.endswith(f" {bare}")
            )
        if inside and identity != thing:
            found.append(fact)
            names.add(identity.name)
    found += [
        fact
        for identity, fact in catalog.facts.items()
        if identity.about is not None
        and fact not in found
        and any(_is(identity.about, other) for other in (thing, *(f.identity for f in found)))
    ]
    owner = catalog.get("owner", thing.name if thing.kind in _RELATIONS else f"{thing}")
    if owner is not None and not thing.of:
        found.append(owner)
    return sorted(found, key=lambda fact: fact.position)


def exists(catalog: Catalog, about: Identity) -> bool:
    """Whether the thing that a comment or a list of privileges is about is in a catalog."""
    if about in catalog:
        return True
    if about.kind == "column":  # of a view or a composite type, which have no facts of their own
        kinds = ("view", "materialized view", "type")
        if any(Identity(kind, about.of) in catalog for kind in kinds):
            return True
        table = catalog.get("table", about.of)
        inherits = re.search(r"INHERITS \((.*)\)", table.definition) if table else None
        return inherits is not None and any(
            exists(catalog, Identity("column", about.name, parent))
            for parent in inherits[1].split(", ")
        )
    return any(_is(about, identity) for identity in catalog.facts)


def has_owned(catalog: Catalog, owner: Identity) -> bool:
    """Whether the thing whose owner this is stands in a catalog."""
    return any(
        not each.of
        and (str(each) == owner.name or (each.name == owner.name and each.kind in _RELATIONS))
        for each in catalog.facts
    )


def went(pool: Pool, about: Identity) -> bool:
    """Whether the thing that something was said about is gone, and what was said with it.

    What has no facts in either catalog, as the schema public, was there before and stays.
    """
    return not exists(pool.new, about) and exists(pool.old, about)


_PARTITIONING = {"partition", "index partition"}
# What stands inside the same relation under the same name.
_BESIDE = {
    "column": {
        "default", "not null", "identity", "generated", "column comment", "column privileges",
        "set statistics", "set storage", "set compression", "set options",
        "alter column generic options",
    },
    "trigger": {"trigger comment", "trigger state"},
    "rule": {"rule comment", "rule state"},
    "policy": {"policy comment"},
    "constraint": {"constraint comment"},
    "domain constraint": {"domain constraint comment"},
}  # fmt: skip


def _is(about: Identity, thing: Identity) -> bool:
    if about.name != thing.name or (about.of and about.of != thing.of):
        return False
    return about.kind == thing.kind or any(
        about.kind in kinds and thing.kind in kinds for kinds in _SAME
    )


def _names(catalog: Catalog) -> set[str]:
    kinds = {"table", "view", "materialized view", "sequence", "index", "type", "domain"}
    return {identity.name for identity in catalog.facts if identity.kind in kinds} | {
        identity.name for identity in catalog.facts if identity.kind == "publication"
    }
