"""NOT NULL that nothing has proven yet."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.constraints.added import OWN, added, is_checked
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_table import is_proven_not_null
from zero_downtime.sql.apply_tables import constraint_columns
from zero_downtime.sql.tree import Node


class SetNotNullScan(Rule):
    """NOT NULL is set on a column whose rows nothing has proven yet."""

    on = ("AT_SetNotNull", "AT_AddConstraint")
    why = (
        "SET NOT NULL (and a primary key over a nullable column) reads every row under ACCESS"
        " EXCLUSIVE: nobody can read or write the table meanwhile."
    )
    safe = (
        "Prove it first without a heavy lock. PostgreSQL 18: ADD CONSTRAINT … NOT NULL c NOT VALID,"
        " then VALIDATE CONSTRAINT. Before 18: CHECK (c IS NOT NULL) NOT VALID, VALIDATE, SET NOT"
        " NULL (which then reads nothing), and drop the CHECK in a statement of its own."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN amount SET NOT NULL;"
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT amount_there CHECK (amount IS NOT NULL) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT amount_there;\n"
        "ALTER TABLE orders ALTER COLUMN amount SET NOT NULL;\n"
        "ALTER TABLE orders DROP CONSTRAINT amount_there;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        dropped = frozenset(c["name"] for c in here.commands("AT_DropConstraint"))
        for command in here.commands("AT_SetNotNull"):
            if self._unproven(here, command["name"], dropped):
                yield self._finding(here, command["name"], dropped)
        for constraint in added(here, "CONSTR_NOTNULL"):
            column = constraint_columns(constraint)[0]
            if is_checked(constraint) and self._unproven(here, column):
                yield self._finding(here, column)
        for constraint in added(here, "CONSTR_PRIMARY"):
            yield from self._primary_key(here, constraint, dropped)

    def _unproven(self, here: Here, column: str, dropped: frozenset[str] = frozenset()) -> bool:
        return not is_proven_not_null(here.relation(here.table()), column, dropped)

    def _primary_key(
        self, here: Here, constraint: Node, dropped: frozenset[str]
    ) -> Iterator[Finding]:
        if "indexname" not in constraint:
            return  # constraint-builds-index says it all
        schema = here.relation(here.table()).schema
        index = here.state.indexes.get(f"{schema}.{constraint['indexname']}")
        for column in index.columns if index else ():
            if column and self._unproven(here, column, dropped):
                yield self._finding(here, column)

    def _finding(self, here: Here, column: str, dropped: frozenset[str] = frozenset()) -> Finding:
        key = here.table()
        table = here.relation(key)
        lost = any(c.proves_not_null(column) for n, c in table.constraints.items() if n in dropped)
        message = (
            f"NOT NULL on {column} reads all of {short(key)} under ACCESS EXCLUSIVE:"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} meanwhile."
        )
        if lost:
            message += " The CHECK that would prove it is dropped by the same statement."
        name = f"{table.name}_{column}_not_null"
        alter = f"ALTER TABLE {short(key)}"
        if lost:
            safe = f"{alter} ALTER COLUMN {column} SET NOT NULL;  -- first, and then drop the CHECK"
        elif here.major >= 18:
            safe = (
                f"{alter} ADD CONSTRAINT {name} NOT NULL {column} NOT VALID;\n"
                f"{alter} VALIDATE CONSTRAINT {name};  {OWN}"
            )
        else:
            safe = (
                f"{alter} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\n"
                f"{alter} VALIDATE CONSTRAINT {name};  {OWN}\n"
                f"{alter} ALTER COLUMN {column} SET NOT NULL;  -- now reads nothing\n"
                f"{alter} DROP CONSTRAINT {name};"
            )
        return self.found(here, message, safe, key)
