"""How CREATE TABLE, ALTER TABLE and CREATE INDEX change what is known of a schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from zero_downtime.sql.facts import (
    Column,
    Constraint,
    ConstraintKind,
    Index,
    Relation,
    RelationKind,
)
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import (
    Node,
    columns_in,
    fields_of,
    functions_in,
    kind_of,
    names_of,
    path_of,
)
from zero_downtime.sql.types import SERIAL_TYPES

CONSTRAINT_KINDS: Mapping[str, ConstraintKind] = {
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_EXCLUSION": "exclude",
    "CONSTR_NOTNULL": "not null",
}
RELATION_KINDS: Mapping[str, RelationKind] = {
    "OBJECT_TABLE": "table",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_FOREIGN_TABLE": "foreign table",
}
_LONGEST_NAME = 63


# Tables


def create_table(state: Known, node: Node) -> None:
    key = state.key_of_range(node["relation"], create=True)
    if key in state.relations:
        return
    schema, _, name = key.partition(".")
    partitioned = node.get("partspec")
    parents = tuple(state.key_of_range(fields_of(p)) for p in node.get("inhRelations", ()))
    bound = node.get("partbound")
    relation = Relation(
        schema,
        name,
        "foreign table"
        if "servername" in node
        else "partitioned table"
        if partitioned
        else "table",
        parents=parents,
        is_partition=bool(bound),
        is_default=bool(bound and bound.get("is_default")),
        partition_key=_partition_key(partitioned),
        access_method=node.get("accessMethod", state.default_access_method),
        tablespace=node.get("tablespacename", state.default_tablespace),
        temporary=node["relation"].get("relpersistence") == "t",
        unlogged=node["relation"].get("relpersistence") == "u",
        row_type=".".join(names_of(node["ofTypename"]["names"])) if "ofTypename" in node else None,
        born=state.unit,
        storage=state.transaction,
    )
    state.put(relation)
    for parent in parents:
        _inherit(state, key, parent)
    for element in node.get("tableElts", ()):
        _add_element(state, key, element)


def _partition_key(spec: Node | None) -> frozenset[str]:
    if not spec:
        return frozenset()
    names: set[str] = set()
    for param in spec.get("partParams", ()):
        fields = fields_of(param)
        names |= {fields["name"]} if "name" in fields else columns_in(fields.get("expr"))
    return frozenset(names)


def _add_element(state: Known, key: str, element: Node) -> None:
    kind, fields = kind_of(element)
    if kind == "ColumnDef":
        add_column(state, key, fields)
    elif kind == "Constraint":  # nothing is there to check yet: NOT VALID is ignored
        add_constraint(state, key, {k: v for k, v in fields.items() if k != "skip_validation"})
    elif kind == "TableLikeClause":
        source = state.relation(state.key_of_range(fields["relation"]))
        if source:
            target = state.relations[key]
            columns = {
                name: replace(column, born=state.unit, default=None, generated="", identity=False)
                for name, column in source.columns.items()
            }
            state.put(replace(target, columns={**target.columns, **columns}))


def _inherit(state: Known, key: str, parent_key: str) -> None:
    """Give a new child its parent's columns, constraints and, for a partition, its indexes."""
    parent, child = state.relation(parent_key), state.relations[key]
    if parent is None:
        return
    passed_on = {
        name: replace(c, born=state.unit, index=None, inherited=child.is_partition)
        for name, c in parent.constraints.items()
        if c.kind in ("check", "not null") or (child.is_partition and c.kind == "foreign key")
    }
    columns = {
        name: replace(c, born=child.columns[name].born if name in child.columns else state.unit)
        for name, c in parent.columns.items()
    }
    state.put(
        replace(
            child,
            columns={**child.columns, **columns},
            constraints={**child.constraints, **_merged(passed_on, child)},
        )
    )
    if child.is_partition:
        for index in state.indexes_of(parent_key):
            attach_index(state, index, key)


def _merged(passed_on: dict[str, Constraint], child: Relation) -> dict[str, Constraint]:
    """The parent's constraints as the child has them: an equal one of its own is taken for it."""
    found = {}
    for name, constraint in passed_on.items():
        same = (
            own
            for own in child.constraints.values()
            if (own.kind, own.columns, own.references)
            == (constraint.kind, constraint.columns, constraint.references)
            and own.kind in ("foreign key", "not null")
        )
        own = next(same, None)
        found[own.name if own else name] = replace(own or constraint, inherited=True)
    return found


