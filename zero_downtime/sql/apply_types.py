"""How statements about types, domains and functions change what is known of a schema."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from zero_downtime.sql.apply_columns import drop_column
from zero_downtime.sql.apply_tables import drop_relation
from zero_downtime.sql.bodies import header_of, source_of
from zero_downtime.sql.facts import Constraint, FunctionFacts, TypeFacts
from zero_downtime.sql.known import Known
from zero_downtime.sql.search_path import names_by_search_path
from zero_downtime.sql.tree import Node, NotParsed, fields_of, names_of, options_of, parse, text_of

# Types


def create_enum(state: Known, node: Node) -> None:
    key = state.new_name(names_of(node["typeName"]))
    if key in state.types:
        return  # refused, as where DO … EXCEPTION WHEN duplicate_object minds that
    values = tuple(text_of(value) for value in node.get("vals", ()))
    state.types[key] = TypeFacts(
        key, "enum", born=state.unit, born_in=state.transaction, values=values
    )


def alter_enum(state: Known, node: Node) -> None:
    facts = state.types.get(state.type_key(names_of(node["typeName"])) or "")
    new = node.get("newVal", "")
    if facts is None or new in facts.values:
        return
    if "oldVal" in node:
        values = [new if v == node["oldVal"] else v for v in facts.values]
        state.types[facts.name] = replace(facts, values=tuple(values))
        return
    values = list(facts.values)
    place = len(values)
    if node.get("newValNeighbor") in values:
        place = values.index(node["newValNeighbor"]) + bool(node.get("newValIsAfter"))
    values.insert(place, new)
    added = {**facts.added_in, new: state.transaction}
    state.types[facts.name] = replace(facts, values=tuple(values), added_in=added)


def create_domain(state: Known, node: Node) -> None:
    key = state.new_name(names_of(node["domainname"]))
    state.types[key] = TypeFacts(
        key,
        "domain",
        base=state.type_of(node["typeName"]),
        born=state.unit,
        born_in=state.transaction,
    )
    for item in node.get("constraints", ()):
        _constrain_domain(state, key, fields_of(item))


def _constrain_domain(state: Known, key: str, fields: Node) -> None:
    kinds = {"CONSTR_CHECK": "check", "CONSTR_NOTNULL": "not null"}
    kind: Any = kinds.get(fields["contype"])
    if kind is None:
        return
    facts = state.types[key]
    if kind == "not null" and any(c.kind == kind for c in facts.constraints.values()):
        return
    stem = f"{key.partition('.')[2]}_{kind.replace(' ', '_')}"
    name, number = fields.get("conname", stem), 0
    while name in facts.constraints:
        number += 1
        name = f"{stem}{number}"
    constraint = Constraint(
        name,
        kind,
        valid=not fields.get("skip_validation"),
        expression=fields.get("raw_expr"),
        born=state.unit,
    )
    state.types[key] = replace(facts, constraints={**facts.constraints, name: constraint})


def alter_domain(state: Known, node: Node) -> None:
    facts = state.types.get(state.type_key(names_of(node["typeName"])) or "")
    if facts is None or facts.kind != "domain":
        return
    subtype, name = node.get("subtype"), node.get("name", "")
    constraints = dict(facts.constraints)
    if subtype == "C":
        _constrain_domain(state, facts.name, fields_of(node.get("def")))
        return
    if subtype == "O":
        _constrain_domain(state, facts.name, {"contype": "CONSTR_NOTNULL"})
        return
    if subtype == "N":
        constraints = {n: c for n, c in constraints.items() if c.kind != "not null"}
    elif subtype == "X":
        constraints.pop(name, None)
    elif subtype == "V" and name in constraints:
        constraints[name] = replace(constraints[name], valid=True)
    state.types[facts.name] = replace(facts, constraints=constraints)


def rename_domain_constraint(state: Known, path: tuple[str, ...], old: str, new: str) -> None:
    facts = state.types.get(state.type_key(path) or "")
    if facts and old in facts.constraints:
        constraints = {
            new if n == old else n: replace(c, name=new) if n == old else c
            for n, c in facts.constraints.items()
        }
        state.types[facts.name] = replace(facts, constraints=constraints)


def create_composite(state: Known, node: Node) -> None:
    key = state.key_of_range(node["typevar"], create=True)
    columns = [fields_of(item) for item in node.get("coldeflist", ())]
    attributes = {c["colname"]: state.type_of(c["typeName"]) for c in columns}
    state.types[key] = TypeFacts(key, "composite", attributes=attributes, born=state.unit)


def rename_attribute(state: Known, path: tuple[str, ...], old: str, new: str) -> None:
    facts = state.types.get(state.type_key(path) or "")
    if facts:
        attributes = {new if n == old else n: t for n, t in facts.attributes.items()}
        state.types[facts.name] = replace(facts, attributes=attributes)


def create_range(state: Known, node: Node) -> None:
    key = state.new_name(names_of(node["typeName"]))
    state.types[key] = TypeFacts(key, "range", born=state.unit)


def drop_type(state: Known, path: tuple[str, ...]) -> None:
    key = state.type_key(path)
    if key is None:
        return
    for relation, column in list(state.using_type(key)):
        if relation.key in state.relations:
            drop_column(state, relation.key, column.name)
    for table in state.typed_tables(key):
        drop_relation(state, table)
    for domain in state.domains_over(key):
        state.types.pop(domain)
    state.types.pop(key)


# Functions


def create_function(state: Known, node: Node) -> None:
    options = options_of(node.get("options"))
    key = state.new_name(names_of(node["funcname"]))
    language = str(options.get("language") or "sql").lower()
    volatility = options.get("volatility", "volatile")
    parameters = [fields_of(item) for item in node.get("parameters", ())]
    given = [p for p in parameters if p.get("mode") not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")]
    body = node.get("sql_body")
    state.functions[key] = FunctionFacts(
        key,
        volatility == "volatile",
        inlined=_inlined(node, language),
        immutable=volatility == "immutable",
        arguments=tuple(str(state.type_of(p["argType"])) for p in given),
        defaults=sum("defexpr" in p for p in given),
        parameters=tuple(p.get("name", "") for p in given),
        returns=_returns(state, node),
        by_search_path=names_by_search_path(state, node),
        language=language,
        source=source_of(node) or "",
        header=header_of(node) if language == "plpgsql" else "",
        body=body,
        reads=frozenset(state.relations_in(body)) if body else frozenset(),
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


def alter_function(state: Known, node: Node) -> None:
    function = state.function(names_of(fields_of({"": node["func"]}).get("objname")))
    for item in node.get("actions", ()):
        fields = fields_of(item)
        if function and fields["defname"] == "volatility":
            volatile = text_of(fields["arg"]) == "volatile"
            state.functions[function.name] = replace(function, volatile=volatile)


def _inlined(node: Node, language: str) -> Node | None:
    """The expression of a one-line SQL function, whose own volatility then decides."""
    if "sql_body" in node:
        body = fields_of(node["sql_body"]) if "ReturnStmt" in node["sql_body"] else None
        return body.get("returnval") if body else None
    if language != "sql" or node.get("returnType", {}).get("setof"):
        return None
    try:
        kind, body = parse(source_of(node) or "")
    except NotParsed:
        return None
    targets = body.get("targetList", ())
    if kind == "SelectStmt" and len(targets) == 1 and "fromClause" not in body:
        value = fields_of(targets[0]).get("val")
        return value if isinstance(value, dict) else None
    return None


def drop_function(state: Known, path: tuple[str, ...]) -> None:
    function = state.function(path)
    if function is None:
        return
    state.functions.pop(function.name)
    for relation in list(state.relations.values()):
        kept = {n: t for n, t in relation.triggers.items() if t.function != function.name}
        if len(kept) != len(relation.triggers):
            state.put(replace(relation, triggers=kept))
