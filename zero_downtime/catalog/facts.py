"""The values of a catalog: facts, each a definition under an identity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from zero_downtime.config import Ignore

# On a scratch server there are no provider's roles and nobody else's objects.
NOTHING_IGNORED = Ignore(schemas=(), roles=(), extensions=("plpgsql",), owners=False)


def without_meta_commands(dump: str) -> str:
    r"""A dump without psql's ``\restrict`` lines, whose keys differ from one run to the next."""
    return _META_COMMAND.sub("", dump)


_META_COMMAND = re.compile(r"^\\(?:un)?restrict .*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What a fact is about, for example ``Identity("column", "total", of="public.orders")``.

    ``kind`` is PostgreSQL's word for it. ``name`` is schema-qualified and quoted as pg_dump
    writes it, unless the thing lives inside the relation ``of``.
    """

    kind: str
    name: str
    of: str = ""

    def __str__(self) -> str:
        # Indexes and partitions stand in a schema of their own right; ``of`` is their table.
        inside = self.of and self.kind not in _IN_A_SCHEMA
        return f"{self.kind} {self.of}.{self.name}" if inside else f"{self.kind} {self.name}"

    @property
    def about(self) -> Identity | None:
        """What a comment or a list of privileges is about; None for other facts."""
        for suffix in (" comment", " privileges"):
            if self.kind.endswith(suffix) and self.kind != "default privileges":
                return Identity(self.kind.removesuffix(suffix), self.name, self.of)
        return None

    @property
    def hidden(self) -> bool:
        """Whether a dump says nothing of it, and a reload forgets it."""
        return self.kind.startswith("invalid ") or self.kind == "extension version"

    @property
    def subscribes(self) -> bool:
        """Whether it is about a subscription, which the copy of a database does not have."""
        return self.kind.startswith("subscription") or (
            self.kind == "owner" and self.name.startswith("subscription ")
        )


_IN_A_SCHEMA = {"index", "invalid index", "invalid partitioned index", "partition",
                "index partition"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its canonical ``definition`` and the ``sql`` that states it by itself.

    ``definition`` is what is compared and leaves out the identity's own name where it can, so
    that a rename shows as the same definition under another name. ``position`` is the place of
    the statement in the dump, whose order is an order of dependencies.
    """

    identity: Identity
    definition: str
    sql: str
    position: int
    more: tuple[str, ...] = ()  # statements after ``sql`` that belong to the same fact

    @property
    def statements(self) -> tuple[str, ...]:
        """All statements that state the fact, in their order."""
        return (self.sql, *self.more)


@dataclass(frozen=True)
class Catalog:
    """All facts of one database, and the dump that they were read from."""

    facts: dict[Identity, Fact]
    dump: str
    major: int
    # What exists beyond the facts and is worth saying: identity and remark.
    notes: tuple[tuple[Identity, str], ...] = ()
    ignore: Ignore = NOTHING_IGNORED  # what was left out when it was read
    # What stands on what, by pg_depend; empty when only a dump was read.
    depends: Mapping[Identity, frozenset[Identity]] = field(default_factory=dict, compare=False)
    # The condition that the rows of each partition meet, as PostgreSQL writes it.
    bounds: Mapping[str, str] = field(default_factory=dict, compare=False)
    _columns: dict[str, list[str]] = field(default_factory=dict, compare=False)

    def __contains__(self, identity: Identity) -> bool:
        return identity in self.facts

    def get(self, kind: str, name: str, of: str = "") -> Fact | None:
        """The fact of this identity, or None."""
        return self.facts.get(Identity(kind, name, of))

    @property
    def dump_body(self) -> str:
        """The dump without the lines that differ from one run to the next."""
        return without_meta_commands(self.dump)

    def columns(self, table: str) -> list[str]:
        """The columns of a table in their order."""
        if not self._columns:
            for identity in self.facts:
                if identity.kind == "column":
                    self._columns.setdefault(identity.of, []).append(identity.name)
        return self._columns.get(table, [])

    def of(self, relation: str) -> list[Fact]:
        """The facts about the inside of a relation, in the order of the dump."""
        return [fact for fact in self.facts.values() if fact.identity.of == relation]

    @property
    def tables(self) -> list[str]:
        """All tables, partitioned ones and partitions among them."""
        return [identity.name for identity in self.facts if identity.kind == "table"]

    def parent(self, table: str) -> str | None:
        """The partitioned table whose partition this table is, or None."""
        for identity in self.facts:
            if identity.kind == "partition" and identity.name == table:
                return identity.of
        return None
