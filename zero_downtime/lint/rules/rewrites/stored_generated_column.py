"""Stored generated columns on tables in use."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.words import rewrites_rows


class StoredGeneratedColumn(Rule):
    """A stored generated column is added to a table in use."""

    on = ("AT_AddColumn",)
    words = ("generated",)
    why = "The values are computed and written for every row under ACCESS EXCLUSIVE."
    safe = (
        "PostgreSQL 18: a VIRTUAL column, computed when it is read, touches no row. Otherwise an"
        " ordinary column that a trigger fills, with a backfill in batches."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) STORED;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN double int GENERATED ALWAYS AS (amount * 2) VIRTUAL;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns():
            for item in contype(column, "CONSTR_GENERATED"):
                if item.get("generated_kind") == "v":
                    continue
                key, name = here.table(), column["colname"]
                trigger = f"an ordinary column {name} that a trigger fills, and a backfill"
                virtual = "GENERATED ALWAYS AS (…) VIRTUAL, which touches no row; or "
                yield self.found(
                    here,
                    rewrites_rows(key, f"ADD COLUMN {name} GENERATED … STORED"),
                    f"{virtual if here.major >= 18 else ''}{trigger} in batches.",
                    key,
                )


class GeneratedExpressionReplaced(Rule):
    """The expression of a stored generated column is replaced."""

    on = ("AT_SetExpression",)
    majors = (17, 18)
    why = "The new values are computed and written for every row under ACCESS EXCLUSIVE."
    safe = (
        "A new column beside the old one: VIRTUAL from PostgreSQL 18 on, or filled by a trigger and"
        " a backfill in batches. Then readers move over."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ALTER COLUMN twice SET EXPRESSION AS (id * 4);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN four_times bigint GENERATED ALWAYS AS (id * 4) VIRTUAL;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_SetExpression"):
            key, name = here.table(), command["name"]
            column = here.relation(key).columns.get(name)
            if column is None or column.generated != "virtual":
                yield self.found(
                    here,
                    rewrites_rows(key, f"SET EXPRESSION of {name}"),
                    f"A new column {name}_new with the new expression"
                    f"{', VIRTUAL' if here.major >= 18 else ''}, then move readers over.",
                    key,
                )
