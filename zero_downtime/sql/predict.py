"""The effects of every statement but ALTER TABLE."""

from __future__ import annotations

from collections.abc import Mapping

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_table import alter_table
from zero_downtime.sql.apply_tables import RELATION_KINDS, index_of, same_index
from zero_downtime.sql.drops import drop, drop_relation
from zero_downtime.sql.facts import Index
from zero_downtime.sql.foreign_keys import point_to_partition
from zero_downtime.sql.prediction import Handler, Prediction
from zero_downtime.sql.queries import (
    mention,
    read,
    read_relation,
    scan_source,
    select,
)
from zero_downtime.sql.runs import call, do_block, execute
from zero_downtime.sql.script import read_script
from zero_downtime.sql.sequences import column_sequences, default_sequences, named_sequences
from zero_downtime.sql.tree import (
    Node,
    NotParsed,
    constant,
    fields_of,
    kind_of,
    names_of,
    options_of,
    parse,
    path_of,
    text_of,
)
from zero_downtime.sql.writes import WRITERS, insert

AS = LockMode.ACCESS_SHARE
RS = LockMode.ROW_SHARE
RE = LockMode.ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
SHARE = LockMode.SHARE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
EX = LockMode.EXCLUSIVE
AE = LockMode.ACCESS_EXCLUSIVE

_INCLUDING_DEFAULTS = 1 << 3  # CREATE_TABLE_LIKE_DEFAULTS in parsenodes.h


# Data


def _copy(p: Prediction, node: Node) -> None:
    if "relation" in node:
        key = p.state.key_of_range(node["relation"])
        if node.get("is_from"):
            columns = [{"ResTarget": {"name": text_of(n)}} for n in node.get("attlist", ())]
            insert(p, {"relation": node["relation"], "cols": columns, "selectStmt": {}})
        else:
            p.lock(key, AS)
            p.scan(key)
    elif "query" in node:
        _nested(p, node["query"])


def _nested(p: Prediction, tagged_node: Node) -> None:
    """A statement inside another."""
    p.run(*kind_of(tagged_node))


def _explain(p: Prediction, node: Node) -> None:
    options = options_of(node.get("options"))
    planned = options.get("analyze") in (None, False, "off", "false", "0", 0)
    p.plans_only = planned
    _nested(p, node["query"])
    if planned:
        p.nothing_runs()


def _prepare(p: Prediction, node: Node) -> None:
    mention(p, node["query"], views=True)


def _declare_cursor(p: Prediction, node: Node) -> None:
    _nested(p, node["query"])
    p.nothing_runs()


# Tables, views, indexes


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


def _rename(p: Prediction, node: Node) -> None:
    kind = node["renameType"]
    if "relation" not in node:
        return
    if kind == "OBJECT_ATTRIBUTE":
        if node.get("behavior") == "DROP_CASCADE":
            path = p.state.path_of_range(node["relation"])
            p.lock(p.state.typed_tables(p.state.type_key(path) or ""), AE)
        return
    key = p.state.key_of_range(node["relation"])
    if key in p.state.indexes or (kind == "OBJECT_INDEX" and key not in p.state.relations):
        return
    if not p.state.exists(key):
        return
    p.lock(key, AE)
    constraint = p.relation(key).constraints.get(node.get("subname", ""))
    if kind == "OBJECT_TABCONSTRAINT" and constraint:
        if constraint.kind in ("check", "not null") and not constraint.no_inherit:
            p.lock(p.state.descendants(key), AE)
    elif kind == "OBJECT_TRIGGER":
        if p.major >= 15 and p.relation(key).kind == "partitioned table":
            p.lock(p.state.descendants(key), AE)
    elif kind in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"):
        p.lock(p.state.descendants(key), AE)


def _set_schema(p: Prediction, node: Node) -> None:
    if node["objectType"] in RELATION_KINDS and "relation" in node:
        key = p.state.key_of_range(node["relation"])
        if p.state.exists(key):
            p.lock([key, *p.state.owned_sequences(key)], AE)


# What hangs on tables


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


def _comment(p: Prediction, node: Node) -> None:
    kind = node["objtype"]
    path = path_of(node["object"])
    if kind in RELATION_KINDS:
        p.lock(p.state.key_of(path), SUE)
    elif kind == "OBJECT_COLUMN":
        p.lock(p.state.key_of(path[:-1]), SUE)
    elif kind in ("OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"):
        p.lock(p.state.key_of(path[:-1]), AS)


