"""Type changes that keep the rows, but not what hangs on the column."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.types.change import TypeChange, changes
from zero_downtime.lint.words import quoted, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.facts import is_never_kept
from zero_downtime.sql.types import CITEXT

_AE = LockMode.ACCESS_EXCLUSIVE


class TypeChangeChecksRows(Rule):
    """A harmless type change of a column that a CHECK mentions, so that every row is read."""

    on = ("AT_AlterColumnType",)
    why = (
        "A CHECK over the column is made anew for the new type and tested on every row under"
        " ACCESS EXCLUSIVE, though the type change itself touches none."
    )
    safe = (
        "Drop the CHECK, change the type, add the CHECK again NOT VALID, and validate it in"
        " another transaction."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN city TYPE varchar(80);"
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE customers DROP CONSTRAINT customers_city_check;\n"
        "ALTER TABLE customers ALTER COLUMN city TYPE varchar(80);\n"
        "ALTER TABLE customers ADD CONSTRAINT customers_city_check CHECK (length(city) < 60)"
        " NOT VALID;\n"
        "ALTER TABLE customers VALIDATE CONSTRAINT customers_city_check;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            if change.column is None or change.does != "none":
                continue
            key, table = short(change.key), here.relation(change.key)
            names = sorted(
                quoted(c.name)
                for c in table.constraints.values()
                if c.kind == "check" and c.valid and change.name in c.columns
            )
            if not names or change.key not in here.effect.scans:
                continue
            first = f"CHECK {', '.join(names)} over {change.name}"
            alter = f"ALTER TABLE {key}"
            yield self.found(
                here,
                f"{first} is tested on every row of {key} under ACCESS EXCLUSIVE:"
                f" {waits(_AE, change.key)} meanwhile.",
                "\n".join(
                    [
                        *(f"{alter} DROP CONSTRAINT {name};" for name in names),
                        f"{here.statement.sql};",
                        *(f"{alter} ADD CONSTRAINT {name} CHECK (…) NOT VALID;" for name in names),
                        *(
                            f"{alter} VALIDATE CONSTRAINT {name};  -- in a transaction of its own"
                            for name in names
                        ),
                    ]
                ),
                change.key,
            )


def _sorts_otherwise(change: TypeChange) -> bool:
    types = {change.column.type.name if change.column else "", change.new.name}
    collated = change.column is not None and change.column.collation
    return bool("collClause" in change.definition or collated or types & set(CITEXT))


class TypeChangeRebuildsIndexes(Rule):
    """A type or collation change that keeps the rows, but builds the column's indexes anew."""

    on = ("AT_AlterColumnType",)
    why = (
        "A new collation sorts otherwise, partitioned tables lose the indexes of a column whose"
        " type changes, and PostgreSQL keeps no index with a WHERE or an expression over it: they"
        " are built anew under ACCESS EXCLUSIVE."
    )
    safe = (
        "Drop the index concurrently before, change the column, and build it CONCURRENTLY after;"
        " or a new column with the new collation and its own index."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN code TYPE text COLLATE \"C\";"
    good = 'CREATE INDEX CONCURRENTLY orders_code_c ON orders (code COLLATE "C");'

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            if change.column is None or change.does != "none":
                continue
            built = [key for key in here.effect.builds if here.locks.get(key) == _AE]
            if not built:
                continue
            used = [
                index
                for key in built
                for index in here.state.indexes_of(key)
                if change.name in index.used_columns
            ]
            if not (here.partitioned(change.key) or _sorts_otherwise(change)):
                used = list(filter(is_never_kept, used))
            names = sorted({short(index.name) for index in used})
            what = f"The new type of {change.name}"
            if "collClause" in change.definition:
                what = f"The new collation of {change.name}"
            elif change.column.collation:
                what = f"{change.name} loses its collation {change.column.collation}, which"
            tables = ", ".join(map(short, built))
            yield self.found(
                here,
                f"{what} builds {', '.join(names) or 'the indexes'} on {tables}"
                f" anew under ACCESS EXCLUSIVE: {waits(_AE, change.key)} until it is done.",
                self.safe,
                built[0],
            )
