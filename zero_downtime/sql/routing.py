"""To which partitions a row goes, and which ones a condition rules out, by literals in the text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zero_downtime.sql.facts import Relation
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, constant, fields_of, kind_of, text_of

Row = Mapping[str, str | int | bool | None]  # columns with a value that the text tells
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_TEXTS = frozenset({"text", "varchar", "bpchar", "date", "timestamp", "timestamptz", "uuid"})


def route(state: Known, key: str, row: Row) -> list[str]:
    """The partitions that a row passes on its way down, as far as it can be told."""
    found: list[str] = []
    while state.assume(key).kind == "partitioned table":
        children = state.children(key)
        verdicts = {child: _holds(state, key, child, row) for child in children}
        chosen = [child for child, verdict in verdicts.items() if verdict]
        if not chosen and None not in verdicts.values():
            default = state.default_partition(key)
            chosen = [default] if default else []
        if len(chosen) != 1:
            break
        key = chosen[0]
        found.append(key)
    return found


def remaining(state: Known, key: str, row: Row) -> list[str]:
    """A table with the partitions that rows with these values can be in."""
    found = [key]
    children = state.children(key)
    if state.assume(key).kind != "partitioned table" or not row:
        return state.tree(key)
    verdicts = {child: _holds(state, key, child, row) for child in children}
    sure = any(verdicts.values())
    for child, verdict in verdicts.items():
        if sure and not verdict:
            continue
        if verdict is not False or state.relations[child].is_default:
            found += remaining(state, child, row)
    return found


def values_in(condition: Node | None) -> dict[str, str | int | bool | None]:
    """The columns that a condition sets equal to a literal."""
    found: dict[str, str | int | bool | None] = {}
    waiting = [condition] if condition else []
    while waiting:
        kind, fields = kind_of(waiting.pop())
        if kind == "BoolExpr" and fields.get("boolop") == "AND_EXPR":
            waiting += fields.get("args", ())
        elif kind == "A_Expr" and fields.get("kind") == "AEXPR_OP":
            if text_of(fields["name"][-1]) != "=":
                continue
            for one, other in (("lexpr", "rexpr"), ("rexpr", "lexpr")):
                column, value = fields.get(one, {}), constant(fields.get(other))
                if "ColumnRef" in column and value is not None:
                    found[text_of(column["ColumnRef"]["fields"][-1])] = value
    return found


def _holds(state: Known, parent: str, child: str, row: Row) -> bool | None:
    """Whether a row belongs to a partition: yes, no, or not to be told. No for the default."""
    relation, below = state.assume(parent), state.assume(child)
    if below.is_default:
        return False
    bound = below.bound or {}
    if not relation.key_columns or any(c is None or c not in row for c in relation.key_columns):
        return None
    values = [_comparable(relation, str(c), row[str(c)]) for c in relation.key_columns]
    if None in values:
        return None
    columns = [str(c) for c in relation.key_columns]
    if bound.get("strategy") == "l":
        listed = [constant(item) for item in bound.get("listdatums", ())]
        return values[0] in [_comparable(relation, columns[0], item) for item in listed]
    if bound.get("strategy") == "r":
        lower = _ends(relation, columns, bound.get("lowerdatums", ()))
        upper = _ends(relation, columns, bound.get("upperdatums", ()))
        if lower is None or upper is None:
            return None
        row_ends = [(0, value) for value in values]
        return bool(lower <= row_ends < upper)
    return None


def _ends(relation: Relation, columns: list[str], items: Iterable[Node]) -> Any:
    """A range's end as something to compare: MINVALUE before and MAXVALUE after all values."""
    found: list[tuple[int, Any]] = []
    for column, item in zip(columns, items, strict=False):
        if "ColumnRef" in item:
            word = text_of(fields_of(item)["fields"][-1]).lower()
            found.append((-1 if word == "minvalue" else 1, 0))
            break
        value = _comparable(relation, column, constant(item))
        if value is None:
            return None
        found.append((0, value))
    return found


def _comparable(relation: Relation, column: str, value: str | int | bool | None) -> Any:
    facts = relation.columns.get(column)
    if facts is None or value is None:
        return None
    if facts.type.name in _NUMBERS:
        try:
            return float(value)
        except ValueError:
            return None
    if facts.type.name in _TEXTS or "." in facts.type.name:
        return str(value)
    return str(value).lower() if facts.type.name == "bool" else None
