"""A table that is dropped while code may still use it."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.compatibility.used import then_drop
from zero_downtime.lint.words import listed, short
from zero_downtime.sql.tree import path_of


class DropTable(Rule):
    """A table is dropped that the running release may still use."""

    on = ("OBJECT_TABLE", "OBJECT_MATVIEW")
    why = (
        "Queries of the running release on the table fail, and its rows are gone for good. With"
        " foreign keys the tables at their other ends are locked as well (ACCESS EXCLUSIVE). Where"
        " the declared models of the release before are known, they decide: what they no longer map"
        " may go."
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
        for item in here.node["objects"]:
            key = here.state.key_of(path_of(item))
            if here.is_new(key) or not here.state.exists(key):
                continue
            if here.relation(key).is_partition:
                continue  # see drop-partition
            if _takes_its_place(here, key) or _was_renamed(here, key):
                continue
            if here.node["removeType"] == "OBJECT_MATVIEW" and _made_again(here, key):
                continue  # its rows come from its query
            mapped = here.around.mapped(key, None)
            if mapped is False or (mapped is None and here.phase == "contract"):
                continue
            others = [k for k in here.locks if k != key and _is_table(here, k)]
            are = "is" if len(others) == 1 else "are"
            also = f" {listed(others)} {are} locked with it." if others else ""
            again = here.node.get("missing_ok") and here.state.relation(key) is None
            subject = "Code that still uses"
            if mapped:
                subject = "The declared models still map this table: code that uses"
            yield self.found(
                here,
                f"{subject} {short(key)} fails from here on, and its rows are lost." + also,
                f"First release code without {short(key)}; {then_drop(here, self.name())}",
                key,
                severity="warning" if again and _made_again(here, key) else None,
            )


def _takes_its_place(here: Here, key: str) -> bool:
    """Whether another table gets the name, as when one was filled to replace it."""
    name = key.rpartition(".")[2]
    return any(
        kind == "RenameStmt" and node["renameType"] in _STORED and node["newname"] == name
        for _, kind, node in here.following(name)
    )


def _was_renamed(here: Here, key: str) -> bool:
    """Whether the table got this name just now: then it was told at the renaming what it breaks."""
    name = key.rpartition(".")[2]
    return any(
        seen.kind == "RenameStmt" and seen.node.get("newname") == name for seen in here.earlier
    )


def _made_again(here: Here, key: str) -> bool:
    """DROP TABLE IF EXISTS before CREATE TABLE: most likely there is none."""
    return any(
        kind in ("CreateStmt", "CreateTableAsStmt")
        and here.state.key_of_range(node.get("relation") or node["into"]["rel"], create=True) == key
        for _, kind, node in here.following(key.rpartition(".")[2])
    )


_STORED = ("OBJECT_TABLE", "OBJECT_MATVIEW")


def _is_table(here: Here, key: str) -> bool:
    return here.relation(key).kind in ("table", "partitioned table")
