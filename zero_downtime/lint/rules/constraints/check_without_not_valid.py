"""A CHECK that is checked while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.rules.constraints.added import OWN, added, is_checked, name_of
from zero_downtime.lint.words import quoted, short, steps, waits
from zero_downtime.postgres.locks import LockMode


class CheckWithoutNotValid(Rule):
    """A CHECK is added to a table in use and checked at once."""

    on = ("AT_AddConstraint", "AT_AddColumn")
    words = ("check",)
    why = (
        "ADD CHECK holds ACCESS EXCLUSIVE while it reads every row: nobody can read or write the"
        " table meanwhile. A CHECK on a new column reads the table as well."
    )
    safe = (
        "Add it NOT VALID, which is brief and already guards new rows, then VALIDATE CONSTRAINT in"
        " another transaction, which lets readers and writers pass."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0);"
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT paid;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in added(here, "CONSTR_CHECK"):
            if is_checked(constraint):
                name = name_of(here, constraint, "check")
                fix = here.statement.sql + " NOT VALID" if len(here.node["cmds"]) == 1 else None
                yield self._finding(here, name, fix)
        for column in here.new_columns():
            for constraint in contype(column, "CONSTR_CHECK"):
                table = here.relation(here.table()).name
                name = constraint.get("conname", f"{table}_{column['colname']}_check")
                yield self._finding(here, name, None)

    def _finding(self, here: Here, name: str, fix: str | None) -> Finding:
        table = here.table()
        add = (
            f"{fix};"
            if fix
            else (f"ALTER TABLE {short(table)} ADD CONSTRAINT {quoted(name)} CHECK (…) NOT VALID;")
        )
        safe = f"{add}\nALTER TABLE {short(table)} VALIDATE CONSTRAINT {quoted(name)};  {OWN}"
        return self.found(
            here,
            f"CHECK {name} reads all of {short(table)} under ACCESS EXCLUSIVE:"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, table)} meanwhile.",
            safe,
            table,
            fix,
            split=steps(safe),
        )
