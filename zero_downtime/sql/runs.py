"""What runs inside a statement: DO blocks, procedures, functions, triggers, prepared statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zero_downtime.sql.apply import apply_node
from zero_downtime.sql.bodies import Body, body_of, read_body
from zero_downtime.sql.facts import FunctionFacts
from zero_downtime.sql.inner import statements_of
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import Node, NotParsed, functions_in, names_of, parse

_DEEP = 8  # functions that call each other


def do_block(p: Prediction, node: Node) -> None:
    """DO."""
    body = body_of("DoStmt", node)
    if body:
        run_body(p, body)


def call(p: Prediction, node: Node) -> None:
    """CALL."""
    name = names_of(node["funccall"]["funcname"])
    function = p.state.function(name)
    if function is None:
        p.unknown[f"what the procedure {'.'.join(name)} runs"] = None
    else:
        run_function(p, function)


def execute(p: Prediction, node: Node) -> None:
    """EXECUTE of a prepared statement."""
    prepared = p.state.prepared.get(node["name"])
    if prepared is None:
        p.unknown[f"what the prepared statement {node['name']} runs"] = None
    else:
        p.run(*prepared)


def call_functions(p: Prediction, query: Any) -> None:
    """Run the functions that a query calls, as far as we have seen them made."""
    if p.state.functions:
        for name in functions_in(query):
            function = p.state.function(name)
            if function is not None:
                run_function(p, function)


def run_function(p: Prediction, function: FunctionFacts) -> None:
    """What the body of a function does, if it is not running already."""
    if function.name in p.running or len(p.running) >= _DEEP:
        return
    p.running = (*p.running, function.name)
    if function.body is not None:
        _run(p, statements_of(function.body))
    elif function.source:
        run_body(p, read_body(function.source, function.language, function.header))
    p.running = p.running[:-1]


def run_body(p: Prediction, body: Body) -> None:
    """All that a body runs when nothing fails in it: every branch, but no exception handler."""
    for what, _ in body.unknown:
        p.unknown[what] = None
    parsed = []
    for inner in body.statements:
        if not inner.on_error:
            try:
                parsed.append(parse(inner.sql))
            except NotParsed:
                p.unknown["what a statement does that PostgreSQL's grammar refuses"] = None
    _run(p, parsed)


def _run(p: Prediction, statements: Iterable[tuple[str, Node]]) -> None:
    """Statements one after the other, each in the state that those before it left."""
    statements = list(statements)
    if len(statements) == 1:
        p.run(*statements[0])
        return
    outer = p.state
    p.state = outer.copy()
    for kind, node in statements:
        p.run(kind, node)
        apply_node(p.state, kind, node)
    now = p.state.relations
    made = [key for key in now if key not in outer.relations and now[key].known]
    p.state = outer
    p.leave_out(made)
