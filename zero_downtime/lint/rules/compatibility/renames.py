"""Names that the running release still asks for."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.compatibility.used import type_name
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import Node, names_of, path_of


class RenameColumn(Rule):
    """A column in use gets another name."""

    on = ("RenameStmt",)
    why = (
        "The running release asks for the old name and fails; the next one asks for the new name"
        " and fails before this runs. There is no moment at which both work."
    )
    safe = (
        "Add a column of the new name, keep both written, fill it in batches, move readers over,"
        " drop the old one in a later release."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders RENAME COLUMN note TO remark;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN remark varchar(20);"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind != "RenameStmt" or here.node["renameType"] != "OBJECT_COLUMN":
            return
        key, old, new = here.table(), here.node["subname"], here.node["newname"]
        if here.is_new(key) or not here.state.exists(key) or _undoes_rename(here):
            return
        column = here.relation(key).columns.get(old)
        if column is not None and column.born == here.state.unit:
            return
        if here.around.mapped(key, old) is False:
            return
        yield self.found(
            here,
            f"The running release still asks for {short(key)}.{old} and fails from here on.",
            f"ALTER TABLE {short(key)} ADD COLUMN {new} …;\n"
            f"then keep {new} equal to {old}, fill it in batches, move the application over, and\n"
            f"drop {old} in a later release.",
            key,
        )


class RenameTable(Rule):
    """A table or view in use gets another name or schema."""

    on = ("RenameStmt", "AlterObjectSchemaStmt")
    why = (
        "The running release asks for the old name and fails; the next one asks for the new name"
        " and fails before this runs."
    )
    safe = (
        "In the same transaction, create a view of the old name over the new table: simple views"
        " can be written to. Drop the view in a later release."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE scratch_notes RENAME TO notes;"
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE scratch_notes RENAME TO notes;\n"
        "CREATE VIEW scratch_notes AS SELECT * FROM notes;\nCOMMIT;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        new = self._new_name(here)
        if new is None:
            return
        key = here.table()
        if key in here.state.indexes or here.is_new(key) or not here.state.exists(key):
            return
        if here.relation(key).kind == "sequence" or _undoes_rename(here):
            return
        if here.around.mapped(key, None) is False:
            return
        for kind, node in here.later:
            if kind == "ViewStmt" and here.state.key_of_range(node["view"]) == key:
                return
        if any(
            kind == "CreateStmt" and here.state.key_of_range(node["relation"], create=True) == key
            for kind, node in here.later
        ):
            yield self.found(
                here,
                f"Another table takes the name {short(key)}: the running release finds its columns,"
                " and the rows only if they are copied.",
                f"CREATE TABLE {new} …;  -- another name for the new one; {short(key)} stays"
                " until nothing uses it",
                key,
                severity="warning",
            )
            return
        old = here.relation(key).name
        where = "" if here.relation(key).schema == "public" else f"{here.relation(key).schema}."
        yield self.found(
            here,
            f"The running release still asks for {short(key)} and fails from here on.",
            f"BEGIN;\n{here.statement.sql};\n"
            f"CREATE VIEW {where}{old} AS SELECT * FROM {new};\nCOMMIT;",
            key,
        )

    def _new_name(self, here: Here) -> str | None:
        if here.kind == "RenameStmt" and here.node["renameType"] in _RELATIONS:
            return str(here.node["newname"])
        if here.kind == "AlterObjectSchemaStmt" and here.node["objectType"] in _RELATIONS:
            return f"{here.node['newschema']}.{here.node['relation']['relname']}"
        return None


_RELATIONS = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW")


class RenameSchema(Rule):
    """A schema in use gets another name."""

    on = ("RenameStmt",)
    why = (
        "Every query that names the schema fails, and every session whose search_path names it"
        " finds none of its tables any more."
    )
    safe = (
        "Make the new schema, with views over the tables of the old one; move the application over;"
        " then move the tables."
    )
    bad = "ALTER SCHEMA archive RENAME TO attic;"
    good = "CREATE SCHEMA attic;\nCREATE VIEW attic.old_orders AS SELECT * FROM archive.old_orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["renameType"] != "OBJECT_SCHEMA" or _undoes_rename(here):
            return
        old, new = here.node["subname"], here.node["newname"]
        if any(
            seen.kind == "CreateSchemaStmt" and seen.node.get("schemaname") == old
            for seen in here.so_far
        ):
            return
        yield self.found(
            here,
            f"The running release still asks for what is in {old}, and fails from here on.",
            f"CREATE SCHEMA {new};\nCREATE VIEW {new}.… AS SELECT * FROM {old}.…;\n"
            f"then move the application over.",
        )


class RenameType(Rule):
    """A type in use gets another name or schema."""

    severity = "warning"
    on = ("RenameStmt", "AlterObjectSchemaStmt")
    why = (
        "Columns follow, but casts in queries do not, and drivers and ORMs that send parameters"
        " with the type's name (asyncpg, psycopg, SQLAlchemy's Enum) fail."
    )
    safe = "Make the new type beside the old one; move columns and code over; drop the old one."
    bad = "ALTER TYPE mood RENAME TO temper;"
    good = "CREATE TYPE temper AS ENUM ('calm', 'busy');"

    def check(self, here: Here) -> Iterator[Finding]:
        kind = here.node.get("renameType") or here.node.get("objectType")
        if kind not in ("OBJECT_TYPE", "OBJECT_DOMAIN") or _undoes_rename(here):
            return
        path = path_of(here.node["object"])
        facts = here.state.types.get(here.state.type_key(path) or "")
        if (facts is None and here.state.complete) or (facts and facts.born == here.state.unit):
            return
        if self._made_again(here, path[-1]):
            return
        name = ".".join(path)
        yield self.found(
            here,
            f"Queries of the running release that cast to {name}, and drivers that send it by name,"
            " fail from here on.",
            self.safe,
        )

    def _made_again(self, here: Here, name: str) -> bool:
        """Whether another type takes the name: then values decide, see enum-value-removed."""
        for _, kind, node in here.following(name):
            if kind == "RenameStmt" and node.get("newname") == name:
                return True
            if kind in _MADE_TYPES and type_name(node) == name:
                return True
        return False


class RenameFunction(Rule):
    """A function in use gets another name or schema."""

    severity = "warning"
    on = ("RenameStmt", "AlterObjectSchemaStmt")
    why = "Queries of the running release call the old name and fail. Triggers follow."
    safe = "Leave a function of the old name that calls the new one."
    bad = "ALTER FUNCTION today() RENAME TO this_day;"
    good = (
        "ALTER FUNCTION today() RENAME TO this_day;\n"
        "CREATE FUNCTION today() RETURNS date LANGUAGE sql STABLE AS 'SELECT this_day()';"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        kind = here.node.get("renameType") or here.node.get("objectType")
        if kind not in _FUNCTIONS or _undoes_rename(here):
            return
        path = path_of(here.node["object"])
        facts = here.state.function(path)
        if facts is None and here.state.complete:
            return
        if facts and (facts.born == here.state.unit or facts.returns.endswith("trigger")):
            return
        for _, later, node in here.following(path[-1]):
            if later == "CreateFunctionStmt" and names_of(node["funcname"])[-1] == path[-1]:
                return
        name = ".".join(path)
        new = here.node.get("newname") or f"{here.node.get('newschema')}.{path[-1]}"
        yield self.found(
            here,
            f"Queries of the running release that call {name} fail from here on.",
            f"CREATE FUNCTION {name}(…) … AS 'SELECT {new}(…)';  -- until nothing calls it",
        )


class RenameSequence(Rule):
    """A sequence in use gets another name or schema."""

    severity = "warning"
    on = ("RenameStmt", "AlterObjectSchemaStmt")
    why = "Defaults of columns follow; code that calls nextval() with the old name fails."
    safe = "Leave the name, or move code over to a new sequence first."
    bad = "SET lock_timeout = '2s';\nALTER SEQUENCE numbers RENAME TO digits;"
    good = "SET lock_timeout = '2s';\nALTER SEQUENCE orders_id_seq RENAME TO purchases_id_seq;"

    def check(self, here: Here) -> Iterator[Finding]:
        kind = here.node.get("renameType") or here.node.get("objectType")
        if "relation" not in here.node or _undoes_rename(here):
            return
        key = here.table()
        relation = here.state.relation(key)
        if relation is None or relation.kind != "sequence" or here.is_new(key):
            return
        if kind in ("OBJECT_SEQUENCE", "OBJECT_TABLE") and not relation.owned_by:
            yield self.found(
                here,
                f"Code that still calls nextval('{short(key)}') fails from here on.",
                f"Leave {short(key)} its name, or move code over to a new sequence first.",
                key,
            )


_MADE_TYPES = ("CreateEnumStmt", "CreateDomainStmt", "CompositeTypeStmt", "CreateRangeStmt")
_FUNCTIONS = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE")


def _undoes_rename(here: Here) -> bool:
    """Whether a downgrade only gives back the name that the upgrade took."""
    node = here.node
    return any(
        kind == here.kind and _name_in(other) == _new_name_in(node) != ""
        for kind, other in here.upgrade
    )


def _name_in(node: Node) -> str:
    """The name that a statement changes; that of the schema where it changes this."""
    if "newschema" in node:
        return _last(node)
    return str(node.get("subname") or _last(node))


def _new_name_in(node: Node) -> str:
    return _last(node) if "newschema" in node else str(node.get("newname", ""))


def _last(node: Node) -> str:
    if "relation" in node:
        return str(node["relation"]["relname"])
    return path_of(node["object"])[-1] if "object" in node else ""
