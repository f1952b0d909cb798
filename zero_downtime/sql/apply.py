"""How each statement changes the simulated schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from zero_downtime.sql.apply_publications import alter_publication, create_publication
from zero_downtime.sql.apply_tables import (
    RELATION_KINDS,
    alter_table,
    create_index,
    create_table,
    drop_column,
    drop_index,
)
from zero_downtime.sql.facts import (
    FunctionFacts,
    Relation,
    RelationKind,
    Trigger,
    TypeFacts,
)
from zero_downtime.sql.known import Known
from zero_downtime.sql.renames import (
    rename_column,
    rename_constraint,
    rename_index,
    rename_relation,
    rename_type,
)
from zero_downtime.sql.search_path import names_by_search_path
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

Handler = Callable[[Known, Node], None]


def apply_node(state: Known, kind: str, node: Node) -> None:
    """Carry the state through one parsed statement; one without effect on it changes nothing."""
    handler = _HANDLERS.get(kind)
    if handler:
        handler(state, node)


# Other relations


def _create_as(state: Known, node: Node) -> None:
    into = node["into"]
    kind: RelationKind = "materialized view" if node.get("objtype") == "OBJECT_MATVIEW" else "table"
    query = node["query"]
    _create_from_query(state, into["rel"], kind, query)


def _create_from_query(state: Known, range_var: Node, kind: RelationKind, query: Node) -> None:
    key = state.key_of_range(range_var, create=True)
    if key in state.relations and kind != "view":
        return
    schema, _, name = key.partition(".")
    reads = frozenset(state.relations_in(query)) if kind != "table" else frozenset()
    state.put(
        Relation(
            schema,
            name,
            kind,
            known=kind != "table",
            reads=reads,
            query=query if kind != "table" else None,
            temporary=range_var.get("relpersistence") == "t",
            born=state.unit if key not in state.relations else state.relations[key].born,
            storage=state.transaction,
        )
    )


def _create_view(state: Known, node: Node) -> None:
    _create_from_query(state, node["view"], "view", node["query"])


def _select(state: Known, node: Node) -> None:
    into = node.get("intoClause")
    if into:
        query = {key: value for key, value in node.items() if key != "intoClause"}
        _create_from_query(state, into["rel"], "table", {"SelectStmt": query})
    for target in node.get("targetList", ()):
        call = fields_of(target).get("val", {}).get("FuncCall", {})
        if call and names_of(call["funcname"])[-1] == "set_config":
            name, value = (constant(argument) for argument in call["args"][:2])
            _set(state, str(name), [str(value)] if value else [])


def _create_sequence(state: Known, node: Node) -> None:
    key = state.key_of_range(node["sequence"], create=True)
    if key in state.relations:
        return
    schema, _, name = key.partition(".")
    state.put(Relation(schema, name, "sequence", born=state.unit, storage=state.transaction))
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


def _create_trigger(state: Known, node: Node) -> None:
    key = state.key_of_range(node["relation"])
    relation = state.assume(key)
    trigger = Trigger(
        node["trigname"], _name(state, names_of(node["funcname"])), bool(node.get("row"))
    )
    state.put(replace(relation, triggers={**relation.triggers, trigger.name: trigger}))
    if trigger.row:
        for child in state.descendants(key):
            below = state.relations[child]
            state.put(replace(below, triggers={**below.triggers, trigger.name: trigger}))


def _policy(state: Known, node: Node) -> None:
    relation = state.assume(state.key_of_range(node["table"]))
    parts: Node = {part: node[part] for part in ("qual", "with_check") if part in node}
    name = node["policy_name"]
    said = {**relation.policies.get(name, {}), **parts}
    state.put(replace(relation, policies={**relation.policies, name: said}))


def _create_rule(state: Known, node: Node) -> None:
    relation = state.assume(state.key_of_range(node["relation"]))
    state.put(replace(relation, rules=relation.rules | {node["rulename"]}))


def _create_statistics(state: Known, node: Node) -> None:
    name = ".".join(names_of(node.get("defnames"))[-1:])
    for relation in node.get("relations", ()):
        if "RangeVar" in relation:
            state.statistics[name] = state.key_of_range(relation["RangeVar"])


# Types and functions


def _name(state: Known, name: tuple[str, ...]) -> str:
    """The key under which an object of this name is (or will be) known."""
    if len(name) > 1:
        return ".".join(name[-2:])
    return f"{state.search_path[0] if state.search_path else 'public'}.{name[0]}"


def _create_enum(state: Known, node: Node) -> None:
    key = _name(state, names_of(node["typeName"]))
    values = tuple(text_of(value) for value in node.get("vals", ()))
    state.types[key] = TypeFacts(
        key, "enum", born=state.unit, born_in=state.transaction, values=values
    )


def _alter_enum(state: Known, node: Node) -> None:
    facts = state.types.get(state.type_key(names_of(node["typeName"])) or "")
    if facts is None or node["newVal"] in facts.values:
        return
    if "oldVal" in node:
        values = [node["newVal"] if v == node["oldVal"] else v for v in facts.values]
    else:
        values = list(facts.values)
        place = len(values)
        if node.get("newValNeighbor") in values:
            place = values.index(node["newValNeighbor"]) + bool(node.get("newValIsAfter"))
        values.insert(place, node["newVal"])
    state.types[facts.name] = replace(facts, values=tuple(values))


def _create_domain(state: Known, node: Node) -> None:
    key = _name(state, names_of(node["domainname"]))
    kinds = {fields_of(item)["contype"] for item in node.get("constraints", ())}
    state.types[key] = TypeFacts(
        key,
        "domain",
        base=state.type_of(node["typeName"]),
        constrained=bool(kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"}),
        born=state.unit,
    )


def _alter_domain(state: Known, node: Node) -> None:
    facts = state.types.get(state.type_key(names_of(node["typeName"])) or "")
    if facts and node.get("subtype") in ("C", "O"):
        state.types[facts.name] = replace(facts, constrained=True)


def _create_composite(state: Known, node: Node) -> None:
    key = state.key_of_range(node["typevar"], create=True)
    state.types[key] = TypeFacts(key, "composite", born=state.unit)


def _create_range(state: Known, node: Node) -> None:
    key = _name(state, names_of(node["typeName"]))
    state.types[key] = TypeFacts(key, "range", born=state.unit)


def _create_function(state: Known, node: Node) -> None:
    options = options_of(node.get("options"))
    key = _name(state, names_of(node["funcname"]))
    volatility = options.get("volatility", "volatile")
    parameters = [fields_of(item) for item in node.get("parameters", ())]
    given = [p for p in parameters if p.get("mode") not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")]
    state.functions[key] = FunctionFacts(
        key,
        volatility == "volatile",
        inlined=_inlined(node, options.get("language")),
        immutable=volatility == "immutable",
        arguments=tuple(str(state.type_of(p["argType"])) for p in given),
        defaults=sum("defexpr" in p for p in given),
        parameters=tuple(p.get("name", "") for p in given),
        returns=_returns(state, node),
        by_search_path=names_by_search_path(state, node),
        born=state.unit,
    )


def _returns(state: Known, node: Node) -> str:
    """The type of a function's result as one text, OUT parameters and TABLE columns included."""
    parts = [
        f"{p.get('name', '')} {state.type_of(p['argType'])}"
        for p in map(fields_of, node.get("parameters", ()))
        if p.get("mode") in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE", "FUNC_PARAM_INOUT")
    ]
    if "returnType" in node:
        several = "SETOF " if node["returnType"].get("setof") else ""
        parts.append(f"{several}{state.type_of(node['returnType'])}")
    return ", ".join(parts)


