"""Maintenance that writes tables anew."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import rewrites_rows, short
from zero_downtime.sql.tree import options_of


class VacuumFull(Rule):
    """A table in use is packed with VACUUM FULL."""

    on = ("VacuumStmt",)
    why = (
        "VACUUM FULL copies the table and builds all its indexes under ACCESS EXCLUSIVE: nobody can"
        " read or write the table until it is done."
    )
    safe = (
        "Plain VACUUM makes the space usable again and lets everybody pass. To give it back to the"
        " disk, an online tool such as pg_repack."
    )
    bad = "SET lock_timeout = '2s';\nVACUUM FULL orders;"
    good = "VACUUM orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        full = options_of(here.node.get("options")).get("full")
        if full in (None, False, "off", "false", 0):
            return
        if not here.node.get("rels"):
            yield self.found(
                here,
                "VACUUM FULL packs every table of the database, each under ACCESS EXCLUSIVE.",
                "VACUUM;  -- or pg_repack for the tables that need it",
            )
            return
        for key in here.effect.rewrites:
            if key in here.locks:
                yield self.found(
                    here,
                    rewrites_rows(key, "VACUUM FULL"),
                    f"VACUUM {short(key)};  -- or pg_repack, to give the space back to the disk",
                    key,
                )
                return


class ClusterTable(Rule):
    """A table in use is sorted with CLUSTER."""

    on = ("ClusterStmt",)
    why = (
        "CLUSTER copies the table in the order of an index and builds all its indexes under ACCESS"
        " EXCLUSIVE: nobody can read or write the table until it is done."
    )
    safe = "An online tool such as pg_repack, which sorts as well."
    bad = "SET lock_timeout = '2s';\nCLUSTER orders USING orders_note;"
    good = "ALTER TABLE orders CLUSTER ON orders_note;"

    def check(self, here: Here) -> Iterator[Finding]:
        if "relation" not in here.node:
            yield self.found(
                here,
                "CLUSTER sorts every table that was ever clustered, each under ACCESS EXCLUSIVE.",
                self.safe,
            )
            return
        for key in here.effect.rewrites:
            if key in here.locks:
                message = rewrites_rows(key, "CLUSTER")
                yield self.found(here, message, f"pg_repack --table {short(key)}", key)
                return


class RewrittenTwice(Rule):
    """Two statements of one file write the same table anew."""

    severity = "warning"
    default = False
    on = ("rewrites",)
    why = (
        "Where a rewrite is accepted, it should happen once: one ALTER TABLE with all its"
        " subcommands writes the table a single time."
    )
    safe = "ALTER TABLE with both subcommands, separated by a comma."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "ALTER TABLE orders ALTER COLUMN amount TYPE bigint;\n"
        "ALTER TABLE orders ADD COLUMN number bigserial;\nCOMMIT;"
    )
    good = (
        "CREATE TABLE boxes (id int, size int);\n"
        "ALTER TABLE boxes ALTER COLUMN id TYPE bigint, ALTER COLUMN size TYPE bigint;"
    )
    also = ("type-change-rewrite", "serial-column")

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "AlterTableStmt":
            return
        for seen in here.earlier:
            if seen.kind != "AlterTableStmt":
                continue
            for key in here.effect.rewrites:
                if key in seen.effect.rewrites and key in here.locks:
                    yield self.found(
                        here,
                        f"{short(key)} is written anew here, and was by the statement in line"
                        f" {seen.statement.location.line}: once would do.",
                        f"Put both into one ALTER TABLE {short(key)}.",
                        key,
                    )
                    return
