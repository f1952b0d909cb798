"""What INSERT, UPDATE, DELETE and MERGE lock: targets, partitions, the ends of foreign keys.

Rules and triggers run as far as we know their text. That rows are there, and that no two
conflict, is taken for granted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.facts import Constraint, Relation
from zero_downtime.sql.foreign_keys import referenced_columns
from zero_downtime.sql.prediction import Handler, Prediction
from zero_downtime.sql.queries import read, read_relation
from zero_downtime.sql.routing import Row, remaining, route, values_in
from zero_downtime.sql.runs import run_function
from zero_downtime.sql.sequences import call_sequences
from zero_downtime.sql.tree import Node, constant, fields_of, kind_of, sequence_in, text_of

AS = LockMode.ACCESS_SHARE
RS = LockMode.ROW_SHARE
RE = LockMode.ROW_EXCLUSIVE


def _target(p: Prediction, node: Node, event: str, changed: Iterable[str] = ()) -> str | None:
    """Lock the target of a data change; the table that really changes, None when a rule or an
    INSTEAD OF trigger does something else."""
    range_var = node["relation"]
    key = p.state.key_of_range(range_var)
    relation = p.relation(key)
    rules = [rule for rule in relation.rules.values() if rule.event == event]
    for rule in rules:
        name = f"rule {rule.name} on {key}"
        if name not in p.running:
            p.running = (*p.running, name)
            if rule.condition:
                read(p, rule.condition)
            for action in rule.actions:
                p.run(*kind_of(action))
            p.running = p.running[:-1]
    if any(rule.instead and rule.condition is None for rule in rules):
        p.lock(key, RE)
        return None
    if relation.kind == "view":
        return _target_of_view(p, node, relation, event, changed)
    if event == "insert" or not range_var.get("inh"):
        p.lock(key, RE)
    else:
        p.lock(remaining(p.state, key, values_in(node.get("whereClause"))), RE)
    _fire(p, relation, event, frozenset(changed))
    return key


def _target_of_view(
    p: Prediction, node: Node, view: Relation, event: str, changed: Iterable[str]
) -> str | None:
    p.lock(view.key, RE)
    if any(t.instead and event in t.events for t in view.triggers.values()):
        if event != "insert":
            for below in view.reads:
                read_relation(p, below, AS)
        _fire(p, view, event, frozenset(changed))
        return None
    source = fields_of(view.query).get("fromClause", [])
    if len(source) != 1 or "RangeVar" not in source[0]:
        return None
    base = p.state.key_of_range(source[0]["RangeVar"])
    for below in view.reads:
        if below != base:
            read_relation(p, below, AS)
    inner = {**node, "relation": source[0]["RangeVar"]}
    return _target(p, inner, event, changed) if base != view.key else None


def _fire(p: Prediction, relation: Relation, event: str, changed: frozenset[str]) -> None:
    """Run the functions of the triggers that an event fires at once."""
    for trigger in () if p.plans_only else relation.triggers.values():
        if event not in trigger.events or trigger.deferred:
            continue
        if event == "update" and trigger.columns and not changed & set(trigger.columns):
            continue
        function = p.state.functions.get(trigger.function)
        if function is not None:
            run_function(p, function)


def _check(p: Prediction, constraint: Constraint, row: Row) -> None:
    """A new row is looked for at the other end of a foreign key."""
    if p.plans_only:
        return
    if constraint.references and constraint.enforced and not constraint.deferred:
        pairs = zip(constraint.columns, referenced_columns(p, constraint), strict=False)
        there = {referenced: row[own] for own, referenced in pairs if own in row}
        p.lock(remaining(p.state, constraint.references, there), RS)


# INSERT


def insert(p: Prediction, node: Node) -> None:
    key = _target(p, node, "insert")
    if key is not None:
        _insert_into(p, key, node)
    _read_rest(p, node)


def _insert_into(p: Prediction, key: str, node: Node) -> None:
    relation = p.relation(key)
    rows = _rows(relation, node)
    given = set().union(*rows) if rows else set(_given(relation, node))
    _draw_defaults(p, relation, given)
    keys = relation.foreign_keys()
    if keys:
        filled = {c for c in given if not rows or not all(_is_null(row.get(c)) for row in rows)}
        filled |= {c.name for c in relation.columns.values() if c.default and c.name not in given}
        values = _constants(rows)
        for constraint in keys:
            if filled >= set(constraint.columns):
                _check(p, constraint, values)
    if p.plans_only:
        return
    if relation.is_partition:
        p.lock(p.state.ancestors(key), AS)  # their bounds are checked
    if relation.kind == "partitioned table":
        for row in rows or [{}]:
            p.lock(route(p.state, key, _constants([row])), RE)


def _is_null(value: Node | None) -> bool:
    return value is None or bool(value.get("A_Const", {}).get("isnull"))


_DEFAULT = "SetToDefault"


def _given(relation: Relation, node: Node) -> list[str]:
    """The columns that INSERT or COPY gives values."""
    named = [fields_of(column)["name"] for column in node.get("cols", ())]
    if named or "selectStmt" not in node:
        return named
    select = fields_of(node["selectStmt"])
    targets = select.get("targetList", ())
    stars = any("A_Star" in str(target) for target in targets)
    columns = list(relation.columns)
    return columns if stars or "valuesLists" in select or not targets else columns[: len(targets)]


def _rows(relation: Relation, node: Node) -> list[dict[str, Node]]:
    """The rows of VALUES, each as column → expression; DEFAULT is as if it were not there."""
    select = fields_of(node.get("selectStmt"))
    columns = [fields_of(column)["name"] for column in node.get("cols", ())]
    found = []
    for item in select.get("valuesLists", ()):
        pairs = zip(columns or list(relation.columns), fields_of(item)["items"], strict=False)
        found.append({name: value for name, value in pairs if _DEFAULT not in value})
    return found


def _constants(rows: list[dict[str, Node]]) -> Row:
    """The columns that have one and the same literal in all rows."""
    found: dict[str, Any] = {}
    for name in rows[0] if rows else ():
        values = {str(constant(row.get(name))) for row in rows}
        value = constant(rows[0][name])
        if len(values) == 1 and value is not None:
            found[name] = value
    return found


def _draw_defaults(p: Prediction, relation: Relation, given: set[str]) -> None:
    """The sequences from which columns without a value take one."""
    for column in () if p.plans_only else relation.columns.values():
        if column.name in given:
            continue
        if column.identity:
            p.lock(p.state.owned_sequences(relation.key, column.name), RE)
        elif column.default and not column.generated:
            call_sequences(p, column.default)
            if sequence_in(column.default) is None and "FuncCall" in column.default:
                p.lock(p.state.owned_sequences(relation.key, column.name), RE)


# UPDATE


def update(p: Prediction, node: Node) -> None:
    changed = _changed(node)
    key = _target(p, node, "update", changed)
    if key is not None:
        _update_in(p, key, node, changed)
        _scan_target(p, node)
    _read_rest(p, node)


def _changed(node: Node) -> dict[str, Node]:
    """The columns that SET gives new values; ``a = a`` is none."""
    found = {}
    for item in node.get("targetList", ()):
        fields = fields_of(item)
        name, value = fields.get("name", ""), fields.get("val", {})
        own = value.get("ColumnRef", {}).get("fields", [])
        if not own or text_of(own[-1]) != name:
            found[name] = value
    return found


def _update_in(p: Prediction, key: str, node: Node, changed: dict[str, Node]) -> None:
    relation = p.relation(key)
    # Rows that this transaction wrote are looked for again: RI_FKey_fk_upd_check_required() in
    # ri_triggers.c.
    again = relation.written is not None and relation.written == p.state.transaction
    for constraint in relation.foreign_keys():
        new = [changed[c] for c in constraint.columns if c in changed]
        if (new or again) and not any(map(_is_null, new)):
            row = _constants([{c: changed[c] for c in constraint.columns if c in changed}])
            _check(p, constraint, row)
    for child, constraint in _pointing_to(p, key, "on_update"):
        if changed.keys() & set(referenced_columns(p, constraint)):
            mode = RS if constraint.on_update in "ar" else RE
            p.lock(p.state.tree(child), mode)
    if relation.is_partition and not p.plans_only:
        p.lock(p.state.ancestors(key), AS)
    if set(relation.key_columns) & changed.keys() and not p.plans_only:
        row = {**values_in(node.get("whereClause")), **_constants([changed])}
        p.lock(route(p.state, key, row), RE)


# DELETE


def delete(p: Prediction, node: Node) -> None:
    key = _target(p, node, "delete")
    if key is not None:
        _delete_children(p, key, {key})
        _scan_target(p, node)
    _read_rest(p, node)


def _delete_children(p: Prediction, key: str, seen: set[str]) -> None:
    for child, constraint in _pointing_to(p, key, "on_delete"):
        p.lock(p.state.tree(child), RS if constraint.on_delete in "ar" else RE)
        if constraint.on_delete == "c" and child not in seen:
            _delete_children(p, child, seen | {child})


def _pointing_to(
    p: Prediction, key: str, event: Literal["on_delete", "on_update"]
) -> list[tuple[str, Constraint]]:
    """Tables with a foreign key to this one that acts at once: only NO ACTION can be deferred."""
    if p.plans_only:
        return []
    return [
        (child, constraint)
        for above in (key, *p.state.ancestors(key))
        for child in p.state.referencing(above)
        for constraint in p.relation(child).foreign_keys()
        if constraint.references == above and constraint.enforced
        if not constraint.deferred or getattr(constraint, event) != "a"
    ]


# MERGE


def merge(p: Prediction, node: Node) -> None:
    clauses = [fields_of(item) for item in node.get("mergeWhenClauses", ())]
    range_var = node["relation"]
    key = p.state.key_of_range(range_var)
    relation = p.relation(key)
    if relation.kind == "view":
        read_relation(p, key, RE)
    else:
        p.lock(p.state.tree(key) if range_var.get("inh") else key, RE)
    for clause in clauses:
        event = clause.get("commandType", "").removeprefix("CMD_").lower()
        targets = {
            fields_of(t).get("name", ""): fields_of(t).get("val", {})
            for t in clause.get("targetList", ())
        }
        if event == "insert":
            given = list(targets) or list(relation.columns)[: len(clause.get("values", ()))]
            _draw_defaults(p, relation, set(given))
            for constraint in relation.foreign_keys():
                if set(given) >= set(constraint.columns):
                    _check(p, constraint, {})
        elif event == "update":
            _update_in(p, key, {}, targets)
        elif event == "delete":
            _delete_children(p, key, {key})
        _fire(p, relation, event, frozenset(targets))
    _read_rest(p, node)


# What they have in common


def _scan_target(p: Prediction, node: Node) -> None:
    if "whereClause" not in node:
        key = p.state.key_of_range(node["relation"])
        p.scan(p.state.tree(key) if node["relation"].get("inh") else key)


def _read_rest(p: Prediction, node: Node) -> None:
    """What a data change reads besides its target."""
    read(p, {key: value for key, value in node.items() if key != "relation"})


WRITERS: dict[str, Handler] = {
    "InsertStmt": insert,
    "UpdateStmt": update,
    "DeleteStmt": delete,
    "MergeStmt": merge,
}
