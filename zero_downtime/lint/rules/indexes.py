"""Indexes that are built, rebuilt or dropped while others wait."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import options_of, path_of


class IndexNotConcurrent(Rule):
    """An index is built on a table in use without CONCURRENTLY."""

    why = (
        "CREATE INDEX holds a SHARE lock while it reads the whole table: every INSERT, UPDATE and"
        " DELETE waits until the index is built, which takes minutes on a large table and hours"
        " for a vector index."
    )
    safe = (
        "CREATE INDEX CONCURRENTLY, outside a transaction (in Alembic: autocommit_block). It lets"
        " writers pass. If it fails it leaves an INVALID index: drop that concurrently and build"
        " again; zd upgrade does so by itself."
    )
    bad = "SET lock_timeout = '2s';\nCREATE INDEX orders_amount ON orders (amount);"
    good = "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "IndexStmt" or here.node.get("concurrent"):
            return
        table = here.table()
        if here.is_new(table) or not here.effect.builds:
            return
        message = (
            f"CREATE INDEX reads all of {short(table)} under a SHARE lock:"
            f" {waits(LockMode.SHARE, table)} until it is built."
        )
        if here.partitioned(table):
            yield self.found(here, message, _by_partition(here, table), table)
            return
        fix = re.sub(r"(?i)\bindex\b", "INDEX CONCURRENTLY", here.statement.sql, count=1)
        yield self.found(here, message, f"{fix};  {here.by_itself}", table, fix)


def _by_partition(here: Here, table: str) -> str:
    name = here.node.get("idxname", "the_index")
    partitions = [short(key) for key in here.state.descendants(table)] or ["each_partition"]
    return (
        "A partitioned table has no concurrent build; go by partition:\n"
        f"CREATE INDEX {name} ON ONLY {short(table)} (…);\n"
        f"CREATE INDEX CONCURRENTLY {name}_1 ON {partitions[0]} (…);  -- likewise on the others\n"
        f"ALTER INDEX {name} ATTACH PARTITION {name}_1;"
    )


class ConcurrentIndexOnPartitioned(Rule):
    """CONCURRENTLY is asked of a partitioned table, where PostgreSQL refuses it."""

    why = "PostgreSQL builds no index concurrently on a partitioned table: the statement fails."
    safe = (
        "Create the index ON ONLY the parent (which is brief), build it CONCURRENTLY on each"
        " partition, and attach those; the parent's index turns valid with the last one."
    )
    bad = "CREATE INDEX CONCURRENTLY events_id ON events (id);"
    good = (
        "SET lock_timeout = '2s';\nCREATE INDEX events_id ON ONLY events (id);\n"
        "RESET lock_timeout;\nCREATE INDEX CONCURRENTLY events_1_id ON events_1 (id);\n"
        "ALTER INDEX events_id ATTACH PARTITION events_1_id;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "IndexStmt" and here.node.get("concurrent"):
            table = here.table()
            if here.partitioned(table) and here.node["relation"].get("inh"):
                yield self.found(
                    here,
                    f"{short(table)} is partitioned: PostgreSQL refuses CONCURRENTLY here.",
                    _by_partition(here, table),
                    table,
                )


class DropIndexNotConcurrent(Rule):
    """An index is dropped from a table in use without CONCURRENTLY."""

    why = (
        "DROP INDEX takes ACCESS EXCLUSIVE on the table: it waits behind the oldest transaction"
        " that touched the table, and every query, SELECT included, queues behind it."
    )
    safe = "DROP INDEX CONCURRENTLY, outside a transaction (in Alembic: autocommit_block)."
    bad = "SET lock_timeout = '2s';\nDROP INDEX orders_note;"
    good = "DROP INDEX CONCURRENTLY orders_note;"

    def check(self, here: Here) -> Iterator[Finding]:
        node = here.node
        if here.kind != "DropStmt" or node["removeType"] != "OBJECT_INDEX":
            return
        if node.get("concurrent"):
            return
        for item in node["objects"]:
            name = here.state.key_of(path_of(item))
            index = here.state.indexes.get(name)
            if index is None and here.state.complete:
                continue
            table = index.table if index else None
            if table and here.is_new(table):
                continue
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
            single = fix if len(node["objects"]) == 1 else None
            safe = f"DROP INDEX CONCURRENTLY {short(name)};  {here.by_itself}"
            quiet = here.is_downgrade and undone
            yield self.found(
                here, message, safe, table, single, severity="warning" if quiet else None
            )


class ReindexNotConcurrent(Rule):
    """An index or table in use is reindexed without CONCURRENTLY."""

    why = (
        "REINDEX holds SHARE on the table and ACCESS EXCLUSIVE on the index until it is rebuilt:"
        " writers wait, and so do readers that would use the index."
    )
    safe = "REINDEX … CONCURRENTLY, outside a transaction."
    bad = "SET lock_timeout = '2s';\nREINDEX TABLE orders;"
    good = "REINDEX TABLE CONCURRENTLY orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "ReindexStmt" or "relation" not in here.node:
            return
        if options_of(here.node.get("params")).get("concurrently"):
            return
        for key, mode in here.locks.items():
            if mode >= LockMode.SHARE:
                sql = here.statement.sql
                fix = re.sub(r"(?i)\b(index|table)\b", r"\1 CONCURRENTLY", sql, count=1)
                yield self.found(
                    here,
                    f"REINDEX rebuilds under {mode.sql} on {short(key)}:"
                    f" {waits(mode, key)} until it is done.",
                    f"{fix};  {here.by_itself}",
                    key,
                    fix,
                )
                return


class RefreshNotConcurrent(Rule):
    """A materialized view in use is refreshed without CONCURRENTLY."""

    severity = "warning"
    why = (
        "REFRESH MATERIALIZED VIEW holds ACCESS EXCLUSIVE on the view while its whole query runs:"
        " nobody can read it meanwhile."
    )
    safe = (
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view and lets"
        " readers pass."
    )
    bad = "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW sales;"
    good = "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW CONCURRENTLY sales;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "RefreshMatViewStmt" or here.node.get("concurrent"):
            return
        key = here.table()
        if here.is_new(key) or here.node.get("skipData"):
            return
        fix = re.sub(r"(?i)\bview\b", "VIEW CONCURRENTLY", here.statement.sql, count=1)
        unique = any(i.unique for i in here.state.indexes_of(key))
        first = "" if unique else f"CREATE UNIQUE INDEX CONCURRENTLY … ON {short(key)} (…);\n"
        yield self.found(
            here,
            f"REFRESH runs its query under ACCESS EXCLUSIVE on {short(key)}:"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} until it is done.",
            f"{first}{fix};",
            key,
            fix if unique else None,
        )
