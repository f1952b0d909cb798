"""A foreign key that is checked while writers of two tables wait."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.rules.constraints.added import OWN, added, is_checked, name_of
from zero_downtime.lint.words import quoted, short, steps, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import Node


class ForeignKeyWithoutNotValid(Rule):
    """A foreign key is added to a table in use and checked at once."""

    on = ("AT_AddConstraint", "AT_AddColumn")
    words = ("references",)
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
        for constraint in added(here, "CONSTR_FOREIGN"):
            if is_checked(constraint) and not self._is_there_already(here):
                yield self._finding(here, constraint)
        for column in here.new_columns():
            for constraint in contype(column, "CONSTR_FOREIGN"):
                if here.table() in here.effect.scans:
                    yield self._new_column(here, column, constraint)

    def _is_there_already(self, here: Here) -> bool:
        """Every partition has it, validated: nothing is looked up."""
        return here.partitioned(here.table()) and not here.effect.scans

    def _finding(self, here: Here, constraint: Node) -> Finding:
        table = here.table()
        parent = here.state.key_of_range(constraint["pktable"])
        both = short(table) if here.is_new(parent) else f"{short(table)} and {short(parent)}"
        message = (
            f"ADD FOREIGN KEY looks up every row of {short(table)} in {short(parent)} under"
            f" SHARE ROW EXCLUSIVE on both: INSERT, UPDATE and DELETE on {both} wait meanwhile."
        )
        if refuses_not_valid(here, table):
            safe = (
                f"{short(table)} is partitioned, and PostgreSQL {here.major} takes no NOT VALID"
                " there: add the key NOT VALID to each partition, validate those, then add it here."
            )
            return self.found(here, message, safe, table)
        name = quoted(name_of(here, constraint, "fkey"))
        fix = here.statement.sql + " NOT VALID" if len(here.node["cmds"]) == 1 else None
        safe = (
            f"{fix or 'ADD CONSTRAINT ' + name + ' FOREIGN KEY … NOT VALID'};\n"
            f"ALTER TABLE {short(table)} VALIDATE CONSTRAINT {name};  {OWN}"
        )
        return self.found(here, message, safe, table, fix, split=steps(safe))

    def _new_column(self, here: Here, column: Node, constraint: Node) -> Finding:
        table, name = here.table(), column["colname"]
        parent = short(here.state.key_of_range(constraint["pktable"]))
        fkey = quoted(f"{here.relation(table).name}_{name}_fkey")
        return self.found(
            here,
            f"The default of {name} is looked up in {parent} for every row of {short(table)} under"
            f" ACCESS EXCLUSIVE: {waits(LockMode.ACCESS_EXCLUSIVE, table)} meanwhile.",
            f"ALTER TABLE {short(table)} ADD COLUMN {quoted(name)} …;  -- without REFERENCES\n"
            f"ALTER TABLE {short(table)} ADD CONSTRAINT {fkey}"
            f" FOREIGN KEY ({quoted(name)}) REFERENCES {parent} NOT VALID;\n"
            f"ALTER TABLE {short(table)} VALIDATE CONSTRAINT"
            f" {fkey};  {OWN}",
            table,
        )


def refuses_not_valid(here: Here, table: str) -> bool:
    """Whether NOT VALID is refused for a foreign key of this table."""
    return here.partitioned(table) and here.major < 18


class ForeignKeyNotValidOnPartitioned(Rule):
    """A foreign key NOT VALID is added to a partitioned table, which is refused before 18."""

    on = ("AT_AddConstraint",)
    words = ("references",)
    majors = (14, 17)
    why = "Up to PostgreSQL 17 a partitioned table takes no foreign key NOT VALID: it fails."
    safe = (
        "Add the key NOT VALID to each partition and validate those; then the key of the parent,"
        " which takes them over without reading a row."
    )
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE readings ADD CONSTRAINT owner\n"
        "  FOREIGN KEY (id) REFERENCES orders NOT VALID;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE readings_1 ADD CONSTRAINT owner\n"
        "  FOREIGN KEY (id) REFERENCES orders NOT VALID;\n"
        "ALTER TABLE readings_1 VALIDATE CONSTRAINT owner;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in added(here, "CONSTR_FOREIGN"):
            table = here.table()
            if constraint.get("skip_validation") and refuses_not_valid(here, table):
                partitions = [short(key) for key in here.state.children(table)]
                first = partitions[0] if partitions else "each_partition"
                name = name_of(here, constraint, "fkey")
                yield self.found(
                    here,
                    f"This fails: {short(table)} is partitioned, and PostgreSQL {here.major} takes"
                    " no foreign key NOT VALID there.",
                    f"ALTER TABLE {first} ADD CONSTRAINT {name} FOREIGN KEY … NOT VALID;  -- and so"
                    " on the others\n"
                    f"ALTER TABLE {first} VALIDATE CONSTRAINT {name};  {OWN}\n"
                    f"then add {name} to {short(table)}.",
                    table,
                    severity=here.by_schema,
                )
