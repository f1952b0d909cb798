"""Whether what a CREATE makes is there, and is what the statement says."""

from __future__ import annotations

from zero_downtime.sql.tree import Node, fields_of, kind_of, names_of, text_of
from zero_downtime.sql.types import read_type
from zero_downtime.upgrade.done.conditions import (
    KINDS,
    all_of,
    extension,
    hanger,
    has_column,
    inherits,
    literal,
    path_of_table,
    quoted,
    regclass,
    regprocedure,
    regtype,
    relation_exists,
    statistics,
)
from zero_downtime.upgrade.done.expressions import same_words, text_after


def create_index(node: Node, sql: str) -> str | None:
    if "idxname" not in node:
        return None
    elements = [fields_of(item) for item in node.get("indexParams", ())]
    included = [fields_of(item) for item in node.get("indexIncludingParams", ())]
    only = not node["relation"].get("inh")
    conditions = [
        f"c.relname = {literal(node['idxname'])}",
        f"i.indrelid = {regclass(node['relation'])}",
        f"i.indisunique = {'true' if node.get('unique') else 'false'}",
        f"am.amname = {literal(node.get('accessMethod', 'btree'))}",
        f"i.indnkeyatts = {len(elements)}",
        f"i.indnatts = {len(elements) + len(included)}",
        f"i.indpred IS {'NOT NULL' if 'whereClause' in node else 'NULL'}",
    ]
    if node.get("nulls_not_distinct"):
        conditions.append("i.indnullsnotdistinct")
    if not only:
        conditions.append("i.indisvalid AND i.indisready")
    for position, element in enumerate([*elements, *included]):
        conditions += _index_element(position, element, key=position < len(elements))
    if "whereClause" in node:
        printed = "pg_get_expr(i.indpred, i.indrelid)"
        conditions.append(same_words(printed, text_after(sql, "where")))
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_index i"
        " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_am am ON am.oid = c.relam"
        f" WHERE {' AND '.join(conditions)})"
    )


def _index_element(position: int, element: Node, key: bool) -> list[str]:
    conditions: list[str] = []
    if "name" in element:
        conditions.append(
            f"i.indkey[{position}] = (SELECT attnum FROM pg_catalog.pg_attribute"
            f" WHERE attrelid = i.indrelid AND attname = {literal(element['name'])})"
        )
    else:
        conditions.append(f"i.indkey[{position}] = 0")
    if not key:
        return conditions
    descending = element.get("ordering") == "SORTBY_DESC"
    nulls = element.get("nulls_ordering", "SORTBY_NULLS_DEFAULT")
    first = nulls == "SORTBY_NULLS_FIRST" or (descending and nulls == "SORTBY_NULLS_DEFAULT")
    conditions.append(f"i.indoption[{position}] = {int(descending) + 2 * int(first)}")
    if "opclass" in element:
        name = names_of(element["opclass"])[-1]
        conditions.append(
            f"i.indclass[{position}] IN (SELECT oid FROM pg_catalog.pg_opclass"
            f" WHERE opcname = {literal(name)})"
        )
    return conditions


def create_table(node: Node, sql: str) -> str | None:
    table = node["relation"]
    if table.get("relpersistence") == "t":
        return None
    conditions: list[str | None] = [
        relation_exists(path_of_table(table), KINDS["OBJECT_TABLE"] + ", 'f'")
    ]
    for element in node.get("tableElts", ()):
        kind, fields = kind_of(element)
        if kind == "ColumnDef" and "typeName" in fields:
            conditions.append(has_column(table, fields["colname"]))
    if "partbound" in node:
        conditions.append(inherits(table, fields_of(node["inhRelations"][0])))
    return all_of(conditions)


def create_as(node: Node, sql: str) -> str | None:
    table = node["into"]["rel"]
    if node.get("objtype") != "OBJECT_MATVIEW":
        return relation_exists(path_of_table(table), KINDS["OBJECT_TABLE"])
    return relation_exists(path_of_table(table), KINDS["OBJECT_MATVIEW"])


def create_view(node: Node, sql: str) -> str | None:
    if node.get("replace"):
        return None  # running it again is harmless, skipping another definition is not
    return relation_exists(path_of_table(node["view"]), KINDS["OBJECT_VIEW"])


def create_sequence(node: Node, sql: str) -> str | None:
    return relation_exists(path_of_table(node["sequence"]), KINDS["OBJECT_SEQUENCE"])


def create_enum(node: Node, sql: str) -> str | None:
    labels = ", ".join(literal(text_of(value)) for value in node.get("vals", ()))
    return (
        "(SELECT coalesce(array_agg(enumlabel::text ORDER BY enumsortorder), '{}')"
        f" FROM pg_catalog.pg_enum WHERE enumtypid = {regtype(names_of(node['typeName']))})"
        f" = ARRAY[{labels}]::text[] AND {regtype(names_of(node['typeName']))} IS NOT NULL"
    )


def create_domain(node: Node, sql: str) -> str | None:
    base = read_type(node["typeName"])
    wanted = f"to_regtype({literal(quoted(base.name.split('.')) + ('[]' if base.array else ''))})"
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_type"
        f" WHERE oid = {regtype(names_of(node['domainname']))}"
        f" AND typtype = 'd' AND typbasetype = {wanted})"
    )


def create_composite(node: Node, sql: str) -> str | None:
    return f"{regtype(path_of_table(node['typevar']))} IS NOT NULL"


def create_range(node: Node, sql: str) -> str | None:
    return f"{regtype(names_of(node['typeName']))} IS NOT NULL"


def create_extension(node: Node, sql: str) -> str | None:
    return extension(node["extname"])


def create_schema(node: Node, sql: str) -> str | None:
    if "schemaname" not in node or "schemaElts" in node:
        return None
    return f"to_regnamespace({literal(quoted((node['schemaname'],)))}) IS NOT NULL"


def create_trigger(node: Node, sql: str) -> str | None:
    if node.get("replace"):
        return None
    function = names_of(node["funcname"])[-1]
    return hanger(
        "OBJECT_TRIGGER",
        node["relation"],
        node["trigname"],
        f" AND tgfoid IN (SELECT oid FROM pg_catalog.pg_proc WHERE proname = {literal(function)})",
    )


def create_policy(node: Node, sql: str) -> str | None:
    commands = {"select": "r", "insert": "a", "update": "w", "delete": "d", "all": "*"}
    command = commands.get(node.get("cmd_name", "all"), "*")
    return hanger("OBJECT_POLICY", node["table"], node["policy_name"], f" AND polcmd = '{command}'")


def create_rule(node: Node, sql: str) -> str | None:
    return (
        None if node.get("replace") else hanger("OBJECT_RULE", node["relation"], node["rulename"])
    )


def create_function(node: Node, sql: str) -> str | None:
    if node.get("replace"):
        return None
    types = [
        fields_of(parameter)["argType"]
        for parameter in node.get("parameters", ())
        if fields_of(parameter).get("mode", "FUNC_PARAM_DEFAULT")
        in ("FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN", "FUNC_PARAM_INOUT", "FUNC_PARAM_VARIADIC")
    ]
    return f"{regprocedure(names_of(node['funcname']), types)} IS NOT NULL"


def create_statistics(node: Node, sql: str) -> str | None:
    names = names_of(node.get("defnames"))
    return statistics(names) if names else None
