"""A wait for a lock that nothing bounds."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits


class NoLockTimeout(Rule):
    """A statement waits for a heavy lock with no lock_timeout in force."""

    severity = "warning"
    on = ("locks",)
    why = (
        "The lock itself may be brief, the wait for it is not: one long SELECT holds it up, and"
        " every later query on the table queues behind the waiting statement."
    )
    safe = (
        "SET lock_timeout before it (SET LOCAL inside a transaction) and try again when it runs"
        " out. zd upgrade looks for holders first, asks briefly and tries again by itself."
    )
    bad = "ALTER TABLE orders ADD COLUMN gift boolean;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.session.lock_timeout or not here.session.first_without_timeout:
            return
        heavy = {key: mode for key, mode in here.locks.items() if mode.blocks_writes}
        # DETACH CONCURRENTLY waits without holding others up; cut short it is left half done.
        if not heavy or (here.kind == "AlterTableStmt" and not here.effect.transactional):
            return
        key = max(heavy, key=lambda k: heavy[k])
        mode = heavy[key]
        local = "SET" if here.statement.transaction is None else "SET LOCAL"
        set_it = f"{local} lock_timeout = '2s'"
        yield self.found(
            here,
            f"Nothing bounds the wait for {mode.sql} on {short(key)}: behind one long transaction"
            f" it queues, and {waits(mode, key)} behind it.",
            f"{set_it};  -- then try again when it runs out; zd upgrade does so by itself",
            key,
            f"{set_it};\n{here.statement.sql}",
        )
