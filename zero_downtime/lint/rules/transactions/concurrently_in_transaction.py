"""A command that refuses to run in a transaction block."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule


class ConcurrentlyInTransaction(Rule):
    """A command that refuses to run in a transaction block stands in one."""

    on = ("alone",)
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
