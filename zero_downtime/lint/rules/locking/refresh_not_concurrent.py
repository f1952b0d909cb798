"""A materialized view refreshed while its readers wait."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode


class RefreshNotConcurrent(Rule):
    """A materialized view in use is refreshed without CONCURRENTLY."""

    severity = "warning"
    on = ("RefreshMatViewStmt",)
    why = (
        "REFRESH MATERIALIZED VIEW holds ACCESS EXCLUSIVE on the view while its whole query runs:"
        " nobody can read it meanwhile."
    )
    safe = (
        "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view and lets"
        " readers pass."
    )
    bad = "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW sales;"
    good = "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW CONCURRENTLY sales;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "RefreshMatViewStmt" or here.node.get("concurrent"):
            return
        key = here.table()
        if here.is_new(key) or here.node.get("skipData"):
            return
        fix = re.sub(r"(?i)\bview\b", "VIEW CONCURRENTLY", here.statement.sql, count=1)
        unique = any(i.unique for i in here.state.indexes_of(key))
        first = "" if unique else f"CREATE UNIQUE INDEX CONCURRENTLY … ON {short(key)} (…);\n"
        yield self.found(
            here,
            f"REFRESH runs its query under ACCESS EXCLUSIVE on {short(key)}:"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} until it is done.",
            f"{first}{fix};",
            key,
            fix if unique else None,
        )
