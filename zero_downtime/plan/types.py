"""Domains and composite types: altered in place, their constraints validated afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Change
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Loss, Phase, Step
from zero_downtime.postgres.names import beside

_NOT_VALID = " NOT VALID"


def change_domain(pool: Pool, change: Change) -> Iterable[Step]:
    """A domain was added or removed; over another base type it is made anew (swaps.py)."""
    name, what = change.identity.name, str(change.identity)
    if change.kind == "added" and change.new is not None:
        pool.take("domain default", name)
        pool.take("domain not null", name)
        for inside in pool.take_all(name, "domain constraint"):
            if inside.new and inside.new.definition.endswith(_NOT_VALID):
                pool.changes[inside.identity] = inside
        yield Step(change.new.sql, what, f"new {what}", alone=False)
    elif change.kind == "removed":
        pool.take("domain default", name)
        pool.take("domain not null", name)
        pool.take_all(name)
        yield Step(f"DROP DOMAIN {name}", what, f"drop {what}", Phase.CONTRACT)


def change_domain_default(pool: Pool, change: Change) -> Iterable[Step]:
    """The default of a domain."""
    words = f"SET DEFAULT {change.new.definition}" if change.new else "DROP DEFAULT"
    yield Step(f"ALTER DOMAIN {change.identity.name} {words}", str(change.identity))


def change_domain_not_null(pool: Pool, change: Change) -> Iterable[Step]:
    """NOT NULL of a domain, for which there is no NOT VALID."""
    words = "SET" if change.new else "DROP"
    why = "PostgreSQL reads all columns of the domain" if change.new else ""
    yield Step(f"ALTER DOMAIN {change.identity.name} {words} NOT NULL", str(change.identity), why)


def renames(pool: Pool) -> Iterator[Step]:
    """Constraints of domains that only changed their name."""
    for old, new in pool.take_renamed("domain constraint"):
        sql = f"ALTER DOMAIN {new.of} RENAME CONSTRAINT {old.name} TO {new.name}"
        yield Step(sql, str(new), f"another name for {old.name}")


def change_domain_constraint(pool: Pool, change: Change) -> Iterable[Step]:
    """A CHECK of a domain: added NOT VALID and validated; swapped without a gap."""
    name, what = change.identity.name, str(change.identity)
    alter = f"ALTER DOMAIN {change.identity.of}"
    if change.new is None:
        yield Step(f"{alter} DROP CONSTRAINT {name}", what)
        return
    wanted = change.new.definition.removesuffix(_NOT_VALID)
    valid = wanted == change.new.definition
    if change.old is not None and change.old.definition == wanted + _NOT_VALID:
        yield Step(f"{alter} VALIDATE CONSTRAINT {name}", what, "all rows")
        return
    added = beside(name) if change.old else name
    sql = f"{alter} ADD CONSTRAINT {added} {wanted}{_NOT_VALID}"
    yield Step(sql, what, "for values from now on")
    if valid:
        yield Step(f"{alter} VALIDATE CONSTRAINT {added}", what, "all rows")
    if change.old:
        yield Step(f"{alter} DROP CONSTRAINT {name}", what, "the predecessor")
        yield Step(f"{alter} RENAME CONSTRAINT {added} TO {name}", what, "its name")


def alter_composite(pool: Pool, change: Change) -> Iterable[Step]:
    """Attributes of a composite type, added and altered in place."""
    assert change.old is not None and change.new is not None
    old, new = attributes(change.old.sql), attributes(change.new.sql)
    alter, what = f"ALTER TYPE {change.identity.name}", str(change.identity)
    of_it = re.compile(rf" OF {re.escape(change.identity.name)}(?:[\s(]|\Z)")
    typed = (pool.new.get("table", table) for table in pool.new.tables)
    tail = " CASCADE" if any(fact and of_it.search(fact.definition) for fact in typed) else ""
    for name, type_ in new.items():
        if name not in old:
            yield Step(f"{alter} ADD ATTRIBUTE {name} {type_}{tail}", what, f"new attribute {name}")
        elif old[name] != type_:
            yield Step(
                f"{alter} ALTER ATTRIBUTE {name} TYPE {type_}{tail}", what, f"type of {name}"
            )
    for name in old:
        if name not in new:
            pool.take("column comment", name, of=change.identity.name)
            pool.losses.append(Loss(f"{what}.{name}", "its values"))
            sql = f"{alter} DROP ATTRIBUTE {name}{tail}"
            yield Step(sql, what, f"drop attribute {name}", Phase.CONTRACT)


def needs_swap(change: Change) -> bool:
    """Whether attributes end up in an order that can't be reached by adding at the end."""
    assert change.old is not None and change.new is not None
    if not is_composite(change.old.sql) or not is_composite(change.new.sql):
        return False
    old, new = attributes(change.old.sql), attributes(change.new.sql)
    reached = [name for name in old if name in new] + [name for name in new if name not in old]
    return reached != list(new)


def is_composite(sql: str) -> bool:
    """Whether a CREATE TYPE makes a composite type."""
    return sql.partition("\n")[0].endswith(" AS (")


def attributes(sql: str) -> dict[str, str]:
    """Attribute names and types, one a line as pg_dump writes them."""
    lines = sql.partition(" AS (")[2].strip().removesuffix(")").split("\n")
    pairs = (re.fullmatch(r'\s*("(?:[^"]|"")+"|\S+) (.+?),?\s*', line) for line in lines)
    return {pair[1]: pair[2] for pair in pairs if pair}
