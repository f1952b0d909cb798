"""What keys have in common: an index built before, and foreign keys that refer to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Fact, Identity
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Step

_NOT_VALID = " NOT VALID"


def referring(pool: Pool, key: Identity) -> list[Fact]:
    """The foreign keys that refer to a key and are not changed themselves."""
    return [
        pool.new.facts[each]
        for each in pool.dependents.get(key, ())
        if each.kind == "constraint" and each in pool.new and each not in pool.changes
    ]


def cut(foreign_keys: Iterable[Fact]) -> Iterator[Step]:
    """Foreign keys go while the key that they refer to is exchanged."""
    for fact in foreign_keys:
        sql = f"ALTER TABLE {fact.identity.of} DROP CONSTRAINT {fact.identity.name}"
        yield Step(sql, str(fact.identity), "it refers to this key", alone=False)


def joined(foreign_keys: Iterable[Fact]) -> Iterator[Step]:
    """And come back in the same transaction, to be validated after it."""
    for fact in foreign_keys:
        sql = fact.sql.removesuffix(_NOT_VALID) + _NOT_VALID
        yield Step(sql, str(fact.identity), "new rows from now on", alone=False)
    for fact in foreign_keys:
        if not fact.definition.endswith(_NOT_VALID):
            yield validate(str(fact.identity), fact.identity.of, fact.identity.name)


def validate(what: str, table: str, name: str) -> Step:
    """All rows are checked while readers and writers go on."""
    sql = f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
    return Step(sql, what, "all rows, while readers and writers go on")


def build(what: str, table: str, index: str, definition: str) -> Step:
    """The index of a key that is still to come."""
    return Step(index_sql(table, index, definition), what, _ONLINE)


_ONLINE = "its index, while readers and writers go on"


def index_sql(table: str, index: str, definition: str) -> str:
    """The statement that builds the index of a key."""
    columns = re.sub(r"^(?:UNIQUE|PRIMARY KEY)\s*", "", definition)
    nulls = "NULLS NOT DISTINCT" if columns.startswith("NULLS NOT DISTINCT") else ""
    columns = columns.removeprefix("NULLS NOT DISTINCT").strip()
    columns = re.sub(r"\s*(?:NOT )?DEFERRABLE.*$| INITIALLY .*$", "", columns)
    # NULLS NOT DISTINCT stands behind INCLUDE in an index and before the columns in a constraint.
    tail = f" {nulls}" if nulls else ""
    return f"CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} {columns}{tail}"


def using_index(definition: str, index: str) -> str:
    """The constraint as it takes over an index, which is called like it from then on."""
    kind = "PRIMARY KEY" if definition.startswith("PRIMARY KEY") else "UNIQUE"
    deferrable = re.search(r" (?:NOT )?DEFERRABLE.*$| INITIALLY .*$", definition)
    return f"{kind} USING INDEX {index}{deferrable[0] if deferrable else ''}"


def beside(name: str) -> str:
    """A name for the successor while the predecessor still has its own; at most 63 bytes."""
    if name.startswith('"'):
        return f'{name[:-1][:58]}_new"'
    return f"{name[:59]}_new"
