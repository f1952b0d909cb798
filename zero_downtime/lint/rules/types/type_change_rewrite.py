"""A type change that writes every row anew."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.types.change import TypeChange, changes
from zero_downtime.lint.rules.types.type_change_refused import is_refused
from zero_downtime.lint.words import quoted, rewrites_rows, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.types import Type


class TypeChangeRewrite(Rule):
    """A column gets a type that makes PostgreSQL write every row anew."""

    on = ("AT_AlterColumnType",)
    why = (
        "ALTER COLUMN … TYPE rewrites the table and its indexes under ACCESS EXCLUSIVE unless the"
        " old values can stay as they are (a wider varchar, varchar to text, a larger numeric)."
        " The old type decides; where it is not known, so does the new one if nothing else turns"
        " into it for free (integers, boolean, uuid, json, arrays and others)."
    )
    safe = (
        "Add a column of the new type, keep both written (a trigger, or the application), fill it"
        " in batches, switch readers over, drop the old one."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN amount TYPE bigint;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN note TYPE varchar(40);"

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            if change.column is None:
                yield self._from_unknown(here, change)
            elif change.does != "none" and not change.by_session and not is_refused(here, change):
                what = f"{change.name} from {change.column.type} to {change.new}"
                message = rewrites_rows(change.key, what) + _partners(here, change.key)
                yield self.found(here, message, new_column(change), change.key)

    def _from_unknown(self, here: Here, change: TypeChange) -> Finding:
        key, name = change.key, change.name
        if not change.plain:
            message = rewrites_rows(key, f"The USING expression for {name}")
            return self.found(here, message, new_column(change), key)
        if _decides(here, change.new):
            message = rewrites_rows(key, f"{name} to {change.new} (from any other type)")
            return self.found(here, message, new_column(change), key)
        message = (
            f"It depends on the type of {short(key)}.{name} before, which is not known here:"
            f" {_harmless_from(change.new)}; from any other type every row is written anew under"
            f" ACCESS EXCLUSIVE and {waits(LockMode.ACCESS_EXCLUSIVE, key)}."
        )
        safe = "Give the schema with --schema FILE, and this is known.\n"
        return self.found(here, message, safe + new_column(change), key, severity="warning")


def _partners(here: Here, key: str) -> str:
    """A sentence about the other ends of foreign keys, which are locked and read as well."""
    family = {*here.state.tree(key), *here.state.ancestors(key)}
    tables = [
        short(other)
        for other, mode in here.locks.items()
        if mode.blocks_reads
        and other not in family
        and here.relation(other).kind in ("table", "partitioned table")
    ]
    return f" The same holds for {', '.join(tables)}, by foreign keys." if tables else ""


def new_column(change: TypeChange) -> str:
    """The long way to another type, with the names of the column at hand."""
    table, name, new = short(change.key), change.name, quoted(f"{change.name}_new")
    return (
        f"ALTER TABLE {table} ADD COLUMN {new} {change.new};\n"
        f"then keep {new} equal to {name} with a trigger, fill it in batches, let the\n"
        f"application read {new}, and drop {name} in a later release."
    )


# Nothing turns into these without a new value for every row (regclass and the like apart).
_FROM_NOTHING = frozenset(
    {
        *("int2", "int4", "int8", "float4", "float8", "money", "bool", "uuid", "date"),
        *("bytea", "json", "jsonb", "xml", "tsvector", "point", "macaddr"),
    }
)


def _decides(here: Here, new: Type) -> bool:
    """Whether the new type alone says that rows are written anew."""
    facts = here.state.types.get(new.name)
    if new.array or new.name in _FROM_NOTHING or (facts and facts.kind == "enum"):
        return True
    return new.name == "bpchar" and bool(new.modifiers)


def _harmless_from(new: Type) -> str:
    length = ",".join(new.modifiers)
    if new.name == "varchar" and length:
        return f"a varchar of at most {length} characters stays as it is"
    if new.name in ("text", "varchar"):
        return "text and varchar stay as they are"
    if new.name == "numeric":
        return (
            f"a numeric {'of the same scale and no more digits ' if length else ''}stays as it is"
        )
    if new.name in ("timestamp", "timestamptz"):
        other = "timestamptz" if new.name == "timestamp" else "timestamp"
        return f"a {new.name}, and with TimeZone = 'UTC' a {other} too, stays as it is"
    same = {"inet": "cidr", "varbit": "a shorter bit varying", "bpchar": "text"}.get(new.name)
    return f"{same or 'that very type, or a domain over it,'} stays as it is"


class TimestampByTimeZone(Rule):
    """A timestamp gets or loses its time zone in a session whose TimeZone is not UTC."""

    on = ("AT_AlterColumnType",)
    why = (
        "Between timestamp and timestamptz PostgreSQL writes every row anew under ACCESS"
        " EXCLUSIVE, and reads the old values in the session's TimeZone. With TimeZone = 'UTC' the"
        " values stay as they are and no row is touched."
    )
    safe = (
        "If the values are in UTC: SET LOCAL TimeZone = 'UTC' before. Otherwise a new column,"
        " filled in batches."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE customers ALTER COLUMN since TYPE timestamptz;"
    good = (
        "SET lock_timeout = '2s';\nSET TimeZone = 'UTC';\n"
        "ALTER TABLE customers ALTER COLUMN since TYPE timestamptz;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            if change.column is None or not change.by_session or change.does == "none":
                continue
            what = f"{change.name} from {change.column.type} to {change.new}"
            message = (
                rewrites_rows(change.key, what)
                + " It depends on the session: with TimeZone = 'UTC' no row is written."
            )
            local = "LOCAL " if here.statement.transaction is not None else ""
            safe = (
                f"SET {local}TimeZone = 'UTC';  -- only if {change.name} holds UTC: then no row is"
                f" touched\n{here.statement.sql};"
            )
            yield self.found(here, message, safe, change.key)
