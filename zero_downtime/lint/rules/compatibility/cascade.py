"""What CASCADE takes away beside what is named."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.dependents import dependents_on
from zero_downtime.sql.tree import path_of

_TABLES = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE")
_FUNCTIONS = ("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE")


class DropCascade(Rule):
    """CASCADE drops more than the statement names."""

    on = ("DropStmt", "AT_DropColumn", "AT_DropConstraint")
    words = ("cascade",)
    why = (
        "CASCADE drops views, foreign keys, columns of a type, triggers of a function, and what"
        " depends on those in turn, without asking. Nobody who reads the migration sees it."
    )
    safe = "Drop each of them by name, once nothing uses it; leave CASCADE out."
    bad = "SET lock_timeout = '2s';\nDROP VIEW busy_orders CASCADE;"
    good = "CREATE VIEW rushed AS SELECT id FROM busy_orders;\nDROP VIEW rushed CASCADE;"
    also = ("drop-view",)

    def check(self, here: Here) -> Iterator[Finding]:
        taken: list[str] = []
        if here.kind == "AlterTableStmt":
            for command in here.commands("AT_DropColumn", "AT_DropConstraint"):
                if command.get("behavior") == "DROP_CASCADE":
                    taken += _with_part(here, command["subtype"], command["name"])
        elif here.node.get("behavior") == "DROP_CASCADE":
            taken = list(_with_object(here))
        unknown = _unknown_type(here)
        if unknown and not taken:
            yield self.found(
                here,
                f"CASCADE also drops every column of the type {unknown}, with its values, and"
                " every function that takes it.",
                "Change or drop these columns by name; then leave CASCADE out.",
                severity="warning",
            )
        if taken:
            more = f" and {len(taken) - 4} more" if len(taken) > 4 else ""
            yield self.found(
                here,
                f"CASCADE also drops {', '.join(taken[:4])}{more}.",
                "Drop these by name, once nothing uses them; then leave CASCADE out.",
            )


def _unknown_type(here: Here) -> str | None:
    """The type that a CASCADE is about and whose columns were never shown."""
    if here.kind != "DropStmt" or here.node.get("behavior") != "DROP_CASCADE":
        return None
    if here.node["removeType"] not in ("OBJECT_TYPE", "OBJECT_DOMAIN") or here.state.complete:
        return None
    for item in here.node["objects"]:
        path = path_of(item)
        facts = here.state.types.get(here.state.type_key(path) or "")
        if facts is None and not here.node.get("missing_ok"):
            return ".".join(path)
    return None


def _with_part(here: Here, subtype: str, name: str) -> list[str]:
    key = here.table()
    if subtype == "AT_DropColumn":
        found = _views(here, dependents_on(here.state, key, name))
        columns = {name}
    else:
        constraint = here.relation(key).constraints.get(name)
        if constraint is None or constraint.kind not in ("primary key", "unique"):
            return []
        found, columns = [], set(constraint.columns)
    return found + [
        f"the foreign key {each.name} of {short(child)}"
        for child in here.state.referencing(key)
        for each in here.relation(child).foreign_keys()
        if each.references == key
        and not each.inherited
        and columns & set(each.referenced_columns or _primary_key(here, key))
    ]


def _primary_key(here: Here, key: str) -> tuple[str, ...]:
    for constraint in here.relation(key).constraints.values():
        if constraint.kind == "primary key":
            return constraint.columns
    return ()


def _with_object(here: Here) -> Iterator[str]:
    kind = here.node["removeType"]
    named = [path_of(item) for item in here.node["objects"]]
    if kind in _TABLES:
        keys = [here.state.key_of(path) for path in named]
        for key in keys:
            yield from _with_table(here, key, keys)
    elif kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
        for path in named:
            type_key = here.state.type_key(path)
            for relation, column in here.state.using_type(type_key) if type_key else ():
                if not here.is_new(relation.key):
                    yield f"the column {short(relation.key)}.{column.name}"
    elif kind in _FUNCTIONS:
        for path in named:
            function = here.state.function(path)
            for relation in here.state.relations.values() if function else ():
                for trigger in relation.triggers.values():
                    if function and trigger.function == function.name:
                        yield f"the trigger {trigger.name} of {short(relation.key)}"
    elif kind == "OBJECT_SEQUENCE":
        sequences = {here.state.key_of(path) for path in named}
        for key in here.locks:
            if here.relation(key).kind == "table" and key not in sequences:
                yield f"the default that uses it in {short(key)}"


def _with_table(here: Here, key: str, named: list[str]) -> Iterator[str]:
    if here.is_new(key):
        return
    yield from (view for view in _views(here, here.state.readers(key)) if view)
    for child in here.state.referencing(key):
        if child in named or here.is_new(child):
            continue
        for each in here.relation(child).foreign_keys():
            if each.references == key and not each.inherited:
                yield f"the foreign key {each.name} of {short(child)}"


def _views(here: Here, keys: list[str]) -> list[str]:
    gone = [path_of(item) for item in here.node.get("objects", ())]
    named = {here.state.key_of(path) for path in gone}
    return [
        f"the view {short(key)}"
        for key in dict.fromkeys(keys)
        if key not in named and "view" in here.relation(key).kind and not here.is_new(key)
    ]
