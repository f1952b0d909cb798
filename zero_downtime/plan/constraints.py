"""Constraints: added NOT VALID and validated, built by index, swapped without a gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Catalog, Change, Fact, Identity
from zero_downtime.plan import indexes, keys, partitioned_keys, tables
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Step

_NOT_VALID = " NOT VALID"
_NOT_ENFORCED = " NOT ENFORCED"
_PARTITIONED_NOT_VALID = 18  # NOT VALID foreign keys of partitioned tables exist from here on


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """A CHECK, FOREIGN KEY, UNIQUE, PRIMARY KEY or EXCLUDE constraint."""
    table, name = change.identity.of, change.identity.name
    what = str(change.identity)
    if change.kind == "removed":
        if pool.is_gone(table):
            return
        if pool.is_detached(table) and _is_of_the_parent(pool, table, name):
            pool.changes[change.identity] = change  # it can go when the table is detached
            return
        assert change.old is not None
        if pool.is_attached(table) and _has_from_the_parent(pool.new, table, change.old.definition):
            return  # it becomes one with its parent's
        if not pool.is_detached(table) and partitioned_keys.is_attached(pool.old, change.identity):
            return  # it goes with its parent's
        name = pool.aside.get(change.identity, name)
        referring = keys.referring(pool, change.identity)  # they can refer to another key
        yield from keys.cut(referring)
        sql = f"ALTER TABLE {table} DROP CONSTRAINT {name}"
        yield Step(sql, what, f"drop {name}", alone=not referring)
        yield from keys.joined(referring)
        return
    assert change.new is not None
    definition = change.new.definition
    if change.kind == "added":
        if pool.is_detached(table) and _has_from_the_parent(pool.old, table, definition):
            return  # it keeps what it had as a partition
        yield from _add(pool, what, table, name, definition)
        return
    assert change.old is not None
    if change.old.definition == definition + _NOT_VALID:
        yield keys.validate(what, table, name)
    elif _without_timing(change.old.definition) == _without_timing(definition) and (
        definition.startswith("FOREIGN KEY")
    ):
        timing = re.search(r"(?:NOT )?DEFERRABLE.*", definition.removesuffix(_NOT_VALID))
        words = timing[0] if timing else "NOT DEFERRABLE"
        yield Step(f"ALTER TABLE {table} ALTER CONSTRAINT {name} {words}", what, "in place")
    elif definition.startswith(("CHECK", "FOREIGN KEY")):
        yield from _swap(pool, what, table, name, definition)
    elif pool.is_partitioned(table):
        yield from partitioned_keys.swap(pool, change)
    else:
        yield from _swap_key(pool, change, definition)
    yield from _comment_again(pool, change)


def _has_from_the_parent(catalog: Catalog, table: str, definition: str) -> bool:
    """Whether a partition has such a foreign key from its parent."""
    parent = catalog.parent(table)
    return (
        definition.startswith("FOREIGN KEY")
        and parent is not None
        and (
            any(fact.definition == definition for fact in catalog.of(parent))
            or _has_from_the_parent(catalog, parent, definition)
        )
    )


def _is_of_the_parent(pool: Pool, table: str, name: str) -> bool:
    index = f"{table.rpartition('.')[0]}.{name}"
    parent = Identity("constraint", name, pool.old.parent(table) or "")
    return parent in pool.old or any(
        identity.kind == "index partition" and identity.name == index for identity in pool.old.facts
    )


def _without_timing(definition: str) -> str:
    return re.sub(r" (?:NOT )?DEFERRABLE| INITIALLY \w+", "", definition)


def _comment_again(pool: Pool, change: Change) -> Iterator[Step]:
    """A successor starts without the comment of its predecessor."""
    identity = Identity("constraint comment", change.identity.name, change.identity.of)
    if identity in pool.new and identity not in pool.changes:
        yield Step(pool.new.facts[identity].sql, str(identity))


def renames(pool: Pool) -> Iterator[Step]:
    """Constraints that only changed their name."""
    for old, new in pool.take_renamed("constraint"):
        sql = f"ALTER TABLE {new.of} RENAME CONSTRAINT {old.name} TO {new.name}"
        yield Step(sql, str(new), f"another name for {old.name}")


def make_way(pool: Pool, retyped: set[Identity]) -> Iterator[Step]:
    """A constraint that goes, or refers to another table, may not hold for a column's new type."""
    for identity in [each for each in pool.changes if each.kind == "constraint"]:
        change = pool.changes[identity]
        if change.old is None or not retyped & pool.old.depends.get(identity, frozenset()):
            continue
        if change.new is not None and not _refers_elsewhere(change.old, change.new):
            continue
        if partitioned_keys.is_attached(pool.old, identity) or keys.referring(pool, identity):
            continue  # it goes with its parent's, or others must go first
        if change.new is None:
            del pool.changes[identity]
        else:
            pool.changes[identity] = Change(identity, None, change.new)
        name = pool.aside.get(identity, identity.name)
        yield Step(f"ALTER TABLE {identity.of} DROP CONSTRAINT {name}", str(identity), "drop it")


def _refers_elsewhere(old: Fact, new: Fact) -> bool:
    before, after = (_REFERENCE.search(fact.definition) for fact in (old, new))
    return before is not None and after is not None and before[0] != after[0]


_REFERENCE = re.compile(r" REFERENCES .*?\([^()]*\)")


