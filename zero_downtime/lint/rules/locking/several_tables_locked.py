"""Several tables locked in one transaction."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, Seen
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode


class SeveralTablesLocked(Rule):
    """One transaction locks several tables that are in use."""

    severity = "warning"
    on = ("blocks",)
    only = "held"
    why = (
        "The locks of the first tables last until those of the others are had as well: the outage"
        " is as long as the longest wait, and two such transactions can deadlock."
    )
    safe = "One table a transaction: a revision each, or autocommit_block."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "ALTER TABLE customers ADD COLUMN vip boolean;\nCOMMIT;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "ALTER TABLE customers ADD COLUMN vip boolean;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "LockStmt" or here.statement.transaction is None:
            return
        if _is_no_table_in_use(here, here):
            return
        before: set[str] = set()
        grown = 0
        for seen in here.holding:
            if _is_no_table_in_use(here, seen):
                continue
            grown += bool(seen.tables - before)
            before |= seen.tables
        now = here.locked_tables
        if grown != 1 or not now - before:  # grown twice: told already at that statement
            return
        new = sorted(now - before)[0]
        mode = max(
            (seen.locks[key] for seen in here.holding for key in seen.locks if key in before),
            default=LockMode.ACCESS_EXCLUSIVE,
        )
        old = ", ".join(short(key) for key in sorted(before))
        yield self.found(
            here,
            f"While this waits for {short(new)}, the transaction still holds {mode.sql} on {old}:"
            f" {waits(mode, sorted(before)[0])} for both.",
            f"Commit before it: {old} and {short(new)} in a transaction each.",
            new,
        )


def _is_no_table_in_use(here: Here, seen: Here | Seen) -> bool:
    """Whether a statement only alters a sequence, or ties a new table to others, which is brief."""
    if seen.kind in ("CreateStmt", "AlterSeqStmt"):
        return True
    modes = {mode for mode in seen.locks.values() if mode.blocks_writes}
    if seen.kind != "AlterTableStmt" or modes != {LockMode.SHARE_ROW_EXCLUSIVE}:
        return False
    return here.is_new(here.state.key_of_range(seen.node["relation"]))
