"""How ALTER TABLE changes what is known of a schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from zero_downtime.sql.apply_columns import (
    add_column,
    add_sequence,
    change_column,
    drop_column,
    each_table,
)
from zero_downtime.sql.apply_constraints import add_constraint, set_not_null
from zero_downtime.sql.apply_indexes import drop_index
from zero_downtime.sql.apply_tables import RELATION_KINDS, inherit
from zero_downtime.sql.dependents import dependents_on
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, fields_of, names_of


def alter_table(state: Known, node: Node) -> None:
    if node.get("objtype") == "OBJECT_TYPE":
        alter_composite(state, node)
        return
    key = state.key_of_range(node["relation"])
    if node.get("objtype") == "OBJECT_INDEX" or key in state.indexes:
        _alter_index(state, key, node)
        return
    if not state.exists(key) and node.get("missing_ok"):
        return
    only = not node["relation"].get("inh")
    for command in node.get("cmds", ()):
        fields = fields_of(command)
        handler = _ALTERATIONS.get(fields["subtype"])
        if handler:
            if key not in state.relations:
                state.put(state.assume(key, RELATION_KINDS.get(node.get("objtype", ""), "table")))
            handler(state, key, fields, only)


def alter_composite(state: Known, node: Node) -> None:
    """ALTER TYPE … ATTRIBUTE: the type, and with CASCADE the tables made of it."""
    facts = state.types.get(state.type_key(state.path_of_range(node["relation"])) or "")
    if facts is None:
        return
    attributes = dict(facts.attributes)
    for item in node.get("cmds", ()):
        command = fields_of(item)
        definition = fields_of(command.get("def"))
        if command["subtype"] == "AT_DropColumn":
            attributes.pop(command["name"], None)
        elif command["subtype"] == "AT_AddColumn":
            attributes[definition["colname"]] = state.type_of(definition["typeName"])
        elif command["subtype"] == "AT_AlterColumnType":
            attributes[command["name"]] = state.type_of(definition["typeName"])
    state.types[facts.name] = replace(facts, attributes=attributes)
    for table in state.typed_tables(facts.name):
        schema, _, name = table.partition(".")
        there = {"schemaname": schema, "relname": name, "inh": True}
        alter_table(state, {**node, "relation": there, "objtype": "OBJECT_TABLE"})


def _alter_index(state: Known, key: str, node: Node) -> None:
    for command in node.get("cmds", ()):
        fields = fields_of(command)
        if fields["subtype"] == "AT_AttachPartition":
            child = state.key_of_range(fields_of(fields["def"])["name"])
            if child in state.indexes:
                state.indexes[child] = replace(state.indexes[child], parent=key)


def _alter_add_column(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in each_table(state, key, only):
        add_column(state, each, fields_of(fields["def"]))


def _alter_drop_column(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in each_table(state, key, only):
        if fields["name"] not in state.assume(each).columns and state.assume(each).known:
            continue
        if fields.get("behavior") == "DROP_CASCADE":
            for fallen in dependents_on(state, each, fields["name"]):
                if state.assume(fallen).query is not None:
                    state.forget(fallen)
        drop_column(state, each, fields["name"])


def _alter_default(state: Known, key: str, fields: Node, only: bool) -> None:
    change_column(state, key, fields["name"], only, default=fields.get("def"))


def _alter_set_not_null(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in each_table(state, key, only):
        set_not_null(state, each, fields["name"])


def _alter_drop_not_null(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in each_table(state, key, only):
        state.change_constraints(
            each, lambda c: (c.kind, c.columns) != ("not null", (fields["name"],))
        )
        change_column(state, each, fields["name"], True, not_null=False)


def _alter_type(state: Known, key: str, fields: Node, only: bool) -> None:
    name, new = fields["name"], state.type_of(fields_of(fields["def"])["typeName"])
    collation = names_of(fields_of(fields["def"]).get("collClause", {}).get("collname"))
    change_column(state, key, name, only, type=new, collation=collation[-1] if collation else None)
    column = state.relations[key].columns.get(name)
    if column and column.identity:
        for sequence in state.owned_sequences(key, name):
            state.put(replace(state.relations[sequence], sequence_type=new.name))


def _alter_add_identity(state: Known, key: str, fields: Node, only: bool) -> None:
    change_column(state, key, fields["name"], only, identity=True)
    add_sequence(state, key, fields["name"], fields_of(fields.get("def")))


def _alter_drop_identity(state: Known, key: str, fields: Node, only: bool) -> None:
    change_column(state, key, fields["name"], only, identity=False)
    for sequence in state.owned_sequences(key, fields["name"]):
        state.forget(sequence)


def _alter_drop_expression(state: Known, key: str, fields: Node, only: bool) -> None:
    change_column(state, key, fields["name"], only, generated="")


def _alter_add_constraint(state: Known, key: str, fields: Node, only: bool) -> None:
    add_constraint(state, key, fields_of(fields["def"]))


def _alter_drop_constraint(state: Known, key: str, fields: Node, only: bool) -> None:
    name = fields["name"]
    dropped = state.relations[key].constraints.get(name)
    if dropped and dropped.no_inherit:
        only = True
    for each in each_table(state, key, only):
        if each not in state.relations:
            continue
        constraint = state.relations[each].constraints.get(name)
        if constraint and constraint.kind == "not null":
            change_column(state, each, constraint.columns[0], True, not_null=False)
        state.change_constraints(each, lambda c: c.name != name)
        if constraint and constraint.index:
            drop_index(state, f"{state.relations[each].schema}.{constraint.index}")
            for child in state.referencing(each):
                kept = constraint.columns
                state.change_constraints(
                    child,
                    lambda c, each=each, kept=kept: (
                        c.references != each or (c.referenced_columns or kept) != kept
                    ),
                )


def _alter_validate(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in each_table(state, key, only):
        relation = state.assume(each)
        found = relation.constraints.get(fields["name"])
        if found:
            changed = {**relation.constraints, found.name: replace(found, valid=True)}
            state.put(replace(relation, constraints=changed))


def _alter_attach(state: Known, key: str, fields: Node, only: bool) -> None:
    command = fields_of(fields["def"])
    child_key = state.key_of_range(command["name"])
    if key in state.tree(child_key):
        return  # a circle, which PostgreSQL refuses
    child = state.assume(child_key)
    bound = command.get("bound", {})
    state.put(
        replace(
            child,
            parents=(*child.parents, key),
            is_partition=True,
            is_default=bool(bound.get("is_default")),
            bound=bound or None,
        )
    )
    inherit(state, child_key, key)


def _alter_detach(state: Known, key: str, fields: Node, only: bool) -> None:
    child_key = state.key_of_range(fields_of(fields["def"])["name"])
    child = state.assume(child_key)
    alone = {n: replace(c, inherited=False) for n, c in child.constraints.items()}
    state.put(
        replace(
            child,
            parents=(),
            is_partition=False,
            is_default=False,
            bound=None,
            constraints=alone,
        )
    )
    for index in state.indexes_of(child_key):
        state.indexes[index.name] = replace(index, parent=None)


def _alter_constraint(state: Known, key: str, fields: Node, only: bool) -> None:
    said = fields_of(fields["def"])
    changes: dict[str, Any] = {}
    if said.get("alterEnforceability"):
        enforced = bool(said.get("is_enforced"))
        changes.update(enforced=enforced, valid=enforced)
    if said.get("alterDeferrability"):
        changes["deferred"] = bool(said.get("initdeferred"))
    if said.get("alterInheritability"):
        changes["no_inherit"] = bool(said.get("noinherit"))
    for each in each_table(state, key, only):
        relation = state.relations[each]
        found = relation.constraints.get(said.get("conname", ""))
        if found:
            constraints = {**relation.constraints, found.name: replace(found, **changes)}
            state.put(replace(relation, constraints=constraints))


def _alter_owner(state: Known, key: str, fields: Node, only: bool) -> None:
    owner = role_of(fields.get("newowner"))
    for each in (key, *state.owned_sequences(key)):
        state.put(replace(state.relations[each], owner=owner))


def role_of(node: Node | None) -> str | None:
    """The role that a RoleSpec names; None for whoever runs the statement."""
    said = (node or {}).get("rolename")
    return str(said) if said else None


def _alter_replica_identity(state: Known, key: str, fields: Node, only: bool) -> None:
    definition = fields_of(fields["def"])
    identity = definition.get("name") or definition.get("identity_type", "d")
    state.put(replace(state.relations[key], replica_identity=identity))


def _alter_of_type(state: Known, key: str, fields: Node, only: bool) -> None:
    row_type = None
    if fields["subtype"] == "AT_AddOf":
        names = names_of(fields_of(fields["def"]).get("names"))
        row_type = state.type_key(names) or state.new_name(names)
    state.put(replace(state.relations[key], row_type=row_type))


def _alter_set_expression(state: Known, key: str, fields: Node, only: bool) -> None:
    change_column(state, key, fields["name"], only, default=fields.get("def"))


def _alter_inherit(state: Known, key: str, fields: Node, only: bool) -> None:
    parent = state.key_of_range(fields_of(fields["def"]))
    relation = state.relations[key]
    if parent in state.tree(key):
        return
    kept = tuple(p for p in relation.parents if p != parent)
    added = (parent,) if fields["subtype"] == "AT_AddInherit" else ()
    state.put(replace(relation, parents=(*kept, *added)))


def _alter_logged(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in (key, *state.owned_sequences(key)):
        unlogged = fields["subtype"] == "AT_SetUnLogged"
        state.put(replace(state.relations[each], unlogged=unlogged))


def _alter_table_fact(fact: str, value: Any = None) -> Callable[[Known, str, Node, bool], None]:
    def change(state: Known, key: str, fields: Node, only: bool) -> None:
        facts = {fact: fields.get("name", "heap") if value is None else value}
        state.put(replace(state.relations[key], **facts))

    return change


_ALTERATIONS: Mapping[str, Callable[[Known, str, Node, bool], None]] = {
    "AT_AddColumn": _alter_add_column,
    "AT_DropColumn": _alter_drop_column,
    "AT_ColumnDefault": _alter_default,
    "AT_SetNotNull": _alter_set_not_null,
    "AT_DropNotNull": _alter_drop_not_null,
    "AT_AlterColumnType": _alter_type,
    "AT_AddIdentity": _alter_add_identity,
    "AT_DropIdentity": _alter_drop_identity,
    "AT_DropExpression": _alter_drop_expression,
    "AT_AddConstraint": _alter_add_constraint,
    "AT_DropConstraint": _alter_drop_constraint,
    "AT_AlterConstraint": _alter_constraint,
    "AT_ChangeOwner": _alter_owner,
    "AT_ReplicaIdentity": _alter_replica_identity,
    "AT_AddOf": _alter_of_type,
    "AT_DropOf": _alter_of_type,
    "AT_SetExpression": _alter_set_expression,
    "AT_EnableRowSecurity": _alter_table_fact("row_security", True),
    "AT_DisableRowSecurity": _alter_table_fact("row_security", False),
    "AT_ForceRowSecurity": _alter_table_fact("forced_row_security", True),
    "AT_NoForceRowSecurity": _alter_table_fact("forced_row_security", False),
    "AT_ValidateConstraint": _alter_validate,
    "AT_AttachPartition": _alter_attach,
    "AT_DetachPartition": _alter_detach,
    "AT_AddInherit": _alter_inherit,
    "AT_DropInherit": _alter_inherit,
    "AT_SetAccessMethod": _alter_table_fact("access_method"),
    "AT_SetTableSpace": _alter_table_fact("tablespace"),
    "AT_SetLogged": _alter_logged,
    "AT_SetUnLogged": _alter_logged,
}
