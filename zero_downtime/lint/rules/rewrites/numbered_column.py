"""New columns that number the rows that are there."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, contype
from zero_downtime.lint.words import quoted, rewrites_rows, short
from zero_downtime.sql.tree import names_of
from zero_downtime.sql.types import SERIAL_TYPES


class SerialColumn(Rule):
    """A serial column is added to a table in use."""

    on = ("AT_AddColumn",)
    words = ("serial",)
    why = (
        "serial is an integer with DEFAULT nextval: every row gets its number now, which writes"
        " the table and its indexes anew under ACCESS EXCLUSIVE."
    )
    safe = (
        "An ordinary column, a sequence of its own as its default (new rows), the old rows in"
        " batches, NOT NULL at the end."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN number bigserial;"
    good = (
        "SET lock_timeout = '2s';\nCREATE SEQUENCE orders_number_seq;\n"
        "ALTER TABLE orders ADD COLUMN number bigint;\n"
        "ALTER TABLE orders ALTER COLUMN number SET DEFAULT nextval('orders_number_seq');\n"
        "ALTER SEQUENCE orders_number_seq OWNED BY orders.number;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns():
            written = (names_of(column.get("typeName", {}).get("names")) or ("",))[-1]
            if written not in SERIAL_TYPES:
                continue
            key, name = here.table(), column["colname"]
            plain = {"int2": "smallint", "int4": "integer"}.get(SERIAL_TYPES[written], "bigint")
            yield self.found(
                here,
                rewrites_rows(key, f"ADD COLUMN {name} {written} numbers the rows, which"),
                by_sequence(key, name, plain),
                key,
            )


class IdentityColumn(Rule):
    """An identity column is added to a table in use."""

    on = ("AT_AddColumn",)
    words = ("identity",)
    why = (
        "GENERATED … AS IDENTITY gives every row its number now, which writes the table and its"
        " indexes anew under ACCESS EXCLUSIVE."
    )
    safe = (
        "An ordinary column with a sequence as its default, the old rows in batches, NOT NULL; then"
        " drop that default and make the column an identity that starts above."
    )
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;"
    )
    good = SerialColumn.good

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns():
            for _ in contype(column, "CONSTR_IDENTITY"):
                key, name = here.table(), column["colname"]
                what = f"ADD COLUMN {name} … AS IDENTITY numbers the rows, which"
                typed = str(here.state.type_of(column["typeName"]))
                yield self.found(here, rewrites_rows(key, what), by_sequence(key, name, typed), key)


def by_sequence(key: str, name: str, typed: str) -> str:
    """The long way to a numbered column."""
    table, name, sequence = short(key), quoted(name), _sequence(key, name)
    return (
        f"CREATE SEQUENCE {sequence};\n"
        f"ALTER TABLE {table} ADD COLUMN {name} {typed};\n"
        f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT nextval('{sequence}');\n"
        f"ALTER SEQUENCE {sequence} OWNED BY {table}.{name};\n"
        f"then number the old rows in batches, and set NOT NULL."
    )


def _sequence(key: str, name: str) -> str:
    """The name of the sequence, as that of a serial column would be."""
    schema, _, table = key.rpartition(".")
    return short(f"{schema}.{table}_{name}_seq")
