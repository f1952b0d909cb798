"""Constraints that build an index while everybody waits, or take one that PostgreSQL refuses."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.rules.constraints.added import added
from zero_downtime.lint.words import quoted, short, steps, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_constraints import constraint_columns
from zero_downtime.sql.apply_indexes import free_name
from zero_downtime.sql.tree import Node, names_of


class ConstraintBuildsIndex(Rule):
    """A unique constraint or primary key builds its index under lock."""

    on = ("AT_AddConstraint", "AT_AddColumn")
    words = ("unique", "primary")
    why = (
        "ADD UNIQUE and ADD PRIMARY KEY hold ACCESS EXCLUSIVE while the index is built: nobody can"
        " read or write the table meanwhile."
    )
    safe = "Build a unique index CONCURRENTLY, then ADD CONSTRAINT … USING INDEX, which is brief."
    bad = "SET lock_timeout = '2s';\nALTER TABLE lines ADD CONSTRAINT once UNIQUE (order_id);"
    good = (
        "CREATE UNIQUE INDEX CONCURRENTLY once ON lines (order_id);\n"
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE lines ADD CONSTRAINT once UNIQUE USING INDEX once;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.partitioned(here.table()) and not here.node["relation"].get("inh"):
            return  # ONLY the parent: an empty shell, to which the indexes below are attached
        for constraint in added(here, "CONSTR_UNIQUE", "CONSTR_PRIMARY"):
            if "indexname" not in constraint and here.effect.builds:
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
        name, columns = quoted(name), tuple(map(quoted, columns))
        if here.partitioned(key):
            safe = (
                f"CREATE UNIQUE INDEX {name} ON ONLY {short(key)} ({', '.join(columns)});\n"
                "then build it CONCURRENTLY on each partition, and attach those."
            )
        else:
            included = names_of(constraint.get("including"))
            include = f" INCLUDE ({', '.join(map(quoted, included))})" if included else ""
            safe = (
                f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {short(key)}"
                f" ({', '.join(columns)}){include};  {here.by_itself}\n"
                f"ALTER TABLE {short(key)} ADD CONSTRAINT {name} {kind} USING INDEX {name};"
            )
        alone = len(here.node["cmds"]) == 1 and not here.partitioned(key)
        return self.found(here, message, safe, key, split=steps(safe) if alone else ())


_KINDS = {
    "CONSTR_UNIQUE": ("UNIQUE", "key"),
    "CONSTR_PRIMARY": ("PRIMARY KEY", "pkey"),
}


class ExclusionBuildsIndex(Rule):
    """An exclusion constraint is added to a table in use."""

    on = ("AT_AddConstraint",)
    words = ("exclude",)
    why = (
        "ADD EXCLUDE holds ACCESS EXCLUSIVE while its index is built and every row is compared with"
        " the others. It has no concurrent form, and takes no index that is there already."
    )
    safe = (
        "A new table with the constraint, filled in batches, that takes over the name; or while"
        " the table is small, or at rest."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE lines ADD CONSTRAINT apart EXCLUDE USING btree (order_id WITH =);"
    )
    good = "CREATE TABLE stays (room int, EXCLUDE USING btree (room WITH =));"

    def check(self, here: Here) -> Iterator[Finding]:
        for _ in added(here, "CONSTR_EXCLUSION"):
            key = here.table()
            yield self.found(
                here,
                f"EXCLUDE builds its index on {short(key)} under ACCESS EXCLUSIVE:"
                f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} until it is built.",
                "There is no concurrent way: do it while the table is small, or at rest.",
                key,
            )


class ConstraintOverUnfitIndex(Rule):
    """A constraint is to take over an index that can't carry it."""

    on = ("AT_AddConstraint",)
    words = ("index",)
    why = (
        "ADD CONSTRAINT … USING INDEX takes a unique btree index over plain columns of a table that"
        " is not partitioned; with a predicate, an expression, or an order of its own it fails."
    )
    safe = "Build a unique index over the plain columns CONCURRENTLY, and take that."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT once UNIQUE USING INDEX orders_note;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT once UNIQUE USING INDEX orders_code;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for constraint in added(here, "CONSTR_UNIQUE", "CONSTR_PRIMARY"):
            if "indexname" not in constraint:
                continue
            key, name = here.table(), constraint["indexname"]
            index = here.state.indexes.get(f"{here.relation(key).schema}.{name}")
            reason = None
            if here.partitioned(key):
                reason = f"{short(key)} is partitioned"
            elif index and not index.unique:
                reason = f"{name} is not unique"
            elif index and (not index.plain or None in index.columns):
                reason = f"{name} has a predicate, an expression or an order of its own"
            if reason:
                yield self.found(
                    here,
                    f"This fails: {reason}, so that no constraint can take the index over.",
                    f"CREATE UNIQUE INDEX CONCURRENTLY … ON {short(key)} (…);  {here.by_itself}",
                    key,
                    severity=here.by_schema,
                )
