"""Whether a DROP, a RENAME, a COMMENT or another change of what exists is done."""

from __future__ import annotations

from collections.abc import Sequence

from zero_downtime.sql.tree import Node, constant, fields_of, names_of, path_of
from zero_downtime.upgrade.done.conditions import (
    HANGERS,
    KINDS,
    all_of,
    constraint,
    extension,
    hanger,
    has_column,
    literal,
    path_of_table,
    quoted,
    regclass,
    regprocedure,
    regtype,
    relation_exists,
    statistics,
)


def alter_enum(node: Node, sql: str) -> str | None:
    of = regtype(names_of(node["typeName"]))

    def has(label: str) -> str:
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_enum"
            f" WHERE enumtypid = {of} AND enumlabel = {literal(label)})"
        )

    if "oldVal" in node:
        return f"{has(node['newVal'])} AND NOT {has(node['oldVal'])}"
    return has(node["newVal"])


def drop(node: Node, sql: str) -> str | None:
    return all_of(_gone(node["removeType"], item) for item in node.get("objects", ()))


def _gone(kind: str, item: Node) -> str | None:
    path = path_of(item)
    if kind in KINDS:
        return f"NOT {relation_exists(path, KINDS[kind])}"
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        return f"{regtype(path)} IS NULL"
    if kind in HANGERS:
        return f"NOT {hanger(kind, path[:-1], path[-1])}"
    if kind == "OBJECT_EXTENSION":
        return f"NOT {extension(path[0])}"
    if kind == "OBJECT_SCHEMA":
        return f"to_regnamespace({literal(quoted(path[:1]))}) IS NULL"
    if kind == "OBJECT_STATISTIC_EXT":
        return f"NOT {statistics(path)}"
    if kind in ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE"):
        return _function_gone(path, fields_of(item))
    return None


def _function_gone(path: Sequence[str], fields: Node) -> str | None:
    if fields.get("args_unspecified"):
        return f"to_regproc({literal(quoted(path))}) IS NULL"
    types = [fields_of(argument) for argument in fields.get("objargs", ()) if argument]
    return f"{regprocedure(path, types)} IS NULL"


def rename(node: Node, sql: str) -> str | None:
    kind, new = node["renameType"], node["newname"]
    if kind == "OBJECT_COLUMN":
        table, old = node["relation"], node["subname"]
        return f"{has_column(table, new)} AND NOT {has_column(table, old)}"
    if kind == "OBJECT_TABCONSTRAINT":
        table = node["relation"]
        is_there, was = (
            constraint(table, f"k.conname = {literal(name)}") for name in (new, node["subname"])
        )
        return f"{is_there} AND NOT {was}"
    if kind in HANGERS:
        table = node["relation"]
        return f"{hanger(kind, table, new)} AND NOT {hanger(kind, table, node['subname'])}"
    if kind in KINDS:
        path = path_of_table(node["relation"])
        # ALTER TABLE … RENAME serves every kind of relation.
        kinds = ", ".join(KINDS.values()) if kind == "OBJECT_TABLE" else KINDS[kind]
        renamed = relation_exists((*path[:-1], new), kinds)
        return f"{renamed} AND NOT {relation_exists(path, kinds)}"
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        path = path_of(node["object"])
        return f"{regtype((*path[:-1], new))} IS NOT NULL AND {regtype(path)} IS NULL"
    if kind == "OBJECT_SCHEMA":
        old = f"to_regnamespace({literal(quoted((node['subname'],)))})"
        return f"to_regnamespace({literal(quoted((new,)))}) IS NOT NULL AND {old} IS NULL"
    return None


def set_schema(node: Node, sql: str) -> str | None:
    kind, schema = node["objectType"], node["newschema"]
    if kind not in KINDS or "relation" not in node:
        return None
    path = path_of_table(node["relation"])
    moved = relation_exists((schema, path[-1]), KINDS[kind])
    return moved if path[0] == schema else f"{moved} AND NOT {relation_exists(path, KINDS[kind])}"


def comment(node: Node, sql: str) -> str | None:
    kind = node["objtype"]
    said = literal(node["comment"]) if node.get("comment") else "NULL"
    path = path_of(node["object"])
    if kind in KINDS:
        described = f"obj_description({regclass(path)}, 'pg_class')"
        return f"{relation_exists(path, KINDS[kind])} AND {described} IS NOT DISTINCT FROM {said}"
    if kind == "OBJECT_COLUMN":
        described = "col_description(a.attrelid, a.attnum)"
        return has_column(path[:-1], path[-1], f"{described} IS NOT DISTINCT FROM {said}")
    if kind == "OBJECT_TABCONSTRAINT":
        described = "obj_description(k.oid, 'pg_constraint')"
        name = f"k.conname = {literal(path[-1])}"
        return constraint(path[:-1], f"{name} AND {described} IS NOT DISTINCT FROM {said}")
    return None


def alter_extension(node: Node, sql: str) -> str | None:
    for item in node.get("options", ()):
        fields = fields_of(item)
        if fields["defname"] == "new_version":
            version = literal(str(constant(fields["arg"])))
            return (
                "EXISTS (SELECT FROM pg_catalog.pg_extension"
                f" WHERE extname = {literal(node['extname'])} AND extversion = {version})"
            )
    return None
