"""The pool of changes that handlers take from; what is left in it was not planned."""

from __future__ import annotations

from dataclasses import dataclass, field

from zero_downtime.catalog import Catalog, Change, Identity
from zero_downtime.plan.step import Loss, NotPlanned


@dataclass
class Pool:
    """The changes not yet planned, and the two catalogs they lie between."""

    old: Catalog
    new: Catalog
    changes: dict[Identity, Change]
    rebuild: frozenset[str] = frozenset()  # views that CREATE OR REPLACE can't change
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

    def is_new(self, relation: str) -> bool:
        """Whether a relation exists only after the plan."""
        return not self._has(self.old, relation) and self._has(self.new, relation)

    def is_gone(self, relation: str) -> bool:
        """Whether a relation exists only before the plan."""
        return self._has(self.old, relation) and not self._has(self.new, relation)

    def is_partitioned(self, table: str) -> bool:
        """Whether an existing table is the parent of partitions."""
        fact = self.new.get("table", table)
        return fact is not None and "PARTITION BY" in fact.definition

    @staticmethod
    def _has(catalog: Catalog, relation: str) -> bool:
        return any(
            Identity(kind, relation) in catalog
            for kind in ("table", "view", "materialized view", "sequence")
        )

    def refuse(self, change: Change, reason: str) -> tuple[()]:
        """Say that a change is not planned, and why; it has no steps."""
        self.not_planned.append(NotPlanned(str(change.identity), reason))
        return ()
