"""How many rows a data change touches, as far as its text and the schema tell."""

from __future__ import annotations

import re
from typing import Any

from zero_downtime.lint.rule import Here
from zero_downtime.sql.tree import (
    Node,
    columns_in,
    fields_of,
    functions_in,
    kind_of,
    tagged,
    text_of,
)

_KEEPS_VERSION = re.compile(r"[._](?:versions?|(?:schema|db)_(?:info|revision)|migrations?)$")


def is_one_row(here: Here, key: str) -> bool:
    """WHERE key = constant: as cheap as any write of the application.

    So is a write to the table in which a tool keeps the version of the schema.
    """
    if _KEEPS_VERSION.search(key):
        return True
    where = here.node.get("whereClause", {})
    relation = here.relation(key)
    keys = [
        set(c.columns) for c in relation.constraints.values() if c.kind in ("primary key", "unique")
    ]
    if not relation.known:
        keys.append({"id"})
    return any(k <= _equated(where) for k in keys)


def _equated(where: Node) -> frozenset[str]:
    """The columns that WHERE holds to one value."""
    if "BoolExpr" in where and where["BoolExpr"]["boolop"] == "AND_EXPR":
        parts = [_equated(part) for part in where["BoolExpr"]["args"]]
        return frozenset().union(*parts)
    comparison = where.get("A_Expr", {})
    if comparison.get("kind") != "AEXPR_OP" or text_of(comparison["name"][-1]) != "=":
        return frozenset()
    if "ColumnRef" in comparison.get("lexpr", {}) and "ColumnRef" in comparison.get("rexpr", {}):
        return frozenset()
    return columns_in(where)


def is_bounded(node: Node) -> bool:
    """Whether a WHERE may well leave few rows: it compares a column with a value or with a list
    that the statement itself spells out, or has LIMIT.

    IS NULL, <>, and the joining of two tables may as well leave all of them.
    """
    where = node.get("whereClause", {})
    return bool(where) and _bounds(where, _spelt_out(node))


def _spelt_out(node: Node) -> frozenset[str]:
    """The names in FROM or USING that stand for VALUES, or for a function of literals."""
    lists = {
        fields["ctename"]
        for fields in map(fields_of, node.get("withClause", {}).get("ctes", ()))
        if "valuesLists" in fields_of(fields["ctequery"])
    }
    found = set()
    for item in (*node.get("fromClause", ()), *node.get("usingClause", ())):
        kind, fields = kind_of(item)
        name = fields.get("alias", {}).get("aliasname", "")
        if kind == "RangeVar" and fields.get("relname") in lists:
            found.add(name or fields["relname"])
        elif kind == "RangeSubselect" and "valuesLists" in fields_of(fields["subquery"]):
            found.add(name)
        elif kind == "RangeFunction" and not columns_in(item):
            called = {each[-1] for each in functions_in(item)}
            if called and called <= _OF_LITERALS:
                found.add(name or min(called))
    return frozenset(found)


_OF_LITERALS = {
    "unnest",
    "json_to_recordset",
    "jsonb_to_recordset",
    "json_array_elements",
    "jsonb_array_elements",
    "json_array_elements_text",
    "jsonb_array_elements_text",
}


def _bounds(where: Node, lists: frozenset[str]) -> bool:
    kind, fields = kind_of(where)
    if kind == "BoolExpr":
        parts = [_bounds(part, lists) for part in fields["args"]]
        if fields["boolop"] == "AND_EXPR":
            return any(parts)
        return all(parts) if fields["boolop"] == "OR_EXPR" else True
    if kind == "NullTest":
        return False
    if kind == "A_Const":
        return fields.get("boolval", {}).get("boolval") is not True
    if kind == "A_Expr" and fields["kind"] in ("AEXPR_OP", "AEXPR_DISTINCT"):
        operator = text_of(fields["name"][-1])
        sides = [fields.get("lexpr", {}), fields.get("rexpr", {})]
        if operator in ("<>", "!=") or fields["kind"] == "AEXPR_DISTINCT":
            return False
        if all("ColumnRef" in side for side in sides):
            return operator == "=" and len({_of_list(side, lists) for side in sides}) == 2
        return not all("A_Const" in side for side in sides)
    if kind == "SubLink":
        return _subquery_bounds(fields)
    return True


def _of_list(column: Node, lists: frozenset[str]) -> bool:
    names = fields_of(column)["fields"]
    return len(names) == 2 and text_of(names[0]) in lists


def _subquery_bounds(link: Node) -> bool:
    """IN (SELECT …) leaves few rows if the SELECT does."""
    select = fields_of(link.get("subselect", {}))
    return "limitCount" in select or "valuesLists" in select or is_bounded(select)


def source_tables(here: Here, query: Any) -> list[str]:
    """The tables in use that a query reads."""
    return [
        key
        for key in here.state.relations_in(query)
        if not here.is_new(key) and here.state.exists(key)
    ]


def has_limit(node: Any) -> bool:
    """Whether a query somewhere in a statement has LIMIT."""
    return any("limitCount" in select for select in tagged(node, "SelectStmt"))
