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
        "The statement reads every row while it holds a lock that blocks writers or readers:"
        " attaching a partition without a matching CHECK, a new partition beside a DEFAULT one, a"
        " CHECK on a domain, a type change of a column that a CHECK mentions."
    )
    safe = (
        "Let the proof exist before: a validated CHECK that implies the partition's bound (and"
        " excludes it on the DEFAULT partition); for domains and columns, constraints that are"
        " dropped before, added NOT VALID again and validated."
    )
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE readings ATTACH PARTITION readings_3"
        " FOR VALUES IN (3);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE events_3 ADD CONSTRAINT own CHECK (id > 0) NOT VALID;\n"
        "ALTER TABLE events_3 VALIDATE CONSTRAINT own;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind in _OTHERS:
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


# Data changes, and REFRESH … CONCURRENTLY, whose readers pass.
_OTHERS = (
    "RefreshMatViewStmt",
    "SelectStmt",
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
    "CopyStmt",
)
