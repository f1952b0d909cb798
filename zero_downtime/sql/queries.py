"""What queries and data changes lock: the tables, the views' tables, the ends of foreign keys.

Partitions are left out where a literal in the condition rules them out.
"""

from __future__ import annotations

from typing import Any

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.routing import remaining, values_in
from zero_downtime.sql.runs import call_functions
from zero_downtime.sql.sequences import call_sequence
from zero_downtime.sql.tree import Node, fields_of, walk

AS = LockMode.ACCESS_SHARE
RS = LockMode.ROW_SHARE
RE = LockMode.ROW_EXCLUSIVE
_DEEP = 16  # views over views
WRITING = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def read(p: Prediction, query: Any) -> None:
    """Lock what a query or expression names, views taken apart."""
    found = list(walk(query))
    conditions: dict[int, Node] = {}
    if "whereClause" in query:
        _see_condition(conditions, query)
    for kind, fields in found:
        if "funcname" in fields:
            call_sequence(p, fields)
        elif kind == "SelectStmt":
            _lock_rows(p, fields)
            if "whereClause" in fields:
                _see_condition(conditions, fields)
        elif kind in WRITING:
            p.run(kind, fields)
    for range_var in p.state.ranges_among(found):
        read_range(p, range_var, AS, conditions.get(id(range_var)))
    call_functions(p, query)


def _see_condition(conditions: dict[int, Node], select: Node) -> None:
    """Keep the condition of a query over one table, which may rule out partitions."""
    source = select.get("fromClause", ())
    if len(source) == 1 and "RangeVar" in source[0]:
        conditions[id(source[0]["RangeVar"])] = select["whereClause"]


def mention(p: Prediction, query: Any, views: bool = False) -> None:
    """Lock what a query names when it is only analysed, not planned: a view's or function's text.

    Neither partitions nor, unless asked for, views are gone into then.
    """
    for range_var in p.state.ranges_in(query):
        todo, seen = [p.state.key_of_range(range_var)], set[str]()
        while todo:
            key = todo.pop()
            p.lock(key, AS)
            if views and key not in seen and p.relation(key).kind == "view":
                todo += p.relation(key).reads
            seen.add(key)
    for kind, fields in walk(query):
        if kind in WRITING:
            p.lock(p.state.key_of_range(fields["relation"]), RE)


def read_range(
    p: Prediction, range_var: Node, mode: LockMode, condition: Node | None = None
) -> None:
    """:func:`read_relation` for a RangeVar node, which may say ONLY."""
    key = p.state.key_of_range(range_var)
    if condition is not None and p.relation(key).kind == "partitioned table":
        p.lock(remaining(p.state, key, values_in(condition)), mode)
    else:
        read_relation(p, key, mode, only=not range_var.get("inh"))


def read_relation(p: Prediction, key: str, mode: LockMode, only: bool = False) -> None:
    """Lock a relation of a query with its partitions, and what it reads if it is a view."""
    todo, seen = [key], set[str]()
    while todo:
        each = todo.pop()
        if each in seen or not p.state.exists(each):
            continue
        seen.add(each)
        p.lock([each] if only else p.state.tree(each), mode)
        relation = p.relation(each)
        if relation.kind == "view":
            todo += relation.reads
        elif relation.is_partition and relation.kind == "partitioned table":
            p.lock(p.state.ancestors(each), AS)  # whose bounds are its own too


def _lock_rows(p: Prediction, query: Node) -> None:
    """FOR UPDATE, FOR SHARE: ROW SHARE on the tables of the query or on those named."""
    for clause in query.get("lockingClause", ()):
        named = [fields_of(item)["relname"] for item in fields_of(clause).get("lockedRels", ())]
        for range_var in p.state.ranges_in(query.get("fromClause", [])):
            alias = range_var.get("alias", {}).get("aliasname", range_var["relname"])
            if not named or alias in named:
                read_range(p, range_var, RS)


def select(p: Prediction, node: Node) -> None:
    into = node.get("intoClause")
    read(p, {key: value for key, value in node.items() if key != "intoClause"})
    _lock_rows(p, node)
    if (into is None and "whereClause" not in node and "limitCount" not in node) or into:
        scan_source(p, node)


def scan_source(p: Prediction, node: Node, depth: int = 0) -> None:
    """A query over one whole table reads all of it, through views too."""
    source = node.get("fromClause", [])
    if len(source) == 1 and "RangeVar" in source[0] and "whereClause" not in node:
        key = p.state.key_of_range(source[0]["RangeVar"])
        relation = p.relation(key)
        if relation.kind == "view" and depth < _DEEP:
            scan_source(p, fields_of(relation.query), depth + 1)
        p.scan(p.state.tree(key) if source[0]["RangeVar"].get("inh") else key)
