"""How indexes, also those of partitions, change what is known of a schema."""

from __future__ import annotations

from msgspec.structs import replace

from zero_downtime.sql.facts import Index, Relation
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, columns_in, fields_of, functions_in, names_of

_LONGEST_NAME = 63


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
