"""Validations under a heavier lock than their own, and those that never come."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.rules.constraints.added import OWN
from zero_downtime.lint.words import quoted, short, waits


class ValidationInSameTransaction(Rule):
    """A constraint is validated in a transaction that already locks the table heavily."""

    on = ("AT_ValidateConstraint",)
    only = "held"
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
                f"Commit first: ALTER TABLE {short(key)} VALIDATE CONSTRAINT"
                f" {quoted(command['name'])};  {OWN}",
                key,
                lock=mode,
            )


class ValidationWithOtherSubcommands(Rule):
    """A constraint is validated by a statement that locks the table heavily for something else."""

    on = ("AT_ValidateConstraint",)
    why = (
        "All subcommands of an ALTER TABLE run under the strongest lock that one of them needs:"
        " beside ADD, DROP or ALTER COLUMN the validation reads every row under ACCESS EXCLUSIVE."
    )
    safe = "VALIDATE CONSTRAINT in a statement, and a transaction, of its own."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE lines VALIDATE CONSTRAINT quantity_positive, ADD COLUMN gift boolean;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE lines VALIDATE CONSTRAINT quantity_positive;\n"
        "ALTER TABLE lines ADD COLUMN gift boolean;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_ValidateConstraint"):
            key = here.table()
            mode = here.locks.get(key)
            if mode is None or not mode.blocks_writes or key not in here.effect.scans:
                continue
            if len(here.node["cmds"]) == 1:
                continue
            yield self.found(
                here,
                f"The other subcommands need {mode.sql}, and VALIDATE {command['name']} reads all"
                f" of {short(key)} under it: {waits(mode, key)} meanwhile.",
                f"ALTER TABLE {short(key)} VALIDATE CONSTRAINT {quoted(command['name'])};  {OWN}",
                key,
            )
            return


class NeverValidatedConstraint(Rule):
    """A constraint was added NOT VALID, and no later migration validates it."""

    severity = "warning"
    on = ("any",)
    why = (
        "Rows from before may still break it. The planner and SET NOT NULL make no use of it, and"
        " nobody will remember."
    )
    safe = "ALTER TABLE … VALIDATE CONSTRAINT in a migration of its own."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;\n"
        "-- next file\nCREATE TABLE boxes (id int);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;\n"
        "-- next file\nSET lock_timeout = '2s';\nALTER TABLE orders VALIDATE CONSTRAINT paid;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        state = there.state
        if not there.is_last or there.direction == "downgrade" or state.unit < 2:
            return
        for key, relation in state.relations.items():
            for constraint in relation.constraints.values():
                if constraint.valid or constraint.inherited or not constraint.enforced:
                    continue
                if 0 < constraint.born < state.unit:
                    yield self.found(
                        there.seen[-1],
                        f"{constraint.name} on {short(key)} was added NOT VALID by an earlier"
                        " migration, and none up to here validates it.",
                        f"ALTER TABLE {short(key)} VALIDATE CONSTRAINT"
                        f" {quoted(constraint.name)};  {OWN}",
                        key,
                    )
