"""How constraints, NOT NULL among them, change what is known of a table."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from zero_downtime.sql.apply_indexes import attach_index, free_name
from zero_downtime.sql.facts import Constraint, ConstraintKind, Index, Relation
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, columns_in, names_of

CONSTRAINT_KINDS: Mapping[str, ConstraintKind] = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_EXCLUSION": "exclude",
    "CONSTR_NOTNULL": "not null",
}


def set_not_null(state: Known, key: str, column: str, name: str | None = None) -> None:
    """Mark a column NOT NULL, with the constraint that PostgreSQL 18 records for it."""
    relation = state.assume(key)
    columns = dict(relation.columns)
    if column in columns:
        if columns[column].not_null and name is None:
            return
        columns[column] = replace(columns[column], not_null=True)
    if _not_null_of(relation, column) is None:
        name = name or free_name(state, relation, (column,), "not_null")
        constraint = Constraint(name, "not null", (column,), born=state.unit)
        relation = replace(relation, constraints={**relation.constraints, name: constraint})
    else:
        constraints = {
            n: replace(c, valid=True) if (c.kind, c.columns) == ("not null", (column,)) else c
            for n, c in relation.constraints.items()
        }
        relation = replace(relation, constraints=constraints)
    state.put(replace(relation, columns=columns))


def _not_null_of(relation: Relation, column: str) -> Constraint | None:
    for constraint in relation.constraints.values():
        if constraint.kind == "not null" and constraint.columns == (column,):
            return constraint
    return None


def constraint_columns(fields: Node, column: str | None = None) -> tuple[str, ...]:
    """The columns that a Constraint node constrains."""
    kind = fields["contype"]
    if column is not None and kind != "CONSTR_CHECK":
        return (column,)
    if kind == "CONSTR_FOREIGN":
        return names_of(fields.get("fk_attrs"))
    if kind == "CONSTR_CHECK":
        return tuple(sorted(columns_in(fields.get("raw_expr"))))
    if kind == "CONSTR_EXCLUSION":
        elements = [item["List"]["items"][0]["IndexElem"] for item in fields["exclusions"]]
        return tuple(e["name"] for e in elements if "name" in e)
    return names_of(fields.get("keys"))


def add_constraint(state: Known, key: str, fields: Node, column: str | None = None) -> None:
    """Add a constraint as a Constraint node says, to the table and to its partitions."""
    if fields["contype"] not in CONSTRAINT_KINDS:
        return
    relation = state.assume(key)
    kind = CONSTRAINT_KINDS[fields["contype"]]
    columns = constraint_columns(fields, column)
    index_key = None
    if "indexname" in fields:
        index_key = f"{relation.schema}.{fields['indexname']}"
        index = state.indexes.get(index_key)
        columns = tuple(c for c in index.columns if c) if index else ()
    enforced = bool(fields.get("is_enforced")) or kind not in ("check", "foreign key")
    valid = not fields.get("skip_validation") and enforced
    if kind == "not null":
        if valid:
            set_not_null(state, key, columns[0], fields.get("conname"))
            return
        column_facts = relation.columns.get(columns[0])
        if column_facts:  # NOT VALID sets attnotnull all the same
            marked = {**relation.columns, columns[0]: replace(column_facts, not_null=True)}
            relation = replace(relation, columns=marked)
    suffix = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "exclude": "excl"}
    parts = columns
    if kind == "primary key" or (kind == "check" and len(columns) != 1):
        parts = ()
    if kind == "check" and column is not None:
        parts = (column,)
    name = fields.get("conname") or (
        fields.get("indexname")
        or free_name(state, relation, parts, suffix.get(kind, kind.replace(" ", "_")))
    )
    constraint = Constraint(
        name,
        kind,
        columns,
        valid=valid,
        references=state.key_of_range(fields["pktable"]) if kind == "foreign key" else None,
        referenced_columns=names_of(fields.get("pk_attrs")),
        on_delete=fields.get("fk_del_action", "a"),
        on_update=fields.get("fk_upd_action", "a"),
        deferred=bool(fields.get("initdeferred")),
        enforced=enforced,
        no_inherit=bool(fields.get("is_no_inherit")),
        expression=fields.get("raw_expr"),
        index=name if kind in ("primary key", "unique", "exclude") else None,
        born=state.unit,
    )
    state.put(replace(relation, constraints={**relation.constraints, name: constraint}))
    if constraint.index:
        _index_for(state, key, constraint, index_key)
    if kind == "primary key":
        for each in columns:
            set_not_null(state, key, each)
    if not fields.get("is_no_inherit"):
        for child in state.children(key):
            if kind in ("check", "not null") or state.relations[child].is_partition:
                if constraint.index:
                    attach_index(state, state.indexes[f"{relation.schema}.{name}"], child)
                else:
                    add_constraint(state, child, {**fields, "conname": name}, column)
                    _mark_inherited(state, child, name)


def _mark_inherited(state: Known, key: str, name: str) -> None:
    relation = state.relations[key]
    if relation.is_partition and name in relation.constraints:
        marked = replace(relation.constraints[name], inherited=True)
        state.put(replace(relation, constraints={**relation.constraints, name: marked}))


def _index_for(state: Known, key: str, constraint: Constraint, attached: str | None) -> None:
    relation = state.relations[key]
    name = f"{relation.schema}.{constraint.name}"
    old = state.indexes.pop(attached, None) if attached else None
    method = old.method if old else "gist" if constraint.kind == "exclude" else "btree"
    state.indexes[name] = Index(
        name,
        key,
        constraint.columns,
        unique=constraint.kind != "exclude",
        used_columns=frozenset(constraint.columns),
        method=method,
        constraint=constraint.name,
        born=old.born if old else state.unit,
    )
