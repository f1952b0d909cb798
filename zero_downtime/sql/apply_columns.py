"""How columns of a relation, and the sequences that they own, change what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from zero_downtime.sql.apply_constraints import CONSTRAINT_KINDS, add_constraint, set_not_null
from zero_downtime.sql.apply_indexes import free_name
from zero_downtime.sql.facts import Column, Relation
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, fields_of, names_of, path_of
from zero_downtime.sql.types import SERIAL_TYPES


def add_column(state: Known, key: str, fields: Node) -> None:
    """Add a column as a ColumnDef node says, with the constraints and the sequence it brings."""
    relation = state.assume(key)
    name = fields.get("colname", "")
    if name in relation.columns and "typeName" in fields and not relation.parents:
        return  # ADD COLUMN IF NOT EXISTS
    existing = relation.columns.get(name)
    constraints = [fields_of(item) for item in fields.get("constraints", ())]
    by_kind = {item["contype"]: item for item in constraints}
    generated = by_kind.get("CONSTR_GENERATED")
    type_name = fields.get("typeName", {})
    written = names_of(type_name.get("names"))[-1:]
    serial = bool(written) and written[0] in SERIAL_TYPES
    identity = "CONSTR_IDENTITY" in by_kind
    collation = fields.get("collClause", {}).get("collname")
    if "typeName" in fields:
        column = Column(
            name,
            state.type_of(type_name),
            default=by_kind.get("CONSTR_DEFAULT", {}).get("raw_expr")
            or fields.get("raw_default")
            or (generated or {}).get("raw_expr"),
            generated=""
            if generated is None
            else "virtual"
            if generated.get("generated_kind") == "v"
            else "stored",
            identity=identity,
            collation=names_of(collation)[-1] if collation else None,
            born=state.unit,
        )
    elif existing:
        column = existing
    else:
        return
    if serial:
        call = {"funcname": [{"String": {"sval": "nextval"}}]}
        column = replace(column, default={"FuncCall": call})
    state.put(replace(relation, columns={**relation.columns, name: column}))
    if serial or identity:
        add_sequence(state, key, name, by_kind.get("CONSTR_IDENTITY"))
        set_not_null(state, key, name)
    for item in constraints:
        if item["contype"] == "CONSTR_NOTNULL":
            set_not_null(state, key, name, item.get("conname"))
        elif item["contype"] in CONSTRAINT_KINDS:
            add_constraint(state, key, _with_attributes(item, by_kind), name)


def _with_attributes(item: Node, by_kind: Mapping[str, Node]) -> Node:
    """A column's constraint with what stands behind it as nodes of their own."""
    if "CONSTR_ATTR_DEFERRED" in by_kind:
        item = {**item, "initdeferred": True}
    if "CONSTR_ATTR_NOT_ENFORCED" in by_kind:
        item = {**item, "skip_validation": True, "is_enforced": False}
    return item


def add_sequence(state: Known, key: str, column: str, identity: Node | None = None) -> None:
    """The sequence of a serial or identity column."""
    table = state.relations[key]
    name = free_name(state, table, (column,), "seq")
    for option in (identity or {}).get("options", ()):
        if fields_of(option)["defname"] == "sequence_name":
            name = path_of(fields_of(option)["arg"])[-1]
    state.put(
        Relation(
            table.schema,
            name,
            "sequence",
            owned_by=(key, column),
            sequence_type=_sequence_type(table, column),
            temporary=table.temporary,
            unlogged=table.unlogged,
            born=state.unit,
            storage=state.transaction,
        )
    )


def _sequence_type(table: Relation, column: str) -> str:
    return table.columns[column].type.name if column in table.columns else "int8"


def each_table(state: Known, key: str, only: bool) -> list[str]:
    """The tables that a subcommand reaches."""
    return [key] if only else state.tree(key)


def change_column(state: Known, key: str, name: str, only: bool, **facts: Any) -> None:
    """Give a column other facts, in all the tables below too."""
    for each in each_table(state, key, only):
        relation = state.relations.get(each)
        if relation and name in relation.columns:
            column = replace(relation.columns[name], **facts)
            state.put(replace(relation, columns={**relation.columns, name: column}))


def drop_column(state: Known, key: str, name: str) -> None:
    """Take a column away, with the constraints, indexes and sequences that need it."""
    relation = state.assume(key)
    for child in state.referencing(key):
        state.change_constraints(
            child, lambda c: c.references != key or name not in c.referenced_columns
        )
    constraints = {n: c for n, c in relation.constraints.items() if name not in c.columns}
    columns = {n: c for n, c in relation.columns.items() if n != name}
    state.put(replace(relation, columns=columns, constraints=constraints))
    for index in state.indexes_of(key):
        if name in index.used_columns:
            del state.indexes[index.name]
    for sequence in state.owned_sequences(key, name):
        state.forget(sequence)