def _inlined(node: Node, language: object) -> Node | None:
    """The expression of a one-line SQL function, whose own volatility then decides."""
    body: Node | None = None
    if "sql_body" in node:
        body = fields_of(node["sql_body"]) if "ReturnStmt" in node["sql_body"] else None
        return body.get("returnval") if body else None
    for option in node.get("options", ()):
        fields = fields_of(option)
        if fields["defname"] == "as" and str(language).lower() == "sql":
            texts = fields["arg"]["List"]["items"]
            try:
                kind, body = parse(text_of(texts[0]))
            except NotParsed:
                return None
            targets = body.get("targetList", ())
            if kind == "SelectStmt" and len(targets) == 1 and "fromClause" not in body:
                value = fields_of(targets[0]).get("val")
                return value if isinstance(value, dict) else None
    return None


# DROP, RENAME, SET SCHEMA


def _drop(state: Known, node: Node) -> None:
    kind = node["removeType"]
    for item in node.get("objects", ()):
        path = path_of(item)
        if kind in RELATION_KINDS:
            drop_relation(state, state.key_of(path))
        elif kind == "OBJECT_INDEX":
            drop_index(state, state.key_of(path))
        elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
            _drop_type(state, path)
        elif kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"):
            _drop_function(state, path)
        elif kind == "OBJECT_SCHEMA":
            _drop_schema(state, path[0])
        elif kind == "OBJECT_TRIGGER":
            _drop_trigger(state, state.key_of(path[:-1]), path[-1])
        elif kind == "OBJECT_POLICY":
            _drop_policy(state, state.key_of(path[:-1]), path[-1])
        elif kind == "OBJECT_PUBLICATION":
            state.publications.pop(path[-1])
        elif kind == "OBJECT_STATISTIC_EXT":
            state.statistics.pop(path[-1], None)


