"""A validation under the lock of an earlier statement."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.constraints.added import OWN
from zero_downtime.lint.words import short, waits


class ValidationInSameTransaction(Rule):
    """A constraint is validated in a transaction that already locks the table heavily."""

    on = ("AT_ValidateConstraint",)
    why = (
        "VALIDATE CONSTRAINT itself lets writers pass, but the lock of an earlier statement, such"
        " as ADD CONSTRAINT … NOT VALID, lasts to the end of the transaction: the whole scan"
        " happens under it."
    )
    safe = "Commit between the two: a transaction of its own for VALIDATE (autocommit_block)."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT paid;\nCOMMIT;"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;\nCOMMIT;\n"
        "SET lock_timeout = '2s';\nALTER TABLE orders VALIDATE CONSTRAINT paid;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_ValidateConstraint"):
            key = here.table()
            if key not in here.effect.scans:
                continue
            held = [(seen, seen.locks[key]) for seen in here.holding if key in seen.locks]
            heavy = [(seen, mode) for seen, mode in held if mode.blocks_writes]
            if not heavy:
                continue
            seen, mode = max(heavy, key=lambda pair: pair[1])
            yield self.found(
                here,
                f"VALIDATE reads all of {short(key)} while the transaction still holds {mode.sql}"
                f" from line {seen.statement.location.line}: {waits(mode, key)} meanwhile.",
                f"Commit first: ALTER TABLE {short(key)} VALIDATE CONSTRAINT {command['name']};"
                f"  {OWN}",
                key,
                lock=mode,
            )
