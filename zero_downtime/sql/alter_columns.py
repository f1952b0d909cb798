"""What ALTER TABLE does with columns, beside its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_constraints import partitions_of
from zero_downtime.sql.alter_partitions import rebuild_indexes
from zero_downtime.sql.alter_reach import below_of
from zero_downtime.sql.alter_types import alter_type, partners
from zero_downtime.sql.dependents import dependents_on
from zero_downtime.sql.facts import is_proven_not_null
from zero_downtime.sql.foreign_keys import referenced_columns, unlink
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.sequences import call_sequences, default_sequences
from zero_downtime.sql.target import Target
from zero_downtime.sql.tree import Node, fields_of, names_of
from zero_downtime.sql.types import SERIAL_TYPES

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE


def _add_column(p: Prediction, t: Target) -> None:
    definition = t.definition
    if definition.get("colname") in p.relation(t.key).columns:
        return
    constraints = [fields_of(item) for item in definition.get("constraints", ())]
    kinds = {item["contype"] for item in constraints}
    tables = [t.key] if t.only else [t.key, *below_of(p, t.key, t.command)]
    tables = [each for each in tables if definition.get("colname") not in p.relation(each).columns]
    if column_rewrites(p, definition):
        p.rewrite(tables)
        rebuild_indexes(p, tables)
    default = default_of(definition)
    if column_rewrites(p, definition):
        call_sequences(p, default)
    virtual = any(item.get("generated_kind") == "v" for item in constraints)
    required = "CONSTR_NOTNULL" in kinds or "CONSTR_PRIMARY" in kinds
    if "CONSTR_CHECK" in kinds or (
        required and default is None and (virtual or not fills_itself(definition))
    ):
        p.scan(tables)
    if kinds & {"CONSTR_UNIQUE", "CONSTR_PRIMARY"}:
        p.build(partitions_of(p, t))
    for constraint in constraints:
        if constraint["contype"] == "CONSTR_FOREIGN":
            parent = p.state.key_of_range(constraint["pktable"])
            p.lock(p.state.tree(parent), SRE)
            if default is not None:
                p.scan([*tables, *p.state.tree(parent)])


def default_of(definition: Node) -> Node | None:
    for item in definition.get("constraints", ()):
        fields = fields_of(item)
        if fields["contype"] == "CONSTR_DEFAULT":
            value = fields.get("raw_expr")
            is_null = value and value.get("A_Const", {}).get("isnull")
            return None if is_null else value
    return None


def fills_itself(definition: Node) -> bool:
    """Whether new values are made for the existing rows (which is a rewrite anyway)."""
    kinds = {fields_of(item)["contype"] for item in definition.get("constraints", ())}
    return bool(kinds & {"CONSTR_IDENTITY", "CONSTR_GENERATED"}) or _is_serial(definition)


def _is_serial(definition: Node) -> bool:
    names = names_of(definition.get("typeName", {}).get("names"))
    return bool(names) and names[-1] in SERIAL_TYPES


def column_rewrites(p: Prediction, definition: Node) -> bool:
    """Whether ADD COLUMN must write every row anew."""
    for item in definition.get("constraints", ()):
        fields = fields_of(item)
        if fields["contype"] == "CONSTR_GENERATED":
            return fields.get("generated_kind") != "v"
        if fields["contype"] == "CONSTR_IDENTITY":
            return True
    if _is_serial(definition):
        return True
    if p.state.is_constrained_domain(p.state.type_of(definition["typeName"])):
        return True
    default = default_of(definition)
    return default is not None and p.state.volatility(default) != "not volatile"


def _column_default(p: Prediction, t: Target) -> None:
    p.lock(default_sequences(p, t.command.get("def")), LockMode.ACCESS_SHARE)


def set_not_null(p: Prediction, t: Target) -> None:
    name = t.command["name"]
    for each in t.tables(p):
        if not is_proven_not_null(p.relation(each), name, t.dropped):
            p.scan(each)


def _set_expression(p: Prediction, t: Target) -> None:
    column = p.relation(t.key).columns.get(t.command["name"])
    if column is None or column.generated != "virtual":
        p.rewrite(t.tables(p))
        rebuild_indexes(p, t.tables(p))


def _drop_column(p: Prediction, t: Target) -> None:
    name = t.command["name"]
    cascade = t.command.get("behavior") == "DROP_CASCADE"
    for each in t.tables(p):
        p.lock(p.state.owned_sequences(each, name), AE)
        keys, pointing = partners(
            p,
            each,
            lambda c: name in c.columns,
            lambda c: cascade and name in referenced_columns(p, c),
        )
        unlink(p, keys)
        for child in pointing:
            p.lock(p.state.tree(child), AE)
    if cascade:
        p.lock(dependents_on(p.state, t.key, name), AE)


def _identity(p: Prediction, t: Target) -> None:
    p.lock(p.state.owned_sequences(t.key, t.command["name"]), AE)


def _set_identity(p: Prediction, t: Target) -> None:
    options = {fields_of(item)["defname"] for item in t.command["def"]["List"]["items"]}
    for sequence in p.state.owned_sequences(t.key, t.command["name"]):
        p.lock(sequence, SRE)
        if options - {"generated"}:
            p.rewrite(sequence, reads=False)


COLUMN_EFFECTS: Mapping[str, Callable[[Prediction, Target], None]] = {
    "AT_AddColumn": _add_column,
    "AT_DropColumn": _drop_column,
    "AT_AlterColumnType": alter_type,
    "AT_SetNotNull": set_not_null,
    "AT_SetExpression": _set_expression,
    "AT_DropIdentity": _identity,
    "AT_SetIdentity": _set_identity,
    "AT_ColumnDefault": _column_default,
}
