"""Everything else that writes a table anew."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits


class TableRewrite(Rule):
    """A table in use is written anew as a whole."""

    fallback = 1
    on = ("rewrites",)
    why = (
        "SET ACCESS METHOD, and whatever else gives a table a new file, copies all of it under"
        " ACCESS EXCLUSIVE."
    )
    safe = "Do it while the table is small, or move its rows to a new table in batches."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders SET ACCESS METHOD columnar;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders SET ACCESS METHOD heap;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind in ("TruncateStmt", "RefreshMatViewStmt", "AlterSeqStmt"):
            return
        if here.node.get("objtype") == "OBJECT_SEQUENCE":
            return
        for key in here.effect.rewrites:
            mode = here.locks.get(key)
            if mode and here.relation(key).kind != "sequence":
                yield self.found(
                    here,
                    f"This writes all of {short(key)} anew under {mode.sql}: {waits(mode, key)}"
                    " until it is done.",
                    self.safe,
                    key,
                )
                return
