"""A constraint that builds its index while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.rules.constraints.added import added
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_tables import constraint_columns, free_name
from zero_downtime.sql.tree import Node, names_of


class ConstraintBuildsIndex(Rule):
    """A unique, primary key or exclusion constraint builds its index under lock."""

    on = ("AT_AddConstraint", "AT_AddColumn")
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
        for constraint in added(here, "CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION"):
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
