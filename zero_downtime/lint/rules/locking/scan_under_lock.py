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
        " as a CHECK on a domain."
    )
    safe = (
        "For domains and columns: constraints that are dropped before, added NOT VALID again and"
        " validated."
    )
    bad = "SET lock_timeout = '2s';\nALTER DOMAIN positive ADD CHECK (VALUE < 9);"
    good = "SET lock_timeout = '2s';\nALTER DOMAIN positive ADD CHECK (VALUE < 9) NOT VALID;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind in _OTHERS or any(True for _ in here.commands("AT_AttachPartition")):
            return
        for key in here.effect.scans:
            mode = here.locks.get(key)
            if mode and mode.blocks_writes:
                yield self.found(
                    here,
                    f"This reads all of {short(key)} under {mode.sql}: {waits(mode, key)}"
                    " meanwhile.",
                    self.safe,
                    key,
                )
                return


# Data changes; REFRESH … CONCURRENTLY, whose readers pass; new partitions, which have own rules.
_OTHERS = (
    "CreateStmt",
    "RefreshMatViewStmt",
    "SelectStmt",
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
    "CopyStmt",
)
