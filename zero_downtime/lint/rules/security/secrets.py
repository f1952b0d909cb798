"""Passwords and keys in the text of a migration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.sql.tree import constant, fields_of

_PLACEHOLDER = re.compile(
    r"^\s*$|[{}$%<>]|^:|\*{3,}|xxx|change.?me|example|placeholder|your[_-]|^SCRAM-SHA-256\$|^md5",
    re.I,
)
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|\bsk_live_[0-9A-Za-z]{16,}|\bgh[pousr]_[0-9A-Za-z]{36}"
    r"|\bxox[abpr]-[0-9A-Za-z-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAIza[0-9A-Za-z_-]{35}"
)
_IN_CONNECTION = re.compile(r"password\s*=\s*'?([^'\s]+)|://[^:/@\s]+:([^@\s]+)@", re.I)


class PasswordInMigration(Rule):
    """A password stands in the text of a migration."""

    severity = "warning"
    on = (
        "CreateRoleStmt",
        "AlterRoleStmt",
        "CreateUserMappingStmt",
        "AlterUserMappingStmt",
        "CreateSubscriptionStmt",
    )
    why = (
        "The file is in version control for good, and the statement may be in the server's log:"
        " whoever reads one of them has the password."
    )
    safe = "Roles without a password here; it is set from a secret store outside the migrations."
    bad = "CREATE ROLE reporting LOGIN PASSWORD 'r3p0rt-2026';"
    good = "CREATE ROLE reporting LOGIN;"

    def check(self, here: Here) -> Iterator[Finding]:
        for text in _passwords(here):
            if not _PLACEHOLDER.search(text):
                yield self.found(
                    here,
                    "This password is known to whoever can read the migration or the server's log.",
                    self.safe,
                )
                return


def _passwords(here: Here) -> Iterator[str]:
    for item in here.node.get("options", ()):
        option = fields_of(item)
        if option["defname"] == "password" and "arg" in option:
            yield str(constant(option["arg"]) or "")
    for groups in _IN_CONNECTION.findall(here.node.get("conninfo", "")):
        yield groups[0] or groups[1]


class SecretInMigration(Rule):
    """A key of a known service stands in the text of a migration."""

    severity = "warning"
    on = ("InsertStmt", "UpdateStmt", "CreateFunctionStmt", "SelectStmt", "DoStmt")
    words = (
        "akia",
        "sk_live_",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "xox",
        "private key",
        "aiza",
    )
    why = "The file is in version control for good: whoever reads it has the key."
    safe = "Read the key from a secret store when it is used, and revoke this one."
    bad = "INSERT INTO scratch_notes VALUES (1, 'AKIAIOSFODNN7QRSTUVW');"
    good = "INSERT INTO scratch_notes VALUES (1, 'see the secret store');"

    def check(self, here: Here) -> Iterator[Finding]:
        if _SECRET.search(here.statement.sql):
            yield self.found(
                here, "A live key stands here for all who can read the migrations.", self.safe
            )
