"""The effects of every statement by its kind; large families have files of their own."""

from __future__ import annotations

from collections.abc import Mapping

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_table import alter_table
from zero_downtime.sql.apply_tables import RELATION_KINDS
from zero_downtime.sql.creation import CREATION, own_sequence
from zero_downtime.sql.drops import drop, drop_relation
from zero_downtime.sql.maintenance import MAINTENANCE
from zero_downtime.sql.prediction import Handler, Prediction
from zero_downtime.sql.queries import mention, select
from zero_downtime.sql.runs import call, do_block, execute
from zero_downtime.sql.tree import Node, fields_of, kind_of, names_of, options_of, path_of, text_of
from zero_downtime.sql.writes import WRITERS, insert

AS = LockMode.ACCESS_SHARE
SHARE = LockMode.SHARE
AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE


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


def _alter_sequence(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["sequence"])
    if not p.state.exists(key):
        return
    p.lock(key, SRE)
    if any(fields_of(item)["defname"] != "owned_by" for item in node.get("options", ())):
        p.rewrite(key, reads=False)
    own_sequence(p, node)


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
    **CREATION,
    **MAINTENANCE,
    "AlterTableStmt": alter_table,
    "SelectStmt": select,
    "CopyStmt": _copy,
    "ExplainStmt": _explain,
    "PrepareStmt": _prepare,
    "DeclareCursorStmt": _declare_cursor,
    "DropStmt": drop,
    "DropOwnedStmt": _drop_owned,
    "ReassignOwnedStmt": _reassign_owned,
    "SecLabelStmt": _comment,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "CommentStmt": _comment,
    "GrantStmt": _grant,
    "CreatePublicationStmt": _publication,
    "AlterPublicationStmt": _publication,
    "AlterSeqStmt": _alter_sequence,
    "AlterDomainStmt": _alter_domain,
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
