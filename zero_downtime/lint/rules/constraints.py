"""Constraints that are checked, or whose index is built, while others wait."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_table import is_proven_not_null
from zero_downtime.sql.apply_tables import constraint_columns, free_name
from zero_downtime.sql.tree import Node, fields_of, names_of

_OWN = "-- in a transaction of its own"


def _added(here: Here, *kinds: str) -> Iterator[Node]:
    """The constraints of these kinds that ALTER TABLE … ADD CONSTRAINT adds to a table in use."""
    for command in here.commands("AT_AddConstraint"):
        constraint = fields_of(command["def"])
        if constraint["contype"] in kinds:
            yield constraint


def _is_checked(constraint: Node) -> bool:
    return not constraint.get("skip_validation") and bool(constraint.get("is_enforced", True))


def _name(here: Here, constraint: Node, suffix: str) -> str:
    columns = constraint_columns(constraint)
    parts = columns if suffix == "fkey" or len(columns) == 1 else ()
    given = constraint.get("conname")
    return str(given or free_name(here.state, here.relation(here.table()), parts, suffix))


class ForeignKeyWithoutNotValid(Rule):
    """A foreign key is added to a table in use and checked at once."""

    why = (
        "ADD FOREIGN KEY holds SHARE ROW EXCLUSIVE on both tables while every row of the one is"
        " looked up in the other: writers of both tables wait."
    )
    safe = (
        "Add it NOT VALID, which is brief and already guards new rows, then VALIDATE CONSTRAINT in"
        " another transaction, which lets writers pass."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE lines ADD CONSTRAINT lines_buyer\n"
        "  FOREIGN KEY (customer_id) REFERENCES customers (id);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE lines ADD CONSTRAINT lines_buyer\n"
        "  FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;\n"
        "ALTER TABLE lines VALIDATE CONSTRAINT lines_buyer;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in _added(here, "CONSTR_FOREIGN"):
            if _is_checked(constraint):
                yield self._finding(here, constraint)
        for column in here.new_columns():
            for constraint in contype(column, "CONSTR_FOREIGN"):
                if here.table() in here.effect.scans:
                    yield self._new_column(here, column, constraint)

    def _finding(self, here: Here, constraint: Node) -> Finding:
        table = here.table()
        parent = here.state.key_of_range(constraint["pktable"])
        both = short(table) if here.is_new(parent) else f"{short(table)} and {short(parent)}"
        message = (
            f"ADD FOREIGN KEY looks up every row of {short(table)} in {short(parent)} under"
            f" SHARE ROW EXCLUSIVE on both: INSERT, UPDATE and DELETE on {both} wait meanwhile."
        )
        if here.partitioned(table) and here.major < 18:
            safe = (
                f"{short(table)} is partitioned, and PostgreSQL {here.major} takes no NOT VALID"
                " there: add the key NOT VALID to each partition, validate those, then add it here."
            )
            return self.found(here, message, safe, table)
        name = _name(here, constraint, "fkey")
        fix = here.statement.sql + " NOT VALID" if len(here.node["cmds"]) == 1 else None
        safe = (
            f"{fix or 'ADD CONSTRAINT ' + name + ' FOREIGN KEY … NOT VALID'};\n"
            f"ALTER TABLE {short(table)} VALIDATE CONSTRAINT {name};  {_OWN}"
        )
        return self.found(here, message, safe, table, fix)

    def _new_column(self, here: Here, column: Node, constraint: Node) -> Finding:
        table, name = here.table(), column["colname"]
        parent = short(here.state.key_of_range(constraint["pktable"]))
        return self.found(
            here,
            f"The default of {name} is looked up in {parent} for every row of {short(table)} under"
            f" ACCESS EXCLUSIVE: {waits(LockMode.ACCESS_EXCLUSIVE, table)} meanwhile.",
            f"ALTER TABLE {short(table)} ADD COLUMN {name} …;  -- without REFERENCES\n"
            f"ALTER TABLE {short(table)} ADD CONSTRAINT {here.relation(table).name}_{name}_fkey"
            f" FOREIGN KEY ({name}) REFERENCES {parent} NOT VALID;\n"
            f"ALTER TABLE {short(table)} VALIDATE CONSTRAINT"
            f" {here.relation(table).name}_{name}_fkey;  {_OWN}",
            table,
        )


class CheckWithoutNotValid(Rule):
    """A CHECK is added to a table in use and checked at once."""

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
        for constraint in _added(here, "CONSTR_CHECK"):
            if _is_checked(constraint):
                name = _name(here, constraint, "check")
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
            else (f"ALTER TABLE {short(table)} ADD CONSTRAINT {name} CHECK (…) NOT VALID;")
        )
        return self.found(
            here,
            f"CHECK {name} reads all of {short(table)} under ACCESS EXCLUSIVE:"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, table)} meanwhile.",
            f"{add}\nALTER TABLE {short(table)} VALIDATE CONSTRAINT {name};  {_OWN}",
            table,
            fix,
        )


class SetNotNullScan(Rule):
    """NOT NULL is set on a column whose rows nothing has proven yet."""

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
        for constraint in _added(here, "CONSTR_NOTNULL"):
            column = constraint_columns(constraint)[0]
            if _is_checked(constraint) and self._unproven(here, column):
                yield self._finding(here, column)
        for constraint in _added(here, "CONSTR_PRIMARY"):
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
                f"{alter} VALIDATE CONSTRAINT {name};  {_OWN}"
            )
        else:
            safe = (
                f"{alter} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\n"
                f"{alter} VALIDATE CONSTRAINT {name};  {_OWN}\n"
                f"{alter} ALTER COLUMN {column} SET NOT NULL;  -- now reads nothing\n"
                f"{alter} DROP CONSTRAINT {name};"
            )
        return self.found(here, message, safe, key)


class ConstraintBuildsIndex(Rule):
    """A unique, primary key or exclusion constraint builds its index under lock."""

    why = (
        "ADD UNIQUE, PRIMARY KEY and EXCLUDE hold ACCESS EXCLUSIVE while the index is built: nobody"
        " can read or write the table meanwhile."
    )
    safe = (
        "Build a unique index CONCURRENTLY, then ADD CONSTRAINT … USING INDEX, which is brief. An"
        " exclusion constraint has no such way: add it while the table is small or at rest."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE lines ADD CONSTRAINT once UNIQUE (order_id);"
    good = (
        "CREATE UNIQUE INDEX CONCURRENTLY once ON lines (order_id);\n"
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE lines ADD CONSTRAINT once UNIQUE USING INDEX once;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in _added(here, "CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION"):
            if "indexname" not in constraint:
                yield self._finding(here, constraint, constraint_columns(constraint))
        for column in here.new_columns():
            for constraint in contype(column, "CONSTR_UNIQUE", "CONSTR_PRIMARY"):
                yield self._finding(here, constraint, (column["colname"],))

    def _finding(self, here: Here, constraint: Node, columns: tuple[str, ...]) -> Finding:
        key = here.table()
        table = here.relation(key)
        kind, suffix = _KINDS[constraint["contype"]]
        message = (
            f"{kind} builds its index on {short(key)} under ACCESS EXCLUSIVE:"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} until it is built."
        )
        name = constraint.get("conname") or free_name(
            here.state, table, () if suffix == "pkey" else columns, suffix
        )
        if constraint["contype"] == "CONSTR_EXCLUSION":
            safe = "There is no concurrent way: do it while the table is small, or at rest."
        elif here.partitioned(key):
            safe = (
                f"CREATE UNIQUE INDEX {name} ON ONLY {short(key)} ({', '.join(columns)});\n"
                "then build it CONCURRENTLY on each partition, and attach those."
            )
        else:
            included = names_of(constraint.get("including"))
            include = f" INCLUDE ({', '.join(included)})" if included else ""
            safe = (
                f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {short(key)}"
                f" ({', '.join(columns)}){include};  {here.by_itself}\n"
                f"ALTER TABLE {short(key)} ADD CONSTRAINT {name} {kind} USING INDEX {name};"
            )
        return self.found(here, message, safe, key)


_KINDS = {
    "CONSTR_UNIQUE": ("UNIQUE", "key"),
    "CONSTR_PRIMARY": ("PRIMARY KEY", "pkey"),
    "CONSTR_EXCLUSION": ("EXCLUDE", "excl"),
}


class ValidationInSameTransaction(Rule):
    """A constraint is validated in a transaction that already locks the table heavily."""

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
            held = [(seen, seen.locks[key]) for seen in here.earlier if key in seen.locks]
            heavy = [(seen, mode) for seen, mode in held if mode.blocks_writes]
            if not heavy:
                continue
            seen, mode = max(heavy, key=lambda pair: pair[1])
            yield self.found(
                here,
                f"VALIDATE reads all of {short(key)} while the transaction still holds {mode.sql}"
                f" from line {seen.statement.location.line}: {waits(mode, key)} meanwhile.",
                f"Commit first: ALTER TABLE {short(key)} VALIDATE CONSTRAINT {command['name']};"
                f"  {_OWN}",
                key,
                lock=mode,
            )
