"""Waits for a lock that nothing bounds, told apart by why nothing does."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.session import set_configs
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import Node

_SET = "SET lock_timeout = '2s'"


class NoLockTimeout(Rule):
    """A statement waits for a heavy lock with no lock_timeout in force."""

    severity = "warning"
    on = ("first-wait",)
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
        heavy = _unbounded(here, "never")
        if heavy is None or here.session.waited_without or _set_later(here) is not None:
            return
        key, mode = heavy
        set_it = "SET lock_timeout = '2s'"
        if here.statement.transaction is not None:
            set_it = "SET LOCAL lock_timeout = '2s'"
        yield self.found(
            here,
            f"Nothing bounds the wait for {mode.sql} on {short(key)}: behind one long transaction"
            f" it queues, and {waits(mode, key)} behind it.",
            f"{set_it};  -- then try again when it runs out; zd upgrade does so by itself",
            key,
            f"{set_it};\n{here.statement.sql}",
        )


class LateLockTimeout(Rule):
    """lock_timeout is set only after a statement that waited for a heavy lock."""

    severity = "warning"
    on = ("first-wait",)
    why = (
        "A setting counts for what follows it. The statement before it waits without bound, and"
        " every later query on its table queues behind it."
    )
    safe = "SET lock_timeout as the first statement."
    bad = (
        "ALTER TABLE orders ADD COLUMN gift boolean;\nSET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN wrap boolean;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "ALTER TABLE orders ADD COLUMN wrap boolean;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        heavy = _unbounded(here, "never")
        if heavy is None or here.session.waited_without:
            return
        later = _set_later(here)
        if later is None:
            return
        key, mode = heavy
        yield self.found(
            here,
            f"lock_timeout is set only in line {later.location.line}: nothing bounds this wait for"
            f" {mode.sql} on {short(key)}, and {waits(mode, key)} behind it.",
            f"Move {_line(later)} before this statement.",
            key,
            f"{later.sql};\n{here.statement.sql}",
        )


class DisabledLockTimeout(Rule):
    """lock_timeout is switched off, and a heavy lock waited for."""

    severity = "warning"
    on = ("first-wait",)
    why = "lock_timeout = 0 means to wait for ever, which is also the server's default."
    safe = "Set a few seconds, and try again when they run out."
    bad = "SET lock_timeout = 0;\nALTER TABLE orders ADD COLUMN gift boolean;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"

    def check(self, here: Here) -> Iterator[Finding]:
        heavy = _unbounded(here, "off")
        setting = here.session.bound.setting
        if heavy is None or setting is None or not here.session.is_first_wait(here.session.bound):
            return
        key, mode = heavy
        yield self.found(
            here,
            f"Since {_line(setting.statement)} no lock_timeout is in force: nothing bounds this"
            f" wait for {mode.sql} on {short(key)}, and {waits(mode, key)} behind it.",
            f"{_SET};",
            key,
            f"{_SET};\n{here.statement.sql}",
        )


class LostLockTimeout(Rule):
    """A lock_timeout ended with its transaction, and a heavy lock is waited for after it."""

    severity = "warning"
    on = ("first-wait",)
    why = (
        "SET LOCAL lasts to the end of its transaction, and so does a plain SET that is rolled"
        " back. COMMIT ends it, and in Alembic so does autocommit_block(), which commits what was"
        " done so far."
    )
    safe = "Set it anew after the COMMIT or the autocommit block."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMIT;\nALTER TABLE orders ADD COLUMN wrap boolean;"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMIT;\nSET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN wrap boolean;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        heavy = _unbounded(here, "lost")
        setting = here.session.bound.setting
        if heavy is None or setting is None or not here.session.is_first_wait(here.session.bound):
            return
        key, mode = heavy
        local = "" if here.statement.transaction is None else "LOCAL "
        set_it = f"SET {local}lock_timeout = '{setting.value}'"
        yield self.found(
            here,
            f"The lock_timeout of line {setting.statement.location.line} ended with its"
            f" transaction: nothing bounds this wait for {mode.sql} on {short(key)}, and"
            f" {waits(mode, key)} behind it.",
            f"{set_it};  -- again, before this statement",
            key,
            f"{set_it};\n{here.statement.sql}",
        )


class LongLockTimeout(Rule):
    """A lock_timeout is so long that the queue behind the waiting statement is an outage."""

    severity = "warning"
    options = (("limit_ms", 30_000),)
    on = ("first-wait",)
    why = (
        "While the statement waits, every later query on the table waits behind it: lock_timeout is"
        " the longest outage that you accept. 30 seconds is the limit, unless the settings say"
        " otherwise (limit_ms)."
    )
    safe = "A few seconds, and several attempts."
    bad = "SET lock_timeout = '10min';\nALTER TABLE orders ADD COLUMN gift boolean;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"

    def check(self, here: Here) -> Iterator[Finding]:
        bound = here.session.bound
        if bound.setting is None or not here.session.is_first_wait(bound):
            return
        limit = self.option(here.around, "limit_ms")
        heavy = _heavy(here)
        if heavy is None or (bound.setting.milliseconds or 0) <= limit:
            return
        key, mode = heavy
        yield self.found(
            here,
            f"lock_timeout is {bound.setting.value} (line"
            f" {bound.setting.statement.location.line}): as long as this may wait for {mode.sql} on"
            f" {short(key)}, and {waits(mode, key)} behind it.",
            f"{_SET};  -- then try again when it runs out",
            key,
        )


def _heavy(here: Here) -> tuple[str, LockMode] | None:
    """The heaviest lock for which writers wait."""
    # DETACH CONCURRENTLY waits without holding others up; cut short it is left half done.
    if here.kind == "AlterTableStmt" and not here.effect.transactional:
        return None
    return here.heaviest


def _unbounded(here: Here, why: str) -> tuple[str, LockMode] | None:
    return _heavy(here) if here.session.bound.without == why else None


def _set_later(here: Here) -> Statement | None:
    """The statement behind this one that sets a lock_timeout which has an effect."""
    for statement, kind, node in here.following("lock_timeout", limit=None):
        if _sets(kind, node, statement.transaction is not None):
            return statement
    return None


def _sets(kind: str, node: Node, in_transaction: bool) -> bool:
    if kind == "VariableSetStmt" and node.get("name") == "lock_timeout":
        return node["kind"] == "VAR_SET_VALUE" and (in_transaction or not node.get("is_local"))
    if kind == "SelectStmt":
        return any(name == "lock_timeout" for name, _, _ in set_configs(node))
    return False


def _line(statement: Statement) -> str:
    return f"{' '.join(statement.sql.split())} (line {statement.location.line})"
