"""A new name for something, with everything that refers to it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from zero_downtime.sql.known import Known


def rename_index(state: Known, key: str, new: str) -> None:
    index = state.indexes.pop(key, None)
    if index is None:
        return
    renamed = f"{key.partition('.')[0]}.{new}"
    state.indexes[renamed] = replace(index, name=renamed)
    for below in state.indexes_below(key):
        state.indexes[below.name] = replace(below, parent=renamed)
    if index.constraint and index.table in state.relations:
        rename_constraint(state, index.table, index.constraint, new, index_too=False)


def rename_relation(state: Known, key: str, schema: str, new: str) -> None:
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
        state.relations[k]
        for k in dict.fromkeys([*state.read_by(key), *state.owned_sequences(key)])
    ]
    for publication in list(state.publications.values()):
        if key in publication.tables:
            tables = {renamed if k == key else k: said for k, said in publication.tables.items()}
            state.publications[publication.name] = replace(publication, tables=tables)
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


def rename_column(state: Known, key: str, old: str, new: str) -> None:
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


def rename_constraint(state: Known, key: str, old: str, new: str, index_too: bool = True) -> None:
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
        index = state.indexes[index_key]
        del state.indexes[index_key]
        name = f"{relation.schema}.{new}"
        state.indexes[name] = replace(index, name=name, constraint=new)
    elif f"{relation.schema}.{new}" in state.indexes:
        index = state.indexes[f"{relation.schema}.{new}"]
        state.indexes[index.name] = replace(index, constraint=new)


def rename_type(state: Known, path: tuple[str, ...], new: str) -> None:
    key = state.type_key(path)
    if key is None:
        return
    renamed = f"{key.partition('.')[0]}.{new}"
    columns = list(state.using_type(key))
    facts = state.types[key]
    del state.types[key]
    state.types[renamed] = replace(facts, name=renamed)
    for relation, column in columns:
        if column.type.name == key:
            now = state.relations[relation.key]
            changed = replace(column, type=replace(column.type, name=renamed))
            state.put(replace(now, columns={**now.columns, column.name: changed}))
