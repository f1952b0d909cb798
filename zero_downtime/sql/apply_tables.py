"""How CREATE TABLE, ALTER TABLE and CREATE INDEX change what is known of a schema."""

from __future__ import annotations

from collections.abc import Mapping
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


def stays(state: Known, key: str, if_not_exists: bool) -> bool:
    """Whether a relation stays as it is when one of its name is created.

    An earlier unit's does not: a CREATE that runs proves that the name was free, whatever the
    files before (another server's schema, another way to the same table) have said.
    """
    existing = state.relations.get(key)
    if existing is None:
        return False
    if if_not_exists or (existing.known and existing.born == state.unit):
        return True
    for index in state.indexes_of(key):
        del state.indexes[index.name]
    return False


def create_table(state: Known, node: Node) -> None:
    key = state.key_of_range(node["relation"], create=True)
    if stays(state, key, bool(node.get("if_not_exists"))):
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
        partition_strategy=_strategy(partitioned),
        key_columns=_key_columns(partitioned),
        bound=bound,
        access_method=node.get("accessMethod", state.default_access_method),
        tablespace=node.get("tablespacename", state.default_tablespace),
        temporary=node["relation"].get("relpersistence") == "t",
        unlogged=node["relation"].get("relpersistence") == "u",
        row_type=_row_type(state, node),
        server=node.get("servername", ""),
        born=state.unit,
        storage=state.transaction,
    )
    state.put(relation)
    for parent in parents:
        inherit(state, key, parent)
    row_type = state.types.get(relation.row_type or "")
    if row_type:
        attributes = row_type.attributes
        columns = {n: Column(n, type, born=state.unit) for n, type in attributes.items()}
        state.put(replace(state.relations[key], columns=columns))
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


def _strategy(spec: Node | None) -> str:
    return str((spec or {}).get("strategy", "")).removeprefix("PARTITION_STRATEGY_").lower()


def _key_columns(spec: Node | None) -> tuple[str | None, ...]:
    return tuple(fields_of(param).get("name") for param in (spec or {}).get("partParams", ()))


def _row_type(state: Known, node: Node) -> str | None:
    if "ofTypename" not in node:
        return None
    names = names_of(node["ofTypename"]["names"])
    return state.type_key(names) or state.new_name(names)


def _add_element(state: Known, key: str, element: Node) -> None:
    kind, fields = kind_of(element)
    if kind == "ColumnDef":
        add_column(state, key, fields)
    elif kind == "Constraint":  # nothing is there to check yet: NOT VALID is ignored
        add_constraint(state, key, {k: v for k, v in fields.items() if k != "skip_validation"})
    elif kind == "TableLikeClause":
        source = state.relation(state.key_of_range(fields["relation"]))
        if source:
            _copy_like(state, key, source, fields.get("options", 0))


# CREATE_TABLE_LIKE_… in parsenodes.h
_LIKE_CONSTRAINTS, _LIKE_DEFAULTS, _LIKE_GENERATED = 1 << 2, 1 << 3, 1 << 4
_LIKE_IDENTITY, _LIKE_INDEXES = 1 << 5, 1 << 6


def _copy_like(state: Known, key: str, source: Relation, options: int) -> None:
    """LIKE: the columns and NOT NULLs always, the rest as INCLUDING says."""
    target = state.relations[key]
    columns = {}
    for name, column in source.columns.items():
        column = replace(column, born=state.unit)
        if not options & (_LIKE_GENERATED if column.generated else _LIKE_DEFAULTS):
            column = replace(column, default=None, generated="")
        columns[name] = replace(column, identity=False)
    state.put(replace(target, columns={**target.columns, **columns}))
    for name, column in source.columns.items():
        if column.identity and options & _LIKE_IDENTITY:
            change_column(state, key, name, True, identity=True)
            add_sequence(state, key, name)
    for constraint in source.constraints.values():
        wanted = constraint.kind == "not null" or (
            constraint.kind == "check" and options & _LIKE_CONSTRAINTS
        )
        if wanted:
            relation = state.relations[key]
            copied = replace(constraint, born=state.unit, inherited=False)
            constraints = {**relation.constraints, copied.name: copied}
            state.put(replace(relation, constraints=constraints))
    if options & _LIKE_INDEXES:
        for index in state.indexes_of(source.key):
            attach_index(state, replace(index, parent=None), key, attached=False)


