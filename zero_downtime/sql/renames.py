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
    ruled = [each for each in state.ruled_over(key) if each != key]
    statistics = list(state.statistics.referring(key))
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
    for name in statistics:
        state.statistics[name] = renamed
    for each in ruled:
        of_rule = state.relations[each]
        rules = {
            n: replace(r, reads=frozenset(renamed if k == key else k for k in r.reads))
            for n, r in of_rule.rules.items()
        }
        state.put(replace(of_rule, rules=rules))
    for other in others:
        state.put(
            replace(
                state.relations.get(other.key, other),
                reads=frozenset(renamed if r == key else r for r in other.reads),
                query=_moved(state, other.query, key, schema, new),
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


def _moved(state: Known, node: Any, key: str, schema: str, new: str) -> Any:
    """A query in which a relation has its new name."""
    if isinstance(node, list):
        return [_moved(state, item, key, schema, new) for item in node]
    if not isinstance(node, dict):
        return node
    if "relname" in node and state.key_of_range(node) == key:
        alias = node.get("alias", {"aliasname": node["relname"]})
        return {**node, "schemaname": schema, "relname": new, "alias": alias}
    return {name: _moved(state, value, key, schema, new) for name, value in node.items()}


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


def rename_type(
    state: Known, path: tuple[str, ...], new: str | None = None, schema: str | None = None
) -> None:
    """Give a type another name or schema, with the columns, domains and tables made of it."""
    key = state.type_key(path)
    if key is None:
        return
    old_schema, _, old = key.partition(".")
    renamed = f"{schema or old_schema}.{new or old}"
    if renamed == key:
        return
    columns = list(state.using_type(key))
    tables = state.typed_tables(key)
    facts = state.types[key]
    del state.types[key]
    state.types[renamed] = replace(facts, name=renamed)
    for domain in list(state.types.values()):
        if domain.base is not None and domain.base.name == key:
            state.types[domain.name] = replace(domain, base=replace(domain.base, name=renamed))
    for relation, column in columns:
        if column.type.name == key:
            now = state.relations[relation.key]
            changed = replace(column, type=replace(column.type, name=renamed))
            state.put(replace(now, columns={**now.columns, column.name: changed}))
    for table in tables:
        state.put(replace(state.relations[table], row_type=renamed))


def rename_function(
    state: Known, path: tuple[str, ...], new: str | None = None, schema: str | None = None
) -> None:
    """Give a function another name or schema, with the triggers that call it."""
    function = state.function(path)
    if function is None:
        return
    old_schema, _, old = function.name.partition(".")
    renamed = f"{schema or old_schema}.{new or old}"
    state.functions.pop(function.name)
    state.functions[renamed] = replace(function, name=renamed)
    for relation in list(state.relations.values()):
        if any(t.function == function.name for t in relation.triggers.values()):
            triggers = {
                n: replace(t, function=renamed) if t.function == function.name else t
                for n, t in relation.triggers.items()
            }
            state.put(replace(relation, triggers=triggers))


def rename_schema(state: Known, old: str, new: str) -> None:
    """Give a schema another name, with all that is in it."""
    for relation in [r for r in state.relations.values() if r.schema == old]:
        rename_relation(state, relation.key, new, relation.name)
    for key in [k for k in state.types if k.startswith(f"{old}.")]:
        rename_type(state, tuple(key.split(".")), schema=new)
    for key in [k for k in state.functions if k.startswith(f"{old}.")]:
        rename_function(state, tuple(key.split(".")), schema=new)
    for key in [k for k in state.statistics if k.startswith(f"{old}.")]:
        table = state.statistics.pop(key)
        if table:
            state.statistics[f"{new}.{key.partition('.')[2]}"] = table
    for publication in list(state.publications.values()):
        if old in publication.schemas:
            schemas = publication.schemas - {old} | {new}
            state.publications[publication.name] = replace(publication, schemas=schemas)
