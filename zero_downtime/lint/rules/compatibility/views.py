"""Views and functions that come back as something else."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Rule, Seen, There
from zero_downtime.lint.rules.compatibility.used import dropped
from zero_downtime.lint.words import short
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.tree import Node, fields_of, names_of, path_of, text_of


class ViewLosesColumns(Rule):
    """A view in use is made anew without some of its columns."""

    on = ("ViewStmt",)
    why = "Queries of the running release that read the missing columns fail."
    safe = "Keep them until no release reads them."
    bad = (
        "SET lock_timeout = '2s';\nBEGIN;\nDROP VIEW busy_customers;\nDROP VIEW busy_orders;\n"
        "CREATE VIEW busy_orders AS SELECT id, customer_id FROM orders WHERE state = 'busy';\n"
        "CREATE VIEW busy_customers AS SELECT c.id FROM customers c JOIN busy_orders o ON\n"
        "  o.customer_id = c.id;\nCOMMIT;"
    )
    good = (
        "SET lock_timeout = '2s';\nCREATE OR REPLACE VIEW busy_orders AS\n"
        "  SELECT id, customer_id, total, note FROM orders WHERE state = 'busy';"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        if there.phase == "contract":
            return
        gone = {there.state.key_of(path_of(item)) for _, _, item in dropped(there, "OBJECT_VIEW")}
        for seen, node in there.trees("ViewStmt"):
            key, old, new = _columns(there, node)
            if key not in gone or old is None or new is None:
                continue
            missing = [name for name in old if name not in new]
            if missing:
                yield self._finding(seen, key, missing)

    def _finding(self, seen: Seen, key: str, missing: list[str]) -> Finding:
        listed = ", ".join(missing)
        return self.found(
            seen,
            f"{short(key)} comes back without {listed}: queries of the running release that read"
            " it fail.",
            f"Keep {listed} in {short(key)} until no release reads it.",
            key,
        )


class ViewReplacementRefused(Rule):
    """CREATE OR REPLACE VIEW leaves out, renames or moves a column of the view."""

    on = ("ViewStmt",)
    why = (
        "PostgreSQL lets CREATE OR REPLACE VIEW only add columns at the end; anything else fails,"
        " and the migration stops."
    )
    safe = "Add columns at the end; or DROP and CREATE in one transaction, if nothing reads them."
    bad = (
        "SET lock_timeout = '2s';\nCREATE OR REPLACE VIEW busy_orders AS\n"
        "  SELECT id, total FROM orders WHERE state = 'busy';"
    )
    good = (
        "SET lock_timeout = '2s';\nCREATE OR REPLACE VIEW busy_orders AS\n"
        "  SELECT id, customer_id, total, note FROM orders WHERE state = 'busy';"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        gone = {there.state.key_of(path_of(item)) for _, _, item in dropped(there, "OBJECT_VIEW")}
        told = set()
        for seen, node in there.trees("ViewStmt"):
            if not node.get("replace"):
                continue
            key, old, new = _columns(there, node)
            if key in gone or key in told or old is None or new is None:
                continue
            told.add(key)
            if new[: len(old)] != old:
                yield self.found(
                    seen,
                    f"{short(key)} has the columns {', '.join(old)}, and PostgreSQL refuses to"
                    f" replace it by one that has {', '.join(new)}: the migration stops here.",
                    f"SELECT {', '.join(old)}, …  -- new columns at the end",
                    key,
                )


def _columns(there: There, node: Node) -> tuple[str, list[str] | None, list[str] | None]:
    """A view, the columns that it had before the unit, and those that a statement gives it."""
    key = there.state.key_of_range(node["view"])
    before = there.before.relation(key)
    if before is None or before.kind != "view" or before.born == there.before.unit:
        return key, None, None
    new = names_of(node.get("aliases")) or None
    return key, _of_relation(before), list(new) if new else _of_query(node.get("query"))


def _of_relation(view: Relation) -> list[str] | None:
    return list(view.columns) or _of_query(view.query)


def _of_query(query: Node | None) -> list[str] | None:
    """The names of a query's columns, None where they hang on a table."""
    select = fields_of(query)
    while "larg" in select:
        select = select["larg"]
    names = []
    for target in select.get("targetList", ()):
        fields = fields_of(target)
        name = fields.get("name") or _name_of(fields.get("val", {}))
        if name is None:
            return None
        names.append(name)
    return names or None


def _name_of(value: Node) -> str | None:
    if "ColumnRef" in value:
        return text_of(value["ColumnRef"]["fields"][-1]) or None
    if "FuncCall" in value:
        return names_of(value["FuncCall"]["funcname"])[-1]
    return None


class FunctionArgumentsChanged(Rule):
    """A function in use is dropped, and one with other arguments made in its place."""

    severity = "warning"
    on = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE")
    why = "Queries of the running release call it with the old arguments and fail."
    safe = "Leave the old function beside the new one until nothing calls it."
    bad = (
        "DROP FUNCTION today();\n"
        "CREATE FUNCTION today(zone text) RETURNS date LANGUAGE sql STABLE\n"
        "  AS 'SELECT (now() AT TIME ZONE zone)::date';"
    )
    good = (
        "CREATE FUNCTION today(zone text) RETURNS date LANGUAGE sql STABLE\n"
        "  AS 'SELECT (now() AT TIME ZONE zone)::date';"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for seen, _, item in dropped(there, "OBJECT_FUNCTION", "OBJECT_PROCEDURE"):
            path = path_of(item)
            old, new = there.before.function(path), there.state.function(path)
            if old is None or new is None or old.name != new.name:
                continue
            taken = len(new.arguments) - new.defaults <= len(old.arguments) <= len(new.arguments)
            if taken and new.arguments[: len(old.arguments)] == old.arguments:
                continue
            name = ".".join(path)
            yield self.found(
                seen,
                f"{name}({', '.join(old.arguments)}) becomes {name}({', '.join(new.arguments)}):"
                " queries of the running release call it as it was and fail.",
                f"Leave {name}({', '.join(old.arguments)}) beside the new one until nothing calls"
                " it.",
            )