def drop_relation(state: Known, key: str) -> None:
    """Take a relation away, with its partitions, its sequences and the views over it."""
    falling = [key, *(k for k in state.descendants(key) if state.relations[k].is_partition)]
    for each in falling:
        for below in (*state.readers(each), *state.owned_sequences(each)):
            state.forget(below)
        state.forget(each)


def _drop_type(state: Known, path: tuple[str, ...]) -> None:
    key = state.type_key(path)
    if key is None:
        return
    for relation, column in list(state.using_type(key)):
        drop_column(state, relation.key, column.name)
    del state.types[key]


def _drop_function(state: Known, path: tuple[str, ...]) -> None:
    function = state.function(path)
    if function:
        del state.functions[function.name]
        for relation in list(state.relations.values()):
            kept = {n: t for n, t in relation.triggers.items() if t.function != function.name}
            if len(kept) != len(relation.triggers):
                state.put(replace(relation, triggers=kept))


def _drop_schema(state: Known, schema: str) -> None:
    for key in [k for k, r in state.relations.items() if r.schema == schema]:
        if key in state.relations:
            drop_relation(state, key)
    for facts in (state.types, state.functions):
        for key in [k for k in facts if k.startswith(f"{schema}.")]:
            del facts[key]


def _drop_trigger(state: Known, key: str, name: str) -> None:
    for each in state.tree(key):
        relation = state.relation(each)
        if relation:
            kept = {n: t for n, t in relation.triggers.items() if n != name}
            state.put(replace(relation, triggers=kept))


def _drop_policy(state: Known, key: str, name: str) -> None:
    relation = state.relation(key)
    if relation:
        kept = {n: p for n, p in relation.policies.items() if n != name}
        state.put(replace(relation, policies=kept))


def _rename(state: Known, node: Node) -> None:
    kind, new = node["renameType"], node["newname"]
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        rename_type(state, path_of(node["object"]), new)
        return
    if "relation" not in node:
        return
    key = state.key_of_range(node["relation"])
    if kind == "OBJECT_INDEX" or key in state.indexes:
        rename_index(state, key, new)
    elif kind in RELATION_KINDS:
        rename_relation(state, key, state.assume(key).schema, new)
    elif kind == "OBJECT_COLUMN":
        for each in state.tree(key):
            rename_column(state, each, node["subname"], new)
    elif kind == "OBJECT_TABCONSTRAINT":
        for each in state.tree(key):
            rename_constraint(state, each, node["subname"], new)
    elif kind == "OBJECT_TRIGGER":
        relation = state.assume(key)
        triggers = {
            new if n == node["subname"] else n: replace(t, name=new) if n == node["subname"] else t
            for n, t in relation.triggers.items()
        }
        state.put(replace(relation, triggers=triggers))


def _set_schema(state: Known, node: Node) -> None:
    kind = node["objectType"]
    if kind in RELATION_KINDS and "relation" in node:
        key = state.key_of_range(node["relation"])
        for sequence in state.owned_sequences(key):
            rename_relation(state, sequence, node["newschema"], state.relations[sequence].name)
        rename_relation(state, key, node["newschema"], state.assume(key).name)


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
    "CreatePublicationStmt": create_publication,
    "AlterPublicationStmt": alter_publication,
    "CreateStmt": create_table,
    "CreateForeignTableStmt": lambda state, node: create_table(
        state, {**node.get("base", node), "servername": node.get("servername", "")}
    ),
    "AlterTableStmt": alter_table,
    "IndexStmt": create_index,
    "CreateTableAsStmt": _create_as,
    "ViewStmt": _create_view,
    "SelectStmt": _select,
    "CreateSeqStmt": _create_sequence,
    "AlterSeqStmt": _alter_sequence,
    "CreateTrigStmt": _create_trigger,
    "RuleStmt": _create_rule,
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "CreateStatsStmt": _create_statistics,
    "CreateEnumStmt": _create_enum,
    "AlterEnumStmt": _alter_enum,
    "CreateDomainStmt": _create_domain,
    "AlterDomainStmt": _alter_domain,
    "CompositeTypeStmt": _create_composite,
    "CreateRangeStmt": _create_range,
    "CreateFunctionStmt": _create_function,
    "DropStmt": _drop,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "VariableSetStmt": _set_variable,
    "CreateSchemaStmt": _create_schema,
}
