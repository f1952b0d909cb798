"""ALTER TABLE: the effects of its subcommands, taken together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_columns import COLUMN_EFFECTS, default_of, fills_itself
from zero_downtime.sql.alter_constraints import CONSTRAINT_EFFECTS
from zero_downtime.sql.alter_partitions import (
    attach,
    change_owner,
    detach,
    inherit,
    set_access_method,
    set_logged,
    set_tablespace,
)
from zero_downtime.sql.alter_reach import SEEN_BELOW, below_of, mode_below, mode_of
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.subcommands import HEAVIEST, SUBCOMMANDS
from zero_downtime.sql.target import Target
from zero_downtime.sql.tree import Node, fields_of

AE = LockMode.ACCESS_EXCLUSIVE

_IDENTITY = ("AT_AddIdentity", "AT_SetIdentity", "AT_DropIdentity")  # of partitions: from 17 on


def alter_table(p: Prediction, node: Node) -> None:
    """The effect of ALTER TABLE (VIEW, SEQUENCE, …), all its subcommands taken together."""
    if node.get("objtype") == "OBJECT_TYPE":
        _alter_composite(p, node)
        return
    key = p.state.key_of_range(node["relation"])
    commands = [fields_of(command) for command in node.get("cmds", ())]
    if node.get("objtype") == "OBJECT_INDEX" or key in p.state.indexes:
        _alter_index(p, key, commands)
        return
    if not p.state.exists(key):
        return
    mode = max((mode_of(p, command) for command in commands), default=AE)
    p.lock(key, mode)
    only = not node["relation"].get("inh")
    dropped = {c["name"] for c in commands if c["subtype"] == "AT_DropConstraint"}
    added = frozenset(_added_empty(commands)) if len(commands) > 1 else frozenset()
    undefaulted = frozenset(
        c["name"] for c in commands if c["subtype"] == "AT_ColumnDefault" and "def" not in c
    )
    for command in commands:
        form = SUBCOMMANDS.get(command["subtype"], HEAVIEST)
        if form.recurses or (
            command["subtype"] in _IDENTITY
            and p.major >= 17
            and p.relation(key).kind == "partitioned table"
        ):
            below = mode_below(p, key, command, mode)
            if below and not only:
                p.lock(below_of(p, key, command), below)
            elif below and command["subtype"] in SEEN_BELOW:
                p.lock(p.state.children(key), below)  # they lose what they inherited
        effect = _EFFECTS.get(command["subtype"])
        if effect:
            effect(p, Target(key, command, mode, only, frozenset(dropped), added, undefaulted))
    if node.get("objtype") == "OBJECT_FOREIGN_TABLE":
        p.nothing_runs()  # its rows are elsewhere


def _added_empty(commands: list[Node]) -> Iterator[str]:
    """The columns that ALTER TABLE adds without a value for the rows that are there."""
    for command in commands:
        if command["subtype"] == "AT_AddColumn":
            definition = fields_of(command["def"])
            if default_of(definition) is None and not fills_itself(definition):
                yield definition.get("colname", "")


def _alter_composite(p: Prediction, node: Node) -> None:
    """ALTER TYPE … ATTRIBUTE … CASCADE alters the tables made of the type."""
    commands = [fields_of(command) for command in node.get("cmds", ())]
    if any(command.get("behavior") != "DROP_CASCADE" for command in commands):
        return
    for table in p.state.typed_tables(
        p.state.type_key(p.state.path_of_range(node["relation"])) or ""
    ):
        schema, _, name = table.partition(".")
        there = {"schemaname": schema, "relname": name, "inh": True}
        alter_table(p, {**node, "relation": there, "objtype": "OBJECT_TABLE"})


_EFFECTS: Mapping[str, Callable[[Prediction, Target], None]] = {
    **COLUMN_EFFECTS,
    **CONSTRAINT_EFFECTS,
    "AT_SetAccessMethod": set_access_method,
    "AT_SetTableSpace": set_tablespace,
    "AT_SetLogged": set_logged,
    "AT_SetUnLogged": set_logged,
    "AT_ChangeOwner": change_owner,
    "AT_AttachPartition": attach,
    "AT_DetachPartition": detach,
    "AT_AddInherit": inherit,
    "AT_DropInherit": inherit,
}


def _alter_index(p: Prediction, key: str, commands: list[Node]) -> None:
    """Indexes are not listed; attaching one opens the two tables."""
    for command in commands:
        if command["subtype"] == "AT_AttachPartition":
            child = p.state.key_of_range(fields_of(command["def"])["name"])
            for name in (key, child):
                index = p.state.indexes.get(name)
                if index:
                    p.lock(index.table, LockMode.ACCESS_SHARE)
