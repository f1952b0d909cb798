"""A table that is dropped while code may still use it."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import path_of


class DropTable(Rule):
    """A table is dropped that the running release may still use."""

    on = ("DropStmt",)
    why = (
        "Queries of the running release on the table fail, and its rows are gone for good. With"
        " foreign keys the tables at their other ends are locked as well (ACCESS EXCLUSIVE)."
    )
    safe = (
        "Release code that no longer uses the table, then drop it: in a revision whose phase is"
        ' "contract", or with a comment that says since when nothing reads it.'
    )
    bad = "SET lock_timeout = '2s';\nDROP TABLE scratch_notes;"
    good = (
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-table] no release since 4.2 reads it\n"
        "DROP TABLE scratch_notes;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "DropStmt" or here.node["removeType"] not in _STORED:
            return
        if here.phase == "contract":
            return
        for item in here.node["objects"]:
            key = here.state.key_of(path_of(item))
            if here.is_new(key) or not here.state.exists(key):
                continue
            if here.relation(key).is_partition:
                continue  # see drop-partition
            others = [short(k) for k in here.locks if k != key and _is_table(here, k)]
            also = f" {', '.join(others)} is locked with it." if others else ""
            yield self.found(
                here,
                f"Code that still uses {short(key)} fails from here on, and its rows are lost."
                + also,
                f"First release code without {short(key)}; then drop it in a revision with"
                f' phase = "contract".',
                key,
            )


_STORED = ("OBJECT_TABLE", "OBJECT_MATVIEW")


def _is_table(here: Here, key: str) -> bool:
    return here.relation(key).kind in ("table", "partitioned table")
