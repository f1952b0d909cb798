"""What PostgreSQL refuses because of a partition key."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.apply_constraints import constraint_columns
from zero_downtime.sql.tree import Node, fields_of, text_of

_UNIQUE = ("CONSTR_PRIMARY", "CONSTR_UNIQUE")


class UniqueWithoutPartitionKey(Rule):
    """A unique constraint or index of a partitioned table leaves its partition key out."""

    on = ("CreateStmt", "AT_AddConstraint", "AT_AddColumn", "IndexStmt")
    why = (
        "Uniqueness is checked partition by partition, so the key of the partitioning must be among"
        " the columns. PostgreSQL refuses anything else: the migration stops here."
    )
    safe = "Add the partition key to the columns, or make the partitions unique one by one."
    bad = "CREATE TABLE readouts (id bigint PRIMARY KEY, at date NOT NULL) PARTITION BY RANGE (at);"
    good = (
        "CREATE TABLE readouts (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        key, partition_key, groups = _unique_groups(here)
        if groups and not partition_key and here.kind == "CreateStmt":
            yield self.found(
                here,
                f"{short(key)} is partitioned by an expression, and PostgreSQL refuses every unique"
                " constraint there: the migration stops here.",
                "Partition by plain columns, or make the partitions unique one by one.",
                key,
            )
            return
        for columns in groups:
            missing = sorted(partition_key - set(columns))
            if missing:
                listed = ", ".join((*columns, *missing))
                yield self.found(
                    here,
                    f"{short(key)} is partitioned by {', '.join(sorted(partition_key))}, and"
                    f" PostgreSQL refuses to make ({', '.join(columns)}) unique without"
                    f" {', '.join(missing)}: the migration stops here.",
                    f"({listed})  -- or one unique index for each partition",
                    key,
                )


def _unique_groups(here: Here) -> tuple[str, frozenset[str], list[tuple[str, ...]]]:
    """A table, its partition key, and the sets of columns that become unique."""
    if here.kind == "CreateStmt":
        if "partspec" not in here.node:
            return "", frozenset(), []
        spec = here.node["partspec"]
        elements = [fields_of(item) for item in spec.get("partParams", ())]
        names = [element.get("name") for element in elements]
        columns = frozenset(name for name in names if name)
        key = here.state.key_of_range(here.node["relation"], create=True)
        if len(columns) != len(names):
            columns = frozenset()
        return key, columns, list(_in_create(here.node)) if names else []
    key = here.table()
    relation = here.relation(key)
    groups: list[tuple[str, ...]] = []
    if not relation.partition_key:
        return key, frozenset(), groups
    if here.kind == "IndexStmt":
        parts = [fields_of(item).get("name") for item in here.node.get("indexParams", ())]
        if here.node.get("unique") and all(parts):
            groups.append(tuple(str(part) for part in parts))
    else:
        for item in here.node.get("cmds", ()):
            command = fields_of(item)
            if command["subtype"] in ("AT_AddConstraint", "AT_AddColumn"):
                groups += _in_element(command["def"])
    return key, relation.partition_key, groups


def _in_create(node: Node) -> Iterator[tuple[str, ...]]:
    for item in node.get("tableElts", ()):
        yield from _in_element(item)


def _in_element(item: Node) -> Iterator[tuple[str, ...]]:
    fields = fields_of(item)
    if "Constraint" in item and fields["contype"] in _UNIQUE and "indexname" not in fields:
        yield constraint_columns(fields) or tuple(map(text_of, fields.get("keys", ())))
    elif "ColumnDef" in item:
        for each in fields.get("constraints", ()):
            if fields_of(each)["contype"] in _UNIQUE:
                yield (fields["colname"],)


class PartitionKeyDropped(Rule):
    """A column is dropped that a table is partitioned by."""

    on = ("AT_DropColumn",)
    why = "PostgreSQL refuses to drop a column of the partition key: the migration stops here."
    safe = "A new partitioned table without the column, to which rows are moved."
    bad = "SET lock_timeout = '2s';\nALTER TABLE events DROP COLUMN at;"
    good = "SET lock_timeout = '2s';\nALTER TABLE events ALTER COLUMN at SET STATISTICS 500;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "AlterTableStmt":
            return
        key = here.table()
        for item in here.node.get("cmds", ()):
            command = fields_of(item)
            name = command.get("name")
            if command["subtype"] == "AT_DropColumn" and name in here.relation(key).partition_key:
                yield self.found(
                    here,
                    f"{short(key)} is partitioned by {name}, and PostgreSQL refuses to drop it: the"
                    " migration stops here.",
                    self.safe,
                    key,
                )
