"""statement_timeout and its kin: too short, in the wrong unit, or missing."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.sql.tree import options_of

_BOUNDS = ("statement_timeout", "transaction_timeout")


class StatementTimeoutOverBuild(Rule):
    """A short statement_timeout is in force while an index is built concurrently."""

    severity = "warning"
    options = (("limit_ms", 300_000),)
    on = ("IndexStmt", "ReindexStmt")
    words = ("concurrently",)
    why = (
        "A concurrent build takes as long as the table is large and waits for old transactions"
        " besides. Cancelled, it leaves an INVALID index that slows writers down and that IF NOT"
        " EXISTS takes for done. Less than five minutes counts as short, unless the settings say"
        " otherwise (limit_ms)."
    )
    safe = "SET statement_timeout = 0 for that statement alone."
    bad = (
        "SET statement_timeout = '30s';\n"
        "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);"
    )
    good = "SET statement_timeout = 0;\nCREATE INDEX CONCURRENTLY orders_amount ON orders (amount);"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "ReindexStmt":
            concurrent = options_of(here.node.get("params")).get("concurrently")
        else:
            concurrent = here.node.get("concurrent")
        setting = here.session.setting("statement_timeout")
        if not concurrent or setting is None or not here.locks:
            return
        limit = self.option(here.around, "limit_ms")
        if not 0 < (setting.milliseconds or 0) < limit:
            return
        key = here.effect.builds[0] if here.effect.builds else next(iter(here.locks))
        verb = "rebuilding" if here.kind == "ReindexStmt" else "building"
        fix = f"SET statement_timeout = 0;\n{here.statement.sql}"
        yield self.found(
            here,
            f"statement_timeout is {setting.value} (line {setting.statement.location.line}): if"
            f" {verb} it takes longer, it is cancelled and an INVALID index stays on"
            f" {short(key)}.",
            f"{fix};\nSET statement_timeout = '{setting.value}';",
            key,
            fix,
        )


class TimeoutInMilliseconds(Rule):
    """A statement_timeout is a small number without a unit, which means milliseconds."""

    severity = "warning"
    on = ("VariableSetStmt",)
    words = ("timeout",)
    why = (
        "A bare number counts milliseconds: SET statement_timeout = 30 cancels whatever takes"
        " longer than a blink, the next ALTER TABLE on a busy day included."
    )
    safe = "Write the unit: '30s'."
    bad = "SET statement_timeout = 30;\nSELECT count(*) FROM orders;"
    good = "SET statement_timeout = '30s';\nSELECT count(*) FROM orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        name = here.node.get("name", "")
        if name not in (*_BOUNDS, "idle_in_transaction_session_timeout"):
            return
        args = here.node.get("args", ())
        number = args[0].get("A_Const", {}).get("ival", {}).get("ival") if args else None
        if isinstance(number, int) and 0 < number < 1000:
            local = "LOCAL " if here.node.get("is_local") else ""
            fix = f"SET {local}{name} = '{number}s'"
            yield self.found(
                here,
                f"{number} without a unit means {number} milliseconds: whatever takes longer is"
                " cancelled.",
                f"{fix};  -- if seconds are meant",
                fix=fix,
            )


class NoStatementTimeout(Rule):
    """A table is read or written as a whole under a heavy lock, with no bound on the time."""

    severity = "warning"
    default = False
    on = ("scans", "rewrites")
    why = (
        "lock_timeout bounds the wait for the lock, not how long it is held. A statement that"
        " turns out slower than in the rehearsal keeps everybody waiting until it is done."
    )
    safe = "SET statement_timeout (from PostgreSQL 17 on also transaction_timeout)."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE archive.old_orders ADD CONSTRAINT c CHECK (customer_id > 0);"
    )
    good = (
        "SET lock_timeout = '2s';\nSET statement_timeout = '5s';\n"
        "ALTER TABLE archive.old_orders ALTER COLUMN customer_id SET STATISTICS 500;"
    )
    also = ("check-without-not-valid",)

    def check(self, here: Here) -> Iterator[Finding]:
        bounds = _BOUNDS if here.major >= 17 else _BOUNDS[:1]
        if any(here.session.milliseconds(name) for name in bounds):
            return
        for key in here.effect.scans or here.effect.rewrites:
            mode = here.locks.get(key)
            if mode and mode.blocks_writes:
                yield self.found(
                    here,
                    f"Nothing bounds how long this holds {mode.sql} on {short(key)}, and"
                    f" {waits(mode, key)} as long.",
                    "SET statement_timeout = '5s';  -- as long as others may wait",
                    key,
                )
                return


class NoIdleTimeout(Rule):
    """A transaction of several statements holds a heavy lock with no bound on idle time."""

    severity = "warning"
    default = False
    why = (
        "If the client hangs, or loses its network, between two statements, the locks of the first"
        " stay until somebody ends the session by hand."
    )
    safe = "SET idle_in_transaction_session_timeout."
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMENT ON COLUMN orders.gift IS 'wrapped';\nCOMMIT;"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "SET LOCAL idle_in_transaction_session_timeout = '10s';\n"
        "ALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMENT ON COLUMN orders.gift IS 'wrapped';\nCOMMIT;"
    )
    on = ("blocks",)

    def check(self, here: Here) -> Iterator[Finding]:
        if here.statement.transaction is None or next(here.later, None) is None:
            return
        if here.session.milliseconds("idle_in_transaction_session_timeout"):
            return
        heavy = {key: mode for key, mode in here.locks.items() if mode.blocks_writes}
        if not heavy or any(seen.tables for seen in here.so_far):
            return
        key = max(heavy, key=lambda k: heavy[k])
        yield self.found(
            here,
            f"If the client hangs from here on, {heavy[key].sql} on {short(key)} stays:"
            f" {waits(heavy[key], key)} until somebody ends the session.",
            "SET LOCAL idle_in_transaction_session_timeout = '10s';",
            key,
        )
