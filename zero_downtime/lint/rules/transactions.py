"""Transactions that hold locks too long, or wait for them without bound."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, Seen, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import Node, columns_in, text_of


class NoLockTimeout(Rule):
    """A statement waits for a heavy lock with no lock_timeout in force."""

    severity = "warning"
    why = (
        "The lock itself may be brief, the wait for it is not: one long SELECT holds it up, and"
        " every later query on the table queues behind the waiting statement."
    )
    safe = (
        "SET lock_timeout before it (SET LOCAL inside a transaction) and try again when it runs"
        " out. zd upgrade looks for holders first, asks briefly and tries again by itself."
    )
    bad = "ALTER TABLE orders ADD COLUMN gift boolean;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.lock_timeout or not here.first_without_timeout:
            return
        heavy = {key: mode for key, mode in here.locks.items() if mode.blocks_writes}
        # DETACH CONCURRENTLY waits without holding others up; cut short it is left half done.
        if not heavy or (here.kind == "AlterTableStmt" and not here.effect.transactional):
            return
        key = max(heavy, key=lambda k: heavy[k])
        mode = heavy[key]
        local = "SET" if here.statement.transaction is None else "SET LOCAL"
        set_it = f"{local} lock_timeout = '2s'"
        yield self.found(
            here,
            f"Nothing bounds the wait for {mode.sql} on {short(key)}: behind one long transaction"
            f" it queues, and {waits(mode, key)} behind it.",
            f"{set_it};  -- then try again when it runs out; zd upgrade does so by itself",
            key,
            f"{set_it};\n{here.statement.sql}",
        )


class ConcurrentlyInTransaction(Rule):
    """A command that refuses to run in a transaction block stands in one."""

    why = (
        "CREATE, DROP and REINDEX … CONCURRENTLY, DETACH PARTITION CONCURRENTLY and VACUUM fail"
        " inside a transaction: the migration stops here."
    )
    safe = (
        "Run it by itself: outside BEGIN … COMMIT; in Alembic, inside"
        " with op.get_context().autocommit_block():"
    )
    bad = "BEGIN;\nCREATE INDEX CONCURRENTLY orders_amount ON orders (amount);\nCOMMIT;"
    good = "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.effect.transactional or here.statement.transaction is None:
            return
        words = " ".join(here.statement.sql.split()[:3]).upper()
        yield self.found(
            here,
            f"PostgreSQL refuses {words} … in a transaction block: the migration stops here.",
            "with op.get_context().autocommit_block():  # in a revision"
            if here.statement.revision
            else "Move it out of BEGIN … COMMIT.",
        )


class SeveralTablesLocked(Rule):
    """One transaction locks several tables that are in use."""

    severity = "warning"
    why = (
        "The locks of the first tables last until those of the others are had as well: the outage"
        " is as long as the longest wait, and two such transactions can deadlock."
    )
    safe = "One table a transaction: a revision each, or autocommit_block."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "ALTER TABLE customers ADD COLUMN vip boolean;\nCOMMIT;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "ALTER TABLE customers ADD COLUMN vip boolean;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "LockStmt" or here.statement.transaction is None:
            return
        before: set[str] = set()
        grown = 0
        for seen in here.earlier:
            grown += bool(seen.tables - before)
            before |= seen.tables
        now = here.locked_tables
        if grown != 1 or not now - before:  # grown twice: told already at that statement
            return
        new = sorted(now - before)[0]
        mode = max(
            (seen.locks[key] for seen in here.earlier for key in seen.locks if key in before),
            default=LockMode.ACCESS_EXCLUSIVE,
        )
        old = ", ".join(short(key) for key in sorted(before))
        yield self.found(
            here,
            f"While this waits for {short(new)}, the transaction still holds {mode.sql} on {old}:"
            f" {waits(mode, sorted(before)[0])} for both.",
            f"Commit before it: {old} and {short(new)} in a transaction each.",
            new,
        )


class BackfillWithDdl(Rule):
    """Rows are changed in a transaction that already locks a table heavily."""

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
        heavy = _heaviest(here.earlier)
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


def _heaviest(earlier: tuple[Seen, ...]) -> tuple[Seen, str, LockMode] | None:
    held = [
        (seen, key, mode)
        for seen in earlier
        for key, mode in seen.locks.items()
        if mode.blocks_writes
    ]
    return max(held, key=lambda each: each[2], default=None)


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


class TableRewrite(Rule):
    """A table in use is written anew as a whole."""

    fallback = True
    why = (
        "SET LOGGED or UNLOGGED, SET ACCESS METHOD, SET TABLESPACE, VACUUM FULL, CLUSTER and a new"
        " column of a domain with a CHECK copy the whole table under ACCESS EXCLUSIVE."
    )
    safe = (
        "Do it while the table is small, or move rows to a new table in batches. A column of a"
        " domain: take the base type and add the CHECK NOT VALID."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN size positive;"
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN size int;\n"
        "ALTER TABLE orders ADD CONSTRAINT size_positive CHECK (size > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT size_positive;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind in ("TruncateStmt", "RefreshMatViewStmt"):
            return
        for key in here.effect.rewrites:
            mode = here.locks.get(key)
            if mode and here.relation(key).kind != "sequence":
                yield self.found(
                    here,
                    f"This writes all of {short(key)} anew under {mode.sql}: {waits(mode, key)}"
                    " until it is done.",
                    self.safe,
                    key,
                )
                return


class ScanUnderLock(Rule):
    """A table in use is read as a whole while others wait."""

    fallback = True
    why = (
        "The statement reads every row while it holds a lock that blocks writers or readers:"
        " attaching a partition without a matching CHECK, a new partition beside a DEFAULT one, a"
        " CHECK on a domain, a type change of a column that a CHECK mentions."
    )
    safe = (
        "Let the proof exist before: a validated CHECK that implies the partition's bound (and"
        " excludes it on the DEFAULT partition); for domains and columns, constraints that are"
        " dropped before, added NOT VALID again and validated."
    )
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE readings ATTACH PARTITION readings_3"
        " FOR VALUES IN (3);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE events_3 ADD CONSTRAINT own CHECK (id > 0) NOT VALID;\n"
        "ALTER TABLE events_3 VALIDATE CONSTRAINT own;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind in _OTHERS:
            return
        for key in here.effect.scans:
            mode = here.locks.get(key)
            if mode and mode.blocks_writes:
                yield self.found(
                    here,
                    f"This reads all of {short(key)} under {mode.sql}: {waits(mode, key)}"
                    " meanwhile.",
                    self.safe,
                    key,
                )
                return


# Data changes, and REFRESH … CONCURRENTLY, whose readers pass.
_OTHERS = (
    "RefreshMatViewStmt",
    "SelectStmt",
    "InsertStmt",
    "UpdateStmt",
    "DeleteStmt",
    "MergeStmt",
    "CopyStmt",
)
