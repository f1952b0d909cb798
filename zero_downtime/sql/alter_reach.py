"""The lock of each ALTER TABLE subcommand on the table itself and on those below it."""

from __future__ import annotations

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_constraints import constraint_columns
from zero_downtime.sql.facts import Relation, is_proven_not_null
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.subcommands import HEAVIEST, SUBCOMMANDS, is_light_parameter
from zero_downtime.sql.tree import Node, fields_of

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE


def mode_of(p: Prediction, command: Node) -> LockMode:
    """The lock that one subcommand needs on the table itself."""
    subtype = command["subtype"]
    if subtype == "AT_AddConstraint":
        return SRE if fields_of(command["def"])["contype"] == "CONSTR_FOREIGN" else AE
    if subtype in ("AT_SetRelOptions", "AT_ResetRelOptions"):
        names = [fields_of(item)["defname"] for item in command["def"]["List"]["items"]]
        return SUE if all(map(is_light_parameter, names)) else AE
    if subtype == "AT_DetachPartition" and fields_of(command["def"]).get("concurrent"):
        return SUE
    return SUBCOMMANDS.get(subtype, HEAVIEST).mode


SEEN_BELOW = ("AT_DropColumn", "AT_DropConstraint")


def mode_below(p: Prediction, key: str, command: Node, mode: LockMode) -> LockMode | None:
    """The lock on partitions and children: mostly that of the table, and none for what stays."""
    relation = p.relation(key)
    if _is_done_above(relation, command, p.major):
        return None
    if command["subtype"] == "AT_DropConstraint":
        return mode if _falls_below(relation, command) else None
    if command["subtype"] == "AT_AlterConstraint":
        return None  # see its effect
    if "Trig" in command["subtype"]:
        return mode if _has_row_trigger(p.relation(key), command) else None
    if command["subtype"] != "AT_AddConstraint":
        return mode
    return mode if p.major >= 18 else _constraint_below(p, key, fields_of(command["def"]), mode)


def below_of(p: Prediction, key: str, command: Node) -> list[str]:
    """The tables below that a subcommand comes to."""
    if command["subtype"] != "AT_AddColumn":
        return p.state.descendants(key)
    name = fields_of(command["def"]).get("colname", "")
    below: dict[str, None] = {}
    for child in p.state.children(key):
        below[child] = None
        if name not in p.relation(child).columns:  # else the columns are merged, and that is all
            below.update(dict.fromkeys(below_of(p, child, command)))
    return list(below)


def _falls_below(relation: Relation, command: Node) -> bool:
    """Whether a constraint that is dropped has copies in the tables below."""
    constraint = relation.constraints.get(command["name"])
    if constraint is None:
        return not relation.known and "missing_ok" not in command
    if constraint.kind in ("check", "not null"):
        return not constraint.no_inherit
    return relation.kind == "partitioned table"


def _constraint_below(p: Prediction, key: str, constraint: Node, mode: LockMode) -> LockMode | None:
    """ADD CONSTRAINT up to 17, which locks below only where it does something."""
    if constraint["contype"] in ("CONSTR_CHECK", "CONSTR_NOTNULL"):
        return None if constraint.get("is_no_inherit") else mode
    if constraint["contype"] == "CONSTR_PRIMARY" and (
        p.relation(key).kind != "partitioned table" or adds_not_null(p, key, constraint)
    ):
        return mode
    if p.relation(key).kind != "partitioned table":
        return None
    # The index of a constraint goes to partitions as CREATE INDEX does.
    return mode if constraint["contype"] == "CONSTR_FOREIGN" else LockMode.SHARE


def _is_done_above(relation: Relation, command: Node, major: int) -> bool:
    """What the parent has already is not looked for below it."""
    name = command.get("name", "")
    column, constraint = relation.columns.get(name), relation.constraints.get(name)
    if command["subtype"] == "AT_SetNotNull":
        looks = major < 18 and relation.kind != "partitioned table"
        return not looks and bool(column and column.not_null) and is_proven_not_null(relation, name)
    if command["subtype"] == "AT_DropNotNull":
        return major >= 18 and column is not None and not column.not_null
    if command["subtype"] == "AT_ValidateConstraint":
        return constraint is not None and constraint.valid
    return False


def _has_row_trigger(relation: Relation, command: Node) -> bool:
    """Partitions have copies of the row triggers of their parent, and of its foreign keys'."""
    if relation.kind != "partitioned table":
        return False
    if "name" in command:
        trigger = relation.triggers.get(command["name"])
        return trigger is None or trigger.row
    own = any(trigger.row for trigger in relation.triggers.values())
    return own or (command["subtype"].endswith("All") and bool(relation.foreign_keys()))


def adds_not_null(p: Prediction, key: str, constraint: Node) -> bool:
    return constraint["contype"] == "CONSTR_PRIMARY" and not all(
        is_proven_not_null(p.relation(key), column) for column in constraint_columns(constraint)
    )
