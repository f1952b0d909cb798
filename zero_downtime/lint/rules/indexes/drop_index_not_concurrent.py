"""Indexes that are dropped: while others wait, or where PostgreSQL refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import quoted, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.facts import Index
from zero_downtime.sql.tree import path_of


def _dropped(here: Here) -> Iterator[tuple[str, Index | None]]:
    """The indexes that the statement drops, with what is known of them."""
    if here.node["removeType"] != "OBJECT_INDEX":
        return
    for item in here.node["objects"]:
        name = here.state.key_of(path_of(item))
        index = here.state.indexes.get(name)
        if not (index and here.is_new(index.table)):
            yield name, index


class DropIndexNotConcurrent(Rule):
    """An index is dropped from a table in use without CONCURRENTLY."""

    on = ("OBJECT_INDEX",)
    why = (
        "DROP INDEX takes ACCESS EXCLUSIVE on the table: it waits behind the oldest transaction"
        " that touched the table, and every query, SELECT included, queues behind it."
    )
    safe = "DROP INDEX CONCURRENTLY, outside a transaction (in Alembic: autocommit_block)."
    bad = "SET lock_timeout = '2s';\nDROP INDEX orders_note;"
    good = "DROP INDEX CONCURRENTLY orders_note;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("concurrent"):
            return
        for name, index in _dropped(here):
            if index is None and here.state.complete:
                continue
            if index and (index.constraint or index.parent):
                continue  # refused, as other rules say
            table = index.table if index else None
            undone = index is not None and index.born == here.state.unit
            on = short(table) if table else f"the table of {short(name)}"
            message = (
                f"DROP INDEX takes ACCESS EXCLUSIVE on {on}:"
                f" {waits(LockMode.ACCESS_EXCLUSIVE, table or on)} behind it."
            )
            if table and here.partitioned(table):
                safe = (
                    "An index of a partitioned table has no concurrent drop: a short lock_timeout."
                )
                yield self.found(here, message, safe, table, severity="warning")
                continue
            sql = here.statement.sql
            fix = re.sub(r"(?i)\bindex\b", "INDEX CONCURRENTLY", sql, count=1)
            single = fix if len(here.node["objects"]) == 1 else None
            safe = f"DROP INDEX CONCURRENTLY {short(name)};  {here.by_itself}"
            quiet = here.is_downgrade and undone
            yield self.found(
                here, message, safe, table, single, severity="warning" if quiet else None
            )


class ConcurrentDropOnPartitioned(Rule):
    """The index of a partitioned table is dropped CONCURRENTLY, which PostgreSQL refuses."""

    on = ("OBJECT_INDEX",)
    words = ("concurrently",)
    why = "PostgreSQL drops no index of a partitioned table concurrently: the statement fails."
    safe = (
        "DROP INDEX without CONCURRENTLY, with a short lock_timeout: it is brief, but locks the"
        " table and every partition."
    )
    bad = "DROP INDEX CONCURRENTLY events_kind;"
    good = "DROP INDEX CONCURRENTLY orders_note;"

    def check(self, here: Here) -> Iterator[Finding]:
        if not here.node.get("concurrent"):
            return
        for name, index in _dropped(here):
            if index and here.partitioned(index.table):
                yield self.found(
                    here,
                    f"This fails: {short(index.table)} is partitioned, and {short(name)} can't be"
                    " dropped concurrently.",
                    f"SET lock_timeout = '2s';\nDROP INDEX {short(name)};  -- brief, on all"
                    " partitions at once",
                    index.table,
                    severity=here.by_schema,
                )


class ConstraintIndexDropped(Rule):
    """The index of a constraint is dropped, which PostgreSQL refuses."""

    on = ("OBJECT_INDEX",)
    why = "A primary key, unique or exclusion constraint keeps its index: DROP INDEX fails."
    safe = "ALTER TABLE … DROP CONSTRAINT, which drops the index as well."
    bad = "SET lock_timeout = '2s';\nDROP INDEX customers_email_key;"
    good = "SET lock_timeout = '2s';\nALTER TABLE lines DROP CONSTRAINT quantity_positive;"

    def check(self, here: Here) -> Iterator[Finding]:
        for name, index in _dropped(here):
            if index and index.constraint:
                constraint = quoted(index.constraint)
                drop = f"ALTER TABLE {short(index.table)} DROP CONSTRAINT {constraint}"
                yield self.found(
                    here,
                    f"This fails: {short(name)} belongs to the constraint {index.constraint} of"
                    f" {short(index.table)}.",
                    f"{drop};",
                    index.table,
                    drop if len(here.node["objects"]) == 1 else None,
                    severity=here.by_schema,
                )


class PartitionIndexDropped(Rule):
    """The part of a partitioned index is dropped, which PostgreSQL refuses."""

    on = ("OBJECT_INDEX",)
    why = "An index that is attached to that of the parent stays with it: DROP INDEX fails."
    safe = "Drop the index of the parent, which drops those of the partitions."
    bad = "SET lock_timeout = '2s';\nDROP INDEX events_1_kind_idx;"
    good = "CREATE INDEX CONCURRENTLY events_1_id ON events_1 (id);"

    def check(self, here: Here) -> Iterator[Finding]:
        for name, index in _dropped(here):
            if index and index.parent and not index.constraint:
                yield self.found(
                    here,
                    f"This fails: {short(name)} is a part of {short(index.parent)}.",
                    f"DROP INDEX {short(index.parent)};",
                    index.table,
                    severity=here.by_schema,
                )
