"""How each statement changes the simulated schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from zero_downtime.sql.apply_alter import alter_table, role_of
from zero_downtime.sql.apply_indexes import create_index, drop_index
from zero_downtime.sql.apply_objects import (
    create_rule,
    create_statistics,
    create_trigger,
    policy,
    rename_in,
    take_from,
)
from zero_downtime.sql.apply_publications import alter_publication, create_publication
from zero_downtime.sql.apply_tables import RELATION_KINDS, create_table, drop_relation, stays
from zero_downtime.sql.apply_types import (
    alter_domain,
    alter_enum,
    alter_function,
    create_composite,
    create_domain,
    create_enum,
    create_function,
    create_range,
    drop_function,
    drop_type,
    rename_attribute,
    rename_domain_constraint,
)
from zero_downtime.sql.facts import Relation, RelationKind
from zero_downtime.sql.inner import Parsed, function_runs, nested_in
from zero_downtime.sql.known import Known
from zero_downtime.sql.output import columns_of_query
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.renames import (
    rename_column,
    rename_constraint,
    rename_function,
    rename_index,
    rename_relation,
    rename_schema,
    rename_type,
)
from zero_downtime.sql.subcommands import HEAVIEST, SUBCOMMANDS
from zero_downtime.sql.tree import Node, constant, fields_of, kind_of, names_of, path_of

Handler = Callable[[Known, Node], None]


def apply_node(state: Known, kind: str, node: Node) -> None:
    """Carry the state through one parsed statement; one without effect on it changes nothing."""
    handler = _HANDLERS.get(kind)
    if handler:
        handler(state, node)


_DEEP = 8  # functions that call each other


def _apply_all(state: Known, statements: list[Parsed]) -> None:
    if state.nesting < _DEEP:
        state.nesting += 1
        for kind, node in statements:
            apply_node(state, kind, node)
        state.nesting -= 1


def _nested(kind: str) -> Handler:
    def handler(state: Known, node: Node) -> None:
        _apply_all(state, nested_in(state, kind, node))

    return handler


_MADE = re.compile(r'\s*create\s+table\s+(?:if\s+not\s+exists\s+)?([\w."]+)', re.IGNORECASE)


def apply_unread(state: Known, sql: str) -> None:
    """What a statement does to the state that PostgreSQL's grammar refuses: a table it makes is
    there, whatever its columns are."""
    made = _MADE.match(sql)
    if made:
        parts = (part if '"' in part else part.lower() for part in made[1].split("."))
        key = state.key_of(tuple(part.strip('"') for part in parts), create=True)
        if key not in state.relations:
            schema, _, name = key.partition(".")
            state.put(Relation(schema, name, known=False, born=state.unit))


# Other relations


def _create_as(state: Known, node: Node) -> None:
    into = node["into"]
    kind: RelationKind = "materialized view" if node.get("objtype") == "OBJECT_MATVIEW" else "table"
    names = names_of(into.get("colNames"))
    if_not_exists = bool(node.get("if_not_exists"))
    _create_from_query(state, into["rel"], kind, node["query"], names, if_not_exists)


def _create_from_query(
    state: Known,
    range_var: Node,
    kind: RelationKind,
    query: Node,
    names: tuple[str, ...] = (),
    if_not_exists: bool = False,
) -> None:
    key = state.key_of_range(range_var, create=True)
    if kind != "view" and stays(state, key, if_not_exists):
        return
    old = state.relations.get(key) if kind == "view" else None
    schema, _, name = key.partition(".")
    columns = columns_of_query(state, query, names)
    made = old or Relation(schema, name, kind, born=state.unit, storage=state.transaction)
    state.put(
        replace(
            made,
            known=kind != "table" or columns is not None,
            columns=columns or {},
            reads=frozenset(state.relations_in(query)) if kind != "table" else frozenset(),
            query=query if kind != "table" else None,
            temporary=range_var.get("relpersistence") == "t",
        )
    )


def _create_view(state: Known, node: Node) -> None:
    _create_from_query(state, node["view"], "view", node["query"], names_of(node.get("aliases")))


def _select(state: Known, node: Node) -> None:
    into = node.get("intoClause")
    if into:
        query = {key: value for key, value in node.items() if key != "intoClause"}
        _create_from_query(state, into["rel"], "table", {"SelectStmt": query})
    for target in node.get("targetList", ()):
        call = fields_of(target).get("val", {}).get("FuncCall", {})
        if not call:
            continue
        function = state.function(names_of(call["funcname"]))
        if function is not None:
            _apply_all(state, function_runs(function))
        elif names_of(call["funcname"])[-1] == "set_config":
            name, value = ([constant(a) for a in call.get("args", ())] + [None, None])[:2]
            _set(state, str(name), [str(value)] if value else [])


def _create_sequence(state: Known, node: Node) -> None:
    key = state.key_of_range(node["sequence"], create=True)
    if key in state.relations:
        return
    schema, _, name = key.partition(".")
    persistence = node["sequence"].get("relpersistence")
    state.put(
        Relation(
            schema,
            name,
            "sequence",
            temporary=persistence == "t",
            unlogged=persistence == "u",
            born=state.unit,
            storage=state.transaction,
        )
    )
    _see_options(state, key, node)


def _see_options(state: Known, key: str, node: Node) -> None:
    for option in node.get("options", ()):
        fields = fields_of(option)
        if fields["defname"] == "owned_by":
            path = path_of(fields["arg"])
            owner = (state.key_of(path[:-1]), path[-1]) if len(path) > 1 else None
            state.put(replace(state.assume(key, "sequence"), owned_by=owner))
        elif fields["defname"] == "as":
            new = state.type_of(fields_of(fields["arg"])).name
            state.put(replace(state.assume(key, "sequence"), sequence_type=new))


def _alter_sequence(state: Known, node: Node) -> None:
    key = state.key_of_range(node["sequence"])
    if state.exists(key):
        _see_options(state, key, node)


# DROP, RENAME, SET SCHEMA, OWNER

_PARTS = {"OBJECT_TRIGGER": "triggers", "OBJECT_POLICY": "policies", "OBJECT_RULE": "rules"}
_ROUTINES = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE")
_TYPES = ("OBJECT_TYPE", "OBJECT_DOMAIN")


def _drop(state: Known, node: Node) -> None:
    kind = node["removeType"]
    for item in node.get("objects", ()):
        path = path_of(item)
        if kind in RELATION_KINDS:
            drop_relation(state, state.key_of(path))
        elif kind == "OBJECT_INDEX":
            drop_index(state, state.key_of(path))
        elif kind in _TYPES:
            drop_type(state, path)
        elif kind in _ROUTINES:
            drop_function(state, path)
        elif kind == "OBJECT_SCHEMA":
            _drop_schema(state, path[0])
        elif kind in _PARTS:
            key = state.key_of(path[:-1])
            whole = kind == "OBJECT_TRIGGER" and state.assume(key).kind == "partitioned table"
            take_from(state, state.tree(key) if whole else [key], _PARTS[kind], path[-1])
        elif kind == "OBJECT_STATISTIC_EXT":
            state.statistics.pop(state.statistics_key(path))
        elif kind == "OBJECT_PUBLICATION":
            state.publications.pop(path[-1])
        elif kind == "OBJECT_EXTENSION":
            state.extensions.pop(path[-1])
        elif kind == "OBJECT_FOREIGN_SERVER":
            _drop_server(state, path[-1])
        elif kind == "OBJECT_FDW":
            for server in [name for name, wrapper in state.servers.items() if wrapper == path[-1]]:
                _drop_server(state, server)


def _drop_server(state: Known, server: str) -> None:
    state.servers.pop(server)
    for key in state.served_by(server):
        drop_relation(state, key)


def _drop_schema(state: Known, schema: str) -> None:
    for key in [k for k, r in state.relations.items() if r.schema == schema]:
        if key in state.relations:
            drop_relation(state, key)
    for directory in (state.functions, state.types, state.statistics):
        for key in [k for k in directory if k.startswith(f"{schema}.")]:
            if directory is state.types:
                drop_type(state, tuple(key.split(".")))
            else:
                directory.pop(key)
    for publication in list(state.publications.values()):
        if schema in publication.schemas:
            kept = publication.schemas - {schema}
            state.publications[publication.name] = replace(publication, schemas=kept)


def _drop_owned(state: Known, node: Node) -> None:
    roles = {role_of(fields_of(role)) for role in node.get("roles", ())}
    for key in [k for k, r in state.relations.items() if r.owner in roles]:
        if key in state.relations and state.relations[key].owner is not None:
            drop_relation(state, key)


def _reassign_owned(state: Known, node: Node) -> None:
    roles = {role_of(fields_of(role)) for role in node.get("roles", ())}
    for relation in list(state.relations.values()):
        if relation.owner is not None and relation.owner in roles:
            state.put(replace(relation, owner=role_of(node.get("newrole"))))


def _alter_owner(state: Known, node: Node) -> None:
    if node.get("objectType") in RELATION_KINDS and "relation" in node:
        relation = state.assume(state.key_of_range(node["relation"]))
        state.put(replace(relation, owner=role_of(node.get("newowner"))))


def _rename(state: Known, node: Node) -> None:
    kind, new, old = node["renameType"], node["newname"], node.get("subname", "")
    if kind in _TYPES:
        rename_type(state, path_of(node["object"]), new)
    elif kind == "OBJECT_DOMCONSTRAINT":
        rename_domain_constraint(state, path_of(node["object"]), old, new)
    elif kind == "OBJECT_SCHEMA":
        rename_schema(state, old, new)
    elif kind in _ROUTINES:
        rename_function(state, path_of(node["object"]), new=new)
    elif kind == "OBJECT_PUBLICATION":
        publication = state.publications.pop(path_of(node["object"])[-1])
        if publication:
            state.publications[new] = replace(publication, name=new)
    elif kind == "OBJECT_STATISTIC_EXT":
        key = state.statistics_key(path_of(node["object"]))
        table = state.statistics.pop(key)
        if table:
            state.statistics[f"{key.partition('.')[0]}.{new}"] = table
    elif "relation" in node:
        _rename_relation(state, kind, node, old, new)


def _rename_relation(state: Known, kind: str, node: Node, old: str, new: str) -> None:
    if kind == "OBJECT_ATTRIBUTE":
        path = state.path_of_range(node["relation"])
        rename_attribute(state, path, old, new)
        for table in state.typed_tables(state.type_key(path) or ""):
            rename_column(state, table, old, new)
        return
    key = state.key_of_range(node["relation"])
    if kind == "OBJECT_INDEX" or key in state.indexes:
        rename_index(state, key, new)
    elif kind in RELATION_KINDS:
        rename_relation(state, key, state.assume(key).schema, new)
    elif kind == "OBJECT_COLUMN":
        for each in state.tree(key):
            rename_column(state, each, old, new)
    elif kind == "OBJECT_TABCONSTRAINT":
        for each in state.tree(key):
            rename_constraint(state, each, old, new)
    elif kind in _PARTS:
        rename_in(state, state.tree(key), _PARTS[kind], old, new)


def _set_schema(state: Known, node: Node) -> None:
    kind, schema = node["objectType"], node["newschema"]
    if kind in RELATION_KINDS and "relation" in node:
        key = state.key_of_range(node["relation"])
        for sequence in state.owned_sequences(key):
            rename_relation(state, sequence, schema, state.relations[sequence].name)
        rename_relation(state, key, schema, state.assume(key).name)
    elif kind in _TYPES:
        rename_type(state, path_of(node["object"]), schema=schema)
    elif kind in _ROUTINES:
        rename_function(state, path_of(node["object"]), schema=schema)
    elif kind == "OBJECT_STATISTIC_EXT":
        key = state.statistics_key(path_of(node["object"]))
        table = state.statistics.pop(key)
        if table:
            state.statistics[f"{schema}.{key.partition('.')[2]}"] = table
    elif kind == "OBJECT_EXTENSION":
        state.extensions[path_of(node["object"])[-1]] = schema


# Extensions, servers, prepared statements


def _create_extension(state: Known, node: Node) -> None:
    schema = state.search_path[0] if state.search_path else "public"
    for item in node.get("options", ()):
        if fields_of(item)["defname"] == "schema":
            schema = str(constant(fields_of(item)["arg"]))
    if node["extname"] not in state.extensions:
        state.extensions[node["extname"]] = schema


def _create_server(state: Known, node: Node) -> None:
    state.servers[node["servername"]] = node.get("fdwname", "")


def _transaction(state: Known, node: Node) -> None:
    kind, name = node.get("kind", ""), node.get("savepoint_name", "")
    if kind == "TRANS_STMT_SAVEPOINT":
        state.savepoint(name)
    elif kind == "TRANS_STMT_ROLLBACK_TO":
        state.roll_back_to(name)
    elif kind == "TRANS_STMT_RELEASE":
        state.release(name)
    elif state.savepoints:
        state.savepoints = ()


def _discard(state: Known, node: Node) -> None:
    if node.get("target", "DISCARD_ALL") == "DISCARD_ALL":
        state.new_session()


def _prepare(state: Known, node: Node) -> None:
    state.prepared[node["name"]] = kind_of(node["query"])


def _deallocate(state: Known, node: Node) -> None:
    for name in [node["name"]] if "name" in node else list(state.prepared):
        state.prepared.pop(name)


# Rows


def _write_rows(state: Known, node: Node) -> None:
    """INSERT, UPDATE, MERGE, COPY FROM: the table has rows now that the open transaction wrote."""
    if state.transaction is None or "relation" not in node:
        return
    relation = state.relations.get(state.key_of_range(node["relation"]))
    if relation is not None and relation.written != state.transaction:
        state.put(replace(relation, written=state.transaction))


def _alter_table(state: Known, node: Node) -> None:
    """ALTER TABLE; where it writes a table anew, all rows are the open transaction's own."""
    rewritten: tuple[str, ...] = ()
    if state.transaction is not None:
        commands = [fields_of(each).get("subtype", "") for each in node.get("cmds", ())]
        if any(SUBCOMMANDS.get(each, HEAVIEST).writes_rows for each in commands):
            prediction = Prediction(state, major=18)
            prediction.run("AlterTableStmt", node)
            rewritten = prediction.effect().rewrites
    alter_table(state, node)
    for key in rewritten:
        if relation := state.relations.get(key):
            now = state.transaction
            state.put(replace(relation, storage=now, written=now))


