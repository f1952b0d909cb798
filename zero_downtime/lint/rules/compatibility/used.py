"""What the running release may use, and what a unit only replaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zero_downtime.lint.rule import Here, Seen, There
from zero_downtime.sql.tree import Node, fields_of, names_of, path_of


def then_drop(seen: Seen | Here, rule: str) -> str:
    """How to drop what no release uses any more, in the words of the migration at hand."""
    if seen.statement.revision:
        return 'then drop it in a revision with phase = "contract".'
    return f"then drop it in a later migration:\n-- zd: ignore[{rule}] no release since … uses it"


def dropped(there: There, *kinds: str) -> Iterator[tuple[Seen, Node, Node]]:
    """Each object that a DROP of these kinds names: statement, its tree, the object."""
    for seen, node in there.trees("DropStmt"):
        if node["removeType"] in kinds:
            for item in node.get("objects", ()):
                yield seen, node, item


def was_in_use(there: There, key: str) -> bool:
    """Whether there was such a relation before the unit, as far as we can know."""
    relation = there.before.relation(key)
    if relation is None:
        return not there.before.complete and key.rpartition(".")[2] not in there.made
    return relation.born != there.before.unit and not relation.temporary


def type_name(node: Node) -> str:
    """The last part of the name of the type that a statement makes."""
    if "typevar" in node:
        return str(node["typevar"]["relname"])
    names = node.get("domainname") or node.get("typeName") or ()
    return path_of({"List": {"items": names}})[-1]


def alters(there: There, *subtypes: str) -> bool:
    """Whether the unit has such a part of ALTER TABLE."""
    return any(
        fields_of(item)["subtype"] in subtypes
        for _, node in there.trees("AlterTableStmt")
        for item in node.get("cmds", ())
    )


def undone_by(here: Here, table: str, column: str, *subtypes: str) -> bool:
    """Whether the upgrade, which a downgrade undoes, did one of these to the column."""
    for kind, node in here.upgrade:
        if kind != "AlterTableStmt" or here.state.key_of_range(node["relation"]) != table:
            continue
        if _has(node.get("cmds", ()), column, subtypes):
            return True
    return False


def follows(here: Here, table: str, column: str, *subtypes: str) -> bool:
    """Whether the same statement or a later one does one of these to the column."""
    if _has(here.node.get("cmds", ()), column, subtypes):
        return True
    return any(
        kind == "AlterTableStmt"
        and here.state.key_of_range(node["relation"]) == table
        and _has(node.get("cmds", ()), column, subtypes)
        for _, kind, node in here.following(table.rpartition(".")[2], column, limit=100)
    )


def _has(commands: Iterable[Node], column: str, subtypes: tuple[str, ...]) -> bool:
    for item in commands:
        command = fields_of(item)
        subtype, definition = command["subtype"], fields_of(command.get("def"))
        named = command.get("name") or definition.get("colname")
        if subtype == "AT_AddConstraint" and definition.get("contype") == "CONSTR_NOTNULL":
            subtype, named = "AT_SetNotNull", names_of(definition.get("keys"))[0]
        if subtype not in subtypes or named != column:
            continue
        if subtype != "AT_ColumnDefault" or "def" in command:
            return True
    return False
