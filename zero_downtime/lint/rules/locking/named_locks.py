"""Locks that a statement asks for by name, or by the wrong name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import Node, fields_of, options_of

_AE = LockMode.ACCESS_EXCLUSIVE


class ExplicitLock(Rule):
    """LOCK TABLE keeps writers or readers out until the end of the transaction."""

    on = ("LockStmt",)
    why = (
        "LOCK TABLE without a mode takes ACCESS EXCLUSIVE. Whatever its mode, it lasts until"
        " COMMIT, however long the rest of the transaction takes."
    )
    safe = (
        "Leave it out: each statement takes the lock that it needs. Where two transactions must not"
        " pass each other, an advisory lock (pg_advisory_xact_lock) stops nobody else."
    )
    bad = "BEGIN;\nSET LOCAL lock_timeout = '2s';\nLOCK TABLE orders;\nCOMMIT;"
    good = "BEGIN;\nSELECT pg_advisory_xact_lock(42);\nCOMMIT;"

    def check(self, here: Here) -> Iterator[Finding]:
        mode = LockMode(here.node.get("mode", _AE))
        keys = [key for key, held in here.locks.items() if held == mode]
        if not mode.blocks_writes or not keys:
            return
        key = keys[0]
        yield self.found(
            here,
            f"LOCK TABLE holds {mode.sql} on {short(key)} until COMMIT: {waits(mode, key)}.",
            f"Leave it out, or SELECT pg_advisory_xact_lock(hashtext('{short(key)}'));",
            key,
            severity="error" if mode.blocks_reads and not _alters(here, key) else "warning",
        )


def _alters(here: Here, key: str) -> bool:
    """Whether the next statement takes that lock anyway: then nobody waits longer for it."""
    name = here.relation(key).name
    for statement, kind, node in here.following(name, limit=1):
        return (
            kind == "AlterTableStmt"
            and statement.transaction == here.statement.transaction
            and here.state.key_of_range(node["relation"]) == key
        )
    return False


class IndexRenamedAsTable(Rule):
    """An index is renamed with ALTER TABLE instead of ALTER INDEX."""

    severity = "warning"
    on = ("RenameStmt",)
    why = (
        "ALTER TABLE index RENAME takes ACCESS EXCLUSIVE on the index, for which every query on its"
        " table waits. ALTER INDEX does the same under SHARE UPDATE EXCLUSIVE."
    )
    safe = "ALTER INDEX … RENAME TO …"
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders_note RENAME TO orders_remark;"
    good = "ALTER INDEX orders_note RENAME TO orders_remark;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["renameType"] != "OBJECT_TABLE":
            return
        index = here.state.indexes.get(here.table())
        if index is None or here.is_new(index.table):
            return
        fix = re.sub(r"(?i)\btable\b", "INDEX", here.statement.sql, count=1)
        yield self.found(
            here,
            f"{short(index.name)} is an index: ALTER TABLE takes ACCESS EXCLUSIVE on it, and"
            f" {waits(_AE, index.table)}.",
            f"{fix};",
            index.table,
            fix,
            lock=_AE,
        )


class SequenceLocked(Rule):
    """A sequence in use is altered, and the transaction goes on."""

    severity = "warning"
    on = ("AlterSeqStmt",)
    why = (
        "ALTER SEQUENCE locks the sequence against nextval until COMMIT: every INSERT that takes a"
        " number from it waits for the rest of the transaction."
    )
    safe = "ALTER SEQUENCE last, or in a transaction of its own."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER SEQUENCE numbers INCREMENT BY 10;\n"
        "ALTER TABLE lines ADD COLUMN gift boolean;\nCOMMIT;"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE lines ADD COLUMN gift boolean;\n"
        "ALTER SEQUENCE numbers INCREMENT BY 10;\nCOMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.state.key_of_range(here.node["sequence"])
        if key not in here.locks or not any(kind not in _BRIEF for kind, _ in here.later):
            return
        owner = here.relation(key).owned_by
        if owner and here.is_new(owner[0]):
            return
        inserts = f"into {short(owner[0])} " if owner else ""
        yield self.found(
            here,
            f"ALTER SEQUENCE locks {short(key)} until COMMIT: INSERTs {inserts}that take a number"
            " from it wait while the transaction goes on.",
            f"Move it to the end of the transaction: {here.statement.sql};",
            key,
        )


_BRIEF = (
    *("TransactionStmt", "VariableSetStmt", "CommentStmt", "GrantStmt", "AlterSeqStmt"),
    *("AlterOwnerStmt", "NotifyStmt"),
)


class AutovacuumLeftOff(Rule):
    """Autovacuum is switched off for a table, and not on again."""

    severity = "warning"
    on = ("AT_SetRelOptions",)
    why = (
        "Without autovacuum dead rows stay, the table and its indexes grow, statistics age, and in"
        " the end the server has to freeze it at the worst moment."
    )
    safe = "RESET (autovacuum_enabled) at the end of the same migration; or thresholds instead."
    bad = "ALTER TABLE orders SET (autovacuum_enabled = false);"
    good = (
        "ALTER TABLE orders SET (autovacuum_enabled = false);\n"
        "ALTER TABLE orders RESET (autovacuum_enabled);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        for command in here.commands("AT_SetRelOptions"):
            value = options_of(command["def"]["List"]["items"]).get("autovacuum_enabled", True)
            if str(value).lower() not in ("false", "off", "0", "no"):
                continue
            if not any(_switches_on(here, key, kind, node) for _, kind, node in here.rest):
                yield self.found(
                    here,
                    f"Autovacuum leaves {short(key)} alone from now on, and nothing here switches"
                    " it on again.",
                    f"ALTER TABLE {short(key)} RESET (autovacuum_enabled);  -- at the end",
                    key,
                )


def _switches_on(here: Here, key: str, kind: str, node: Node) -> bool:
    if kind != "AlterTableStmt" or here.state.key_of_range(node["relation"]) != key:
        return False
    return any(
        "autovacuum_enabled" in options_of(command["def"]["List"]["items"])
        for command in map(fields_of, node.get("cmds", ()))
        if command["subtype"] in ("AT_SetRelOptions", "AT_ResetRelOptions")
    )


class AlterTablesToCombine(Rule):
    """Two ALTER TABLE of one table follow each other outside a transaction."""

    severity = "warning"
    default = False
    on = ("AlterTableStmt",)
    why = "Each of them waits for the lock anew, and each wait stops everybody behind it."
    safe = "One ALTER TABLE with both subcommands, separated by a comma."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "ALTER TABLE orders ADD COLUMN ribbon text;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN gift boolean, ADD COLUMN ribbon text;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.statement.transaction is not None or not here.so_far:
            return
        last, key = here.so_far[-1], here.table()
        both = last.locks.get(key) == here.locks.get(key) == _AE
        whole = {*last.effect.scans, *last.effect.rewrites, *here.effect.scans}
        if last.kind == "AlterTableStmt" and both and key not in whole:
            yield self.found(
                here,
                f"{short(key)} was locked by the statement before, in line"
                f" {last.statement.location.line}, and is waited for once more.",
                f"ALTER TABLE {short(key)} …, …;  -- both in one statement",
                key,
            )
