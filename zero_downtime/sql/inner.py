"""The statements that a DO block, CALL or EXECUTE runs, for the state to follow."""

from __future__ import annotations

from zero_downtime.sql.bodies import Body, body_of, read_body
from zero_downtime.sql.facts import FunctionFacts
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, NotParsed, names_of, parse, walk

_QUERIES = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
Parsed = tuple[str, Node]


def nested_in(state: Known, kind: str, node: Node) -> list[Parsed]:
    """What a statement runs when nothing fails in it, as far as it can be told."""
    if kind == "DoStmt":
        return _parsed(body_of(kind, node))
    if kind == "ExecuteStmt":
        prepared = state.prepared.get(node["name"])
        return [prepared] if prepared else []
    if kind == "CallStmt":
        function = state.function(names_of(node["funccall"]["funcname"]))
        return function_runs(function) if function else []
    return []


def function_runs(function: FunctionFacts) -> list[Parsed]:
    """What the body of a function runs."""
    if function.body is not None:
        return statements_of(function.body)
    if not function.source:
        return []
    return _parsed(read_body(function.source, function.language, function.header))


def statements_of(body: Node) -> list[Parsed]:
    """The statements of BEGIN ATOMIC … END, or the query of RETURN."""
    if "ReturnStmt" in body:
        target = {"ResTarget": {"val": body["ReturnStmt"].get("returnval", {})}}
        return [("SelectStmt", {"targetList": [target]})]
    return [(kind, fields) for kind, fields in walk(body) if kind in _QUERIES]


def _parsed(body: Body | None) -> list[Parsed]:
    found = []
    for inner in body.statements if body else ():
        if not inner.on_error and not inner.expression:
            try:
                found.append(parse(inner.sql))
            except NotParsed:
                continue
    return found
