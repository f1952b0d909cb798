"""What another type of a column rewrites, rebuilds and locks."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.alter_partitions import rebuild_indexes
from zero_downtime.sql.facts import Column, Constraint, Index, is_never_kept
from zero_downtime.sql.foreign_keys import key_ends, referenced_columns
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.sequences import column_sequences
from zero_downtime.sql.target import Target
from zero_downtime.sql.tree import Node, columns_in, fields_of, names_of
from zero_downtime.sql.types import CITEXT, Change, change_of

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE


def alter_type(p: Prediction, t: Target) -> None:
    name = t.command["name"]
    tables = t.tables(p)
    change = type_change(p, t.key, t.command)
    relation = p.relation(t.key)
    if name not in t.undefaulted:
        p.lock(column_sequences(p, t.key, name), LockMode.ACCESS_SHARE)
    if change != "none":
        p.rewrite(tables)
        rebuild_indexes(p, tables)
    elif relation.kind == "partitioned table" or _sorts_otherwise(p, t, relation.columns.get(name)):
        # Even when no row changes: indexes of partitions are not kept as those of tables are.
        p.build(each for each in tables if _indexed(p, each, name))
    else:
        p.build(each for each in tables if _indexed(p, each, name, is_never_kept))
    for each in tables:
        table = p.relation(each)
        checks = (c for c in table.constraints.values() if c.kind == "check" and c.valid)
        if any(name in c.columns for c in checks):
            p.scan(each)
        _lock_partners_of_column(p, t, each, name, rechecked=change != "none")
    if relation.columns.get(name) and relation.columns[name].identity:
        for sequence in p.state.owned_sequences(t.key, name):
            p.lock(sequence, SRE)
            p.rewrite(sequence, reads=False)


def type_change(p: Prediction, key: str, command: Node) -> Change:
    """What ALTER COLUMN … TYPE does to the rows: nothing, a rewrite, or by the time zone."""
    definition = fields_of(command["def"])
    column = p.relation(key).columns.get(command["name"])
    new = p.state.type_of(definition["typeName"])
    if not using_is_plain(definition.get("raw_default"), command["name"]):
        return "rewrite"
    if column is None:
        return "rewrite"
    if column.generated == "virtual":
        return "none"
    if (new.array or column.type.array) and new.name != column.type.name:
        return "rewrite"  # elements are converted one by one, even to a domain over their type
    if new != column.type and p.state.is_constrained_domain(new):
        return "rewrite"
    old = p.state.base_type(column.type)
    if column.type not in (old, new):
        old = replace(old, modifiers=())  # the length of a domain's base type is not looked at
    change = change_of(old, p.state.base_type(new))
    if change == "session":
        return "none" if (p.state.time_zone or "").upper() in _UTC else "rewrite"
    return change


_UTC = frozenset({"UTC", "GMT", "ETC/UTC", "ETC/GMT", "UCT", "ZULU", "UNIVERSAL", "GREENWICH"})


def using_is_plain(expression: Node | None, column: str) -> bool:
    """Whether USING only names the column, perhaps with a cast, which is what its absence means."""
    if not expression:
        return True
    while "TypeCast" in expression:
        expression = expression["TypeCast"]["arg"]
    return columns_in(expression) == {column} and "ColumnRef" in expression


def _sorts_otherwise(p: Prediction, t: Target, column: Column | None) -> bool:
    """Whether indexes on a column whose values stay don't: what COLLATE does not repeat is lost."""
    if column is None:
        return "collClause" in t.definition
    old, new = p.state.base_type(column.type), p.state.type_of(t.definition["typeName"])
    if (old.name in CITEXT) != (p.state.base_type(new).name in CITEXT):
        return True
    return _usual(column.collation) != _usual(collation_of(t.definition))


def collation_of(definition: Node) -> str | None:
    """The collation that a ColumnDef names."""
    named = names_of(definition.get("collClause", {}).get("collname"))
    return named[-1] if named else None


def _usual(collation: str | None) -> str | None:
    return None if collation == "default" else collation


def _indexed(
    p: Prediction, key: str, column: str, which: Callable[[Index], bool] = lambda index: True
) -> bool:
    indexes = p.state.indexes_of(key)
    return any(column in index.used_columns and which(index) for index in indexes)


def partners(
    p: Prediction, key: str, own: Callable[[Constraint], bool], other: Callable[[Constraint], bool]
) -> tuple[list[Constraint], list[str]]:
    """A table's own foreign keys of some kind, and the tables with such keys that point to it."""
    keys = [c for c in p.relation(key).foreign_keys() if c.references and own(c)]
    pointing = []
    for child in p.state.referencing(key):
        constraints = p.relation(child).foreign_keys()
        if any(c.references == key and other(c) for c in constraints):
            pointing.append(child)
    return keys, pointing


def _lock_partners_of_column(
    p: Prediction, t: Target, key: str, column: str, rechecked: bool
) -> None:
    """The foreign keys of a column are dropped and made anew with its type."""
    keys, pointing = partners(
        p,
        key,
        lambda c: column in c.columns,
        lambda c: column in referenced_columns(p, c),
    )
    for constraint in keys:
        references = str(constraint.references)
        p.lock(p.state.tree(references), SRE)
        if constraint.enforced:
            p.lock(key_ends(p, references), AE)
            if rechecked and constraint.valid:
                p.scan([key, *p.state.tree(references)])
    for child in pointing:
        p.lock(p.state.tree(child), AE)
        if rechecked:
            p.scan([key, *p.state.tree(child)])
