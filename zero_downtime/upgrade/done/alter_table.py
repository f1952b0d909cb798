"""Whether the subcommands of an ALTER TABLE are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zero_downtime.sql.tree import Node, fields_of, names_of
from zero_downtime.upgrade.done.conditions import (
    CONTYPES,
    all_of,
    attnums,
    constraint,
    has_column,
    inherits,
    literal,
    regclass,
    type_condition,
)
from zero_downtime.upgrade.done.expressions import check_text, default_text, same_words


def alter_table(node: Node, sql: str) -> str | None:
    if node.get("objtype") == "OBJECT_TYPE":
        return None
    table = node["relation"]
    conditions = []
    for item in node.get("cmds", ()):
        command = fields_of(item)
        test = _SUBCOMMANDS.get(command["subtype"])
        conditions.append(test(table, command, sql) if test else None)
    return all_of(conditions)


def _add_column(table: Node, command: Node, sql: str) -> str | None:
    definition = fields_of(command["def"])
    return has_column(table, definition["colname"], type_condition(definition["typeName"]))


def _drop_column(table: Node, command: Node, sql: str) -> str | None:
    return f"NOT {has_column(table, command['name'])}"


def _set_not_null(table: Node, command: Node, sql: str) -> str | None:
    # From 18 on attnotnull is set for a NOT VALID constraint as well.
    return has_column(
        table,
        command["name"],
        "a.attnotnull AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k"
        " WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]"
        " AND NOT k.convalidated)",
    )


def _drop_not_null(table: Node, command: Node, sql: str) -> str | None:
    return has_column(table, command["name"], "NOT a.attnotnull")


def _column_default(table: Node, command: Node, sql: str) -> str | None:
    if "def" not in command:
        return has_column(table, command["name"], "NOT a.atthasdef")
    text = default_text(sql, command["name"])
    if text is None or "," in text:
        return None
    printed = (
        "(SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d"
        " WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum)"
    )
    return has_column(table, command["name"], f"a.atthasdef AND {same_words(printed, text)}")


def _alter_type(table: Node, command: Node, sql: str) -> str | None:
    definition = fields_of(command["def"])
    condition = type_condition(definition["typeName"])
    if "collClause" in definition:
        name = names_of(definition["collClause"]["collname"])[-1]
        condition += (
            " AND a.attcollation IN (SELECT oid FROM pg_catalog.pg_collation"
            f" WHERE collname = {literal(name)})"
        )
    return has_column(table, command["name"], condition)


def _attribute_is(column: str, values: str) -> Callable[[Node, Node, str], str | None]:
    def test(table: Node, command: Node, sql: str) -> str | None:
        return has_column(table, command["name"], f"a.{column} {values}")

    return test


def _table_flag(condition: str) -> Callable[[Node, Node, str], str | None]:
    def test(table: Node, command: Node, sql: str) -> str | None:
        return (
            "EXISTS (SELECT FROM pg_catalog.pg_class"
            f" WHERE oid = {regclass(table)} AND {condition})"
        )

    return test


def _add_constraint(table: Node, command: Node, sql: str) -> str | None:
    fields = fields_of(command["def"])
    kind = fields["contype"]
    name = fields.get("conname") or fields.get("indexname")
    if kind not in CONTYPES or (name is None and kind not in ("CONSTR_PRIMARY", "CONSTR_NOTNULL")):
        return None
    conditions = [f"k.contype = '{CONTYPES[kind]}'"]
    if name is not None:
        conditions.append(f"k.conname = {literal(name)}")
    columns = names_of(fields.get("fk_attrs") or fields.get("keys"))
    if columns and "indexname" not in fields:
        conditions.append(f"k.conkey = {attnums(columns, 'k.conrelid')}")
    if kind == "CONSTR_FOREIGN":
        conditions.append(f"k.confrelid = {regclass(fields['pktable'])}")
        conditions.append(f"k.confdeltype = {literal(fields.get('fk_del_action', 'a'))}")
        conditions.append(f"k.confupdtype = {literal(fields.get('fk_upd_action', 'a'))}")
        if "pk_attrs" in fields:
            referenced = attnums(names_of(fields["pk_attrs"]), "k.confrelid")
            conditions.append(f"k.confkey = {referenced}")
    text = check_text(sql, fields) if kind == "CONSTR_CHECK" else None
    if text:
        conditions.append(same_words("pg_get_expr(k.conbin, k.conrelid)", text))
    if not fields.get("skip_validation") and fields.get("is_enforced", True):
        conditions.append("k.convalidated")
    return constraint(table, " AND ".join(conditions))


def _validate(table: Node, command: Node, sql: str) -> str | None:
    return constraint(table, f"k.conname = {literal(command['name'])} AND k.convalidated")


def _drop_constraint(table: Node, command: Node, sql: str) -> str | None:
    return f"NOT {constraint(table, 'k.conname = ' + literal(command['name']))}"


def _attach(table: Node, command: Node, sql: str) -> str | None:
    return inherits(fields_of(command["def"])["name"], table)


def _detach(table: Node, command: Node, sql: str) -> str | None:
    # A detach that was interrupted still has its row, marked pending: it is not done.
    return f"NOT {inherits(fields_of(command['def'])['name'], table)}"


_SUBCOMMANDS: Mapping[str, Callable[[Node, Node, str], str | None]] = {
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_SetNotNull": _set_not_null,
    "AT_DropNotNull": _drop_not_null,
    "AT_ColumnDefault": _column_default,
    "AT_AlterColumnType": _alter_type,
    "AT_AddIdentity": _attribute_is("attidentity", "<> ''"),
    "AT_DropIdentity": _attribute_is("attidentity", "= ''"),
    "AT_DropExpression": _attribute_is("attgenerated", "= ''"),
    "AT_AddConstraint": _add_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop_constraint,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
    "AT_DetachPartitionFinalize": _detach,
    "AT_EnableRowSecurity": _table_flag("relrowsecurity"),
    "AT_DisableRowSecurity": _table_flag("NOT relrowsecurity"),
    "AT_ForceRowSecurity": _table_flag("relforcerowsecurity"),
    "AT_NoForceRowSecurity": _table_flag("NOT relforcerowsecurity"),
    "AT_SetLogged": _table_flag("relpersistence = 'p'"),
    "AT_SetUnLogged": _table_flag("relpersistence = 'u'"),
}