def attach_index(state: Known, parent: Index, table: str) -> str:
    """The partition's index below a partitioned one: the equal one that it has, or a new one."""
    for index in state.indexes_of(table):
        same = (index.columns, index.unique, index.method, index.used_columns)
        if same == (parent.columns, parent.unique, parent.method, parent.used_columns):
            state.indexes[index.name] = replace(index, parent=parent.name)
            return index.name
    relation = state.relations[table]
    suffix = "key" if parent.constraint else "idx"
    constraint = None
    if parent.constraint:
        of_parent = state.relations[parent.table].constraints.get(parent.constraint)
        if of_parent and of_parent.kind == "primary key":
            suffix = "pkey"
        if of_parent:
            parts = () if suffix == "pkey" else parent.columns
            constraint = free_name(state, relation, parts, suffix)
            own = replace(of_parent, name=constraint, born=state.unit, index=constraint)
            constraints = {**relation.constraints, constraint: own}
            state.put(replace(relation, constraints=constraints))
    name = constraint or free_name(state, relation, parent.columns, suffix)
    key = f"{relation.schema}.{name}"
    state.indexes[key] = replace(
        parent, name=key, table=table, parent=parent.name, constraint=constraint, born=state.unit
    )
    return key


def free_name(
    state: Known, relation: Relation, columns: tuple[str | None, ...], suffix: str
) -> str:
    """The name that PostgreSQL gives to an index or constraint without one."""
    parts = "_".join(column or "expr" for column in columns)
    stem = "_".join(filter(None, (relation.name, parts)))
    number = ""
    while True:
        name = f"{stem[: _LONGEST_NAME - len(suffix) - len(str(number)) - 1]}_{suffix}{number}"
        key = f"{relation.schema}.{name}"
        if not (name in relation.constraints or key in state.indexes or key in state.relations):
            return name
        number = str(int(number or 0) + 1)


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
        _add_sequence(state, key, name, by_kind.get("CONSTR_IDENTITY"))
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


def _add_sequence(state: Known, key: str, column: str, identity: Node | None = None) -> None:
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
            born=state.unit,
            storage=state.transaction,
        )
    )


def _sequence_type(table: Relation, column: str) -> str:
    return table.columns[column].type.name if column in table.columns else "int8"


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
    valid = not fields.get("skip_validation") and bool(fields.get("is_enforced", True))
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
        enforced=kind not in ("check", "foreign key") or bool(fields.get("is_enforced")),
        references=state.key_of_range(fields["pktable"]) if kind == "foreign key" else None,
        referenced_columns=names_of(fields.get("pk_attrs")),
        on_delete=fields.get("fk_del_action", "a"),
        on_update=fields.get("fk_upd_action", "a"),
        deferred=bool(fields.get("initdeferred")),
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


# ALTER TABLE


def alter_table(state: Known, node: Node) -> None:
    if node.get("objtype") == "OBJECT_TYPE":
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
            state.put(state.assume(key, RELATION_KINDS.get(node.get("objtype", ""), "table")))
            handler(state, key, fields, only)


def _alter_index(state: Known, key: str, node: Node) -> None:
    for command in node.get("cmds", ()):
        fields = fields_of(command)
        if fields["subtype"] == "AT_AttachPartition":
            child = state.key_of_range(fields_of(fields["def"])["name"])
            if child in state.indexes:
                state.indexes[child] = replace(state.indexes[child], parent=key)


def _each(state: Known, key: str, only: bool) -> list[str]:
    return [key] if only else state.tree(key)


