"""A new column with a default that differs from row to row."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding, Severity
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.words import rewrites_rows, short
from zero_downtime.sql.tree import Node, names_of
from zero_downtime.sql.types import SERIAL_TYPES


class VolatileDefault(Rule):
    """A column is added with a default that is computed anew for each row."""

    on = ("AT_AddColumn",)
    why = (
        "A constant or stable default (now() too) is kept in the catalog and touches no row. A"
        " volatile one, such as gen_random_uuid(), random(), clock_timestamp(), nextval (serial"
        " and identity use it), makes PostgreSQL write every row under ACCESS EXCLUSIVE."
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
            key, name = here.table(), column["colname"]
            cause, severity = self._cause(here, column)
            if cause is None:
                continue
            message = rewrites_rows(key, f"ADD COLUMN {name} with {cause}")
            if severity == "warning":
                message = (
                    f"Whether {cause} is volatile is not known here. If it is, "
                    + message[0].lower()
                    + message[1:]
                )
            safe = (
                f"ALTER TABLE {short(key)} ADD COLUMN {name} …;  -- no default\n"
                f"ALTER TABLE {short(key)} ALTER COLUMN {name} SET DEFAULT …;  -- new rows\n"
                f"then fill the old rows in batches, and set NOT NULL if wanted."
            )
            yield self.found(here, message, safe, key, severity=severity)

    def _cause(self, here: Here, column: Node) -> tuple[str | None, Severity | None]:
        type_names = names_of(column.get("typeName", {}).get("names"))
        if type_names and type_names[-1] in SERIAL_TYPES:
            return f"a number for each row ({type_names[-1]})", None
        for _ in contype(column, "CONSTR_IDENTITY"):
            return "a number for each row (identity)", None
        for item in contype(column, "CONSTR_DEFAULT"):
            volatility = here.state.volatility(item.get("raw_expr"))
            if volatility == "volatile":
                return "a volatile default", None
            if volatility == "unknown":
                return "the function in its default", "warning"
        return None, None
