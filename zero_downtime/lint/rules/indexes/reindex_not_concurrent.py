"""An index rebuilt without CONCURRENTLY."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import options_of


class ReindexNotConcurrent(Rule):
    """An index or table in use is reindexed without CONCURRENTLY."""

    on = ("ReindexStmt",)
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