# Settings


def _set_variable(state: Known, node: Node) -> None:
    name = node.get("name", "")
    if node["kind"] == "VAR_SET_VALUE":
        values = [str(constant(argument)) for argument in node.get("args", ())]
        _set(state, name, values)
    elif node["kind"] in ("VAR_RESET", "VAR_SET_DEFAULT") and name in ("search_path", "timezone"):
        _set(state, name, ["public"] if name == "search_path" else [])
    elif node["kind"] == "VAR_RESET_ALL":
        state.new_session()


def _set(state: Known, name: str, values: list[str]) -> None:
    if name.lower() == "search_path":
        schemas = [part.strip().strip('"') for value in values for part in value.split(",")]
        state.search_path = tuple(
            s for s in schemas if s and s not in ("$user", "pg_catalog", "''")
        )
    elif name.lower() == "timezone":
        state.time_zone = values[0] if values else None
    elif name.lower() == "default_tablespace":  # in a dump these two say where a table is
        state.default_tablespace = values[0] if values else ""
    elif name.lower() == "default_table_access_method":
        state.default_access_method = values[0] if values else "heap"


def _create_schema(state: Known, node: Node) -> None:
    name = node.get("schemaname") or node["authrole"].get("rolename", "public")
    for element in node.get("schemaElts", ()):
        kind, fields = kind_of(element)
        path = state.search_path
        state.search_path = (name, *path)
        apply_node(state, kind, fields)
        state.search_path = path


