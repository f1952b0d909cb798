"""A new column of a domain that tests its values."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import quoted, rewrites_rows, short


class ConstrainedDomainColumn(Rule):
    """A column of a domain with a CHECK or NOT NULL is added to a table in use."""

    on = ("AT_AddColumn",)
    why = (
        "PostgreSQL tests the domain's constraints on the new value of every row, the NULL of a"
        " nullable column too, and writes the table and its indexes anew under ACCESS EXCLUSIVE."
    )
    safe = (
        "Take the base type of the domain, and add its CHECK to the table NOT VALID; validate it in"
        " another transaction."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN size positive;"
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN size int;\n"
        "ALTER TABLE orders ADD CONSTRAINT size_positive CHECK (size > 0) NOT VALID;\n"
        "ALTER TABLE orders VALIDATE CONSTRAINT size_positive;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for column in here.new_columns() if here.state.types else ():
            domain = here.state.type_of(column.get("typeName", {}))
            if not here.state.is_constrained_domain(domain):
                continue
            key, name = here.table(), column["colname"]
            check = quoted(f"{here.relation(key).name}_{name}_check")
            alter = f"ALTER TABLE {short(key)}"
            yield self.found(
                here,
                rewrites_rows(key, f"ADD COLUMN {name} of the constrained domain {domain}"),
                f"{alter} ADD COLUMN {quoted(name)} {here.state.base_type(domain)};\n"
                f"{alter} ADD CONSTRAINT {check} CHECK (…) NOT VALID;\n"
                f"{alter} VALIDATE CONSTRAINT {check};  -- in a transaction of its own",
                key,
            )
