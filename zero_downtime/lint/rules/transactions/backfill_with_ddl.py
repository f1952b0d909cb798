"""Rows changed while the transaction holds a heavy lock."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.data.rows import is_bounded, is_one_row, source_tables
from zero_downtime.lint.rules.transactions.held import heaviest
from zero_downtime.lint.words import short, waits
from zero_downtime.sql.tree import fields_of


class BackfillWithDdl(Rule):
    """Rows are changed in a transaction that already locks a table heavily."""

    on = ("UpdateStmt", "DeleteStmt", "InsertStmt")
    only = "held"
    why = (
        "The lock of the schema change lasts to the end of the transaction, so everybody waits for"
        " the whole backfill."
    )
    safe = "Commit the schema change first; fill the rows in batches, each in its own transaction."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "UPDATE orders SET gift = false;\nCOMMIT;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "UPDATE orders SET gift = false WHERE id BETWEEN 1 AND 1000;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind not in ("UpdateStmt", "DeleteStmt", "InsertStmt"):
            return
        heavy = heaviest(here.holding)
        if heavy is None:
            return
        query = here.node.get("selectStmt", {})
        if here.kind == "InsertStmt" and not source_tables(here, query):
            return
        target = here.table()
        if target.endswith(".alembic_version") or is_one_row(here, target):
            return
        if here.is_new(target) and here.kind != "InsertStmt":
            return
        seen, key, mode = heavy
        yield self.found(
            here,
            f"This runs while the transaction holds {mode.sql} on {short(key)} from line"
            f" {seen.statement.location.line}: {waits(mode, key)} until all rows are done.",
            f"Commit the schema change first; then fill {short(target)} in batches, each in its own"
            " transaction.",
            key,
            lock=mode,
            severity="warning" if is_bounded(fields_of(query) or here.node) else None,
        )
