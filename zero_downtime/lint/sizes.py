"""What a finding costs on tables whose size is known: seconds, and silence for tiny ones."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct, structs

from zero_downtime.lint.finding import Finding
from zero_downtime.stats import RelationStats, Stats

_MEGABYTE = 1_000_000

# The rules about work that grows with the table, by what is done.
REWRITES = frozenset(
    (
        *("table-rewrite", "volatile-default", "stored-generated-column", "serial-column"),
        *("generated-expression-replaced", "identity-column", "constrained-domain-column"),
        *("vacuum-full", "cluster-table", "persistence-change", "tablespace-move"),
        *("rewritten-twice", "type-change-rewrite", "unbatched-update", "backfill-with-ddl"),
    )
)
BUILDS = frozenset(
    (
        *("index-not-concurrent", "reindex-not-concurrent", "constraint-builds-index"),
        *("exclusion-builds-index", "type-change-rebuilds-indexes", "attach-builds-index"),
    )
)
SCANS = frozenset(
    (
        *("check-without-not-valid", "foreign-key-without-not-valid", "set-not-null-scan"),
        *("set-not-null-loses-proof", "primary-key-over-nullable-column", "scan-under-lock"),
        *("validation-in-same-transaction", "validation-with-other-subcommands"),
        *("domain-constraint-checked", "domain-validation", "type-change-checks-rows"),
        *("attach-partition-scan", "default-partition-scan", "unbatched-delete"),
    )
)


class Sizes(Struct, frozen=True):
    """The figures, and what is assumed with them."""

    stats: Stats
    mb_per_second: float = 50.0
    tiny_rows: int = 0
    tiny_bytes: int = 0

    def weighed(self, findings: Iterable[Finding]) -> tuple[list[Finding], int]:
        """The findings with their seconds, and how many were left out for tiny tables."""
        kept: list[Finding] = []
        left_out = 0
        for finding in findings:
            table = self.stats.of(finding.relation)
            work = self._work(finding.rule, table) if table is not None else None
            if table is None or work is None:
                kept.append(finding)
            elif self._is_tiny(table):
                left_out += 1
            else:
                said = f"{finding.message} {self._said(finding, table, work)}"
                kept.append(structs.replace(finding, message=said))
        return kept, left_out

    def _work(self, rule: str, table: RelationStats) -> int | None:
        """The bytes that are read and written; None for what does not grow with the table."""
        if rule in SCANS:
            return table.bytes
        if rule in BUILDS:  # all is read, and about a third of it written, sorted
            return table.bytes + table.bytes // 3
        if rule in REWRITES:
            return 2 * table.bytes + table.index_bytes
        return None

    def _is_tiny(self, table: RelationStats) -> bool:
        return bool(
            (self.tiny_rows and table.rows <= self.tiny_rows)
            or (self.tiny_bytes and table.bytes <= self.tiny_bytes)
        )

    def _said(self, finding: Finding, table: RelationStats, work: int) -> str:
        seconds = work / (self.mb_per_second * _MEGABYTE)
        said = (
            f"About {duration(seconds)} for {table.rows:,} rows: {size(work)} to go through at"
            f" {self.mb_per_second:g} MB/s"
        )
        blocked = finding.lock is not None and finding.lock.blocks_writes
        waiting = seconds * table.writes_per_second
        if blocked and waiting >= 1:
            said += f"; {waiting:,.0f} writes come meanwhile"
        return f"{said}."


def duration(seconds: float) -> str:
    """A time as people say it."""
    if seconds < 1:
        return "a second" if seconds > 0.5 else f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Bytes as people say them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
