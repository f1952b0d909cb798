"""Types, domains and collations that PostgreSQL can't alter in place: made anew, columns rewritten.

A value of an enum that goes, a domain over another base, the attributes of a composite type in
another order. In one transaction the old one makes way, the new one takes its name, and every
column of it is converted; what stands on them goes and comes back around that (rebuild.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan import columns, types
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Loss, Phase, Step
from zero_downtime.postgres.names import bare, beside

KINDS = ("type", "domain", "collation")
_RANGE = " AS RANGE ("
_INSIDE_A_DOMAIN = ("domain default", "domain not null", "domain constraint")


def swap(pool: Pool, changes: Mapping[Identity, Change], dropped: set[Identity]) -> Iterator[Step]:
    """The steps between what is dropped before and made again after; they share a transaction.

    It fails, and changes nothing, while a row holds a value that the new type does not take.
    """
    used = [each for each in _columns_of(pool, changes) if each[0].identity not in dropped]
    going = [fact for fact, _ in used if pool.new.get("column", *_place(fact)) is None]
    made = [*_swap(pool, changes, used)]
    phase = Phase.CONTRACT if going else Phase.EXPAND
    yield from (replace(step, alone=False, phase=phase) for step in made)


def _place(column: Fact) -> tuple[str, str]:
    return column.identity.name, column.identity.of


def _swap(
    pool: Pool, changes: Mapping[Identity, Change], used: list[tuple[Fact, Identity]]
) -> Iterator[Step]:
    order = sorted(changes.values(), key=lambda c: c.old.position if c.old else 0)
    through_text = {c.identity for c in order if c.old is not None and _RANGE in c.old.sql}
    for fact, thing in used:
        yield from _out_of_the_way(pool, fact, str(thing), thing in through_text)
    asides: list[Step] = []
    for change in order:
        thing, what = change.identity, str(change.identity)
        kind = thing.kind.upper()
        if thing in through_text:
            yield Step(f"DROP {kind} {thing.name}", what, "made anew")
        else:
            aside = beside(thing.name, "old")
            yield Step(f"ALTER {kind} {thing.name} RENAME TO {bare(aside)}", what, "made anew")
            asides.append(Step(f"DROP {kind} {aside}", what, "the predecessor"))
    for change in sorted(order, key=lambda c: c.new.position if c.new else 0):
        if change.new is not None:
            yield from _new(pool, change.new)
    for fact, thing in used:
        yield from _converted(pool, fact, changes[thing], thing in through_text)
    yield from reversed(asides)


def _new(pool: Pool, fact: Fact) -> Iterator[Step]:
    what = str(fact.identity)
    for sql in fact.statements:
        yield Step(sql, what, f"the new {what}")
    for inside in belongings(pool.new, fact.identity):
        said = inside.identity.kind in _INSIDE_A_DOMAIN
        if not said or inside.definition.endswith(" NOT VALID"):
            yield from (Step(sql, str(inside.identity)) for sql in inside.statements)


def _columns_of(pool: Pool, changes: Mapping[Identity, Change]) -> Iterator[tuple[Fact, Identity]]:
    """The columns of these types, each with its type; not those that have it from a parent."""
    by_name = {identity.name: identity for identity in changes if identity.kind != "collation"}
    collations = {identity.name: identity for identity in changes if identity.kind == "collation"}
    for fact in pool.old.facts.values():
        if fact.identity.kind != "column" or _inherited(pool, fact):
            continue
        type_, _, collation = fact.definition.partition(" COLLATE ")
        thing = by_name.get(type_.removesuffix("[]")) or collations.get(collation)
        if thing is not None:
            yield fact, thing


def _inherited(pool: Pool, column: Fact) -> bool:
    parent = pool.old.parent(column.identity.of)
    return parent is not None and pool.old.get("column", column.identity.name, parent) is not None


def _out_of_the_way(pool: Pool, fact: Fact, what: str, to_text: bool) -> Iterator[Step]:
    column, table = _place(fact)
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    identity = fact.identity
    if pool.new.get("column", column, table) is None and not pool.is_gone(table):
        change = pool.changes.pop(identity, None) or Change(identity, fact, None)
        yield from columns.change(pool, change)
        return
    if pool.old.get("default", column, table) is not None:
        yield Step(f"{alter} DROP DEFAULT", what)
    if to_text or pool.is_gone(table):
        array = "[]" if fact.definition.endswith("[]") else ""
        sql = f"{alter} TYPE text{array} USING {column}::text{array}"
        yield Step(sql, what, f"{table}.{column} as text")


def _converted(pool: Pool, fact: Fact, change: Change, from_text: bool) -> Iterator[Step]:
    column, table = _place(fact)
    after = pool.new.get("column", column, table)
    if after is None:
        return
    what = str(change.identity)
    pool.changes.pop(fact.identity, None)
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    using = _cast(pool, column, fact, after, change, from_text)
    yield Step(f"{alter} TYPE {after.definition}{using}", what, f"{table}.{column}")
    for name, partition in [(column, table), *_below(pool, table, column)]:
        default = pool.new.get("default", name, partition)
        above = pool.new.get("default", name, table)
        pool.take("default", name, of=partition)
        alter = f"ALTER TABLE {partition} ALTER COLUMN {name}"
        if default is not None and (partition == table or default != above):
            yield Step(f"{alter} SET DEFAULT {default.definition}", what)
        elif default is None and above is not None:
            yield Step(f"{alter} DROP DEFAULT", what)


def _below(pool: Pool, table: str, column: str) -> Iterator[tuple[str, str]]:
    for child in pool.new.tables:
        if pool.new.parent(child) == table and pool.new.get("column", column, child):
            yield column, child
            yield from _below(pool, child, column)


def _cast(
    pool: Pool, column: str, before: Fact, after: Fact, change: Change, from_text: bool
) -> str:
    target = after.definition.partition(" COLLATE ")[0]
    array = "[]" if before.definition.endswith("[]") else ""
    if change.identity.kind == "collation":
        return ""
    if from_text:
        return f" USING {column}::{target}"
    if change.old is not None and change.new is not None:
        if change.identity.kind == "domain" and change.old.definition != change.new.definition:
            return f" USING {column}::{target}"
        if types.is_composite(change.old.sql):
            old, new = (types.attributes(fact.sql) for fact in (change.old, change.new))
            if list(old) != list(new):
                return _by_attribute(pool, column, before, change, target)
    return f" USING {column}::text{array}::{target}"


def _by_attribute(pool: Pool, column: str, before: Fact, change: Change, target: str) -> str:
    """ROW() with the attributes in their new order; those that are new are NULL."""
    assert change.old is not None and change.new is not None
    if before.definition.endswith("[]"):
        pool.refuse(change, f"{before.identity} holds an array of it, which no expression converts")
        return ""
    old, new = (types.attributes(fact.sql) for fact in (change.old, change.new))
    for name in old:
        if name not in new:
            pool.losses.append(Loss(f"{before.identity}.{name}", "its values"))
    values = ", ".join(f"({column}).{name}" if name in old else "NULL" for name in new)
    return f" USING CASE WHEN {column} IS DISTINCT FROM NULL THEN ROW({values})::{target} END"
