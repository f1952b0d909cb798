"""What stays behind when a migration outside a transaction fails half-way."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Rule, Seen, There

_CHANGES = (
    "IndexStmt",
    "AlterTableStmt",
    "CreateStmt",
    "CreateTrigStmt",
    "CreateSeqStmt",
    "CreateEnumStmt",
    "AlterEnumStmt",
    "ViewStmt",
    "RenameStmt",
    "DropStmt",
)


class NotRetryable(Rule):
    """A concurrent build shares its file with other changes that can't be run twice."""

    severity = "warning"
    default = False
    on = ("IndexStmt",)
    why = (
        "Outside a transaction nothing is taken back. If the build fails, what ran before it stays,"
        " and the next run stops at that: it already exists."
    )
    safe = "One such statement a file or revision, or IF [NOT] EXISTS on all others."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "CREATE INDEX CONCURRENTLY orders_gift ON orders (gift);"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN IF NOT EXISTS gift boolean;\n"
        "CREATE INDEX CONCURRENTLY orders_gift ON orders (gift);"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        done: Seen | None = None
        for seen in there.seen:
            if seen.statement.transaction is not None:
                continue
            if seen.kind == "IndexStmt" and seen.node.get("concurrent") and done is not None:
                yield self.found(
                    seen,
                    f"If this fails, line {done.statement.location.line} has run already and stays:"
                    " the next attempt stops there.",
                    "Give the build a file (revision) of its own.",
                )
                return
            if seen.kind in _CHANGES and not _can_run_twice(seen):
                done = done or seen


def _can_run_twice(seen: Seen) -> bool:
    node = seen.node
    if node.get("if_not_exists") or node.get("missing_ok") or node.get("replace"):
        return True
    if node.get("skipIfNewValExists"):
        return True
    commands = [item["AlterTableCmd"] for item in node.get("cmds", ())]
    return bool(commands) and all(
        command.get("missing_ok") or command["subtype"] in _REPEATABLE for command in commands
    )


_REPEATABLE = (
    "AT_ValidateConstraint",
    "AT_SetNotNull",
    "AT_DropNotNull",
    "AT_ColumnDefault",
    "AT_SetStatistics",
    "AT_SetRelOptions",
)
