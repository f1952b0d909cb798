"""Long work while the transaction holds a heavy lock."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.transactions.held import heaviest
from zero_downtime.lint.words import short, waits
from zero_downtime.sql.tree import functions_in


class WorkUnderLock(Rule):
    """Something slow runs in a transaction that already locks a table heavily."""

    on = ("scans", "SelectStmt", "CreateTableAsStmt", "VacuumStmt")
    only = "held"
    why = (
        "The lock of the schema change lasts to the end of the transaction. A query over a whole"
        " table, a copy of it, ANALYZE or pg_sleep after it keeps everybody waiting for as long."
    )
    safe = "Commit the schema change first; or do the slow work before it."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "CREATE TABLE totals AS SELECT customer_id, sum(total) FROM orders GROUP BY 1;\nCOMMIT;"
    )
    good = (
        "CREATE TABLE totals AS SELECT customer_id, sum(total) FROM orders GROUP BY 1;\nBEGIN;\n"
        "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\nCOMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        what = _slow(here) if here.kind in _LIGHT else None
        held = heaviest(here.holding) if what else None
        if what is None or held is None:
            return
        seen, key, mode = held
        yield self.found(
            here,
            f"{what} while the transaction holds {mode.sql} on {short(key)} from line"
            f" {seen.statement.location.line}: {waits(mode, key)} until it is done.",
            f"Commit the change of {short(key)} first, or do this before it.",
            key,
            lock=mode,
        )


# Statements whose own locks hurt nobody. Of what locks heavily itself, other rules speak.
_LIGHT = (
    "SelectStmt",
    "CreateTableAsStmt",
    "RefreshMatViewStmt",
    "VacuumStmt",
    "CopyStmt",
)


def _slow(here: Here) -> str | None:
    if here.kind == "SelectStmt" and any(n[-1] == "pg_sleep" for n in functions_in(here.node)):
        return "This sleeps"
    if here.kind == "VacuumStmt":
        return None if here.node.get("is_vacuumcmd") else "ANALYZE reads samples"
    if here.kind == "SelectStmt" and not _reads_all(here):
        return None
    read = [key for key in here.effect.scans if not here.is_new(key) and not _is_one_row(here, key)]
    return f"This reads all of {short(read[0])}" if read else None


def _is_one_row(here: Here, key: str) -> bool:
    relation = here.state.relation(key)
    return relation is not None and relation.kind == "sequence"


def _reads_all(here: Here) -> bool:
    """A query without WHERE or LIMIT; others may well find few rows by an index."""
    node = here.node
    return "fromClause" in node and not node.get("whereClause") and not node.get("limitCount")
