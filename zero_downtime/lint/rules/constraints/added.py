"""The constraints that a statement adds to a table in use."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.rule import Here
from zero_downtime.sql.apply_constraints import constraint_columns
from zero_downtime.sql.apply_indexes import free_name
from zero_downtime.sql.tree import Node, fields_of

OWN = "-- in a transaction of its own"


def added(here: Here, *kinds: str) -> Iterator[Node]:
    """The constraints of these kinds that ALTER TABLE adds to a table in use with rows."""
    for command in () if here.is_foreign else here.commands("AT_AddConstraint"):
        constraint = fields_of(command["def"])
        if constraint["contype"] in kinds:
            yield constraint


def is_checked(constraint: Node) -> bool:
    return not constraint.get("skip_validation") and bool(constraint.get("is_enforced", True))


def name_of(here: Here, constraint: Node, suffix: str) -> str:
    columns = constraint_columns(constraint)
    parts = columns if suffix == "fkey" or len(columns) == 1 else ()
    given = constraint.get("conname")
    return str(given or free_name(here.state, here.relation(here.table()), parts, suffix))
