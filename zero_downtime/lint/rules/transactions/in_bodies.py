"""DO blocks that mind the transaction around them."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.sql.bodies import source_of
from zero_downtime.sql.lexer import words_in


class CommitInBlock(Rule):
    """A DO block commits inside a transaction block."""

    on = ("DoStmt",)
    why = (
        "COMMIT in a DO block works only where the block itself is not in a transaction; elsewhere"
        " it fails with “invalid transaction termination”, and the migration stops."
    )
    safe = "Run the block outside a transaction; in Alembic inside autocommit_block()."
    bad = (
        "BEGIN;\nDO $$ BEGIN\n  UPDATE orders SET note = 'x' WHERE id < 1000;\n  COMMIT;\n"
        "END $$;\nCOMMIT;"
    )
    good = "DO $$ BEGIN\n  UPDATE orders SET note = 'x' WHERE id < 1000;\n  COMMIT;\nEND $$;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.statement.transaction is None:
            return
        words = words_in(source_of(here.node) or "")
        if "commit" in words or "rollback" in words:
            word = "COMMIT" if "commit" in words else "ROLLBACK"
            yield self.found(
                here,
                f"{word} in a DO block fails in a transaction block (“invalid transaction"
                " termination”): the migration stops here.",
                "with op.get_context().autocommit_block():  # around the block"
                if here.statement.revision
                else "Move the block out of BEGIN … COMMIT.",
            )
