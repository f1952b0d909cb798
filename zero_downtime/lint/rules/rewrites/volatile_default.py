"""A new column with a default that differs from row to row."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.words import quoted, rewrites_rows, short
from zero_downtime.sql.tree import functions_in


class VolatileDefault(Rule):
    """A column is added with a default that is computed anew for each row."""

    on = ("AT_AddColumn",)
    words = ("default",)
    why = (
        "A constant or stable default (now() too) is kept in the catalog and touches no row. A"
        " volatile one, such as gen_random_uuid(), random(), clock_timestamp(), nextval, makes"
        " PostgreSQL write every row under ACCESS EXCLUSIVE."
    )
    safe = (
        "Add the column without a default, SET DEFAULT for new rows, fill the old ones in batches,"
        " then set NOT NULL."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN token uuid;\n"
        "ALTER TABLE orders ALTER COLUMN token SET DEFAULT gen_random_uuid();"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns():
            for item in contype(column, "CONSTR_DEFAULT"):
                volatility = here.state.volatility(item.get("raw_expr"))
                if volatility == "not volatile":
                    continue
                key, name = here.table(), column["colname"]
                called = ", ".join(f"{f[-1]}()" for f in functions_in(item.get("raw_expr")))
                typed = here.state.type_of(column["typeName"])
                safe = (
                    f"ALTER TABLE {short(key)} ADD COLUMN {quoted(name)} {typed};  -- no default\n"
                    f"ALTER TABLE {short(key)} ALTER COLUMN {quoted(name)} SET DEFAULT …;"
                    "  -- new rows\n"
                    "then fill the old rows in batches, and set NOT NULL if wanted."
                )
                message = rewrites_rows(key, f"ADD COLUMN {name} with the volatile {called}")
                if volatility == "unknown":
                    message = (
                        f"Whether {called} in the default of {name} is volatile is not known here."
                        f" If it is, every row of {short(key)} is written anew under ACCESS"
                        " EXCLUSIVE."
                    )
                    safe = f"CREATE FUNCTION … STABLE, if it is.  Otherwise:\n{safe}"
                    yield self.found(here, message, safe, key, severity="warning")
                else:
                    yield self.found(here, message, safe, key)
