"""Settings that have no effect, or an effect on more than the migration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.session import set_configs


class SetLocalWithoutTransaction(Rule):
    """SET LOCAL stands outside a transaction, where it has no effect."""

    severity = "warning"
    on = ("VariableSetStmt", "SelectStmt")
    words = ("local", "set_config")
    why = (
        "Outside a transaction block PostgreSQL only warns and forgets the value at once. What"
        " follows runs without it."
    )
    safe = "SET without LOCAL, or BEGIN before it."
    bad = "SET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;"
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN gift boolean;\n"
        "COMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.statement.transaction is not None:
            return
        if here.kind == "VariableSetStmt":
            names = [here.node.get("name", "this")] if here.node.get("is_local") else []
        else:
            names = [name for name, _, local in set_configs(here.node) if local]
        for name in names:
            fix = None
            if here.kind == "VariableSetStmt":
                fix = re.sub(r"(?i)^(set)\s+local\b", r"\1", here.statement.sql)
            wrapper = (
                ""
                if here.statement.revision
                else " (--assume-in-transaction if the runner opens one)"
            )
            yield self.found(
                here,
                f"No transaction is open here{wrapper}, so {name} keeps its old value for"
                " everything that follows.",
                f"{fix};" if fix else f"SET {name} = …;  -- or set_config('{name}', …, false)",
                fix=fix,
            )


class LeakedSetting(Rule):
    """A revision changes a setting of the session, and later revisions inherit it."""

    severity = "warning"
    on = ("any",)
    why = (
        "Alembic runs all revisions on one connection. A search_path, role or statement_timeout"
        " that is SET without LOCAL stays for those after it, which were never tried with it:"
        " they may find other tables, lack rights, or be cancelled."
    )
    safe = "SET LOCAL, or RESET at the end of the revision."
    bad = (
        "SET lock_timeout = '2s';\nSET search_path = archive;\n"
        "ALTER TABLE old_orders ADD COLUMN gift boolean;"
    )
    good = (
        "SET lock_timeout = '2s';\nSET search_path = archive;\n"
        "ALTER TABLE old_orders ADD COLUMN gift boolean;\nRESET search_path;"
    )
    in_revision = True

    def at_end(self, there: There) -> Iterator[Finding]:
        if there.revision is None:
            return
        for setting in there.session.kept():
            if setting.name not in _MATTERS or setting.value in _PLAIN.get(setting.name, ()):
                continue
            seen = next((s for s in there.seen if s.statement is setting.statement), None)
            if seen is not None:
                yield self.found(
                    seen,
                    f"{setting.name} stays {setting.value or 'empty'} for the revisions after this"
                    " one: they run on the same connection.",
                    f"SET LOCAL {setting.name} = …;  -- or RESET {setting.name}; at the end",
                )


_MATTERS = (
    "search_path",
    "role",
    "session_authorization",
    "statement_timeout",
    "transaction_timeout",
    "default_transaction_read_only",
    "row_security",
    "check_function_bodies",
)
_PLAIN = {
    "statement_timeout": ("0",),
    "transaction_timeout": ("0",),
    "role": ("none",),
    "row_security": ("on",),
    "check_function_bodies": ("true", "on"),
}


class SessionReplicationRole(Rule):
    """session_replication_role = replica switches triggers and foreign keys off."""

    severity = "warning"
    on = ("VariableSetStmt", "SelectStmt")
    words = ("session_replication_role",)
    why = (
        "Rows written in that session are checked against no foreign key and fire no trigger:"
        " orphans and missed audit rows stay, and nothing ever reports them."
    )
    safe = "Write rows in the order that the foreign keys want, or make these DEFERRABLE."
    bad = (
        "SET session_replication_role = replica;\n"
        "INSERT INTO lines (id, order_id) VALUES (1, 999);\nRESET session_replication_role;"
    )
    good = "INSERT INTO lines (id, order_id) VALUES (1, 999);"

    def check(self, here: Here) -> Iterator[Finding]:
        name = "session_replication_role"
        values: list[str | None] = []
        if here.kind == "SelectStmt":
            values = [value for each, value, _ in set_configs(here.node) if each == name]
        elif here.node.get("name") == name:
            values = _words(here)
        if any(value and value.lower() == "replica" for value in values):
            yield self.found(
                here,
                "From here on no foreign key is checked and no trigger fires: rows that break a"
                " foreign key stay in the table unnoticed.",
                "Leave it at origin; write parents before children, or SET CONSTRAINTS ALL"
                " DEFERRED.",
            )


def _words(here: Here) -> list[str | None]:
    text = here.statement.sql.replace("'", " ").replace('"', " ")
    return list(re.split(r"[\s=]+", text.strip()))


class SettingForEveryone(Rule):
    """A migration changes a setting for all sessions to come."""

    severity = "warning"
    on = ("AlterSystemStmt", "AlterDatabaseSetStmt", "AlterRoleSetStmt")
    why = (
        "ALTER SYSTEM, DATABASE … SET and ROLE … SET change the application's own sessions from"
        " their next connection on, one by one as pools recycle them. The migration's session keeps"
        " the old value."
    )
    safe = "SET LOCAL for the migration itself; server settings where the server is configured."
    bad = "ALTER DATABASE shop SET statement_timeout = '2s';"
    good = "BEGIN;\nSET LOCAL statement_timeout = '2s';\nSELECT count(*) FROM orders;\nCOMMIT;"

    def check(self, here: Here) -> Iterator[Finding]:
        name = here.node.get("setstmt", {}).get("name", "everything")
        if here.kind == "AlterSystemStmt":
            whose = "every session of the server"
        elif here.kind == "AlterDatabaseSetStmt":
            whose = f"every new session in {here.node['dbname']}"
        else:
            role = here.node.get("role", {}).get("rolename")
            whose = f"every new session of {role}" if role else "every new session"
        if here.kind != "AlterSystemStmt" and name not in _FELT:
            return
        yield self.found(
            here,
            f"{name} changes for {whose}, the application's included, but not for this one.",
            f"SET LOCAL {name} = …;  -- if it is meant for this migration",
        )


_FELT = (
    "search_path",
    "lock_timeout",
    "statement_timeout",
    "transaction_timeout",
    "idle_in_transaction_session_timeout",
    "session_replication_role",
    "default_transaction_read_only",
    "default_transaction_isolation",
    "row_security",
    "timezone",
)