def _grant(p: Prediction, node: Node) -> None:
    if p.major < 18 or node.get("objtype") not in ("OBJECT_TABLE", "OBJECT_SEQUENCE"):
        return
    for item in node.get("objects", ()):
        if node.get("targtype") == "ACL_TARGET_OBJECT":
            p.lock(p.state.key_of_range(fields_of(item)), AS)


def _create_statistics(p: Prediction, node: Node) -> None:
    tables = [item["RangeVar"] for item in node.get("relations", ()) if "RangeVar" in item]
    p.lock([p.state.key_of_range(table) for table in tables], SUE)


def _publication(p: Prediction, node: Node) -> None:
    for item in node.get("pubobjects", ()):
        table = fields_of(item).get("pubtable")
        if table:
            p.lock(p.state.published_with(table["relation"]), SUE)
    if node.get("action") == "AP_SetObjects" and "pubobjects" in node:
        old = p.state.publications.get(node["pubname"])
        p.lock(old.tables if old else (), SUE)


def _create_subscription(p: Prediction, node: Node) -> None:
    """Making a replication slot elsewhere can't be undone."""
    options = options_of(node.get("options"))
    made = [options.get(name) not in (False, "false", "off") for name in ("connect", "create_slot")]
    p.transactional = not all(made)


def _alter_subscription(p: Prediction, node: Node) -> None:
    kind = node.get("kind", "")
    options = options_of(node.get("options"))
    refreshes = options.get("refresh") not in (False, "false", "off")
    lists = kind in (
        "ALTER_SUBSCRIPTION_SET_PUBLICATION",
        "ALTER_SUBSCRIPTION_ADD_PUBLICATION",
        "ALTER_SUBSCRIPTION_DROP_PUBLICATION",
    )
    if kind == "ALTER_SUBSCRIPTION_REFRESH" or (lists and refreshes):
        p.transactional = False


def _depends(p: Prediction, node: Node) -> None:
    """ALTER … DEPENDS ON EXTENSION opens the table of a trigger."""
    if "relation" in node and node.get("objectType") == "OBJECT_TRIGGER":
        p.lock(p.state.key_of_range(node["relation"]), AS)
    elif "relation" in node and node.get("objectType") == "OBJECT_MATVIEW":
        p.lock(p.state.key_of_range(node["relation"]), AE)


def _discard(p: Prediction, node: Node) -> None:
    p.transactional = node.get("target", "DISCARD_ALL") != "DISCARD_ALL"


def _owned(p: Prediction, node: Node) -> list[str]:
    """What the roles of DROP OWNED or REASSIGN OWNED own."""
    roles = {fields_of(role).get("rolename") for role in node.get("roles", ())} - {None}
    if not p.state.complete:
        p.unknown["what the roles own"] = None
    return [key for key, relation in p.state.relations.items() if relation.owner in roles]


def _drop_owned(p: Prediction, node: Node) -> None:
    for key in _owned(p, node):
        drop_relation(p, key, node.get("behavior") == "DROP_CASCADE")


def _reassign_owned(p: Prediction, node: Node) -> None:
    for key in _owned(p, node):
        p.lock([key, *p.state.owned_sequences(key)], AE)


# Maintenance


def _truncate(p: Prediction, node: Node) -> None:
    ranges = [fields_of(item) for item in node.get("relations", ())]
    keys = [p.state.key_of_range(each) for each in ranges]
    only = {p.state.key_of_range(each) for each in ranges if not each.get("inh")}
    cascade = node.get("behavior") == "DROP_CASCADE"
    found: list[str] = []
    while keys:
        key = keys.pop(0)
        if key in found or not p.state.exists(key):
            continue
        found.append(key)
        keys += [] if key in only else p.state.descendants(key)
        if cascade:
            for above in (key, *p.state.ancestors(key)):
                keys += p.state.referencing(above)
    p.lock(found, AE)
    now = p.state.transaction
    p.rewrite((key for key in found if now is None or p.relation(key).storage != now), reads=False)
    if node.get("restart_seqs"):
        for key in found:
            sequences = p.state.owned_sequences(key)
            p.lock(sequences, AE)
            p.rewrite(sequences, reads=False)


