"""A stored generated column on a table in use."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.words import rewrites_rows


class StoredGeneratedColumn(Rule):
    """A stored generated column is added to a table in use, or its expression replaced."""

    on = ("AT_AddColumn", "AT_SetExpression")
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
        key = here.table() if here.kind == "AlterTableStmt" else ""
        for column in here.new_columns():
            for item in contype(column, "CONSTR_GENERATED"):
                if item.get("generated_kind") != "v":
                    yield self._finding(here, key, column["colname"], "ADD COLUMN")
        for command in here.commands("AT_SetExpression"):
            column_facts = here.relation(key).columns.get(command["name"])
            if column_facts is None or column_facts.generated != "virtual":
                yield self._finding(here, key, command["name"], "SET EXPRESSION of")

    def _finding(self, here: Here, key: str, name: str, verb: str) -> Finding:
        trigger = f"an ordinary column {name} that a trigger fills, and a backfill in batches."
        virtual = "GENERATED ALWAYS AS (…) VIRTUAL, which touches no row; or "
        return self.found(
            here,
            rewrites_rows(key, f"{verb} {name} GENERATED … STORED"),
            virtual + trigger if here.major >= 18 else trigger,
            key,
        )
