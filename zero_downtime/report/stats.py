"""What ``zd stats`` shows: the tables, the largest first."""

from __future__ import annotations

from zero_downtime.lint.sizes import size
from zero_downtime.stats import Stats


def text(stats: Stats) -> str:
    """A line for each relation."""
    ordered = sorted(stats.relations.items(), key=lambda each: (-each[1].bytes, each[0]))
    width = max((len(name) for name in stats.relations), default=8)
    lines = [f"{'relation':<{width}}  {'rows':>14}  {'size':>8}  {'indexes':>8}  {'writes/s':>9}"]
    for name, table in ordered:
        lines.append(
            f"{name:<{width}}  {table.rows:>14,}  {size(table.bytes):>8}"
            f"  {size(table.index_bytes):>8}  {table.writes_per_second:>9.1f}"
        )
    noted = f" {len(stats.statements):,} statements." if stats.statements else ""
    return "\n".join([*lines, "", f"PostgreSQL {stats.server}, {stats.taken}.{noted}"])
