"""A table becomes a partition."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.attach import bound_is_proven
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.tree import Node, fields_of

_AE = LockMode.ACCESS_EXCLUSIVE


class AttachPartitionScan(Rule):
    """A table is attached as a partition and read as a whole, since no CHECK proves its bound."""

    severity = "warning"
    on = ("AT_AttachPartition",)
    why = (
        "ATTACH PARTITION makes sure that every row belongs there. It reads the whole table under"
        " ACCESS EXCLUSIVE, unless a validated CHECK (and NOT NULL on the key) says so already."
        " Queries on the parent pass, those on the table itself wait."
    )
    safe = (
        "Add the bound as a CHECK, NOT VALID, and VALIDATE it before: then attaching reads no row."
        " Drop the CHECK afterwards."
    )
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE readings ATTACH PARTITION readings_3"
        " FOR VALUES IN (3);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE readings_3 ADD CONSTRAINT own CHECK (kind = 3) NOT VALID;\n"
        "ALTER TABLE readings_3 VALIDATE CONSTRAINT own;\n"
        "ALTER TABLE readings ATTACH PARTITION readings_3 FOR VALUES IN (3);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_AttachPartition"):
            definition = fields_of(command["def"])
            parent = here.table()
            child = here.state.key_of_range(definition["name"])
            if here.is_new(child) or child not in here.effect.scans:
                continue
            bound = definition.get("bound", {})
            if _is_proven(here.relation(parent), here.relation(child), bound):
                continue
            name = here.relation(child).name
            yield self.found(
                here,
                f"No validated CHECK of {short(child)} implies its bound, so this reads all of it"
                f" under ACCESS EXCLUSIVE: {waits(_AE, child)} until it is done.",
                f"ALTER TABLE {short(child)} ADD CONSTRAINT {name}_bound CHECK (…) NOT VALID;\n"
                f"ALTER TABLE {short(child)} VALIDATE CONSTRAINT {name}_bound;\n"
                f"{here.statement.sql};\n"
                f"ALTER TABLE {short(child)} DROP CONSTRAINT {name}_bound;",
                child,
            )


def _is_proven(parent: Relation, child: Relation, bound: Node) -> bool:
    """Also where the parent's key is not known: then any column's CHECK may be the proof."""
    if parent.partition_key:
        return bound_is_proven(parent, child, bound)
    valid = [c for c in child.constraints.values() if c.kind == "check" and c.valid]
    return bool(valid) and (
        not child.known
        or any(
            bound_is_proven(replace(parent, partition_key=frozenset({column})), child, bound)
            for column in child.columns
        )
    )


class DefaultPartitionScan(Rule):
    """A partition is added beside a DEFAULT one, which is read as a whole."""

    on = ("AT_AttachPartition", "CreateStmt")
    words = ("partition",)
    why = (
        "PostgreSQL makes sure that the DEFAULT partition holds no row of the new one. It locks the"
        " DEFAULT partition (ACCESS EXCLUSIVE) and reads all of it, and queries on the parent that"
        " may need it wait."
    )
    safe = (
        "Add a CHECK to the DEFAULT partition that excludes the new bound, NOT VALID, and VALIDATE"
        " it before; or do without a DEFAULT partition."
    )
    bad = (
        "SET lock_timeout = '2s';\nCREATE TABLE events_2 PARTITION OF events"
        " FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');"
    )
    good = (
        "SET lock_timeout = '2s';\nCREATE TABLE readings_5 PARTITION OF readings FOR VALUES IN (5);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for parent in _parents(here):
            default = here.state.default_partition(parent)
            if default is None or here.is_new(default) or default not in here.effect.scans:
                continue
            yield self.found(
                here,
                f"This reads all of {short(default)}, the DEFAULT partition, under ACCESS"
                f" EXCLUSIVE: queries on {short(parent)} that may need it wait until it is done.",
                f"ALTER TABLE {short(default)} ADD CONSTRAINT not_there CHECK (NOT (…)) NOT VALID;"
                f"\nALTER TABLE {short(default)} VALIDATE CONSTRAINT not_there;\n"
                f"{here.statement.sql};\n"
                f"ALTER TABLE {short(default)} DROP CONSTRAINT not_there;",
                default,
            )


def _parents(here: Here) -> Iterator[str]:
    """The table that the statement gives a new partition."""
    if here.kind == "AlterTableStmt":
        for _ in here.commands("AT_AttachPartition"):
            yield here.table()
    elif "partbound" in here.node:
        for item in here.node.get("inhRelations", ()):
            yield here.state.key_of_range(fields_of(item))


class AttachBuildsIndex(Rule):
    """A table is attached as a partition, and indexes that its parent has are built on it."""

    severity = "warning"
    on = ("AT_AttachPartition",)
    why = (
        "Every index of the parent must exist on its partitions. What the table lacks is built"
        " while ATTACH PARTITION holds ACCESS EXCLUSIVE on it."
    )
    safe = "Create the same indexes CONCURRENTLY on the table before it is attached."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE events_4 ALTER COLUMN at SET NOT NULL;\n"
        "ALTER TABLE events DETACH PARTITION events_rest;\n"
        "ALTER TABLE events ATTACH PARTITION events_4"
        " FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE readings ATTACH PARTITION readings_4 FOR VALUES IN (4);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_AttachPartition"):
            parent = here.table()
            child = here.state.key_of_range(fields_of(command["def"])["name"])
            if here.is_new(child) or child not in here.effect.builds:
                continue
            there = {index.columns for index in here.state.indexes_of(child)}
            missing = [i for i in here.state.indexes_of(parent) if i.columns not in there]
            names = ", ".join(short(index.name) for index in missing) or "an index"
            columns = ", ".join(c or "(…)" for c in missing[0].columns) if missing else "…"
            yield self.found(
                here,
                f"{short(child)} has no index like {names}: this builds it under ACCESS EXCLUSIVE,"
                f" and {waits(_AE, child)} until it is done.",
                f"CREATE INDEX CONCURRENTLY ON {short(child)} ({columns});  -- before it",
                child,
            )


class DefaultPartition(Rule):
    """A DEFAULT partition is added to a table in use."""

    severity = "warning"
    default = False
    on = ("AT_AttachPartition", "CreateStmt")
    why = (
        "Rows that fit nowhere else pile up in it, and every partition that is added later locks it"
        " and reads it as a whole."
    )
    safe = "Make partitions ahead of time; an insert that fits nowhere then fails and is noticed."
    bad = "SET lock_timeout = '2s';\nCREATE TABLE readings_rest PARTITION OF readings DEFAULT;"
    good = (
        "SET lock_timeout = '2s';\nCREATE TABLE readings_5 PARTITION OF readings FOR VALUES IN (5);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        bounds = [here.node.get("partbound", {})]
        if here.kind == "AlterTableStmt":
            attached = here.commands("AT_AttachPartition")
            bounds = [fields_of(command["def"]).get("bound", {}) for command in attached]
        if not any(bound.get("is_default") for bound in bounds):
            return
        for parent in _parents(here):
            if not here.is_new(parent):
                yield self.found(
                    here,
                    f"Every partition that {short(parent)} gets later will lock and read this"
                    " one as a whole.",
                    "Make the partitions that are needed ahead of time instead.",
                    parent,
                )
