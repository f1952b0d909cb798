"""Whether a partition's CHECK constraints prove its bound, so that attaching reads no row."""

from __future__ import annotations

from typing import Any

from zero_downtime.sql.facts import Relation
from zero_downtime.sql.tree import Node, constant, fields_of, text_of

_Fact = tuple[str, str, Any]  # column, operator, value


def bound_is_proven(parent: Relation, child: Relation, bound: Node) -> bool:
    """Whether validated CHECKs and NOT NULLs of the child imply the bound of a single-column key.

    Compares literals as written: a proof in other words is not seen, and a scan is foretold.
    """
    if len(parent.partition_key) != 1 or bound.get("is_default"):
        return False
    (column,) = parent.partition_key
    facts = [
        fact
        for constraint in child.constraints.values()
        if constraint.kind == "check" and constraint.valid
        for fact in _facts(constraint.expression)
    ]
    facts_of_column = {fact for fact in facts if fact[0] == column}
    own = child.columns.get(column)
    if not ((own and own.not_null) or (column, "is not null", None) in facts_of_column):
        return False
    needed = _needed(column, bound)
    return bool(needed) and needed <= facts_of_column


def default_is_proven(parent: Relation, default: Relation, bound: Node) -> bool:
    """Whether a validated CHECK (NOT (…)) of the default partition rules out the new bound."""
    if len(parent.partition_key) != 1 or bound.get("is_default"):
        return False
    (column,) = parent.partition_key
    needed = {*_needed(column, bound), (column, "is not null", None)}
    for constraint in default.constraints.values():
        negation = (constraint.expression or {}).get("BoolExpr", {})
        if (
            constraint.kind != "check"
            or not constraint.valid
            or negation.get("boolop") != "NOT_EXPR"
        ):
            continue
        (inner,) = negation["args"]
        whole = inner.get("BoolExpr", {}).get("boolop") == "AND_EXPR"
        parts = inner["BoolExpr"]["args"] if whole else [inner]
        facts = _facts(inner)
        if len(facts) == len(parts) and len(needed) > 1 and set(facts) <= needed:
            return True
    return False


def _needed(column: str, bound: Node) -> set[_Fact]:
    if bound.get("strategy") == "r":
        lower = constant((bound.get("lowerdatums") or [None])[0])
        upper = constant((bound.get("upperdatums") or [None])[0])
        return {(column, ">=", lower), (column, "<", upper)} if lower and upper else set()
    if bound.get("strategy") == "l":
        values = tuple(sorted(str(constant(value)) for value in bound.get("listdatums", ())))
        return {(column, "in", values)}
    return set()


def _facts(expression: Node | None) -> list[_Fact]:
    """The simple comparisons that a CHECK joins with AND."""
    if not expression:
        return []
    if "BoolExpr" in expression and expression["BoolExpr"]["boolop"] == "AND_EXPR":
        return [fact for part in expression["BoolExpr"]["args"] for fact in _facts(part)]
    if "NullTest" in expression:
        test = expression["NullTest"]
        column = _column(test.get("arg"))
        if column and test.get("nulltesttype") == "IS_NOT_NULL":
            return [(column, "is not null", None)]
    if "A_Expr" in expression:
        fields = expression["A_Expr"]
        column, operator = _column(fields.get("lexpr")), text_of(fields["name"][0])
        if column and fields["kind"] == "AEXPR_IN":
            items = fields["rexpr"]["List"]["items"]
            return [(column, "in", tuple(sorted(str(constant(item)) for item in items)))]
        if column and fields["kind"] == "AEXPR_OP_ANY" and operator == "=":
            items = fields["rexpr"].get("A_ArrayExpr", {}).get("elements", ())
            return [(column, "in", tuple(sorted(str(constant(item)) for item in items)))]
        if column and operator == "=":
            return [(column, "in", (str(constant(fields["rexpr"])),))]
        if column:
            return [(column, operator, constant(fields["rexpr"]))]
    return []


def _column(node: Node | None) -> str | None:
    while node and "TypeCast" in node:
        node = fields_of(node).get("arg")
    if not node or "ColumnRef" not in node:
        return None
    return text_of(node["ColumnRef"]["fields"][-1])
