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
        "SET LOGGED or UNLOGGED, SET ACCESS METHOD, SET TABLESPACE, VACUUM FULL, CLUSTER and a new"
        " column of a domain with a CHECK copy the whole table under ACCESS EXCLUSIVE."
    )
    safe = (
        "Do it while the table is small, or move rows to a new table in batches. A column of a"
        " domain: take the base type and add the CHECK NOT VALID."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN size positive;"
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN size int;\n"
        "ALTER TABLE orders ADD CONSTRAINT size_positive CHECK (size > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT size_positive;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind in ("TruncateStmt", "RefreshMatViewStmt"):
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
