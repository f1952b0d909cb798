"""The sequences that an expression moves, and those that a default names."""

from __future__ import annotations

from typing import Any

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import (
    Node,
    constant,
    names_of,
    sequence_in,
    tagged,
    walk,
)


def call_sequences(p: Prediction, expression: Any) -> None:
    """Lock the sequences that an expression moves or reads."""
    for _, fields in walk(expression):
        if "funcname" in fields:
            call_sequence(p, fields)


def call_sequence(p: Prediction, call: Node) -> None:
    """Lock the sequence that a call of nextval, setval or currval names."""
    if p.plans_only:
        return
    name = sequence_in({"FuncCall": call})
    if name is not None:
        p.lock(p.state.key_of(_path(name)), LockMode.ROW_EXCLUSIVE)
    elif names_of(call["funcname"])[-1] in ("nextval", "setval", "currval"):
        for inner in tagged(call.get("args"), "FuncCall"):
            given = [constant(argument) for argument in inner.get("args", ())]
            if names_of(inner["funcname"])[-1] == "pg_get_serial_sequence" and len(given) == 2:
                table = p.state.key_of(_path(str(given[0])))
                p.lock(p.state.owned_sequences(table, str(given[1])), LockMode.ROW_EXCLUSIVE)


def _path(name: str) -> tuple[str, ...]:
    """A qualified name in a text, its quotes taken away."""
    return tuple(name.replace('"', "").split("."))


def default_sequences(p: Prediction, expression: Node | None) -> list[str]:
    """The sequence of a default, which is locked with the text of the default from 18 on."""
    name = sequence_in(expression) if p.major >= 18 else None
    return [p.state.key_of(tuple(name.replace('"', "").split(".")))] if name else []


def named_sequences(p: Prediction, query: Node) -> list[str]:
    """The sequences that a stored query names as constants, locked as it is stored from 18 on."""
    return [
        key
        for _, fields in walk(query)
        if "funcname" in fields
        for key in default_sequences(p, {"FuncCall": fields})
    ]


def column_sequences(p: Prediction, key: str, name: str) -> list[str]:
    """The sequence in a column's default, when the default's text is made anew (from 18 on)."""
    column = p.relation(key).columns.get(name)
    if p.major < 18 or column is None or column.generated or column.identity:
        return []
    if not column.default or "FuncCall" not in column.default:
        return []
    return default_sequences(p, column.default) or p.state.owned_sequences(key, name)
