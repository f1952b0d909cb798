"""How each statement changes the simulated schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from zero_downtime.sql.facts import (
    Column,
    Constraint,
    ConstraintKind,
    FunctionFacts,
    Index,
    Relation,
    RelationKind,
    Trigger,
    TypeFacts,
)
from zero_downtime.sql.state import State
from zero_downtime.sql.tree import (
    Node,
    columns_in,
    constant,
    fields_of,
    kind_of,
    names_of,
    options_of,
    path_of,
    text_of,
)
from zero_downtime.sql.types import SERIAL_TYPES

Handler = Callable[[State, Node], None]

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


def apply_node(state: State, kind: str, node: Node) -> None:
    """Carry the state through one parsed statement; one without effect on it changes nothing."""
    handler = _HANDLERS.get(kind)
    if handler:
        handler(state, node)


# Tables


def _create_table(state: State, node: Node) -> None:
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


def _add_element(state: State, key: str, element: Node) -> None:
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


def _inherit(state: State, key: str, parent_key: str) -> None:
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


def attach_index(state: State, parent: Index, table: str) -> str:
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
    state: State, relation: Relation, columns: tuple[str | None, ...], suffix: str
) -> str:
    """The name that PostgreSQL gives to an index or constraint without one."""
    parts = "_".join(column or "expr" for column in columns)
    stem = "_".join(filter(None, (relation.name, parts)))
    number = ""
    while True:
        name = f"{stem[: _LONGEST_NAME - len(suffix) - len(str(number)) - 1]}_{suffix}{number}"
        taken = name in relation.constraints or f"{relation.schema}.{name}" in {
            *state.indexes,
            *state.relations,
        }
        if not taken:
            return name
        number = str(int(number or 0) + 1)


def add_column(state: State, key: str, fields: Node) -> None:
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
            add_constraint(state, key, item, name)


def _add_sequence(state: State, key: str, column: str, identity: Node | None = None) -> None:
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
            temporary=table.temporary,
            born=state.unit,
            storage=state.transaction,
        )
    )


def set_not_null(state: State, key: str, column: str, name: str | None = None) -> None:
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


def add_constraint(state: State, key: str, fields: Node, column: str | None = None) -> None:
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


def _mark_inherited(state: State, key: str, name: str) -> None:
    relation = state.relations[key]
    if relation.is_partition and name in relation.constraints:
        marked = replace(relation.constraints[name], inherited=True)
        state.put(replace(relation, constraints={**relation.constraints, name: marked}))


def _index_for(state: State, key: str, constraint: Constraint, attached: str | None) -> None:
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


def _alter_table(state: State, node: Node) -> None:
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


def _alter_index(state: State, key: str, node: Node) -> None:
    for command in node.get("cmds", ()):
        fields = fields_of(command)
        if fields["subtype"] == "AT_AttachPartition":
            child = state.key_of_range(fields_of(fields["def"])["name"])
            if child in state.indexes:
                state.indexes[child] = replace(state.indexes[child], parent=key)


def _each(state: State, key: str, only: bool) -> list[str]:
    return [key] if only else state.tree(key)


def _alter_add_column(state: State, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        add_column(state, each, fields_of(fields["def"]))


def _alter_drop_column(state: State, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        drop_column(state, each, fields["name"])


def drop_column(state: State, key: str, name: str) -> None:
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


def _change_column(state: State, key: str, name: str, only: bool, **facts: Any) -> None:
    for each in _each(state, key, only):
        relation = state.relations[each]
        if name in relation.columns:
            column = replace(relation.columns[name], **facts)
            state.put(replace(relation, columns={**relation.columns, name: column}))


def _alter_default(state: State, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, default=fields.get("def"))


def _alter_set_not_null(state: State, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        set_not_null(state, each, fields["name"])


def _alter_drop_not_null(state: State, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        state.change_constraints(
            each, lambda c: (c.kind, c.columns) != ("not null", (fields["name"],))
        )
        _change_column(state, each, fields["name"], True, not_null=False)


def _alter_type(state: State, key: str, fields: Node, only: bool) -> None:
    definition = fields_of(fields["def"])
    _change_column(state, key, fields["name"], only, type=state.type_of(definition["typeName"]))


def _alter_add_identity(state: State, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, identity=True)
    _add_sequence(state, key, fields["name"], fields_of(fields.get("def")))


def _alter_drop_identity(state: State, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, identity=False)
    for sequence in state.owned_sequences(key, fields["name"]):
        state.forget(sequence)


def _alter_drop_expression(state: State, key: str, fields: Node, only: bool) -> None:
    _change_column(state, key, fields["name"], only, generated="")


def _alter_add_constraint(state: State, key: str, fields: Node, only: bool) -> None:
    add_constraint(state, key, fields_of(fields["def"]))


def _alter_drop_constraint(state: State, key: str, fields: Node, only: bool) -> None:
    name = fields["name"]
    for each in _each(state, key, only):
        constraint = state.relations[each].constraints.get(name)
        if constraint and constraint.kind == "not null":
            _change_column(state, each, constraint.columns[0], True, not_null=False)
        state.change_constraints(each, lambda c: c.name != name)
        if constraint and constraint.index:
            _drop_index_key(state, f"{state.relations[each].schema}.{constraint.index}")
            for child in state.referencing(each):
                kept = constraint.columns
                state.change_constraints(
                    child,
                    lambda c, each=each, kept=kept: (
                        c.references != each or (c.referenced_columns or kept) != kept
                    ),
                )


def _alter_validate(state: State, key: str, fields: Node, only: bool) -> None:
    for each in _each(state, key, only):
        relation = state.relations[each]
        found = relation.constraints.get(fields["name"])
        if found:
            changed = {**relation.constraints, found.name: replace(found, valid=True)}
            state.put(replace(relation, constraints=changed))


def _alter_attach(state: State, key: str, fields: Node, only: bool) -> None:
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


def _alter_detach(state: State, key: str, fields: Node, only: bool) -> None:
    child_key = state.key_of_range(fields_of(fields["def"])["name"])
    child = state.assume(child_key)
    alone = {n: replace(c, inherited=False) for n, c in child.constraints.items()}
    state.put(replace(child, parents=(), is_partition=False, is_default=False, constraints=alone))
    for index in state.indexes_of(child_key):
        state.indexes[index.name] = replace(index, parent=None)


def _alter_inherit(state: State, key: str, fields: Node, only: bool) -> None:
    parent = state.key_of_range(fields_of(fields["def"]))
    relation = state.relations[key]
    if parent in state.tree(key):
        return
    kept = tuple(p for p in relation.parents if p != parent)
    added = (parent,) if fields["subtype"] == "AT_AddInherit" else ()
    state.put(replace(relation, parents=(*kept, *added)))


def _alter_table_fact(fact: str, value: Any = None) -> Callable[[State, str, Node, bool], None]:
    def change(state: State, key: str, fields: Node, only: bool) -> None:
        facts = {fact: fields.get("name", "heap") if value is None else value}
        state.put(replace(state.relations[key], **facts))

    return change


_ALTERATIONS: Mapping[str, Callable[[State, str, Node, bool], None]] = {
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
    "AT_SetLogged": _alter_table_fact("unlogged", False),
    "AT_SetUnLogged": _alter_table_fact("unlogged", True),
}


# Indexes


def _create_index(state: State, node: Node) -> None:
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
        born=state.unit,
    )
    state.indexes[key] = index
    if node["relation"].get("inh"):
        for child in state.children(table):
            attach_index(state, index, child)


def _drop_index_key(state: State, key: str) -> None:
    state.indexes.pop(key, None)
    for name in [name for name, index in state.indexes.items() if index.parent == key]:
        _drop_index_key(state, name)


# Other relations


def _create_as(state: State, node: Node) -> None:
    into = node["into"]
    kind: RelationKind = "materialized view" if node.get("objtype") == "OBJECT_MATVIEW" else "table"
    query = node["query"]
    _create_from_query(state, into["rel"], kind, query)


def _create_from_query(state: State, range_var: Node, kind: RelationKind, query: Node) -> None:
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


def _create_view(state: State, node: Node) -> None:
    _create_from_query(state, node["view"], "view", node["query"])


def _select(state: State, node: Node) -> None:
    into = node.get("intoClause")
    if into:
        query = {key: value for key, value in node.items() if key != "intoClause"}
        _create_from_query(state, into["rel"], "table", {"SelectStmt": query})
    for target in node.get("targetList", ()):
        call = fields_of(target).get("val", {}).get("FuncCall", {})
        if call and names_of(call["funcname"])[-1] == "set_config":
            name, value = (constant(argument) for argument in call["args"][:2])
            _set(state, str(name), [str(value)] if value else [])


def _create_sequence(state: State, node: Node) -> None:
    key = state.key_of_range(node["sequence"], create=True)
    if key in state.relations:
        return
    schema, _, name = key.partition(".")
    state.put(Relation(schema, name, "sequence", born=state.unit, storage=state.transaction))
    _own_sequence(state, key, node)


def _own_sequence(state: State, key: str, node: Node) -> None:
    for option in node.get("options", ()):
        fields = fields_of(option)
        if fields["defname"] == "owned_by":
            path = path_of(fields["arg"])
            owner = (state.key_of(path[:-1]), path[-1]) if len(path) > 1 else None
            state.put(replace(state.assume(key, "sequence"), owned_by=owner))


def _alter_sequence(state: State, node: Node) -> None:
    key = state.key_of_range(node["sequence"])
    if state.exists(key):
        _own_sequence(state, key, node)


def _create_trigger(state: State, node: Node) -> None:
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


def _policy(state: State, node: Node) -> None:
    relation = state.assume(state.key_of_range(node["table"]))
    parts: Node = {part: node[part] for part in ("qual", "with_check") if part in node}
    name = node["policy_name"]
    said = {**relation.policies.get(name, {}), **parts}
    state.put(replace(relation, policies={**relation.policies, name: said}))


def _create_statistics(state: State, node: Node) -> None:
    name = ".".join(names_of(node.get("defnames"))[-1:])
    for relation in node.get("relations", ()):
        if "RangeVar" in relation:
            state.statistics[name] = state.key_of_range(relation["RangeVar"])


# Types and functions


def _name(state: State, name: tuple[str, ...]) -> str:
    """The key under which an object of this name is (or will be) known."""
    if len(name) > 1:
        return ".".join(name[-2:])
    return f"{state.search_path[0] if state.search_path else 'public'}.{name[0]}"


def _create_enum(state: State, node: Node) -> None:
    key = _name(state, names_of(node["typeName"]))
    state.types[key] = TypeFacts(key, "enum", born=state.unit, born_in=state.transaction)


def _create_domain(state: State, node: Node) -> None:
    key = _name(state, names_of(node["domainname"]))
    kinds = {fields_of(item)["contype"] for item in node.get("constraints", ())}
    state.types[key] = TypeFacts(
        key,
        "domain",
        base=state.type_of(node["typeName"]),
        constrained=bool(kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"}),
        born=state.unit,
    )


def _alter_domain(state: State, node: Node) -> None:
    facts = state.types.get(state.type_key(names_of(node["typeName"])) or "")
    if facts and node.get("subtype") in ("C", "O"):
        state.types[facts.name] = replace(facts, constrained=True)


def _create_composite(state: State, node: Node) -> None:
    key = state.key_of_range(node["typevar"], create=True)
    state.types[key] = TypeFacts(key, "composite", born=state.unit)


def _create_range(state: State, node: Node) -> None:
    key = _name(state, names_of(node["typeName"]))
    state.types[key] = TypeFacts(key, "range", born=state.unit)


def _create_function(state: State, node: Node) -> None:
    options = options_of(node.get("options"))
    key = _name(state, names_of(node["funcname"]))
    volatile = options.get("volatility", "volatile") == "volatile"
    state.functions[key] = FunctionFacts(
        key, volatile, inlined=_inlined(node, options.get("language")), born=state.unit
    )


def _inlined(node: Node, language: object) -> Node | None:
    """The expression of a one-line SQL function, whose own volatility then decides."""
    from zero_downtime.sql.tree import NotParsed, parse

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


def _drop(state: State, node: Node) -> None:
    kind = node["removeType"]
    for item in node.get("objects", ()):
        path = path_of(item)
        if kind in RELATION_KINDS:
            drop_relation(state, state.key_of(path))
        elif kind == "OBJECT_INDEX":
            _drop_index_key(state, state.key_of(path))
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
        elif kind == "OBJECT_STATISTIC_EXT":
            state.statistics.pop(path[-1], None)


def drop_relation(state: State, key: str) -> None:
    """Take a relation away, with its partitions, its sequences and the views over it."""
    falling = [key, *(k for k in state.descendants(key) if state.relations[k].is_partition)]
    for each in falling:
        for below in (*state.readers(each), *state.owned_sequences(each)):
            state.forget(below)
        state.forget(each)


def _drop_type(state: State, path: tuple[str, ...]) -> None:
    key = state.type_key(path)
    if key is None:
        return
    for relation, column in list(state.using_type(key)):
        drop_column(state, relation.key, column.name)
    del state.types[key]


def _drop_function(state: State, path: tuple[str, ...]) -> None:
    function = state.function(path)
    if function:
        del state.functions[function.name]
        for relation in list(state.relations.values()):
            kept = {n: t for n, t in relation.triggers.items() if t.function != function.name}
            if len(kept) != len(relation.triggers):
                state.put(replace(relation, triggers=kept))


def _drop_schema(state: State, schema: str) -> None:
    for key in [k for k, r in state.relations.items() if r.schema == schema]:
        if key in state.relations:
            drop_relation(state, key)
    for facts in (state.types, state.functions):
        for key in [k for k in facts if k.startswith(f"{schema}.")]:
            del facts[key]


def _drop_trigger(state: State, key: str, name: str) -> None:
    for each in state.tree(key):
        relation = state.relation(each)
        if relation:
            kept = {n: t for n, t in relation.triggers.items() if n != name}
            state.put(replace(relation, triggers=kept))


def _drop_policy(state: State, key: str, name: str) -> None:
    relation = state.relation(key)
    if relation:
        kept = {n: p for n, p in relation.policies.items() if n != name}
        state.put(replace(relation, policies=kept))


def _rename(state: State, node: Node) -> None:
    kind, new = node["renameType"], node["newname"]
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        _rename_type(state, path_of(node["object"]), new)
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
            _rename_constraint(state, each, node["subname"], new)
    elif kind == "OBJECT_TRIGGER":
        relation = state.assume(key)
        triggers = {
            new if n == node["subname"] else n: replace(t, name=new) if n == node["subname"] else t
            for n, t in relation.triggers.items()
        }
        state.put(replace(relation, triggers=triggers))


def rename_index(state: State, key: str, new: str) -> None:
    index = state.indexes.pop(key, None)
    if index is None:
        return
    renamed = f"{key.partition('.')[0]}.{new}"
    state.indexes[renamed] = replace(index, name=renamed)
    for name, below in list(state.indexes.items()):
        if below.parent == key:
            state.indexes[name] = replace(below, parent=renamed)
    if index.constraint and index.table in state.relations:
        _rename_constraint(state, index.table, index.constraint, new, index_too=False)


def rename_relation(state: State, key: str, schema: str, new: str) -> None:
    """Give a relation another name (or schema); everything that refers to it follows."""
    relation = state.assume(key)
    renamed = f"{schema}.{new}"
    if key == renamed:
        return
    followers = [
        state.relations[k]
        for k in {*state.children(key), *state.referencing(key)}
        if k in state.relations
    ]
    others = [
        r for r in state.relations.values() if key in r.reads or (r.owned_by or "")[:1] == (key,)
    ]
    indexes = state.indexes_of(key)
    old_constraints = relation.constraints
    state.forget(key)
    state.put(
        replace(
            relation,
            schema=schema,
            name=new,
            constraints={
                n: replace(c, references=renamed) if c.references == key else c
                for n, c in old_constraints.items()
            },
        )
    )
    for index in indexes:
        moved = f"{schema}.{index.name.partition('.')[2]}"
        state.indexes[moved] = replace(index, name=moved, table=renamed)
    for follower in followers:
        if follower.key == key:
            continue
        state.put(
            replace(
                follower,
                parents=tuple(renamed if p == key else p for p in follower.parents),
                constraints={
                    n: replace(c, references=renamed) if c.references == key else c
                    for n, c in follower.constraints.items()
                },
            )
        )
    for other in others:
        state.put(
            replace(
                state.relations.get(other.key, other),
                reads=frozenset(renamed if r == key else r for r in other.reads),
                owned_by=(renamed, other.owned_by[1])
                if other.owned_by and other.owned_by[0] == key
                else other.owned_by,
            )
        )


def rename_column(state: State, key: str, old: str, new: str) -> None:
    """Give a column another name, in the constraints and indexes too."""
    relation = state.assume(key)

    def now(name: str) -> str:
        return new if name == old else name

    columns = {now(n): replace(c, name=now(n)) for n, c in relation.columns.items()}
    constraints = {
        n: replace(
            c, columns=tuple(map(now, c.columns)), expression=_renamed(c.expression, old, new)
        )
        for n, c in relation.constraints.items()
    }
    state.put(replace(relation, columns=columns, constraints=constraints))
    for index in state.indexes_of(key):
        state.indexes[index.name] = replace(
            index,
            columns=tuple(c and now(c) for c in index.columns),
            used_columns=frozenset(map(now, index.used_columns)),
        )
    for sequence in state.owned_sequences(key, old):
        state.put(replace(state.relations[sequence], owned_by=(key, new)))
    for child in state.referencing(key):
        of_child = state.relations[child]
        changed = {
            n: replace(c, referenced_columns=tuple(map(now, c.referenced_columns)))
            if c.references == key
            else c
            for n, c in of_child.constraints.items()
        }
        state.put(replace(of_child, constraints=changed))


def _renamed(node: Any, old: str, new: str) -> Any:
    """An expression in which the column references to ``old`` say ``new``."""
    if isinstance(node, list):
        return [_renamed(item, old, new) for item in node]
    if not isinstance(node, dict):
        return node
    if "ColumnRef" in node:
        fields = node["ColumnRef"]["fields"]
        if fields[-1].get("String", {}).get("sval") == old:
            changed = [*fields[:-1], {"String": {"sval": new}}]
            return {"ColumnRef": {**node["ColumnRef"], "fields": changed}}
        return node
    return {key: _renamed(value, old, new) for key, value in node.items()}


def _rename_constraint(state: State, key: str, old: str, new: str, index_too: bool = True) -> None:
    relation = state.relation(key)
    if relation is None or old not in relation.constraints:
        return
    constraint = relation.constraints[old]
    renamed = replace(constraint, name=new, index=new if constraint.index else None)
    constraints = {
        new if n == old else n: renamed if n == old else c for n, c in relation.constraints.items()
    }
    state.put(replace(relation, constraints=constraints))
    if not constraint.index:
        return
    index_key = f"{relation.schema}.{constraint.index}"
    if index_too and index_key in state.indexes:
        index = state.indexes.pop(index_key)
        name = f"{relation.schema}.{new}"
        state.indexes[name] = replace(index, name=name, constraint=new)
    elif f"{relation.schema}.{new}" in state.indexes:
        index = state.indexes[f"{relation.schema}.{new}"]
        state.indexes[index.name] = replace(index, constraint=new)


def _rename_type(state: State, path: tuple[str, ...], new: str) -> None:
    key = state.type_key(path)
    if key is None:
        return
    renamed = f"{key.partition('.')[0]}.{new}"
    columns = list(state.using_type(key))
    state.types[renamed] = replace(state.types.pop(key), name=renamed)
    for relation, column in columns:
        if column.type.name == key:
            now = state.relations[relation.key]
            changed = replace(column, type=replace(column.type, name=renamed))
            state.put(replace(now, columns={**now.columns, column.name: changed}))


def _set_schema(state: State, node: Node) -> None:
    kind = node["objectType"]
    if kind in RELATION_KINDS and "relation" in node:
        key = state.key_of_range(node["relation"])
        for sequence in state.owned_sequences(key):
            rename_relation(state, sequence, node["newschema"], state.relations[sequence].name)
        rename_relation(state, key, node["newschema"], state.assume(key).name)


# Settings


def _set_variable(state: State, node: Node) -> None:
    name = node.get("name", "")
    if node["kind"] == "VAR_SET_VALUE":
        values = [str(constant(argument)) for argument in node.get("args", ())]
        _set(state, name, values)
    elif node["kind"] in ("VAR_RESET", "VAR_SET_DEFAULT") and name in ("search_path", "timezone"):
        _set(state, name, ["public"] if name == "search_path" else [])
    elif node["kind"] == "VAR_RESET_ALL":
        state.new_session()


def _set(state: State, name: str, values: list[str]) -> None:
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


def _create_schema(state: State, node: Node) -> None:
    name = node.get("schemaname") or node["authrole"].get("rolename", "public")
    for element in node.get("schemaElts", ()):
        kind, fields = kind_of(element)
        path = state.search_path
        state.search_path = (name, *path)
        apply_node(state, kind, fields)
        state.search_path = path


_HANDLERS: Mapping[str, Handler] = {
    "CreateStmt": _create_table,
    "CreateForeignTableStmt": lambda state, node: _create_table(
        state, {**node.get("base", node), "servername": node.get("servername", "")}
    ),
    "AlterTableStmt": _alter_table,
    "IndexStmt": _create_index,
    "CreateTableAsStmt": _create_as,
    "ViewStmt": _create_view,
    "SelectStmt": _select,
    "CreateSeqStmt": _create_sequence,
    "AlterSeqStmt": _alter_sequence,
    "CreateTrigStmt": _create_trigger,
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "CreateStatsStmt": _create_statistics,
    "CreateEnumStmt": _create_enum,
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
