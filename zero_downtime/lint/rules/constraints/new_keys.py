"""The foreign keys that a file or revision has made."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from zero_downtime.lint.rule import Seen, There
from zero_downtime.sql.facts import Constraint, Relation
from zero_downtime.sql.tree import Node, fields_of, names_of


class NewKey(Struct, frozen=True):
    """A foreign key with the statement that made it."""

    seen: Seen
    table: Relation
    constraint: Constraint
    is_table_new: bool
    set_columns: tuple[str, ...]  # ON DELETE SET NULL (…)


def new_keys(there: There) -> list[NewKey]:
    """The foreign keys made by an upgrade, as they are at its end."""
    if "new keys" not in there.found_out:
        there.found_out["new keys"] = list(_new_keys(there))
    return there.found_out["new keys"]  # type: ignore[no-any-return]


def _new_keys(there: There) -> Iterator[NewKey]:
    if there.direction == "downgrade":
        return
    for seen in there.of("CreateStmt", "AlterTableStmt"):
        if "references" not in seen.statement.sql.lower():
            continue
        node = seen.node
        written = list(_written(node))
        table = there.state.relation(there.state.key_of_range(node["relation"]))
        if not written or table is None or table.temporary:
            continue
        for columns, key in written:
            for constraint in table.foreign_keys():
                if constraint.columns == columns and constraint.born == there.state.unit:
                    set_columns = names_of(key.get("fk_del_set_cols"))
                    is_new = table.born == there.state.unit
                    yield NewKey(seen, table, constraint, is_new, set_columns)
                    break


def _written(node: Node) -> Iterator[tuple[tuple[str, ...], Node]]:
    """The columns and the Constraint node of each foreign key in a statement."""
    elements = [*node.get("tableElts", ())]
    for command in map(fields_of, node.get("cmds", ())):
        if command["subtype"] in ("AT_AddColumn", "AT_AddConstraint"):
            elements.append(command["def"])
    for element in elements:
        fields = fields_of(element)
        if fields.get("contype") == "CONSTR_FOREIGN":
            yield names_of(fields.get("fk_attrs")), fields
        for item in fields.get("constraints", ()):
            constraint = fields_of(item)
            if constraint["contype"] == "CONSTR_FOREIGN":
                yield (fields["colname"],), constraint
