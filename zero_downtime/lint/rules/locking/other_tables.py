"""Locks on tables that the statement does not name."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import listed, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_tables import RELATION_KINDS
from zero_downtime.sql.tree import fields_of, path_of

_AE = LockMode.ACCESS_EXCLUSIVE
_WITH_TABLES = (
    *("OBJECT_TABLE", "OBJECT_SEQUENCE", "OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_FUNCTION"),
    *("OBJECT_PROCEDURE", "OBJECT_ROUTINE"),
)


class OtherTableLocked(Rule):
    """A statement locks a table in use that it does not name, against readers too."""

    severity = "warning"
    fallback = 3  # where rows are written or read anew, that is told already
    on = ("AT_DropConstraint", "AT_DropColumn", "AT_AlterColumnType", "DropStmt")
    why = (
        "Both ends of a foreign key change when it is dropped, when its column changes type, or"
        " when its table goes: ACCESS EXCLUSIVE is taken on the other table as well. DROP FUNCTION,"
        " TYPE or DOMAIN with CASCADE locks every table that uses it. The statement holds the first"
        " table while it waits for the others, and the more tables, the more likely a deadlock."
    )
    safe = (
        "Drop foreign keys one by one, each in its own transaction with a short lock_timeout, at a"
        " quiet time; name what CASCADE would drop."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE lines DROP CONSTRAINT lines_order;"
    good = "SET lock_timeout = '2s';\nALTER TABLE lines DROP CONSTRAINT quantity_positive;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "DropStmt" and here.node["removeType"] not in _WITH_TABLES:
            return
        if _cascades(here):
            return  # drop-cascade names the tables
        named, made_here = _named(here)
        if made_here:
            return
        related = {
            key for name in named for key in (*here.state.tree(name), *here.state.ancestors(name))
        }
        others = sorted(
            key
            for key, mode in here.locks.items()
            if mode == _AE
            and key not in related
            and here.relation(key).kind in ("table", "partitioned table")
            and not related & set(here.state.ancestors(key))
        )
        tops = [key for key in others if not set(here.state.ancestors(key)) & set(others)]
        if not tops:
            return
        tables = listed(tops)
        wait = waits(_AE, tops[0] if len(tops) == 1 else tables)
        yield self.found(
            here,
            f"This takes ACCESS EXCLUSIVE on {tables} as well: {wait} behind it.",
            self._safe(here, tables),
            tops[0],
        )

    def _safe(self, here: Here, tables: str) -> str:
        if here.kind == "DropStmt" and here.node["removeType"] not in RELATION_KINDS:
            return f"First drop what uses it on {tables}, one statement and transaction a table."
        return (
            "SET lock_timeout = '2s';  -- and in a transaction of its own, at a quiet time\n"
            f"{here.statement.sql};"
        )


def _cascades(here: Here) -> bool:
    """Whether CASCADE takes more than a table, or a part of it, that is named."""
    if here.kind == "DropStmt":
        named = here.node["removeType"] == "OBJECT_TABLE"
        return named and here.node.get("behavior") == "DROP_CASCADE"
    commands = here.commands("AT_DropColumn", "AT_DropConstraint")
    return any(command.get("behavior") == "DROP_CASCADE" for command in commands)


def _named(here: Here) -> tuple[list[str], bool]:
    """The relations that a statement names, and whether it only takes back what its unit made."""
    if here.kind == "DropStmt":
        if here.node["removeType"] not in RELATION_KINDS:
            return [], False
        keys = [here.state.key_of(path_of(item)) for item in here.node["objects"]]
        return keys, all(map(here.is_new, keys))
    key = here.table()
    dropped = [c for c in here.node.get("cmds", ()) if _drops(fields_of(c)["subtype"])]
    facts = here.relation(key)
    born = [
        found.born == here.state.unit
        for command in map(fields_of, dropped)
        if (found := facts.constraints.get(command["name"]) or facts.columns.get(command["name"]))
    ]
    return [key], bool(born) and all(born)


def _drops(subtype: str) -> bool:
    return subtype in ("AT_DropConstraint", "AT_DropColumn")