def _lock(p: Prediction, node: Node) -> None:
    mode = LockMode(node.get("mode", AE))
    for item in node.get("relations", ()):
        fields = fields_of(item)
        _lock_range(p, p.state.key_of_range(fields), mode, bool(fields.get("inh")), frozenset())


def _lock_range(p: Prediction, key: str, mode: LockMode, whole: bool, seen: frozenset[str]) -> None:
    """A table, or a view with the tables and views below it."""
    p.lock(p.state.tree(key) if whole else key, mode)
    if p.relation(key).kind == "view" and key not in seen:
        for below in p.relation(key).reads:
            if p.relation(below).kind in ("table", "partitioned table", "view"):
                _lock_range(p, below, mode, True, seen | {key})


def _vacuum(p: Prediction, node: Node) -> None:
    options = options_of(node.get("options"))
    vacuum = bool(node.get("is_vacuumcmd"))
    full = vacuum and options.get("full") not in (None, False, "off", "false", 0)
    p.transactional = not vacuum
    ranges = [fields_of(item)["relation"] for item in node.get("rels", ())]
    keys = [p.state.key_of_range(each) for each in ranges]
    alone = {key for key, each in zip(keys, ranges, strict=True) if not each.get("inh")}
    if not keys:
        kinds = ("table", "materialized view", *(() if vacuum else ("partitioned table",)))
        keys = [k for k, r in p.state.relations.items() if r.kind in kinds]
    for key in keys:
        if p.relation(key).kind in ("view", "sequence"):
            continue  # passed over with a warning
        partitioned = p.relation(key).kind == "partitioned table"
        tables = p.state.tree(key) if partitioned and key not in alone else [key]
        if not vacuum:  # up to 17 the children were sampled, but had no statistics made
            below = p.state.descendants(key)
            sampled = [each for each in below if p.relation(each).kind != "partitioned table"]
            only = p.major < 18 or key in alone
            p.lock(sampled if only else below, AS if only else SUE)
        p.lock(tables, AE if full else SUE)
        if full:
            p.rewrite(tables)
            p.build(each for each in tables if p.state.indexes_of(each))


def _cluster(p: Prediction, node: Node) -> None:
    if "relation" not in node:
        p.transactional = False
        return
    key = p.state.key_of_range(node["relation"])
    partitioned = p.relation(key).kind == "partitioned table"
    p.transactional = not partitioned
    p.lock(p.state.tree(key) if partitioned else key, AE)
    p.rewrite(p.state.tree(key) if partitioned else key)
    p.build(key)


def _reindex(p: Prediction, node: Node) -> None:
    options = options_of(node.get("params"))
    concurrent = options.get("concurrently") not in (None, False, "off", "false", 0)
    kind = node["kind"]
    p.transactional = False
    if kind == "REINDEX_OBJECT_INDEX":
        index = p.state.indexes.get(p.state.key_of_range(node["relation"]))
        partitioned = index is not None and p.relation(index.table).kind == "partitioned table"
        p.transactional = not (concurrent or partitioned)
        tables = _tables_of_index(p, index) if index else []
    elif kind == "REINDEX_OBJECT_TABLE":
        key = p.state.key_of_range(node["relation"])
        partitioned = p.relation(key).kind == "partitioned table"
        p.transactional = not (concurrent or partitioned)
        tables = p.state.tree(key) if partitioned else [key]
    elif kind == "REINDEX_OBJECT_SYSTEM":
        return
    else:
        schema = node.get("name") if kind == "REINDEX_OBJECT_SCHEMA" else None
        tables = [
            key
            for key, relation in p.state.relations.items()
            if relation.kind in ("table", "materialized view") and schema in (None, relation.schema)
        ]
    p.lock(tables, SUE if concurrent else SHARE)
    p.build(k for k in tables if p.state.indexes_of(k) or not p.relation(k).known)


def _tables_of_index(p: Prediction, index: Index) -> list[str]:
    """The table of an index, and those of its partitions' indexes that have content."""
    found = [index.table]
    for below in p.state.indexes_below(index.name):
        found += _tables_of_index(p, below)
    return [
        key for key in found if key == index.table or p.relation(key).kind != "partitioned table"
    ]


