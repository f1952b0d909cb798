"""Indexes: built and dropped concurrently, replaced before the predecessor goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from zero_downtime.catalog import Change, Identity
from zero_downtime.plan import keys
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Step


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """An index was added, removed or has another definition."""
    table, index = change.identity.of, change.identity.name
    what = str(change.identity)
    if change.kind == "removed":
        if _goes_with_parent(pool, index):
            if pool.is_detached(table):
                pool.changes[change.identity] = change  # it can go when the table is detached
        elif not pool.is_gone(table):
            yield _drop(pool, what, table, index)
        return
    assert change.new is not None
    sql = change.new.sql
    if change.kind == "added":
        constraint = _named_alike(pool, change.identity)
        if constraint is not None:  # its index has this name until it goes
            pool.take("constraint", constraint.identity.name, of=table)
            yield _beside_step(what, index, sql)
            sql = f"ALTER TABLE {table} DROP CONSTRAINT {constraint.identity.name}"
            yield Step(sql, str(constraint.identity), f"{index} stands in for it")
            yield _rename_step(what, index)
            return
        if pool.is_new(table) and not _name_is_taken(pool, change.identity):
            yield from _below_first(pool, index)
            # Nobody reads a new table yet, and a build inside its transaction is all or nothing.
            yield Step(_everywhere(pool, table, sql), what, f"index {index}", alone=False)
        elif " ON ONLY " in sql:
            yield Step(sql, what, "an empty shell, valid once every partition has its index")
        else:
            yield Step(_concurrently(sql), what, f"new index {index}")
        if change.identity in pool.old:  # it had to go before
            yield from _again(pool, change)
        return
    if " ON ONLY " in sql:
        yield from _replace_tree(pool, change)
        return
    if _goes_with_parent(pool, index):
        pool.refuse(change, "an index of a partition follows the index of its parent")
        return
    yield _beside_step(what, index, sql)
    referring = keys.referring(pool, change.identity)
    if referring:
        yield from keys.cut(referring)
        yield Step(f"DROP INDEX {index}", what, "the predecessor", alone=False)
        yield replace(_rename_step(what, index), alone=False)
        yield from keys.joined(referring)
    else:
        yield _drop(pool, what, table, index)
        yield _rename_step(what, index)
    yield from _again(pool, change)


def _name_is_taken(pool: Pool, index: Identity) -> bool:
    """Whether an index that goes has the name: until then rows come into the new relation."""
    return any(
        i.kind == "index" and i.name == index.name and i not in pool.aside for i in pool.old.facts
    ) and not _is_partitioned(pool, index.name)


def _named_alike(pool: Pool, index: Identity) -> Change | None:
    """A constraint that goes and whose own index has the name of a new one."""
    name = index.name.rpartition(".")[2]
    going = pool.changes.get(Identity("constraint", name, index.of))
    if going is None or going.old is None or going.new is not None:
        return None
    return going if going.old.definition.startswith(("UNIQUE", "PRIMARY KEY", "EXCLUDE")) else None


def _below_first(pool: Pool, index: str) -> Iterator[Step]:
    """The index of a new parent takes those of its partitions that are there already."""
    for each in _below(pool, index):
        if pool.changes.pop(each.identity, None) is not None:
            yield from change(pool, each)


def make_way(pool: Pool, retyped: set[Identity]) -> Iterator[Step]:
    """An index that changes with the type of its column would be built twice, if at all.

    Nor may one that goes be in the way of the type.
    """
    for identity in [each for each in pool.changes if each.kind == "index"]:
        change = pool.changes[identity]
        concerned = retyped & pool.old.depends.get(identity, frozenset())
        if change.old is None or not concerned or _is_partitioned(pool, identity.name):
            continue
        if change.new is not None:
            pool.changes[identity] = Change(identity, None, change.new)
        elif _goes_with_parent(pool, identity.name) or pool.is_gone(identity.of):
            continue
        else:
            del pool.changes[identity]
        yield _drop(pool, str(identity), identity.of, identity.name)


def _replace_tree(pool: Pool, change: Change) -> Iterable[Step]:
    """The index of a partitioned table: a shell beside it, filled partition by partition."""
    assert change.new is not None
    index, what = change.identity.name, str(change.identity)
    tree = [change, *_below(pool, index)]
    if any(each.old is None for each in tree):
        pool.refuse(change, "an index is replaced while a partition is added: do one first")
        return
    for each in tree:
        assert each.new is not None
        pool.changes.pop(each.identity, None)
        yield _beside_step(what, each.identity.name, each.new.sql)
    for each in tree[1:]:
        parent = _parent_index(pool, each.identity.name)
        sql = (
            f"ALTER INDEX {_beside_name(parent)} "
            f"ATTACH PARTITION {_beside_name(each.identity.name)}"
        )
        yield Step(sql, what, "valid when all are attached")
    yield Step(f"DROP INDEX {index}", what, "there is no concurrent way for a parent's index")
    for each in tree:
        yield _rename_step(what, each.identity.name)
        yield from _again(pool, each)


def _below(pool: Pool, index: str) -> Iterator[Change]:
    for identity in pool.new.facts:
        if identity.kind != "index partition" or identity.of != index:
            continue
        for other, fact in pool.new.facts.items():
            if other.kind == "index" and other.name == identity.name:
                yield Change(other, pool.old.facts.get(other), fact)
                yield from _below(pool, identity.name)


def _parent_index(pool: Pool, index: str) -> str:
    return next(i.of for i in pool.new.facts if i.kind == "index partition" and i.name == index)


def _beside_name(index: str) -> str:
    """A name for the successor while the predecessor still has its own; at most 63 bytes."""
    schema, _, bare = index.rpartition(".")
    beside = f'{bare[:-1][:58]}_new"' if bare.startswith('"') else f"{bare[:59]}_new"
    return f"{schema}.{beside}" if schema else beside


def _beside_step(what: str, index: str, sql: str) -> Step:
    bare, beside = index.rpartition(".")[2], _beside_name(index).rpartition(".")[2]
    sql = sql.replace(f"INDEX {bare} ON", f"INDEX {beside} ON", 1)
    if " ON ONLY " in sql:
        return Step(sql, what, "an empty shell, valid once every partition has its index")
    return Step(_concurrently(sql), what, f"the successor of {index}")


def _rename_step(what: str, index: str) -> Step:
    bare = index.rpartition(".")[2]
    return Step(f"ALTER INDEX {_beside_name(index)} RENAME TO {bare}", what, "its name")


def _again(pool: Pool, change: Change) -> Iterator[Step]:
    """What was said of the predecessor: its comment, CLUSTER ON, statistics targets."""
    for fact in belongings(pool.new, change.identity):
        pool.changes.pop(fact.identity, None)
        yield from (Step(sql, str(fact.identity)) for sql in fact.statements)


def change_attachment(pool: Pool, change: Change) -> Iterable[Step]:
    """An index of a partition becomes part of its parent's index."""
    if change.kind == "added" and change.new is not None:
        alone = not any(i.name == change.identity.of for i in pool.changes if i.kind == "index")
        yield Step(change.new.sql, str(change.identity), "part of the parent's index", alone=alone)
    elif change.kind == "removed" and not _goes_with_parent(pool, change.identity.name):
        pool.refuse(change, "an index can't be detached from its parent's index")


