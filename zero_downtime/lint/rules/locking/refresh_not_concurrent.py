"""Materialized views filled while others wait, or where PostgreSQL refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode


class RefreshNotConcurrent(Rule):
    """A materialized view in use is refreshed without CONCURRENTLY."""

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
        key = here.table()
        if here.node.get("concurrent") or here.is_new(key) or here.node.get("skipData"):
            return
        fix = re.sub(r"(?i)\bview\b", "VIEW CONCURRENTLY", here.statement.sql, count=1)
        unique = _has_key(here, key)
        first = "" if unique else f"CREATE UNIQUE INDEX CONCURRENTLY … ON {short(key)} (…);\n"
        yield self.found(
            here,
            f"REFRESH runs its query under ACCESS EXCLUSIVE on {short(key)}:"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} until it is done.",
            f"{first}{fix};",
            key,
            fix if unique else None,
        )


def _has_key(here: Here, key: str) -> bool:
    """Whether a unique index over plain columns tells the view's rows apart."""
    return any(i.unique and i.plain and None not in i.columns for i in here.state.indexes_of(key))


class RefreshConcurrentlyRefused(Rule):
    """A materialized view without a unique index is refreshed CONCURRENTLY."""

    on = ("RefreshMatViewStmt",)
    why = (
        "REFRESH … CONCURRENTLY compares old and new rows by a unique index over plain columns,"
        " without a predicate. Without one it fails."
    )
    safe = "CREATE UNIQUE INDEX CONCURRENTLY on columns that tell the view's rows apart."
    bad = (
        "CREATE MATERIALIZED VIEW moods AS SELECT state FROM orders;\n"
        "-- next file\nSET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW CONCURRENTLY moods;"
    )
    good = "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW CONCURRENTLY sales;"

    def check(self, here: Here) -> Iterator[Finding]:
        if not here.node.get("concurrent"):
            return
        key = here.table()
        relation = here.state.relation(key)
        if relation is None or relation.kind != "materialized view" or _has_key(here, key):
            return
        yield self.found(
            here,
            f"This fails: {short(key)} has no unique index over plain columns by which to compare"
            " its rows.",
            f"CREATE UNIQUE INDEX CONCURRENTLY … ON {short(key)} (…);  {here.by_itself}",
            key,
            severity=here.by_schema,
        )


class MaterializedViewEmptied(Rule):
    """A materialized view in use is emptied with REFRESH … WITH NO DATA."""

    on = ("RefreshMatViewStmt",)
    why = (
        "WITH NO DATA leaves the view unpopulated: every query on it fails, with an error and not"
        " with no rows, until somebody refreshes it."
    )
    safe = "REFRESH MATERIALIZED VIEW CONCURRENTLY, which never leaves it without rows."
    bad = "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW sales WITH NO DATA;"
    good = "SET lock_timeout = '2s';\nREFRESH MATERIALIZED VIEW CONCURRENTLY sales;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        if here.node.get("skipData") and not here.is_new(key):
            yield self.found(
                here,
                f"From here on every query on {short(key)} fails: it is not populated until the"
                " next REFRESH.",
                f"REFRESH MATERIALIZED VIEW CONCURRENTLY {short(key)};",
                key,
            )


class MaterializedViewFilled(Rule):
    """A materialized view is made with its rows in the transaction of the migration."""

    severity = "warning"
    default = False
    on = ("CreateTableAsStmt",)
    why = (
        "The whole query runs inside the migration, which waits for it with everything that it"
        " holds, and keeps vacuum from cleaning up."
    )
    safe = "WITH NO DATA, and a REFRESH in a step of its own."
    bad = "CREATE MATERIALIZED VIEW moods AS SELECT state, count(*) FROM orders GROUP BY state;"
    good = (
        "CREATE MATERIALIZED VIEW moods AS SELECT state, count(*) FROM orders GROUP BY state"
        " WITH NO DATA;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        into = here.node["into"]
        if here.node.get("objtype") == "OBJECT_MATVIEW" and not into.get("skipData"):
            name = into["rel"]["relname"]
            yield self.found(
                here,
                f"The query of {name} runs to its end inside the migration.",
                f"{here.statement.sql} WITH NO DATA;\nREFRESH MATERIALIZED VIEW {name};",
            )
