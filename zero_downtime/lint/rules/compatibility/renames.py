"""Names that the running release still asks for."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short


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
        for kind, node in here.later:
            if kind == "ViewStmt" and here.state.key_of_range(node["view"]) == key:
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


def _undoes_rename(here: Here) -> bool:
    """Whether a downgrade only gives back the name that the upgrade took."""
    node = here.node
    for kind, other in here.upgrade:
        if kind != here.kind or "relation" not in other:
            continue
        if kind == "AlterObjectSchemaStmt":
            if other["relation"]["relname"] == node["relation"]["relname"]:
                return True
            continue
        old = other.get("subname") or other["relation"]["relname"]
        named = node.get("subname") or node["relation"]["relname"]
        if (old, other["newname"]) == (node["newname"], named):
            return True
    return False
