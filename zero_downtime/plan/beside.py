"""Materialized views that are filled under another name while the old ones are still read."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.catalog import Fact
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Step
from zero_downtime.postgres.names import bare, beside


def build(pool: Pool, fact: Fact) -> Iterator[Step]:
    """The new view with its rows and indexes; nobody knows it yet."""
    name, what = fact.identity.name, str(fact.identity)
    aside = beside(name)
    sql = fact.sql.replace(name, aside, 1)
    yield Step(sql, what, f"the successor of {name}, empty", alone=False)
    yield Step(f"REFRESH MATERIALIZED VIEW {aside}", what, "its rows, while the old one is read")
    for index in _indexes(pool, fact):
        own = bare(index.identity.name)
        sql = index.sql.replace(f"INDEX {own} ON {name} ", f"INDEX {beside(own)} ON {aside} ", 1)
        yield Step(sql, str(index.identity), "its index")


def take_place(pool: Pool, fact: Fact) -> Iterator[Step]:
    """The successor takes the name; privileges and comments are given to it."""
    name, what = fact.identity.name, str(fact.identity)
    sql = f"ALTER MATERIALIZED VIEW {beside(name)} RENAME TO {bare(name)}"
    yield Step(sql, what, "it takes the name", alone=False)
    for index in _indexes(pool, fact):
        own = index.identity.name
        sql = f"ALTER INDEX {beside(own)} RENAME TO {bare(own)}"
        yield Step(sql, str(index.identity), alone=False)
    for inside in belongings(pool.new, fact.identity):
        if inside.identity.kind != "index":
            pool.changes.pop(inside.identity, None)
            for statement in inside.statements:
                yield Step(statement, str(inside.identity), alone=False)


def _indexes(pool: Pool, fact: Fact) -> Iterator[Fact]:
    for inside in belongings(pool.new, fact.identity):
        if inside.identity.kind == "index":
            pool.changes.pop(inside.identity, None)
            yield inside
