"""Rows changed while the transaction holds a heavy lock."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.transactions.held import heaviest
from zero_downtime.lint.words import short, waits
from zero_downtime.sql.tree import Node, columns_in, text_of


class BackfillWithDdl(Rule):
    """Rows are changed in a transaction that already locks a table heavily."""

    on = ("UpdateStmt", "DeleteStmt", "InsertStmt")
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
        if here.kind == "InsertStmt" and not _copies_rows(here.node):
            return
        target = here.table()
        if target.endswith(".alembic_version") or _is_one_row(here, target):
            return
        if here.is_new(target) and here.kind != "InsertStmt":
            return
        heavy = heaviest(here.holding)
        if heavy is None:
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
        )


def _copies_rows(insert: Node) -> bool:
    query = insert.get("selectStmt", {}).get("SelectStmt", {})
    return "fromClause" in query


def _is_one_row(here: Here, key: str) -> bool:
    """WHERE key = constant: as cheap as any write of the application."""
    where = here.node.get("whereClause", {})
    comparison = where.get("A_Expr", {})
    if comparison.get("kind") != "AEXPR_OP" or text_of(comparison["name"][0]) != "=":
        return False
    columns = columns_in(where)
    relation = here.relation(key)
    keys = [
        set(c.columns) for c in relation.constraints.values() if c.kind in ("primary key", "unique")
    ]
    return any(k <= columns for k in keys)
