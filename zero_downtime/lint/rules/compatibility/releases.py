"""What old and new release notice of a change that harms neither the table nor its rows."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import fields_of


class CachedPlanChange(Rule):
    """A change of a table's columns breaks statements that sessions have prepared."""

    severity = "warning"
    default = False
    on = ("AT_AddColumn", "AT_AlterColumnType")
    why = (
        "A prepared SELECT * (or a SELECT of a column whose type changes) fails with “cached plan"
        " must not change result type” until its session prepares it anew. asyncpg and psycopg"
        " prepare by themselves."
    )
    safe = "Queries that list their columns; or connections that are made anew after the migration."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN note SET STATISTICS 500;"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_AddColumn", "AT_AlterColumnType"):
            key = here.table()
            what, name = "SELECT *", fields_of(command["def"]).get("colname")
            if command["subtype"] == "AT_AlterColumnType":
                name = command["name"]
                what = f"SELECT of {name}"
            yield self.found(
                here,
                f"A {what} from {short(key)} that a session has prepared fails once with “cached"
                " plan must not change result type”.",
                "Make connections anew after the migration, or let queries list their columns.",
                key,
            )
            return


class NewRestriction(Rule):
    """A new constraint refuses what the running release may still write."""

    severity = "warning"
    default = False
    on = ("AT_AddConstraint", "AT_SetNotNull", "IndexStmt")
    why = (
        "NOT VALID spares old rows, not new ones: from its first second on the constraint is held"
        " against everything that the running release writes."
    )
    safe = "Release code that keeps to the rule, then add the constraint."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT paid CHECK (amount > 0) NOT VALID;"
    )
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        what = None
        if here.kind == "IndexStmt":
            if here.node.get("unique") and not here.is_new(key):
                what = f"the unique index {here.node.get('idxname', '')}".rstrip()
        else:
            for command in here.commands("AT_AddConstraint", "AT_SetNotNull"):
                constraint = fields_of(command.get("def"))
                if command["subtype"] == "AT_SetNotNull":
                    what = f"NOT NULL of {command['name']}"
                elif "indexname" not in constraint and constraint.get("is_enforced", True):
                    what = f"the constraint {constraint.get('conname', '')}".rstrip()
        if what:
            yield self.found(
                here,
                f"Writes of the running release to {short(key)} that break {what} fail from here"
                " on.",
                self.safe,
                key,
            )


class NoDowngrade(Rule):
    """A revision changes the schema, and its downgrade does nothing."""

    severity = "warning"
    default = False
    why = (
        "alembic downgrade then only says that the revision is undone. The schema stays as it is,"
        " and the next upgrade fails, since what it makes is there already."
    )
    safe = "Write it, or let it raise, so that nobody takes it for done."
    bad = "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"
    good = (
        "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "-- downgrade\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders DROP COLUMN gift;"
    )
    in_revision = True

    def at_end(self, there: There) -> Iterator[Finding]:
        unit = there.unit
        if there.revision is None or there.direction == "downgrade" or unit.downgrade:
            return
        if there.phase == "contract" or any(n.text.startswith("downgrade") for n in unit.notes):
            return
        for seen in there.of(*_MAKES):
            yield self.found(
                seen,
                "The downgrade of this revision does nothing: it leaves this in place, and the next"
                " upgrade fails on it.",
                "Write the downgrade, or let it raise: raise NotImplementedError",
            )
            return


# What fails when it is done twice, and can be undone.
_MAKES = (
    "CreateStmt",
    "AlterTableStmt",
    "IndexStmt",
    "RenameStmt",
    "CreateEnumStmt",
    "CreateDomainStmt",
    "CreateSeqStmt",
    "CreateTrigStmt",
    "CreateTableAsStmt",
    "CreateSchemaStmt",
)
