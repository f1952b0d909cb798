"""The text that an expression of constants gives: what EXECUTE is handed in PL/pgSQL."""

from __future__ import annotations

import re
from collections.abc import Mapping

from zero_downtime.sql.tree import (
    Node,
    NotParsed,
    constant,
    fields_of,
    kind_of,
    names_of,
    parse,
    text_of,
)

Values = Mapping[str, str]


def quoted(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def values_of_query(query: str, values: Values) -> list[str] | None:
    """The rows of ``SELECT unnest(ARRAY[…])`` and ``VALUES (…), …``, when all are constants."""
    try:
        kind, node = parse(query)
    except NotParsed:
        return None
    if kind != "SelectStmt":
        return None
    items: list[Node] = []
    if "valuesLists" in node:
        items = [fields_of(row)["items"][0] for row in node["valuesLists"]]
    elif len(node.get("targetList", ())) == 1:
        call = fields_of(node["targetList"][0]).get("val", {}).get("FuncCall", {})
        if call and names_of(call["funcname"])[-1] == "unnest" and call.get("args"):
            array = call["args"][0]
            while "TypeCast" in array:
                array = array["TypeCast"]["arg"]
            if "A_ArrayExpr" in array:
                items = array["A_ArrayExpr"].get("elements", [])
            elif isinstance(constant(array), str):
                text = str(constant(array))
                return text[1:-1].split(",") if re.fullmatch(r"\{[\w,]+\}", text) else None
    found = [_value(item, values) for item in items]
    return [value for value in found if value is not None] if None not in found else None


def evaluated(query: str, values: Values) -> str | None:
    """The text that an expression of constants gives, else None."""
    try:
        _, node = parse(f"SELECT {query}")
    except NotParsed:
        return None
    targets = node.get("targetList", ())
    return _value(fields_of(targets[0]).get("val"), values) if len(targets) == 1 else None


def _value(node: Node | None, values: Values) -> str | None:
    if not node:
        return None
    kind, fields = kind_of(node)
    if kind == "A_Const":
        value = constant(node)
        return None if value is None else str(value)
    if kind == "TypeCast":
        return _value(fields.get("arg"), values)
    if kind == "ColumnRef" and len(fields["fields"]) == 1:
        return values.get(text_of(fields["fields"][0]))
    if kind == "A_Expr" and text_of(fields["name"][0]) == "||":
        left, right = _value(fields.get("lexpr"), values), _value(fields.get("rexpr"), values)
        return None if left is None or right is None else left + right
    if kind == "FuncCall":
        arguments = [_value(item, values) for item in fields.get("args", ())]
        if None not in arguments:
            return _called(names_of(fields["funcname"])[-1], [str(a) for a in arguments])
    return None


def _called(name: str, arguments: list[str]) -> str | None:
    if not arguments:
        return None
    text = arguments[0]
    if name == "format":
        return _formatted(text, arguments[1:])
    if name == "concat":
        return "".join(arguments)
    if name == "quote_ident":
        return _identifier(text)
    if name == "quote_literal":
        return _literal(text)
    if name in ("btrim", "trim"):
        return text.strip()
    return {"lower": text.lower(), "upper": text.upper()}.get(name)


def _formatted(form: str, arguments: list[str]) -> str | None:
    """What ``format()`` gives for %s, %I, %L and %%, with positions; None for anything else."""
    used = 0
    parts: list[str] = []
    end = 0
    for match in re.finditer(r"%(?:(\d+)\$)?(.)", form):
        parts.append(form[end : match.start()])
        end = match.end()
        if match[2] == "%":
            parts.append("%")
            continue
        used = int(match[1]) if match[1] else used + 1
        if match[2] not in "sIL" or not 1 <= used <= len(arguments):
            return None
        value = arguments[used - 1]
        parts.append({"s": value, "I": _identifier(value), "L": _literal(value)}[match[2]])
    return "".join([*parts, form[end:]])


def _identifier(text: str) -> str:
    return text if re.fullmatch(r"[a-z_][a-z0-9_$]*", text) else quoted(text)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
