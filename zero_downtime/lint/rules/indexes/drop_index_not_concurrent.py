"""An index dropped without CONCURRENTLY."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import path_of


class DropIndexNotConcurrent(Rule):
    """An index is dropped from a table in use without CONCURRENTLY."""

    on = ("DropStmt",)
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