def inherit(state: Known, key: str, parent_key: str) -> None:
    """Give a new child its parent's columns, constraints and, for a partition, its indexes."""
    parent, child = state.relation(parent_key), state.relations[key]
    if parent is None:
        return
    passed_on = {
        name: replace(c, born=state.unit, index=None, inherited=child.is_partition)
        for name, c in parent.constraints.items()
        if not c.no_inherit
        and (c.kind in ("check", "not null") or (child.is_partition and c.kind == "foreign key"))
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
        rows = {n: t for n, t in parent.triggers.items() if t.row}
        if rows:
            child = state.relations[key]
            state.put(replace(child, triggers={**child.triggers, **rows}))


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


def attach_index(state: Known, parent: Index, table: str, attached: bool = True) -> str:
    """The partition's index below a partitioned one: the equal one that it has, or a new one."""
    for index in state.indexes_of(table) if attached else ():
        if same_index(index, parent):
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
        parent,
        name=key,
        table=table,
        parent=parent.name if attached else None,
        constraint=constraint,
        born=state.unit,
    )
    return key


def same_index(one: Index, other: Index) -> bool:
    """Whether an index of a partition serves as its part of the parent's index."""
    return (
        (one.columns, one.unique, one.method, one.used_columns, one.plain)
        == (other.columns, other.unique, other.method, other.used_columns, other.plain)
        and (one.parent is None or one.parent == other.name)
        and not (other.constraint and not one.constraint)
    )


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


# Changes that several statements make


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


def drop_relation(state: Known, key: str) -> None:
    """Take a relation away, with its partitions, its sequences, and the views and rules over it."""
    falling = [key, *(k for k in state.descendants(key) if state.relations[k].is_partition)]
    for each in falling:
        for below in (*state.readers(each), *state.owned_sequences(each)):
            state.forget(below)
        for ruled in state.ruled_over(each):
            relation = state.relations[ruled]
            kept = {n: r for n, r in relation.rules.items() if each not in r.reads}
            state.put(replace(relation, rules=kept))
        state.forget(each)


# Indexes


def create_index(state: Known, node: Node) -> None:
    """CREATE INDEX, on the partitions too."""
    index = index_of(state, node)
    if index.name in state.indexes:
        return
    if not state.assume(index.table).known:
        state.put(state.assume(index.table))
    state.indexes[index.name] = index
    if node["relation"].get("inh") and state.assume(index.table).kind == "partitioned table":
        for child in state.children(index.table):
            attach_tree(state, index, child)


def attach_tree(state: Known, index: Index, table: str) -> None:
    """The index of a partition below a partitioned one, and those below that."""
    attached = state.indexes[attach_index(state, index, table)]
    if state.relations[table].kind == "partitioned table":
        for child in state.children(table):
            attach_tree(state, attached, child)


def index_of(state: Known, node: Node) -> Index:
    """The index that an IndexStmt node describes."""
    table = state.key_of_range(node["relation"])
    relation = state.assume(table)
    elements = [fields_of(item) for item in node.get("indexParams", ())]
    columns = tuple(element.get("name") for element in elements)
    used = {name for name in columns if name} | columns_in(node.get("whereClause"))
    for element in [*elements, *map(fields_of, node.get("indexIncludingParams", ()))]:
        used |= {element["name"]} if "name" in element else columns_in(element.get("expr"))
    name = node.get("idxname") or free_name(state, relation, columns, "idx")
    return Index(
        f"{relation.schema}.{name}",
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
        partial="whereClause" in node,
        born=state.unit,
    )


def is_plain(element: Node) -> bool:
    """Whether an index has a column as it is: default operator class, collation and order."""
    return "name" in element and not (
        "opclass" in element
        or "collation" in element
        or element.get("ordering") not in (None, "SORTBY_DEFAULT", "SORTBY_ASC")
        or element.get("nulls_ordering") not in (None, "SORTBY_NULLS_DEFAULT")
    )


def drop_index(state: Known, key: str) -> None:
    state.indexes.pop(key, None)
    for index in state.indexes_below(key):
        drop_index(state, index.name)
