"""What DROP locks: everything that falls with an object, and what is linked to that."""

from __future__ import annotations

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_tables import RELATION_KINDS
from zero_downtime.sql.dependents import dependents_on
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.foreign_keys import key_ends, unlink
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import Node, functions_in, path_of, sequence_in

SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
AE = LockMode.ACCESS_EXCLUSIVE


def drop(p: Prediction, node: Node) -> None:
    """DROP of anything."""
    kind = node["removeType"]
    cascade = node.get("behavior") == "DROP_CASCADE"
    for item in node.get("objects", ()):
        path = path_of(item)
        if kind == "OBJECT_INDEX":
            _drop_index(p, node, path)
        elif kind in RELATION_KINDS:
            drop_relation(p, p.state.key_of(path), cascade)
        elif kind in ("OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"):
            _drop_part(p, kind, p.state.key_of(path[:-1]), path[-1], bool(node.get("missing_ok")))
        elif kind == "OBJECT_STATISTIC_EXT":
            table = p.state.statistics.get(p.state.statistics_key(path))
            p.lock([table] if table else [], SUE)
        elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN") and cascade:
            _drop_type(p, path)
        elif kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE") and cascade:
            _drop_function(p, path)
        elif kind == "OBJECT_SCHEMA" and cascade:
            _drop_schema(p, path[0])
        elif kind == "OBJECT_FOREIGN_SERVER" and cascade:
            _drop_server(p, path[-1])
        elif kind == "OBJECT_FDW" and cascade:
            for server, wrapper in p.state.servers.items():
                if wrapper == path[-1]:
                    _drop_server(p, server)
        elif kind == "OBJECT_SUBSCRIPTION":
            p.transactional = bool(node.get("missing_ok")) and p.state.complete


def _drop_part(p: Prediction, kind: str, table: str, name: str, missing_ok: bool) -> None:
    """A trigger, rule or policy: row triggers of partitioned tables are on the partitions too."""
    relation = p.relation(table)
    if missing_ok and _has_none(relation, kind, name):
        return
    trigger = relation.triggers.get(name)
    whole = relation.kind == "partitioned table" and kind == "OBJECT_TRIGGER"
    p.lock(p.state.tree(table) if whole and (trigger is None or trigger.row) else table, AE)


def _drop_schema(p: Prediction, schema: str) -> None:
    for key, relation in p.state.relations.items():
        if relation.schema == schema:
            drop_relation(p, key, True)
    for key in p.state.types:
        if key.startswith(f"{schema}."):
            _drop_type(p, tuple(key.split(".")))
    for key in p.state.functions:
        if key.startswith(f"{schema}."):
            _drop_function(p, tuple(key.split(".")))


def _drop_server(p: Prediction, server: str) -> None:
    for key in p.state.served_by(server):
        drop_relation(p, key, True)


def _has_none(relation: Relation, kind: str, name: str) -> bool:
    """Whether a table that we know has no trigger, policy or rule of this name."""
    there = {
        "OBJECT_TRIGGER": relation.triggers,
        "OBJECT_POLICY": relation.policies,
        "OBJECT_RULE": relation.rules,
    }
    return relation.known and name not in there[kind]


def _drop_index(p: Prediction, node: Node, path: tuple[str, ...]) -> None:
    if node.get("concurrent"):
        p.transactional = False
    index = p.state.indexes.get(p.state.key_of(path))
    if index is None:
        return
    whole = p.relation(index.table).kind == "partitioned table"
    tables = p.state.tree(index.table) if whole else [index.table]
    p.lock(tables, SUE if node.get("concurrent") else AE)


def drop_relation(p: Prediction, key: str, cascade: bool) -> None:
    """DROP TABLE, VIEW, …: everything that falls with it, and the other ends of foreign keys."""
    if not p.state.exists(key):
        return
    _drop_one(p, key, cascade)
    for child in p.state.descendants(key):
        if p.relation(child).is_partition or cascade:
            _drop_one(p, child, cascade)


def _drop_one(p: Prediction, key: str, cascade: bool) -> None:
    relation = p.relation(key)
    p.lock([key, *p.state.owned_sequences(key)], AE)
    unlink(p, relation.foreign_keys())
    if cascade:
        p.lock(_with_policy_on(p, key), AE)
        p.lock([*p.state.readers(key), *p.state.ruled_over(key)], AE)
        for above in (key, *p.state.ancestors(key)):
            referencing = p.state.referencing(above)
            p.lock(referencing, AE)
            if referencing and above != key:
                p.lock(key_ends(p, above), AE)  # the whole foreign key falls
        if relation.kind == "sequence":
            p.lock(_using_sequence(p, relation), AE)
    if relation.is_partition:
        for parent in relation.parents:
            default = p.state.default_partition(parent)
            p.lock([parent, default] if default else [parent], AE)


def _with_policy_on(p: Prediction, key: str) -> list[str]:
    """The tables with a policy that reads another relation, which falls with that."""
    return [
        relation.key
        for relation in p.state.with_policies()
        if any(key in p.state.relations_in(policy) for policy in relation.policies.values())
    ]


def _using_sequence(p: Prediction, sequence: Relation) -> list[str]:
    found = [sequence.owned_by[0]] if sequence.owned_by else []
    for table in p.state.relations.values():
        for column in table.columns.values():
            name = sequence_in(column.default)
            if name and p.state.key_of(tuple(name.split("."))) == sequence.key:
                found.append(table.key)
    return found


def _drop_type(p: Prediction, path: tuple[str, ...]) -> None:
    key = p.state.type_key(path)
    if key:
        for relation, column in p.state.using_type(key):
            p.lock(p.state.tree(relation.key), AE)
            p.lock(dependents_on(p.state, relation.key, column.name), AE)
        for table in p.state.typed_tables(key):
            drop_relation(p, table, True)


def _drop_function(p: Prediction, path: tuple[str, ...]) -> None:
    function = p.state.function(path)
    if function is None:
        return
    for relation in p.state.relations.values():
        if any(t.function == function.name for t in relation.triggers.values()):
            p.lock(relation.key, AE)
        elif _calls(p, relation, function.name):
            falls = relation.query is not None
            p.lock([relation.key, *(p.state.readers(relation.key) if falls else ())], AE)
    last = function.name.rpartition(".")[2]
    p.lock([index.table for index in p.state.indexes.values() if last in index.calls], AE)


def _calls(p: Prediction, relation: Relation, function: str) -> bool:
    """Whether a query, policy, default or CHECK of a relation calls a function."""
    expressions = [
        relation.query,
        *relation.policies.values(),
        *(column.default for column in relation.columns.values()),
        *(constraint.expression for constraint in relation.constraints.values()),
    ]
    for expression in expressions:
        for name in functions_in(expression):
            called = p.state.function(name)
            if called is not None and called.name == function:
                return True
    return False
