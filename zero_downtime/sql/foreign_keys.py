"""The other ends of foreign keys, as far as a statement locks them."""

from __future__ import annotations

from collections.abc import Iterable

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.facts import Constraint
from zero_downtime.sql.prediction import Prediction

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE


def key_ends(p: Prediction, references: str) -> list[str]:
    """The tables that have the triggers of a foreign key's other end."""
    tree = p.state.tree(references)
    if p.major > 14:
        return tree
    return [each for each in tree if p.relation(each).kind != "partitioned table"]


def referenced_columns(p: Prediction, constraint: Constraint) -> tuple[str, ...]:
    """The columns that a foreign key points to: the primary key when it names none."""
    if constraint.referenced_columns or not constraint.references:
        return constraint.referenced_columns
    parent = p.relation(constraint.references)
    for candidate in parent.constraints.values():
        if candidate.kind == "primary key":
            return candidate.columns
    return ()


def unlink(p: Prediction, keys: Iterable[Constraint]) -> None:
    """Foreign keys fall, and with them the triggers at their other ends."""
    for constraint in keys:
        if constraint.references and constraint.enforced and not constraint.inherited:
            p.lock(key_ends(p, constraint.references), AE)


def point_to_partition(p: Prediction, parent: str) -> None:
    """The foreign keys that point to a partitioned table are made for a new partition too."""
    for above in (parent, *p.state.ancestors(parent)):
        mode = SRE if p.major > 14 else LockMode.ACCESS_SHARE
        p.lock(p.state.referencing(above), mode)
