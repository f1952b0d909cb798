"""A partition leaves its parent."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import fields_of, path_of

_AE = LockMode.ACCESS_EXCLUSIVE


class DetachNotConcurrent(Rule):
    """A partition is detached while every query on its parent waits."""

    on = ("AT_DetachPartition",)
    why = (
        "DETACH PARTITION takes ACCESS EXCLUSIVE on the parent: it waits for every query on any of"
        " its partitions, and all later ones wait behind it."
    )
    safe = "DETACH PARTITION … CONCURRENTLY, outside a transaction."
    bad = "SET lock_timeout = '2s';\nALTER TABLE readings DETACH PARTITION readings_1;"
    good = "ALTER TABLE readings DETACH PARTITION readings_1 CONCURRENTLY;"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_DetachPartition"):
            definition = fields_of(command["def"])
            parent = here.table()
            child = here.state.key_of_range(definition["name"])
            if definition.get("concurrent") or here.is_new(child):
                continue
            if here.state.default_partition(parent):
                continue  # beside a DEFAULT partition there is no other way
            fix = f"{here.statement.sql} CONCURRENTLY"
            yield self.found(
                here,
                f"DETACH PARTITION takes ACCESS EXCLUSIVE on {short(parent)}, not on"
                f" {short(child)} alone: {waits(_AE, parent)}.",
                f"{fix};  {here.by_itself}",
                parent,
                fix,
            )


class DetachConcurrentlyRefused(Rule):
    """A partition is detached CONCURRENTLY from a table with a DEFAULT partition."""

    on = ("AT_DetachPartition",)
    why = "PostgreSQL refuses it while there is a DEFAULT partition: the migration stops here."
    safe = "Detach without CONCURRENTLY, with a short lock_timeout and several attempts."
    bad = "ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY;"
    good = "SET lock_timeout = '2s';\nALTER TABLE events DETACH PARTITION events_1;"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_DetachPartition"):
            definition = fields_of(command["def"])
            parent = here.table()
            default = here.state.default_partition(parent)
            if not definition.get("concurrent") or default is None:
                continue
            child = here.state.key_of_range(definition["name"])
            yield self.found(
                here,
                f"{short(parent)} has a DEFAULT partition ({short(default)}), and PostgreSQL"
                " refuses CONCURRENTLY then: the migration stops here.",
                f"SET lock_timeout = '2s';\n"
                f"ALTER TABLE {short(parent)} DETACH PARTITION {short(child)};  -- try again"
                " when it runs out",
                parent,
            )


class DropPartition(Rule):
    """A partition is dropped while it belongs to its parent."""

    severity = "warning"
    on = ("OBJECT_TABLE",)
    why = (
        "DROP TABLE of a partition takes ACCESS EXCLUSIVE on the parent (and on its DEFAULT"
        " partition): it waits for every query on any partition, and all later ones wait behind it."
        " The rows are gone for good."
    )
    safe = "DETACH PARTITION … CONCURRENTLY, then drop the table that is left."
    bad = "SET lock_timeout = '2s';\nDROP TABLE readings_1;"
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE readings DETACH PARTITION readings_1 CONCURRENTLY;\n"
        "-- zd: ignore[drop-table, other-table-locked] older than what we keep; brief on customers"
        "\nDROP TABLE readings_1;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["removeType"] != "OBJECT_TABLE":
            return
        gone = [here.state.key_of(path_of(item)) for item in here.node["objects"]]
        for key in gone:
            relation = here.relation(key)
            parents = [parent for parent in relation.parents if parent not in gone]
            if not relation.is_partition or not parents or here.is_new(key):
                continue
            parent = parents[0]
            concurrently = "" if here.state.default_partition(parent) else " CONCURRENTLY"
            yield self.found(
                here,
                f"{short(key)} is a partition: dropping it takes ACCESS EXCLUSIVE on"
                f" {short(parent)} as well, where {waits(_AE, parent)}. Its rows are lost.",
                f"ALTER TABLE {short(parent)} DETACH PARTITION {short(key)}{concurrently};\n"
                f"DROP TABLE {short(key)};",
                parent,
            )