_HANDLERS: Mapping[str, Handler] = {
    "CreateStmt": create_table,
    "CreateForeignTableStmt": lambda state, node: create_table(
        state, {**node.get("base", node), "servername": node.get("servername", "")}
    ),
    "AlterTableStmt": _alter_table,
    "InsertStmt": _write_rows,
    "UpdateStmt": _write_rows,
    "MergeStmt": _write_rows,
    "CopyStmt": lambda state, node: _write_rows(state, node) if node.get("is_from") else None,
    "IndexStmt": create_index,
    "CreateTableAsStmt": _create_as,
    "ViewStmt": _create_view,
    "SelectStmt": _select,
    "CreateSeqStmt": _create_sequence,
    "AlterSeqStmt": _alter_sequence,
    "CreateTrigStmt": create_trigger,
    "RuleStmt": create_rule,
    "CreatePolicyStmt": policy,
    "AlterPolicyStmt": policy,
    "CreateStatsStmt": create_statistics,
    "CreatePublicationStmt": create_publication,
    "AlterPublicationStmt": alter_publication,
    "CreateEnumStmt": create_enum,
    "AlterEnumStmt": alter_enum,
    "CreateDomainStmt": create_domain,
    "AlterDomainStmt": alter_domain,
    "CompositeTypeStmt": create_composite,
    "CreateRangeStmt": create_range,
    "CreateFunctionStmt": create_function,
    "AlterFunctionStmt": alter_function,
    "DropStmt": _drop,
    "DropOwnedStmt": _drop_owned,
    "ReassignOwnedStmt": _reassign_owned,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterOwnerStmt": _alter_owner,
    "VariableSetStmt": _set_variable,
    "CreateSchemaStmt": _create_schema,
    "CreateExtensionStmt": _create_extension,
    "CreateForeignServerStmt": _create_server,
    "TransactionStmt": _transaction,
    "DiscardStmt": _discard,
    "PrepareStmt": _prepare,
    "DeallocateStmt": _deallocate,
    "DoStmt": _nested("DoStmt"),
    "CallStmt": _nested("CallStmt"),
    "ExecuteStmt": _nested("ExecuteStmt"),
}
