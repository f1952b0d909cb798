"""Views, functions, types, sequences, schemas, extensions and databases that are dropped."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.rules.compatibility.used import (
    alters,
    dropped,
    then_drop,
    type_name,
    was_in_use,
)
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import path_of, text_of

_FUNCTIONS = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE")
_MADE_TYPES = ("CreateEnumStmt", "CreateDomainStmt", "CompositeTypeStmt", "CreateRangeStmt")


class DropView(Rule):
    """A view or foreign table is dropped that the running release may still read."""

    on = ("OBJECT_VIEW", "OBJECT_FOREIGN_TABLE")
    why = "Queries of the running release that read it fail, and so do writes through it."
    safe = "Release code that no longer reads it, then drop it."
    bad = "SET lock_timeout = '2s';\nDROP VIEW busy_customers;"
    good = (
        "SET lock_timeout = '2s';\nBEGIN;\nDROP VIEW busy_customers;\n"
        "CREATE VIEW busy_customers AS SELECT id, name FROM customers;\nCOMMIT;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for seen, node, item in dropped(there, "OBJECT_VIEW", "OBJECT_FOREIGN_TABLE"):
            key = there.state.key_of(path_of(item))
            mapped = there.around.mapped(key, None)
            if not was_in_use(there, key) or there.state.relation(key) is not None:
                continue
            if mapped is False or (mapped is None and there.phase == "contract"):
                continue
            unsure = node.get("missing_ok") and there.before.relation(key) is None
            yield self.found(
                seen,
                f"Queries that still read {short(key)} fail from here on.",
                f"First release code that does not read {short(key)};"
                f" {then_drop(seen, self.name())}",
                key,
                severity="warning" if unsure else None,
            )


class DropFunction(Rule):
    """A function is dropped that the running release may still call."""

    severity = "warning"
    on = _FUNCTIONS
    why = "Queries of the running release that call the function fail."
    safe = "Release code that no longer calls it, then drop it."
    bad = "DROP FUNCTION today();"
    good = (
        "CREATE FUNCTION now_there() RETURNS date LANGUAGE sql AS 'SELECT CURRENT_DATE';\n"
        "DROP FUNCTION now_there();"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        if there.phase == "contract":
            return
        for seen, node, item in dropped(there, *_FUNCTIONS):
            path = path_of(item)
            name = ".".join(path)
            facts = there.before.function(path)
            if there.state.function(path) is not None or (facts is None and node.get("missing_ok")):
                continue
            if facts is None and (there.before.complete or _made_functions(there, path[-1])):
                continue
            if facts is not None and (
                facts.born == there.before.unit or facts.returns.rpartition(".")[2] == "trigger"
            ):
                continue
            if any(True for _ in dropped(there, "OBJECT_TRIGGER")) and facts is None:
                continue  # most likely it was the trigger's
            yield self.found(
                seen,
                f"Queries that still call {name} fail from here on.",
                f"First release code that does not call {name}; {then_drop(seen, self.name())}",
            )


def _made_functions(there: There, name: str) -> bool:
    made = there.trees("CreateFunctionStmt")
    return any(text_of(node["funcname"][-1]) == name for _, node in made)


class DropType(Rule):
    """A type is dropped that the running release may still name."""

    severity = "warning"
    on = ("OBJECT_TYPE", "OBJECT_DOMAIN")
    why = (
        "Queries that cast to the type fail, and so do drivers and ORMs that look it up by its name"
        " when they connect."
    )
    safe = "Release code that no longer names it, then drop it."
    bad = "DROP TYPE parcel_size;"
    good = "CREATE TYPE size AS ENUM ('small');\nDROP TYPE size;"

    def at_end(self, there: There) -> Iterator[Finding]:
        if there.phase == "contract":
            return
        for seen, node, item in dropped(there, "OBJECT_TYPE", "OBJECT_DOMAIN"):
            path = path_of(item)
            name = ".".join(path)
            if node.get("missing_ok") or node.get("behavior") == "DROP_CASCADE":
                continue
            if _is_replaced(there, path[-1]):
                continue
            yield self.found(
                seen,
                f"Queries that still cast to {name}, and drivers that look it up, fail from here"
                " on.",
                f"First release code that does not name {name}; {then_drop(seen, self.name())}",
            )


def _is_replaced(there: There, name: str) -> bool:
    """Whether the type was made here, goes with its columns, or only makes room for another."""
    if any(type_name(node) == name for _, node in there.trees(*_MADE_TYPES)):
        return True
    if any(True for _ in dropped(there, "OBJECT_TABLE")) or there.direction == "downgrade":
        return True
    if alters(there, "AT_DropColumn", "AT_AlterColumnType"):
        return True
    return any(node.get("newname") == name for _, node in there.trees("RenameStmt"))


class DropSequence(Rule):
    """A sequence is dropped that the running release may still ask for numbers."""

    severity = "warning"
    on = ("OBJECT_SEQUENCE",)
    why = "Code of the running release that calls nextval() with its name fails."
    safe = "Release code that no longer uses it, then drop it."
    bad = "SET lock_timeout = '2s';\nDROP SEQUENCE numbers;"
    good = "CREATE SEQUENCE more;\nDROP SEQUENCE more;"

    def at_end(self, there: There) -> Iterator[Finding]:
        if there.phase == "contract":
            return
        for seen, node, item in dropped(there, "OBJECT_SEQUENCE"):
            key = there.state.key_of(path_of(item))
            if not was_in_use(there, key) or there.state.relation(key) is not None:
                continue
            relation = there.before.relation(key)
            if (relation is None and node.get("missing_ok")) or (relation and relation.owned_by):
                continue
            yield self.found(
                seen,
                f"Code that still calls nextval('{short(key)}') fails from here on.",
                f"First release code that does not use {short(key)};"
                f" {then_drop(seen, self.name())}",
                key,
            )


class DropSchema(Rule):
    """A schema is dropped with all that is in it."""

    on = ("OBJECT_SCHEMA",)
    why = (
        "Every table in it goes, with its rows, and so does what refers to them from elsewhere."
        " Queries of the running release fail, and no downgrade brings the rows back."
    )
    safe = "Drop the tables one by one, each once nothing uses it any more."
    bad = "SET lock_timeout = '2s';\nDROP SCHEMA archive CASCADE;"
    good = "CREATE SCHEMA more;\nDROP SCHEMA more CASCADE;"

    def at_end(self, there: There) -> Iterator[Finding]:
        made = {node.get("schemaname") for _, node in there.trees("CreateSchemaStmt")}
        for seen, node, item in dropped(there, "OBJECT_SCHEMA"):
            name = path_of(item)[0]
            if name in made or node.get("behavior") != "DROP_CASCADE":
                continue
            before = there.before
            inside = sorted(
                key
                for key, relation in before.relations.items()
                if relation.schema == name and relation.kind in _HOLD_ROWS
            )
            if before.complete and not inside:
                continue
            what = "everything in it"
            if inside:
                more = f" and {len(inside) - 3} more" if len(inside) > 3 else ""
                what = f"{', '.join(inside[:3])}{more}"
            unsure = node.get("missing_ok") and not inside
            yield self.found(
                seen,
                f"With {name} goes {what}: the rows are lost, and queries on them fail.",
                self.safe,
                inside[0] if inside else None,
                severity="warning" if unsure else None,
            )


_HOLD_ROWS = ("table", "partitioned table", "materialized view", "foreign table")


class DropExtension(Rule):
    """An extension is dropped, with its types and functions."""

    severity = "warning"
    on = ("OBJECT_EXTENSION",)
    why = (
        "Its functions and operators are gone for the running release. With CASCADE so is every"
        " column of one of its types, and every index that uses its operators."
    )
    safe = "Release code that no longer uses it, drop what depends on it by name, then drop it."
    bad = "DROP EXTENSION pg_trgm;"
    good = "CREATE EXTENSION IF NOT EXISTS pg_trgm;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["removeType"] != "OBJECT_EXTENSION" or here.phase == "contract":
            return
        names = [path_of(item)[0] for item in here.node["objects"]]
        for kind, node in here.upgrade:
            if kind == "CreateExtensionStmt" and node.get("extname") in names:
                return
        listed = ", ".join(names)
        cascade = here.node.get("behavior") == "DROP_CASCADE"
        lost = (
            " So are the columns of its types and the indexes of its operators." if cascade else ""
        )
        yield self.found(
            here,
            f"The functions, operators and types of {listed} are gone from here on, and queries"
            f" that use them fail.{lost}",
            f"First release code that does not use {listed}; {then_drop(here, self.name())}",
            severity="error" if cascade else None,
        )


class DropDatabase(Rule):
    """A database is dropped."""

    on = ("DropdbStmt",)
    why = "All of it is lost, and no downgrade brings it back."
    safe = "Not in a migration."
    bad = "DROP DATABASE shop;"
    good = "DROP TABLE IF EXISTS nothing_there;"

    def check(self, here: Here) -> Iterator[Finding]:
        yield self.found(
            here,
            f"All that is in {here.node['dbname']} is lost, and whoever uses it fails.",
            "Do that by hand, once nobody is connected any more and a backup was tried.",
        )


class DropOwned(Rule):
    """All that a role owns is dropped, with the rights that it has."""

    on = ("DropOwnedStmt",)
    why = (
        "DROP OWNED drops every table, view and function of the role in this database, without"
        " naming one of them, and takes away all its rights. No downgrade brings the rows back."
    )
    safe = "REASSIGN OWNED BY … TO …, which keeps everything; then REVOKE what is left."
    bad = "DROP OWNED BY app;"
    good = "REASSIGN OWNED BY app TO owner;"

    def check(self, here: Here) -> Iterator[Finding]:
        roles = [str(item["RoleSpec"].get("rolename", "…")) for item in here.node.get("roles", ())]
        listed = ", ".join(roles)
        yield self.found(
            here,
            f"Every table, view and function that {listed} owns is dropped, rows included, and the"
            " rights that it has are taken away.",
            f"REASSIGN OWNED BY {listed} TO …;  -- keeps everything",
        )
