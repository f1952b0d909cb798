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
        if options_of(here.node.get("params")).get("concurrently"):
            return
        if "relation" not in here.node:
            yield self._everything(here)
            return
        unknown = here.table() not in here.state.indexes and not here.state.complete
        if here.node["kind"] == "REINDEX_OBJECT_INDEX" and unknown:
            yield self._unknown(here)
            return
        for key, mode in here.locks.items():
            if mode >= LockMode.SHARE and key in here.effect.builds:
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

    def _unknown(self, here: Here) -> Finding:
        name = short(here.table())
        fix = re.sub(r"(?i)\bindex\b", "INDEX CONCURRENTLY", here.statement.sql, count=1)
        return self.found(
            here,
            f"REINDEX rebuilds {name} under SHARE on its table and ACCESS EXCLUSIVE on the index:"
            " writers wait until it is done, and readers that would use it.",
            f"{fix};  {here.by_itself}",
            fix=fix,
        )

    def _everything(self, here: Here) -> Finding:
        kind = here.node["kind"].removeprefix("REINDEX_OBJECT_")
        name = here.node.get("name", "")
        return self.found(
            here,
            f"REINDEX {kind} rebuilds every index of {name or 'the database'}, each under SHARE on"
            " its table: writers of the table at hand wait, and readers that would use the index.",
            re.sub(r"(?i)\b(schema|database|system)\b", r"\1 CONCURRENTLY", here.statement.sql)
            + ";",
            next((key for key in here.effect.scans if key in here.locks), None),
        )
