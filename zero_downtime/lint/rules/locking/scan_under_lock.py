"""Everything else that reads a table as a whole while others wait."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits


class ScanUnderLock(Rule):
    """A table in use is read as a whole while others wait."""

    fallback = 2
    on = ("scans",)
    why = (
        "The statement reads every row while it holds a lock that blocks writers or readers, such"
        " as a foreign key that is enforced again."
    )
    safe = "Constraints are best dropped, added again NOT VALID, and validated."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE lines ALTER CONSTRAINT lines_order NOT ENFORCED;\n"
        "-- next file\nSET lock_timeout = '2s';\n"
        "ALTER TABLE lines ALTER CONSTRAINT lines_order ENFORCED;"
    )
    good = "SET lock_timeout = '2s';\nALTER TABLE lines VALIDATE CONSTRAINT lines_customer;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("objtype") == "OBJECT_SEQUENCE":
            return
        if here.kind in _OTHERS or any(True for _ in here.commands("AT_AttachPartition")):
            return
        if here.kind == "AlterTableStmt" and here.is_new(here.table()):
            return  # a foreign key of an empty table: nothing is looked up in the other one
        for key in here.effect.scans:
            mode = here.locks.get(key)
            if here.relation(key).kind == "sequence":
                continue
            if mode and mode.blocks_writes:
                yield self.found(
                    here,
                    f"This reads all of {short(key)} under {mode.sql}: {waits(mode, key)}"
                    " meanwhile.",
                    _SPELT_OUT if here.kind in ("SelectStmt", "CallStmt") else self.safe,
                    key,
                )
                return


_SPELT_OUT = (
    "Write what the function does as statements of the migration: each can then take its safe way."
)

# Data changes; REFRESH … CONCURRENTLY, whose readers pass; new partitions, which have own rules.
_OTHERS = (
    "CreateStmt",
    "RefreshMatViewStmt",
    "AlterSeqStmt",
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
    "CopyStmt",
)