def change_invalid(pool: Pool, change: Change) -> Iterable[Step]:
    """A leftover of a failed concurrent build."""
    if change.identity.kind == "invalid partitioned index":
        return  # it follows from the indexes of the partitions, whose changes are planned
    if change.kind == "removed":
        index = change.identity.name
        yield Step(f"DROP INDEX CONCURRENTLY {index}", str(change.identity), "an INVALID leftover")
    else:
        pool.refuse(change, "an INVALID index can't be wanted")


def renames(pool: Pool) -> Iterator[Step]:
    """Indexes that only changed their name."""
    for old, new in pool.take_renamed("index"):
        sql = f"ALTER INDEX {old.name} RENAME TO {new.name.rpartition('.')[2]}"
        yield Step(sql, str(new), f"another name for {old.name}")


def _drop(pool: Pool, what: str, table: str, index: str) -> Step:
    partitioned = _is_partitioned(pool, index)
    index = pool.aside.get(Identity("index", index, table), index)
    if partitioned:
        return Step(f"DROP INDEX {index}", what, "there is no concurrent way for a parent's index")
    return Step(f"DROP INDEX CONCURRENTLY {index}", what, f"drop {index}")


def _concurrently(sql: str) -> str:
    head, _, rest = sql.partition("INDEX ")
    return f"{head}INDEX CONCURRENTLY {rest}"


def _everywhere(pool: Pool, table: str, sql: str) -> str:
    """On a new partitioned table one statement makes the index on all partitions."""
    return sql.replace(" ON ONLY ", " ON ", 1) if pool.is_partitioned(table) else sql


def _is_partitioned(pool: Pool, index: str) -> bool:
    return any(
        identity.kind == "index" and identity.name == index and " ON ONLY " in fact.sql
        for identity, fact in pool.old.facts.items()
    )


def _goes_with_parent(pool: Pool, index: str) -> bool:
    """Whether this is a partition's part of an index (it goes when the parent's index goes)."""
    return any(i.kind == "index partition" and i.name == index for i in pool.old.facts)
