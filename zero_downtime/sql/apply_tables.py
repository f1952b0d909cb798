"""How relations that come, inherit and go change what is known of a schema."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from zero_downtime.sql.apply_columns import add_column, add_sequence, change_column
from zero_downtime.sql.apply_constraints import add_constraint
from zero_downtime.sql.apply_indexes import attach_index
from zero_downtime.sql.facts import Column, Constraint, Relation, RelationKind
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, columns_in, fields_of, kind_of, names_of

RELATION_KINDS: Mapping[str, RelationKind] = {
    "OBJECT_TABLE": "table",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_FOREIGN_TABLE": "foreign table",
}


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