def _alter_add_column(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        add_column(state, each, fields_of(fields["def"]))


def _alter_drop_column(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        drop_column(state, each, fields["name"])


def drop_column(state: Known, key: str, name: str) -> None:
    """Take a column away, with the constraints, indexes and sequences that need it."""
    relation = state.relations[key]
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


def _change_column(state: Known, key: str, name: str, only: bool, **facts: Any) -> None:
    for each in _each(state, key, only):
        relation = state.relations[each]
        if name in relation.columns:
            column = replace(relation.columns[name], **facts)
            state.put(replace(relation, columns={**relation.columns, name: column}))


def _alter_default(state: Known, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, default=fields.get("def"))


def _alter_set_not_null(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        set_not_null(state, each, fields["name"])


def _alter_drop_not_null(state: Known, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        state.change_constraints(
            each, lambda c: (c.kind, c.columns) != ("not null", (fields["name"],))
        )
        _change_column(state, each, fields["name"], True, not_null=False)


def _alter_type(state: Known, key: str, fields: Node, only: bool) -> None:
    name, new = fields["name"], state.type_of(fields_of(fields["def"])["typeName"])
    _change_column(state, key, name, only, type=new)
    column = state.relations[key].columns.get(name)
    if column and column.identity:
        for sequence in state.owned_sequences(key, name):
            state.put(replace(state.relations[sequence], sequence_type=new.name))


def _alter_add_identity(state: Known, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, identity=True)
    _add_sequence(state, key, fields["name"], fields_of(fields.get("def")))


def _alter_drop_identity(state: Known, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, identity=False)
    for sequence in state.owned_sequences(key, fields["name"]):
        state.forget(sequence)


def _alter_drop_expression(state: Known, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, generated="")


def _alter_add_constraint(state: Known, key: str, fields: Node, only: bool) -> None:
    add_constraint(state, key, fields_of(fields["def"]))


def _alter_drop_constraint(state: Known, key: str, fields: Node, only: bool) -> None:
    name = fields["name"]
    for each in _each(state, key, only):
        constraint = state.relations[each].constraints.get(name)
        if constraint and constraint.kind == "not null":
            _change_column(state, each, constraint.columns[0], True, not_null=False)
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
    for each in _each(state, key, only):
        relation = state.relations[each]
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
        )
    )
    _inherit(state, child_key, key)


def _alter_detach(state: Known, key: str, fields: Node, only: bool) -> None:
    child_key = state.key_of_range(fields_of(fields["def"])["name"])
    child = state.assume(child_key)
    alone = {n: replace(c, inherited=False) for n, c in child.constraints.items()}
    state.put(replace(child, parents=(), is_partition=False, is_default=False, constraints=alone))
    for index in state.indexes_of(child_key):
        state.indexes[index.name] = replace(index, parent=None)


def _alter_inherit(state: Known, key: str, fields: Node, only: bool) -> None:
    parent = state.key_of_range(fields_of(fields["def"]))
    relation = state.relations[key]
    if parent in state.tree(key):
        return
    kept = tuple(p for p in relation.parents if p != parent)
    added = (parent,) if fields["subtype"] == "AT_AddInherit" else ()
    state.put(replace(relation, parents=(*kept, *added)))


def _alter_table_fact(fact: str, value: Any = None) -> Callable[[Known, str, Node, bool], None]:
    def change(state: Known, key: str, fields: Node, only: bool) -> None:
        facts = {fact: fields.get("name", "heap") if value is None else value}
        state.put(replace(state.relations[key], **facts))

    return change


def _alter_replica_identity(state: Known, key: str, fields: Node, only: bool) -> None:
    definition = fields_of(fields["def"])
    identity = definition.get("name") or definition.get("identity_type", "d")
    state.put(replace(state.relations[key], replica_identity=identity))


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
    "AT_ValidateConstraint": _alter_validate,
    "AT_AttachPartition": _alter_attach,
    "AT_DetachPartition": _alter_detach,
    "AT_AddInherit": _alter_inherit,
    "AT_DropInherit": _alter_inherit,
    "AT_SetAccessMethod": _alter_table_fact("access_method"),
    "AT_SetTableSpace": _alter_table_fact("tablespace"),
    "AT_EnableRowSecurity": _alter_table_fact("row_security", True),
    "AT_DisableRowSecurity": _alter_table_fact("row_security", False),
    "AT_ReplicaIdentity": _alter_replica_identity,
    "AT_SetLogged": _alter_table_fact("unlogged", False),
    "AT_SetUnLogged": _alter_table_fact("unlogged", True),
}


# Indexes


def create_index(state: Known, node: Node) -> None:
    table = state.key_of_range(node["relation"])
    relation = state.assume(table)
    elements = [fields_of(item) for item in node.get("indexParams", ())]
    columns = tuple(element.get("name") for element in elements)
    used = {name for name in columns if name} | columns_in(node.get("whereClause"))
    for element in [*elements, *map(fields_of, node.get("indexIncludingParams", ()))]:
        used |= {element["name"]} if "name" in element else columns_in(element.get("expr"))
    name = node.get("idxname") or free_name(state, relation, columns, "idx")
    key = f"{relation.schema}.{name}"
    if key in state.indexes:
        return
    if not relation.known:
        state.put(relation)
    index = Index(
        key,
        table,
        columns,
        unique=bool(node.get("unique")),
        used_columns=frozenset(used),
        method=node.get("accessMethod", "btree"),
        opclasses=tuple("".join(names_of(e.get("opclass"))[-1:]) for e in elements),
        calls=frozenset(
            name[-1] for name in functions_in({"all": [*elements, node.get("whereClause")]})
        ),
        plain="whereClause" not in node and all(map(is_plain, elements)),
        born=state.unit,
    )
    state.indexes[key] = index
    if node["relation"].get("inh"):
        for child in state.children(table):
            attach_index(state, index, child)


def is_plain(element: Node) -> bool:
    """Whether an index has a column as it is: default operator class, collation and order."""
    return "name" in element and not (
        {"opclass", "collation"} & element.keys()
        or element.get("ordering") not in (None, "SORTBY_DEFAULT", "SORTBY_ASC")
        or element.get("nulls_ordering") not in (None, "SORTBY_NULLS_DEFAULT")
    )


def drop_index(state: Known, key: str) -> None:
    state.indexes.pop(key, None)
    for index in state.indexes_below(key):
        drop_index(state, index.name)
