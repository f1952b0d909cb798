"""Partitions of a table whose ``postgresql_partition_by`` makes it partitioned."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date

from zero_downtime.schema.declaration import (
    Relation,
    SchemaObject,
    comment_on,
    plain_name,
    quoted,
    relation_name,
    table_of,
)


@dataclass(frozen=True)
class Partition(SchemaObject):
    """One partition; ``bound`` is ``FOR VALUES …`` without these two words, or ``DEFAULT``.

    Partition("events_2026_01", of=Event, bound="FROM ('2026-01-01') TO ('2026-02-01')")
    """

    name: str
    of: Relation
    bound: str
    partition_by: str | None = None
    schema: str | None = None
    comment: str | None = None

    @property
    def label(self) -> str:
        return f"partition {self.name} of {plain_name(self.of)}"

    def statements(self) -> tuple[str, ...]:
        name = quoted(self.name, self.schema)
        bound = "DEFAULT" if self.bound.upper() == "DEFAULT" else f"FOR VALUES {self.bound}"
        below = f" PARTITION BY {self.partition_by}" if self.partition_by else ""
        return (
            f"CREATE TABLE {name} PARTITION OF {relation_name(self.of)} {bound}{below}",
            *comment_on("TABLE", name, self.comment),
        )


def monthly_partitions(of: Relation, first: date, months: int) -> tuple[Partition, ...]:
    """One range partition a month, named ``<table>_<year>_<month>``, from the month of ``first``.

    The key must be a timestamptz or date; a bound is the first midnight of its month in UTC.
    """
    table = table_of(of)
    name = table.name if table is not None else plain_name(of).rpartition(".")[2]
    schema = table.schema if table is not None else plain_name(of).rpartition(".")[0] or None
    starts = [_month_after(first, step) for step in range(months + 1)]
    return tuple(
        Partition(
            f"{name}_{start:%Y_%m}",
            of=of,
            bound=f"FROM ('{start} 00:00:00+00') TO ('{end} 00:00:00+00')",
            schema=schema,
        )
        for start, end in itertools.pairwise(starts)
    )


def _month_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)