def _refresh(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["relation"])
    p.lock(key, EX if node.get("concurrent") else AE)
    if node.get("concurrent"):
        p.scan(key)  # the new content is compared with the old
    else:
        p.rewrite(key, reads=False)
    if node.get("skipData"):
        return
    for below in p.relation(key).reads:
        read_relation(p, below, AS)
    if p.relation(key).query:
        scan_source(p, fields_of(p.relation(key).query))


# Sequences, types, functions


def _create_sequence(p: Prediction, node: Node) -> None:
    if not _exists_already(p, node["sequence"]):
        _own_sequence(p, node)


def _own_sequence(p: Prediction, node: Node) -> None:
    for item in node.get("options", ()):
        fields = fields_of(item)
        if fields["defname"] == "owned_by":
            path = path_of(fields["arg"])
            if len(path) > 1:
                p.lock(p.state.key_of(path[:-1]), AS)


def _alter_sequence(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["sequence"])
    if not p.state.exists(key):
        return
    p.lock(key, SRE)
    if any(fields_of(item)["defname"] != "owned_by" for item in node.get("options", ())):
        p.rewrite(key, reads=False)
    _own_sequence(p, node)


def _alter_domain(p: Prediction, node: Node) -> None:
    subtype = node.get("subtype")
    key = p.state.type_key(names_of(node["typeName"]))
    if key is None:
        return
    if subtype == "C" and fields_of(node.get("def")).get("skip_validation"):
        return
    if subtype not in ("C", "V", "O"):
        return
    for relation, _ in p.state.using_type(key):
        p.lock(relation.key, SHARE)
        p.scan(relation.key)


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


def _extension_member(p: Prediction, node: Node) -> None:
    if node["objtype"] in RELATION_KINDS:
        p.lock(p.state.key_of(path_of(node["object"])), SUE)


def _alone(p: Prediction, node: Node) -> None:
    """A command that refuses to run in a transaction block and touches no table of ours."""
    p.transactional = False


def _create_schema(p: Prediction, node: Node) -> None:
    for element in node.get("schemaElts", ()):
        _nested(p, element)


STATEMENTS: Mapping[str, Handler] = {
    **WRITERS,
    "AlterTableStmt": alter_table,
    "SelectStmt": select,
    "CopyStmt": _copy,
    "ExplainStmt": _explain,
    "PrepareStmt": _prepare,
    "DeclareCursorStmt": _declare_cursor,
    "CreateStmt": _create_table,
    "CreateForeignTableStmt": _create_table,
    "CreateTableAsStmt": _create_as,
    "ViewStmt": _create_view,
    "IndexStmt": _create_index,
    "DropStmt": drop,
    "DropOwnedStmt": _drop_owned,
    "ReassignOwnedStmt": _reassign_owned,
    "SecLabelStmt": _comment,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "CreateTrigStmt": _create_trigger,
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "RuleStmt": _rule,
    "CommentStmt": _comment,
    "GrantStmt": _grant,
    "CreateStatsStmt": _create_statistics,
    "CreatePublicationStmt": _publication,
    "AlterPublicationStmt": _publication,
    "TruncateStmt": _truncate,
    "LockStmt": _lock,
    "VacuumStmt": _vacuum,
    "ClusterStmt": _cluster,
    "ReindexStmt": _reindex,
    "RefreshMatViewStmt": _refresh,
    "CreateSeqStmt": _create_sequence,
    "AlterSeqStmt": _alter_sequence,
    "AlterDomainStmt": _alter_domain,
    "CreateFunctionStmt": _create_function,
    "CreateSchemaStmt": _create_schema,
    "DoStmt": do_block,
    "CallStmt": call,
    "ExecuteStmt": execute,
    "CreateSubscriptionStmt": _create_subscription,
    "AlterSubscriptionStmt": _alter_subscription,
    "AlterObjectDependsStmt": _depends,
    "AlterExtensionContentsStmt": _extension_member,
    "DiscardStmt": _discard,
    "CreatedbStmt": _alone,
    "DropdbStmt": _alone,
    "AlterSystemStmt": _alone,
    "CreateTableSpaceStmt": _alone,
    "DropTableSpaceStmt": _alone,
}
