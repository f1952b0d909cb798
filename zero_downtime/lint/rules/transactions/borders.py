"""BEGIN, COMMIT and ROLLBACK where a transaction does not begin or end as it looks."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, Seen, There
from zero_downtime.sql.script import OWN
from zero_downtime.sql.tree import Node

_BEGIN = ("TRANS_STMT_BEGIN", "TRANS_STMT_START")
_IDLE = ("SelectStmt", "VariableSetStmt", "VariableShowStmt", "TransactionStmt", "ExplainStmt")


class CommitInRunnersTransaction(Rule):
    """COMMIT or ROLLBACK ends a transaction that the migration's runner opened."""

    severity = "warning"
    on = ("TransactionStmt",)
    why = (
        "The runner counts on its transaction: what follows commits statement by statement, and if"
        " something fails half of the migration stays, without its version recorded."
    )
    safe = (
        "Let the runner end its transaction. For what can't run in one: in Alembic"
        " with op.get_context().autocommit_block():"
    )
    bad = "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\nCOMMIT;"
    good = "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"
    in_revision = True

    def check(self, here: Here) -> Iterator[Finding]:
        if here.statement.transaction is None or here.node["kind"] not in (
            "TRANS_STMT_COMMIT",
            "TRANS_STMT_ROLLBACK",
        ):
            return
        if here.node["kind"] == "TRANS_STMT_ROLLBACK" and not here.statement.revision:
            return
        if any(_begins(seen.kind, seen.node) for seen in here.earlier):
            return
        word = "ROLLBACK" if here.node["kind"] == "TRANS_STMT_ROLLBACK" else "COMMIT"
        whose = "Alembic's" if here.statement.revision else "the runner's"
        yield self.found(
            here,
            f"{word} ends {whose} transaction: what comes after it runs outside of one, and a"
            " failure there leaves half of the migration behind.",
            "with op.get_context().autocommit_block():  # around what must run alone"
            if here.statement.revision
            else f"Remove {word}; what must run alone belongs in a file of its own.",
        )


class NestedBegin(Rule):
    """BEGIN stands in a transaction that is open already."""

    severity = "warning"
    on = ("TransactionStmt",)
    why = (
        "PostgreSQL has no nested transactions: the second BEGIN only warns, and the first COMMIT"
        " ends everything."
    )
    safe = "Remove it, or use SAVEPOINT."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nBEGIN;\n"
        "ALTER TABLE orders ADD COLUMN gift boolean;\nCOMMIT;"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["kind"] not in _BEGIN or here.statement.transaction is None:
            return
        opened = next((s for s in here.earlier if _begins(s.kind, s.node)), None)
        of_runner = bool(here.statement.revision) and here.statement.transaction < OWN
        if opened is None and not (here.earlier or of_runner):
            return
        where = f"since line {opened.statement.location.line}" if opened else "by the runner"
        yield self.found(
            here,
            f"A transaction is open already ({where}): this BEGIN does nothing but warn, and the"
            " first COMMIT ends everything.",
            "Remove this BEGIN and its COMMIT; SAVEPOINT does what a nested transaction would.",
        )


class UnfinishedTransaction(Rule):
    """A transaction is begun and never committed."""

    on = ("TransactionStmt",)
    why = (
        "When the script ends its session does, and PostgreSQL rolls back what is not committed:"
        " the migration reports success and has changed nothing. Until then its locks stay."
    )
    safe = "COMMIT at the end."
    bad = "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMIT;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        begun: Seen | None = None
        for seen, node in there.trees("TransactionStmt"):
            if _begins(seen.kind, node):
                begun = begun or seen
            elif node["kind"] in _ENDS:
                begun = None
        if begun is None or there.revision is not None:
            return
        rest = [s for s in there.seen if s.statement.location.line >= begun.statement.location.line]
        if any(seen.kind not in _IDLE for seen in rest):
            yield self.found(
                begun,
                "The transaction that begins here is never committed: at the end of the script"
                " PostgreSQL rolls back all of it.",
                "COMMIT;  -- at the end",
            )


_ENDS = (
    "TRANS_STMT_COMMIT",
    "TRANS_STMT_ROLLBACK",
    "TRANS_STMT_PREPARE",
)


class RolledBackMigration(Rule):
    """A transaction that changes something ends in ROLLBACK."""

    severity = "warning"
    on = ("TransactionStmt",)
    why = "What a rolled back transaction did is gone: the migration has no effect, only its locks."
    safe = "COMMIT, if the change is meant; otherwise leave the file out of the migrations."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "ROLLBACK;"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["kind"] != "TRANS_STMT_ROLLBACK" or here.statement.revision:
            return
        undone = [seen for seen in here.earlier if seen.kind not in _IDLE]
        if undone:
            lines = undone[0].statement.location.line
            yield self.found(
                here,
                f"Everything since line {lines} is taken back here: the migration changes nothing.",
                "COMMIT;  -- if the change is meant",
            )


class PreparedTransaction(Rule):
    """PREPARE TRANSACTION leaves a transaction, and its locks, without a session."""

    severity = "warning"
    on = ("TransactionStmt",)
    why = (
        "A prepared transaction outlives the session and a restart of the server. Its locks stay,"
        " and VACUUM can't clean up, until somebody gives COMMIT PREPARED."
    )
    safe = "COMMIT."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "PREPARE TRANSACTION 'gift';"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["kind"] != "TRANS_STMT_PREPARE":
            return
        name = here.node.get("gid")
        for _, kind, node in here.following("prepared"):
            ends = ("TRANS_STMT_COMMIT_PREPARED", "TRANS_STMT_ROLLBACK_PREPARED")
            if kind == "TransactionStmt" and node["kind"] in ends and node.get("gid") == name:
                return
        held = sorted({key for seen in here.earlier for key in seen.tables})
        on = f" on {', '.join(key.removeprefix('public.') for key in held)}" if held else ""
        yield self.found(
            here,
            f"Nothing in this file commits '{name}' again: its locks{on} stay until somebody does,"
            " restarts included.",
            f"COMMIT;  -- or COMMIT PREPARED '{name}'; in the same file",
        )


class ManySavepoints(Rule):
    """One transaction makes more subtransactions than PostgreSQL keeps in memory."""

    severity = "warning"
    options = (("limit", 64),)
    on = ("TransactionStmt",)
    why = (
        "Each session keeps 64 subtransactions in shared memory. Beyond that every other session"
        " looks them up on disk to see which rows count, and all queries become slower, on"
        " standbys too."
    )
    safe = "Several transactions; or no savepoint at all."
    bad = "BEGIN;\n" + ("SAVEPOINT a; " * 12 + "SAVEPOINT a;\n") * 5 + "COMMIT;"
    good = "BEGIN;\nSAVEPOINT a;\nUPDATE orders SET note = 'x' WHERE id = 1;\nRELEASE a;\nCOMMIT;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["kind"] != "TRANS_STMT_SAVEPOINT":
            return
        limit = self.option(here.around, "limit")
        if here.session.savepoints == limit:
            yield self.found(
                here,
                f"This is savepoint {limit + 1} of one transaction: beyond {limit} PostgreSQL keeps"
                " them on disk, and every other session becomes slower.",
                "COMMIT now and then, or leave the savepoints out.",
            )


def _begins(kind: str, node: Node) -> bool:
    return kind == "TransactionStmt" and node["kind"] in _BEGIN