def _add(pool: Pool, what: str, table: str, name: str, definition: str) -> Iterable[Step]:
    add = f"ALTER TABLE {table} ADD CONSTRAINT {name}"
    other = tables.referred_to(definition)
    if pool.is_new(table) and (other is None or pool.is_new(other)):
        yield Step(f"{add} {definition}", what, name, alone=False)
    elif definition.startswith(("CHECK", "FOREIGN KEY")) and _NOT_ENFORCED not in definition:
        if _has_no_not_valid(pool, table, definition):
            yield from _leaf_by_leaf(pool, what, table, name, definition)
            return
        yield from add_unvalidated(what, table, name, definition)
    elif _takes_an_index(pool, table, definition):
        ready = _ready_index(pool, table, definition)
        if ready is not None:
            yield Step(f"{add} {keys.using_index(definition, ready)}", what, f"takes {ready}")
            return
        index = partitioned_keys.index_of(Identity("constraint", name, table))
        taken = pool.changes.get(Identity("index", index, table))
        built = name if taken is None else keys.beside(name)
        yield keys.build(what, table, built, definition)
        if taken is not None:
            del pool.changes[taken.identity]
            yield from indexes.change(pool, taken)
        yield Step(f"{add} {keys.using_index(definition, built)}", what, f"{name} takes that index")
    elif definition.startswith(("CHECK", "FOREIGN KEY")):
        yield Step(f"{add} {definition}", what, f"{name}: said, never checked")
    elif definition.startswith(("UNIQUE", "PRIMARY KEY")) and pool.is_partitioned(table):
        only = f"ALTER TABLE ONLY {table} ADD CONSTRAINT {name} {definition}"
        yield Step(only, what, "an empty shell, valid once every partition has its key")
    else:
        yield Step(f"{add} {definition}", what, f"{name}: no way to build it online")


def add_unvalidated(what: str, table: str, name: str, definition: str) -> Iterator[Step]:
    """A CHECK or FOREIGN KEY that holds for new rows first, and is validated if it is to be."""
    sql = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition.removesuffix(_NOT_VALID)}"
    yield Step(f"{sql}{_NOT_VALID}", what, f"{name}: new rows from now on")
    if not definition.endswith(_NOT_VALID):
        yield keys.validate(what, table, name)


def _ready_index(pool: Pool, table: str, definition: str) -> str | None:
    """A unique index that goes, and is just what the key needs."""
    wanted = keys.index_sql(table, "", definition).partition(" (")[2]
    for identity, change in pool.changes.items():
        if identity.kind != "index" or identity.of != table or change.kind != "removed":
            continue
        assert change.old is not None
        head, _, rest = change.old.definition.partition(" (")
        if head == f"UNIQUE INDEX ON {table} USING btree" and rest == wanted:
            del pool.changes[identity]
            return identity.name.rpartition(".")[2]
    return None


def _takes_an_index(pool: Pool, table: str, definition: str) -> bool:
    """Whether the index of a key can be built before: not for partitions, not for periods."""
    return (
        definition.startswith(("UNIQUE", "PRIMARY KEY"))
        and not pool.is_partitioned(table)
        and " WITHOUT OVERLAPS" not in definition
    )


def _has_no_not_valid(pool: Pool, table: str, definition: str) -> bool:
    older = pool.new.major < _PARTITIONED_NOT_VALID
    return older and definition.startswith("FOREIGN KEY") and pool.is_partitioned(table)


def _leaf_by_leaf(pool: Pool, what: str, table: str, name: str, definition: str) -> Iterator[Step]:
    """A foreign key of a partitioned table, for which there is no NOT VALID before 18.

    Those of the partitions are validated one by one; the parent's finds them and reads no row.
    """
    for leaf in _leaves(pool, table):
        yield from add_unvalidated(what, leaf, name, definition)
    sql = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
    yield Step(sql, what, "the partitions have it already")


def _leaves(pool: Pool, table: str) -> Iterator[str]:
    """The partitions that are there already and hold rows."""
    for identity in pool.old.facts:
        if identity.kind == "partition" and identity.of == table and identity in pool.new:
            if pool.is_partitioned(identity.name):
                yield from _leaves(pool, identity.name)
            elif not pool.is_foreign(identity.name):
                yield identity.name


def _swap(pool: Pool, what: str, table: str, name: str, definition: str) -> Iterable[Step]:
    """The successor is enforced before the predecessor goes: no unguarded moment."""
    beside = keys.beside(name)
    if _has_no_not_valid(pool, table, definition):
        yield from _leaf_by_leaf(pool, what, table, beside, definition)
        yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {name}", what, "the predecessor")
        yield Step(f"ALTER TABLE {table} RENAME CONSTRAINT {beside} TO {name}", what, "its name")
        return
    valid = definition.removesuffix(_NOT_VALID)
    enforced = _NOT_ENFORCED not in definition
    add = f"ALTER TABLE {table} ADD CONSTRAINT {beside} {valid}{_NOT_VALID if enforced else ''}"
    yield Step(add, what, f"the successor of {name}: new rows from now on")
    if valid == definition and enforced:
        yield keys.validate(what, table, beside)
    yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {name}", what, "the predecessor")
    yield Step(f"ALTER TABLE {table} RENAME CONSTRAINT {beside} TO {name}", what, "its name")


def _swap_key(pool: Pool, change: Change, definition: str) -> Iterable[Step]:
    """A UNIQUE, PRIMARY KEY or EXCLUDE constraint; foreign keys that refer to it follow."""
    table, name, what = change.identity.of, change.identity.name, str(change.identity)
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {name}"
    if _takes_an_index(pool, table, definition):
        beside = keys.beside(name)
        yield keys.build(what, table, beside, definition)
        swap = f"{drop}, ADD CONSTRAINT {name} {keys.using_index(definition, beside)}"
        why = f"{name} takes that index"
    else:
        swap = f"{drop}, ADD CONSTRAINT {name} {definition}"
        why = f"{name}: no way to build it online"
    referring = keys.referring(pool, change.identity)
    yield from keys.cut(referring)
    yield Step(swap, what, why, alone=not referring)
    yield from keys.joined(referring)
