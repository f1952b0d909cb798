"""The effects of CREATE statements."""

from __future__ import annotations

from collections.abc import Mapping

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_indexes import index_of, same_index
from zero_downtime.sql.facts import Index
from zero_downtime.sql.foreign_keys import point_to_partition
from zero_downtime.sql.prediction import Handler, Prediction
from zero_downtime.sql.queries import mention, read, scan_source
from zero_downtime.sql.script import read_script
from zero_downtime.sql.sequences import column_sequences, default_sequences, named_sequences
from zero_downtime.sql.tree import (
    Node,
    NotParsed,
    constant,
    fields_of,
    kind_of,
    parse,
    path_of,
    text_of,
)

AS = LockMode.ACCESS_SHARE
SHARE = LockMode.SHARE
AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE


_INCLUDING_DEFAULTS = 1 << 3  # CREATE_TABLE_LIKE_DEFAULTS in parsenodes.h


def _create_table(p: Prediction, node: Node) -> None:
    node = {**node, **node.get("base", {})}
    if _exists_already(p, node["relation"]):
        return
    for item in node.get("inhRelations", ()):
        parent = p.state.key_of_range(fields_of(item))
        p.lock(parent, AE if "partbound" in node else SUE)
        for column in p.relation(parent).columns.values():
            p.lock(column_sequences(p, parent, column.name), AS)
        if "partbound" in node:
            _create_partition(p, parent)
    for element in node.get("tableElts", ()):
        kind, fields = kind_of(element)
        if kind == "TableLikeClause":
            _copy_columns(p, fields)
        constraints = [{"Constraint": fields}] if kind == "Constraint" else []
        for item in (*constraints, *fields.get("constraints", ())):
            constraint = fields_of(item)
            if constraint["contype"] == "CONSTR_FOREIGN":
                p.lock(p.state.tree(p.state.key_of_range(constraint["pktable"])), SRE)
            elif constraint["contype"] == "CONSTR_DEFAULT":
                p.lock(default_sequences(p, constraint.get("raw_expr")), AS)


def _copy_columns(p: Prediction, like: Node) -> None:
    key = p.state.key_of_range(like["relation"])
    p.lock(key, AS)
    if p.major >= 18 and like.get("options", 0) & _INCLUDING_DEFAULTS:
        for column in p.relation(key).columns.values():
            if column.default and not column.generated and "FuncCall" in column.default:
                named = default_sequences(p, column.default)
                p.lock(named or p.state.owned_sequences(key, column.name), AS)


def _create_partition(p: Prediction, parent: str) -> None:
    default = p.state.default_partition(parent)
    if default:
        p.lock(p.state.tree(default), AE)
        p.scan(p.state.tree(default))
    for constraint in p.relation(parent).foreign_keys():
        if constraint.references:
            p.lock(p.state.tree(constraint.references), SRE)
    point_to_partition(p, parent)


def _exists_already(p: Prediction, range_var: Node) -> bool:
    return p.state.key_of_range(range_var, create=True) in p.state.relations


def _create_as(p: Prediction, node: Node) -> None:
    if _exists_already(p, node["into"]["rel"]):
        mention(p, {"query": node["query"]})  # analysed before anyone looks
    else:
        if node["into"].get("skipData"):
            mention(p, {"query": node["query"]})
        else:
            read(p, {"query": node["query"]})
            scan_source(p, fields_of(node["query"]))
        if node.get("objtype") == "OBJECT_MATVIEW":
            p.lock(named_sequences(p, node["query"]), LockMode.ACCESS_SHARE)


def _create_view(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["view"], create=True)
    if node.get("replace") and key in p.state.relations:
        p.lock(key, AE)
    mention(p, {"query": node["query"]})
    p.lock(named_sequences(p, node["query"]), LockMode.ACCESS_SHARE)


def _create_index(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["relation"])
    concurrent = node.get("concurrent")
    p.transactional = not concurrent
    whole = node["relation"].get("inh") and p.relation(key).kind == "partitioned table"
    tables = p.state.tree(key) if whole else [key]
    p.lock(tables, SUE if concurrent else SHARE)
    if whole:
        new = index_of(p.state, node)
        tables = [each for each in tables if not _has_index(p, each, new)]
    name = f"{p.relation(key).schema}.{node.get('idxname')}"
    exists = node.get("if_not_exists") and name in p.state.indexes
    # ON ONLY makes sense for a partitioned table: one that was never shown is taken for one.
    of_parent = not node["relation"].get("inh") and not p.relation(key).known
    if not exists and not of_parent:
        p.build(tables)


def _has_index(p: Prediction, key: str, wanted: Index) -> bool:
    """Whether a partition has an index that becomes part of its parent's new one."""
    return any(same_index(index, wanted) for index in p.state.indexes_of(key))


def _create_trigger(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["relation"])
    whole = node.get("row") and p.relation(key).kind == "partitioned table"
    p.lock([key, *(p.state.descendants(key) if whole else ())], SRE)
    if "constrrel" in node:
        p.lock(p.state.key_of_range(node["constrrel"]), AS)


def _policy(p: Prediction, node: Node) -> None:
    p.lock(p.state.key_of_range(node["table"]), AE)
    mention(p, [node.get("qual", {}), node.get("with_check", {})])


def _rule(p: Prediction, node: Node) -> None:
    p.lock(p.state.key_of_range(node["relation"]), AE)
    mention(p, [node.get("whereClause", {}), *node.get("actions", ())])


def _create_statistics(p: Prediction, node: Node) -> None:
    tables = [item["RangeVar"] for item in node.get("relations", ()) if "RangeVar" in item]
    p.lock([p.state.key_of_range(table) for table in tables], SUE)


def _create_sequence(p: Prediction, node: Node) -> None:
    if not _exists_already(p, node["sequence"]):
        own_sequence(p, node)


def own_sequence(p: Prediction, node: Node) -> None:
    for item in node.get("options", ()):
        fields = fields_of(item)
        if fields["defname"] == "owned_by":
            path = path_of(fields["arg"])
            if len(path) > 1:
                p.lock(p.state.key_of(path[:-1]), AS)


def _create_function(p: Prediction, node: Node) -> None:
    """An SQL function's body is analysed when the function is made, which locks what it names."""
    if "sql_body" in node:
        mention(p, node["sql_body"], views=True)
        return
    options = {fields_of(o)["defname"]: fields_of(o)["arg"] for o in node.get("options", ())}
    if str(constant(options.get("language"))).lower() != "sql" or "as" not in options:
        return
    for statement in read_script(text_of(options["as"]["List"]["items"][0])).statements:
        try:
            kind, fields = parse(statement.sql)
        except NotParsed:
            return
        mention(p, {kind: fields}, views=True)


CREATION: Mapping[str, Handler] = {
    "CreateStmt": _create_table,
    "CreateForeignTableStmt": _create_table,
    "CreateTableAsStmt": _create_as,
    "ViewStmt": _create_view,
    "IndexStmt": _create_index,
    "CreateTrigStmt": _create_trigger,
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "RuleStmt": _rule,
    "CreateStatsStmt": _create_statistics,
    "CreateSeqStmt": _create_sequence,
    "CreateFunctionStmt": _create_function,
}
