"""What ALTER TABLE does with constraints, beside its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_reach import adds_not_null
from zero_downtime.sql.apply_constraints import constraint_columns
from zero_downtime.sql.facts import Constraint, is_proven_not_null
from zero_downtime.sql.foreign_keys import referenced_columns, unlink
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.target import Target
from zero_downtime.sql.tree import Node

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE


def _add_constraint(p: Prediction, t: Target) -> None:
    constraint = t.definition
    kind = constraint["contype"]
    checked = not constraint.get("skip_validation") and constraint.get("is_enforced", True)
    tables = [t.key] if constraint.get("is_no_inherit") else t.tables(p)
    if kind == "CONSTR_CHECK" and checked:
        p.scan(tables)
    elif kind == "CONSTR_NOTNULL" and checked:
        column = constraint_columns(constraint)[0]
        p.scan(each for each in tables if not is_proven_not_null(p.relation(each), column))
    elif kind == "CONSTR_FOREIGN":
        parent = p.state.key_of_range(constraint["pktable"])
        p.lock(p.state.tree(parent), SRE)
        if checked:
            new = t.added >= set(constraint_columns(constraint))  # nothing but NULLs
            if not _all_partitions_refer(p, t, constraint, parent):
                p.scan([*partitions_of(p, t), *(() if new else p.state.tree(parent))])
    elif kind in ("CONSTR_UNIQUE", "CONSTR_EXCLUSION", "CONSTR_PRIMARY"):
        _add_index_constraint(p, t, constraint, kind)


def _all_partitions_refer(p: Prediction, t: Target, constraint: Node, parent: str) -> bool:
    """Whether each partition has this foreign key already, validated: it becomes the parent's."""
    if p.relation(t.key).kind != "partitioned table":
        return False
    wanted = (tuple(constraint_columns(constraint)), parent)
    below = [p.relation(each) for each in t.tables(p) if each != t.key]
    leaves = [each for each in below if each.kind != "partitioned table"]
    return bool(leaves) and all(
        any(
            (key.columns, key.references) == wanted and key.valid and not key.inherited
            for key in leaf.foreign_keys()
        )
        for leaf in leaves
    )


def partitions_of(p: Prediction, t: Target) -> list[str]:
    """The table with its partitions, but without inheritance children."""
    return t.tables(p) if p.relation(t.key).kind == "partitioned table" else [t.key]


def _add_index_constraint(p: Prediction, t: Target, constraint: Node, kind: str) -> None:
    tables = partitions_of(p, t)
    if "indexname" not in constraint:
        p.build(tables)
        if adds_not_null(p, t.key, constraint):
            p.scan(t.tables(p))
        return
    index = p.state.indexes.get(f"{p.relation(t.key).schema}.{constraint['indexname']}")
    columns = [c for c in index.columns if c] if index else []
    if kind == "CONSTR_PRIMARY" and any(
        not is_proven_not_null(p.relation(t.key), c, t.dropped) for c in columns
    ):
        p.scan(t.key)


def _find_constraint(p: Prediction, t: Target) -> Constraint | None:
    return p.relation(t.key).constraints.get(t.command["name"])


def _validate(p: Prediction, t: Target) -> None:
    constraint = _find_constraint(p, t)
    if constraint and constraint.valid:
        return
    p.scan(t.tables(p))
    if constraint and constraint.references:
        parents = p.state.tree(constraint.references)
        p.lock(parents, LockMode.ROW_SHARE)
        p.scan(parents)


def _alter_constraint(p: Prediction, t: Target) -> None:
    """ENFORCED and NOT ENFORCED make or remove the triggers at the other end as well."""
    said = t.definition
    relation = p.relation(t.key)
    constraint = relation.constraints.get(str(said.get("conname")))
    if said.get("alterInheritability"):
        p.lock(p.state.children(t.key), t.mode)
        return
    if constraint is None or not constraint.references:
        return
    if relation.kind == "partitioned table":
        p.lock(p.state.descendants(t.key), t.mode)
    enforced = bool(said.get("is_enforced"))
    if said.get("alterEnforceability") and enforced != constraint.enforced:
        parents = p.state.tree(constraint.references)
        p.lock(parents, SRE if enforced else AE)
        if enforced:
            p.scan([*t.tables(p), *parents])


def _drop_constraint(p: Prediction, t: Target) -> None:
    constraint = _find_constraint(p, t)
    if constraint is None:
        return
    unlink(p, [constraint])
    if constraint.references:
        p.lock(constraint.references, AE)
    if constraint.index and t.command.get("behavior") == "DROP_CASCADE":
        for child in p.state.referencing(t.key):
            pointing = (c for c in p.relation(child).foreign_keys() if c.references == t.key)
            if any(referenced_columns(p, c) == constraint.columns for c in pointing):
                p.lock([*p.state.tree(child), *p.state.tree(t.key)], AE)


CONSTRAINT_EFFECTS: Mapping[str, Callable[[Prediction, Target], None]] = {
    "AT_AddConstraint": _add_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop_constraint,
    "AT_AlterConstraint": _alter_constraint,
}
