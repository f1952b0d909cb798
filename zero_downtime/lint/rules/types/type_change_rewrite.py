"""A type change that writes every row anew."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import rewrites_rows, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_table import type_change
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import fields_of
from zero_downtime.sql.types import change_of


class TypeChangeRewrite(Rule):
    """A column gets a type that makes PostgreSQL write every row anew."""

    on = ("AT_AlterColumnType",)
    why = (
        "ALTER COLUMN … TYPE rewrites the table and its indexes under ACCESS EXCLUSIVE unless the"
        " old values can stay as they are (a wider varchar, varchar to text, a larger numeric)."
        " The old type decides."
    )
    safe = (
        "Add a column of the new type, keep both written (a trigger, or the application), fill it"
        " in batches, switch readers over, drop the old one."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN amount TYPE bigint;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN note TYPE varchar(40);"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table() if here.kind == "AlterTableStmt" else ""
        for command in here.commands("AT_AlterColumnType"):
            column = here.relation(key).columns.get(command["name"])
            new = here.state.type_of(fields_of(command["def"])["typeName"])
            change = type_change(Prediction(here.state, here.major), key, command)
            if column is not None and change == "none":
                continue
            name = command["name"]
            if column is None:
                message = (
                    f"The type of {short(key)}.{name} before this is not known here; it depends on"
                    f" it whether {new} can take the values as they are. If not, every row is"
                    f" written anew under ACCESS EXCLUSIVE and"
                    f" {waits(LockMode.ACCESS_EXCLUSIVE, key)}."
                )
                safe = "Give the schema with --schema FILE, and this is known.\n"
                yield self.found(
                    here, message, safe + _new_column(key, name, new), key, None, "warning"
                )
                continue
            base = here.state.base_type
            message = rewrites_rows(key, f"{name} from {column.type} to {new}")
            if change_of(base(column.type), base(new)) == "session":
                safe = (
                    f"SET LOCAL TimeZone = 'UTC';  -- only if {name} holds UTC: then no row is"
                    f" touched\n{here.statement.sql};"
                )
                message += " It depends on the session: with TimeZone = 'UTC' no row is written."
                yield self.found(here, message, safe, key)
                continue
            yield self.found(here, message, _new_column(key, name, new), key)


def _new_column(key: str, name: str, new: object) -> str:
    table = short(key)
    return (
        f"ALTER TABLE {table} ADD COLUMN {name}_new {new};\n"
        f"then keep {name}_new equal to {name} with a trigger, fill it in batches, let the\n"
        f"application read {name}_new, and drop {name} in a later release."
    )
