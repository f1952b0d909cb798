"""Indexes built without CONCURRENTLY, or with it where PostgreSQL refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import quoted, short, waits
from zero_downtime.postgres.locks import LockMode


class IndexNotConcurrent(Rule):
    """An index is built on a table in use without CONCURRENTLY."""

    on = ("IndexStmt",)
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
        if here.node.get("concurrent"):
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


_ON = re.compile(r"\bon\s+(?:only\s+)?[^\s(]+\s*((?:using\s+\w+\s*)?\(.*)$", re.I | re.S)


def _by_partition(here: Here, table: str) -> str:
    name = quoted(here.node.get("idxname", "the_index"))
    part = quoted(f"{here.node.get('idxname', 'the_index')}_1")
    on = _ON.search(here.statement.sql)
    rest = on[1] if on else "(…)"
    unique = " UNIQUE" if here.node.get("unique") else ""
    partitions = [short(key) for key in here.state.descendants(table)] or ["each_partition"]
    return (
        "A partitioned table has no concurrent build; go by partition:\n"
        f"CREATE{unique} INDEX {name} ON ONLY {short(table)} {rest};\n"
        f"CREATE{unique} INDEX CONCURRENTLY {part} ON {partitions[0]} {rest};"
        "  -- likewise on the others\n"
        f"ALTER INDEX {name} ATTACH PARTITION {part};"
    )


class ConcurrentIndexOnPartitioned(Rule):
    """CONCURRENTLY is asked of a partitioned table, where PostgreSQL refuses it."""

    on = ("IndexStmt",)
    words = ("concurrently",)
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
        if here.node.get("concurrent"):
            table = here.table()
            if here.partitioned(table) and here.node["relation"].get("inh"):
                yield self.found(
                    here,
                    f"{short(table)} is partitioned: PostgreSQL refuses CONCURRENTLY here.",
                    _by_partition(here, table),
                    table,
                )
