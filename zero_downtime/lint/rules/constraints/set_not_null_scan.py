"""NOT NULL that nothing has proven yet."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.constraints.added import OWN, added, is_checked
from zero_downtime.lint.words import quoted, short, steps, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_constraints import constraint_columns
from zero_downtime.sql.facts import is_proven_not_null

_AE = LockMode.ACCESS_EXCLUSIVE


class SetNotNullScan(Rule):
    """NOT NULL is set on a column whose rows nothing has proven yet."""

    on = ("AT_SetNotNull", "AT_AddConstraint")
    words = ("null",)
    why = (
        "SET NOT NULL reads every row under ACCESS EXCLUSIVE: nobody can read or write the table"
        " meanwhile."
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
        for command in here.commands("AT_SetNotNull"):
            if _is_unproven(here, command["name"]):
                yield self._finding(here, command["name"])
        for constraint in added(here, "CONSTR_NOTNULL"):
            column = constraint_columns(constraint)[0]
            if is_checked(constraint) and _is_unproven(here, column):
                yield self._finding(here, column)

    def _finding(self, here: Here, column: str) -> Finding:
        key = here.table()
        message = (
            f"NOT NULL on {column} reads all of {short(key)} under ACCESS EXCLUSIVE:"
            f" {waits(_AE, key)} meanwhile."
        )
        safe = proof(here, column)
        split = steps(safe) if len(here.node["cmds"]) == 1 else ()
        return self.found(here, message, safe, key, split=split)


def _is_unproven(here: Here, column: str) -> bool:
    key = here.table()
    if here.is_foreign:
        return False
    only = not here.node["relation"].get("inh")
    tables = [key] if only else here.state.tree(key)
    return any(
        not is_proven_not_null(here.relation(each), column)
        for each in tables
        if here.relation(each).kind != "foreign table"
    )


def proof(here: Here, column: str) -> str:
    """How to prove a column free of NULL while everybody passes."""
    key = here.table()
    name = quoted(f"{here.relation(key).name}_{column}_not_null")
    column = quoted(column)
    alter = f"ALTER TABLE {short(key)}"
    if here.major >= 18:
        return (
            f"{alter} ADD CONSTRAINT {name} NOT NULL {column} NOT VALID;\n"
            f"{alter} VALIDATE CONSTRAINT {name};  {OWN}"
        )
    return (
        f"{alter} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\n"
        f"{alter} VALIDATE CONSTRAINT {name};  {OWN}\n"
        f"{alter} ALTER COLUMN {column} SET NOT NULL;  -- now reads nothing\n"
        f"{alter} DROP CONSTRAINT {name};"
    )


class SetNotNullLosesProof(Rule):
    """SET NOT NULL, and the CHECK that proves it is dropped by the same statement."""

    on = ("AT_SetNotNull", "AT_AddConstraint")
    words = ("drop",)
    why = (
        "PostgreSQL drops constraints first, whatever the order of the subcommands: the proof is"
        " gone when it is looked for, and every row is read under ACCESS EXCLUSIVE."
    )
    safe = "Two statements: SET NOT NULL first, then DROP CONSTRAINT."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ALTER COLUMN known SET NOT NULL, DROP CONSTRAINT known_given;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN known SET NOT NULL;\n"
        "ALTER TABLE orders DROP CONSTRAINT known_given;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        dropped = frozenset(c["name"] for c in here.commands("AT_DropConstraint"))
        if not dropped:
            return
        key = here.table()
        table = here.relation(key)
        columns = [command["name"] for command in here.commands("AT_SetNotNull")]
        columns += [column for column in _taken_columns(here) if column]
        for column in columns:
            if not is_proven_not_null(table, column) or is_proven_not_null(table, column, dropped):
                continue
            proofs = [n for n in dropped if n in table.constraints]
            proofs = sorted(n for n in proofs if table.constraints[n].proves_not_null(column))
            name = ", ".join(map(quoted, proofs))
            alter = f"ALTER TABLE {short(key)}"
            first = f"{alter} ALTER COLUMN {quoted(column)} SET NOT NULL"
            then = f"{alter} DROP CONSTRAINT {name}"
            alone = len(here.node["cmds"]) == 2 and len(proofs) == 1 == len(columns)
            yield self.found(
                here,
                f"The proof that {column} has no NULL is {name}, which this very statement drops"
                f" first: all of {short(key)} is read under ACCESS EXCLUSIVE, and"
                f" {waits(_AE, key)}.",
                f"{first};  -- reads nothing\n{then};",
                key,
                f"{first};\n{then}" if alone and any(here.commands("AT_SetNotNull")) else None,
            )


class PrimaryKeyOverNullableColumn(Rule):
    """A primary key takes over an index of columns that may still hold NULL."""

    on = ("AT_AddConstraint",)
    words = ("primary",)
    why = (
        "ADD PRIMARY KEY USING INDEX is brief only when the columns are NOT NULL already. Otherwise"
        " it reads every row under ACCESS EXCLUSIVE to find that out."
    )
    safe = "Prove and set NOT NULL on the columns first, then take the index over."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT by_code PRIMARY KEY USING INDEX orders_code;"
    )
    good = SetNotNullScan.good

    def check(self, here: Here) -> Iterator[Finding]:
        dropped = frozenset(c["name"] for c in here.commands("AT_DropConstraint"))
        key = here.table() if here.kind == "AlterTableStmt" else ""
        for column in _taken_columns(here):
            if column is None or is_proven_not_null(here.relation(key), column):
                continue
            if not is_proven_not_null(here.relation(key), column, dropped):
                yield self.found(
                    here,
                    f"{column} may hold NULL, so the primary key reads all of {short(key)} under"
                    f" ACCESS EXCLUSIVE: {waits(_AE, key)} meanwhile.",
                    f"{proof(here, column)}\nthen {here.statement.sql};",
                    key,
                )


def _taken_columns(here: Here) -> Iterator[str | None]:
    """The columns of the index that a primary key takes over."""
    for constraint in added(here, "CONSTR_PRIMARY"):
        if "indexname" in constraint:
            schema = here.relation(here.table()).schema
            index = here.state.indexes.get(f"{schema}.{constraint['indexname']}")
            yield from index.columns if index else ()
