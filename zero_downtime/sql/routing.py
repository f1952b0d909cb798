"""To which partitions a row goes, and which ones a condition rules out, by literals in the text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from zero_downtime.sql.facts import Relation
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, constant, fields_of, kind_of, text_of

Value = str | int | bool | None


class Span(Struct, frozen=True):
    """Where a column's value lies: between two, either of which may be missing."""

    low: Value = None
    high: Value = None
    with_low: bool = False
    with_high: bool = False


# Columns with what the text tells: a value, one of several values, or a span.
Row = Mapping[str, Value | Span | tuple[Value, ...]]
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
    for column, several in row.items():
        if isinstance(several, tuple) and column in state.assume(key).key_columns:
            each = [remaining(state, key, {**row, column: value}) for value in several]
            return list(dict.fromkeys(chain.from_iterable(each)))
    verdicts = {child: _holds(state, key, child, row) for child in children}
    sure = any(verdicts.values())
    for child, verdict in verdicts.items():
        if sure and not verdict:
            continue
        if verdict is not False or state.relations[child].is_default:
            found += remaining(state, child, row)
    return found


def values_in(condition: Node | None) -> dict[str, Value | Span | tuple[Value, ...]]:
    """The columns that a condition compares with literals, all of which must hold."""
    found: dict[str, Value | Span | tuple[Value, ...]] = {}
    waiting = [condition] if condition else []
    while waiting:
        kind, fields = kind_of(waiting.pop())
        if kind == "BoolExpr" and fields.get("boolop") == "AND_EXPR":
            waiting += fields.get("args", ())
        elif kind == "A_Expr":
            _compare(fields, found)
    return found


def _compare(fields: Node, found: dict[str, Value | Span | tuple[Value, ...]]) -> None:
    kind, operator = fields.get("kind"), text_of(fields["name"][-1])
    left, right = fields.get("lexpr", {}), fields.get("rexpr", {})
    if "ColumnRef" not in left:
        left, right, operator = right, left, _TURNED.get(operator, operator)
    if "ColumnRef" not in left:
        return
    column = text_of(left["ColumnRef"]["fields"][-1])
    now = found.get(column, Span())
    if kind == "AEXPR_IN" and operator == "=":
        values = tuple(map(constant, right.get("List", {}).get("items", ())))
        if None not in values and len(values) <= _LOOKED_AT:
            found[column] = values
    elif kind == "AEXPR_OP" and (value := constant(right)) is not None:
        if operator == "=":
            found[column] = value
        elif operator in (">", ">=") and isinstance(now, Span):
            found[column] = replace(now, low=value, with_low=operator == ">=")
        elif operator in ("<", "<=") and isinstance(now, Span):
            found[column] = replace(now, high=value, with_high=operator == "<=")
    elif kind == "AEXPR_BETWEEN" and isinstance(now, Span):
        low, high = map(constant, right["List"]["items"])
        if low is not None and high is not None:
            found[column] = Span(low, high, True, True)


_LOOKED_AT = 50
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _holds(state: Known, parent: str, child: str, row: Row) -> bool | None:
    """Whether a row belongs to a partition: yes, no, or not to be told. No for the default."""
    relation, below = state.assume(parent), state.assume(child)
    if below.is_default:
        return False
    bound = below.bound or {}
    if not relation.key_columns or any(c is None or c not in row for c in relation.key_columns):
        return None
    columns = [str(c) for c in relation.key_columns]
    if any(isinstance(row[c], Span | tuple) for c in columns):
        only = row[columns[0]] if len(columns) == 1 else None
        return _holds_span(relation, columns[0], bound, only) if isinstance(only, Span) else None
    values = [_comparable(relation, c, row[c]) for c in columns]  # type: ignore[arg-type]
    if None in values:
        return None
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


def _holds_span(relation: Relation, column: str, bound: Node, span: Span) -> bool | None:
    low, high = (_comparable(relation, column, end) for end in (span.low, span.high))
    if (span.low is not None and low is None) or (span.high is not None and high is None):
        return None
    if bound.get("strategy") == "l":
        listed = [_comparable(relation, column, constant(i)) for i in bound.get("listdatums", ())]
        outside = [
            (low is not None and (value < low or (value == low and not span.with_low)))
            or (high is not None and (value > high or (value == high and not span.with_high)))
            for value in listed
            if value is not None
        ]
        return False if len(outside) == len(listed) and all(outside) else None
    lower = _ends(relation, [column], bound.get("lowerdatums", ()))
    upper = _ends(relation, [column], bound.get("upperdatums", ()))
    if bound.get("strategy") != "r" or not lower or not upper:
        return None
    first = (0, low) if low is not None else (-1, 0)
    last = (0, high) if high is not None else (1, 0)
    if last < lower[0] or (last == lower[0] and not span.with_high) or first >= upper[0]:
        return False
    inside = last < upper[0] or (last == upper[0] and not span.with_high)
    return True if first >= lower[0] and inside else None


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
