"""Type changes that PostgreSQL refuses."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.types.change import TypeChange, changes
from zero_downtime.lint.rules.vectors.columns import vector_change_fails
from zero_downtime.lint.words import short
from zero_downtime.sql.dependents import dependents_on
from zero_downtime.sql.tree import columns_in


def is_refused(here: Here, change: TypeChange) -> bool:
    """Whether the type change fails for certain, so that nothing of it is ever done."""
    if not here.state.complete:
        return False
    command = {"name": change.name, "def": {"ColumnDef": change.definition}}
    if vector_change_fails(here, change.key, command):
        return True
    by_key = change.name in here.relation(change.key).partition_key
    return by_key or bool(_parent_with(here, change)) or any(_users(here, change))


class TypeChangeOfUsedColumn(Rule):
    """The type of a column changes that a view, a policy or a generated column uses."""

    on = ("AT_AlterColumnType",)
    why = (
        "PostgreSQL changes no column type under a view, a rule, a policy or a generated column:"
        " the statement fails, even when the new type would be harmless."
    )
    safe = (
        "Drop what uses the column, change the type, and make it again, in one short transaction"
        " with a lock_timeout, or go by a new column."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN total TYPE numeric(12, 2);"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN note TYPE text;"

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            users = list(_users(here, change))
            if not users:
                continue
            yield self.found(
                here,
                f"This fails: {short(change.key)}.{change.name} is used by {', '.join(users)}, and"
                " PostgreSQL changes no type under that.",
                f"In one transaction: drop {', '.join(users)}; change the type; make anew what was"
                " dropped.",
                change.key,
                severity=here.by_schema,
            )


def _users(here: Here, change: TypeChange) -> Iterator[str]:
    """What uses a column: views, and those over them, policies and generated columns."""
    for key in dependents_on(here.state, change.key, change.name):
        relation = here.relation(key)
        kind = "a policy of" if relation.kind == "table" else f"the {relation.kind}"
        yield f"{kind} {short(key)}"
    for column in here.relation(change.key).columns.values():
        if column.generated and change.name in columns_in(column.default):
            yield f"the generated column {column.name}"


class TypeChangeOfPartitionKey(Rule):
    """The type of a column changes by which a table is partitioned."""

    on = ("AT_AlterColumnType",)
    why = "PostgreSQL changes no type of a partition key: the statement fails."
    safe = "A new partitioned table, filled in batches, that takes over the name."
    bad = "SET lock_timeout = '2s';\nALTER TABLE readings ALTER COLUMN kind TYPE bigint;"
    good = "SET lock_timeout = '2s';\nALTER TABLE events ALTER COLUMN id SET STATISTICS 500;"

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            if change.name in here.relation(change.key).partition_key:
                yield self.found(
                    here,
                    f"This fails: {short(change.key)} is partitioned by {change.name}, whose type"
                    " can't change any more.",
                    f"CREATE TABLE {short(change.key)}_new (…) PARTITION BY …;  -- filled in"
                    " batches",
                    change.key,
                    severity=here.by_schema,
                )


class TypeChangeOfInheritedColumn(Rule):
    """The type of a column changes on one partition or child alone."""

    on = ("AT_AlterColumnType",)
    why = "A column that comes from a parent keeps the parent's type: the statement fails."
    safe = "Change it on the parent: all partitions and children follow in the same statement."
    bad = "SET lock_timeout = '2s';\nALTER TABLE dogs ALTER COLUMN name TYPE varchar;"
    good = "SET lock_timeout = '2s';\nALTER TABLE animals ALTER COLUMN name TYPE varchar;"

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            parent = _parent_with(here, change)
            if parent:
                yield self.found(
                    here,
                    f"This fails: {short(change.key)} has {change.name} from {short(parent)},"
                    " and only there its type can change.",
                    f"ALTER TABLE {short(parent)} ALTER COLUMN {change.name} TYPE {change.new};",
                    change.key,
                    severity=here.by_schema,
                )


def _parent_with(here: Here, change: TypeChange) -> str | None:
    """The parent from which a column comes."""
    parents = here.relation(change.key).parents
    return next((key for key in parents if change.name in here.relation(key).columns), None)


class TypeChangeNeedsUsing(Rule):
    """Text becomes another type without saying how."""

    on = ("AT_AlterColumnType",)
    why = (
        "No cast leads from text to numbers, dates, uuid and so on by itself: without USING the"
        " statement fails. With it, every value must be convertible, or it fails as well."
    )
    safe = "A new column, filled in batches with the cast, so that bad values show up one by one."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN code TYPE integer;"
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN code_number integer;\n"
        "UPDATE orders SET code_number = code::integer WHERE id = 1;"
    )
    also = ("type-change-rewrite",)

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            if change.column is None or "raw_default" in change.definition:
                continue
            old, new = here.state.base_type(change.column.type), here.state.base_type(change.new)
            if old.name not in _TEXT or old.array or new.array or new.name not in _NOT_FROM_TEXT:
                continue
            yield self.found(
                here,
                f"This fails: PostgreSQL turns {change.column.type} into {new} only with"
                f" USING {change.name}::{new}.",
                f"ALTER TABLE {short(change.key)} ADD COLUMN {change.name}_new {new};  -- and fill"
                f" it in batches with {change.name}::{new}",
                change.key,
                severity=here.by_schema,
            )


_TEXT = frozenset({"text", "varchar", "bpchar"})
_NOT_FROM_TEXT = frozenset(
    {
        *("int2", "int4", "int8", "float4", "float8", "numeric", "bool", "uuid", "date"),
        *("timestamp", "timestamptz", "time", "interval", "json", "jsonb", "bytea", "inet"),
    }
)
