"""What queries and data changes lock: the tables, the views' tables, the ends of foreign keys.

Which partition a row goes to or comes from is not foretold: all of them are named, except for
INSERT, which locks the one that it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_table import call_sequence, call_sequences, referenced_columns
from zero_downtime.sql.facts import Constraint
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import Node, fields_of, sequence_in, walk

Handler = Callable[[Prediction, Node], None]

AS = LockMode.ACCESS_SHARE
RS = LockMode.ROW_SHARE
RE = LockMode.ROW_EXCLUSIVE


def read(p: Prediction, query: Any) -> None:
    """Lock what a query or expression names, views taken apart."""
    found = list(walk(query))
    for kind, fields in found:
        if "funcname" in fields:
            call_sequence(p, fields)
        elif kind == "SelectStmt":
            _lock_rows(p, fields)
        elif kind in WRITERS:
            WRITERS[kind](p, fields)
    for range_var in p.state.ranges_among(found):
        read_range(p, range_var, AS)


def mention(p: Prediction, query: Any) -> None:
    """Lock what a query names when it is only analysed, not planned: a view's or function's text.

    Neither views nor partitions are gone into then.
    """
    for range_var in p.state.ranges_in(query):
        p.lock(p.state.key_of_range(range_var), AS)
    for kind, fields in walk(query):
        if kind in WRITERS:
            p.lock(p.state.key_of_range(fields["relation"]), RE)


def read_range(p: Prediction, range_var: Node, mode: LockMode) -> None:
    """:func:`read_relation` for a RangeVar node, which may say ONLY."""
    read_relation(p, p.state.key_of_range(range_var), mode, only=not range_var.get("inh"))


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


def _lock_rows(p: Prediction, query: Node) -> None:
    """FOR UPDATE, FOR SHARE: ROW SHARE on the tables of the query or on those named."""
    for clause in query.get("lockingClause", ()):
        named = [fields_of(item)["relname"] for item in fields_of(clause).get("lockedRels", ())]
        for range_var in p.state.ranges_in(query.get("fromClause", [])):
            alias = range_var.get("alias", {}).get("aliasname", range_var["relname"])
            if not named or alias in named:
                read_range(p, range_var, RS)


def _write_to(p: Prediction, node: Node) -> str:
    """The target of a data change: ROW EXCLUSIVE, on what a view stands for as well."""
    read_range(p, node["relation"], RE)
    return p.state.key_of_range(node["relation"])


def _scan_target(p: Prediction, node: Node) -> None:
    if "whereClause" not in node:
        key = p.state.key_of_range(node["relation"])
        p.scan(p.state.tree(key) if node["relation"].get("inh") else key)


def insert(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["relation"])
    if p.state.exists(key):
        relation = p.relation(key)
        p.lock([key, *(relation.reads if relation.kind == "view" else ())], RE)
    named = {fields_of(column)["name"] for column in node.get("cols", ())}
    relation = p.relation(key)
    given = named or set(relation.columns)
    for column in relation.columns.values():
        if column.name in given:
            continue
        if column.identity:
            p.lock(p.state.owned_sequences(key, column.name), RE)
        elif column.default:
            call_sequences(p, column.default)
            if sequence_in(column.default) is None:
                p.lock(p.state.owned_sequences(key, column.name), RE)
    filled = given | {c.name for c in relation.columns.values() if c.default}
    for constraint in relation.foreign_keys():
        if constraint.references and not constraint.deferred and filled >= set(constraint.columns):
            p.lock(p.state.tree(constraint.references), RS)
    _read_rest(p, node)


def _update(p: Prediction, node: Node) -> None:
    key = _write_to(p, node)
    changed = {fields_of(item).get("name") for item in node.get("targetList", ())}
    for constraint in p.relation(key).foreign_keys():
        if constraint.references and not constraint.deferred and changed & set(constraint.columns):
            p.lock(p.state.tree(constraint.references), RS)
    for child, constraint in _pointing_to(p, key):
        if changed & set(referenced_columns(p, constraint)):
            mode = RS if constraint.on_update in "ar" else RE
            p.lock(p.state.tree(child), mode)
    _scan_target(p, node)
    _read_rest(p, node)


def _delete(p: Prediction, node: Node) -> None:
    key = _write_to(p, node)
    _delete_children(p, key, {key})
    _scan_target(p, node)
    _read_rest(p, node)


def _delete_children(p: Prediction, key: str, seen: set[str]) -> None:
    for child, constraint in _pointing_to(p, key):
        p.lock(p.state.tree(child), RS if constraint.on_delete in "ar" else RE)
        if constraint.on_delete == "c" and child not in seen:
            _delete_children(p, child, seen | {child})


def _pointing_to(p: Prediction, key: str) -> list[tuple[str, Constraint]]:
    """Tables with a foreign key to this one that is checked at once."""
    return [
        (child, constraint)
        for child in p.state.referencing(key)
        for constraint in p.relation(child).foreign_keys()
        if constraint.references == key and not constraint.deferred
    ]


def _merge(p: Prediction, node: Node) -> None:
    _write_to(p, node)
    _read_rest(p, node)


def _read_rest(p: Prediction, node: Node) -> None:
    """What a data change reads besides its target."""
    read(p, {key: value for key, value in node.items() if key != "relation"})


WRITERS: Mapping[str, Handler] = {
    "InsertStmt": insert,
    "UpdateStmt": _update,
    "DeleteStmt": _delete,
    "MergeStmt": _merge,
}


def select(p: Prediction, node: Node) -> None:
    into = node.get("intoClause")
    read(p, {key: value for key, value in node.items() if key != "intoClause"})
    _lock_rows(p, node)
    if (into is None and "whereClause" not in node and "limitCount" not in node) or into:
        scan_source(p, node)


def scan_source(p: Prediction, node: Node) -> None:
    """A query over one whole table reads all of it."""
    source = node.get("fromClause", [])
    if len(source) == 1 and "RangeVar" in source[0] and "whereClause" not in node:
        key = p.state.key_of_range(source[0]["RangeVar"])
        p.scan(p.state.tree(key) if source[0]["RangeVar"].get("inh") else key)
