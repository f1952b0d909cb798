"""PostgreSQL's parse tree of one statement, as plain dictionaries, and how to read it.

A node is the dictionary of its fields; where PostgreSQL's C structs leave the kind of a node
open, the tree has a dictionary with one capitalised key, the kind: ``{"AlterTableCmd": {…}}``.
Fields with their default value (false, 0, NULL) are absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.json import Decoder

from zero_downtime.sql.libpg_query import parser

Node = dict[str, Any]
_decode = Decoder().decode


class NotParsed(Exception):
    """PostgreSQL's grammar refuses a statement; ``position`` counts characters from 0."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


class TooDeep(NotParsed):
    """A statement that may be right, but is nested more deeply than Python can follow."""


def parse_once(sql: str) -> tuple[str, Node]:
    """Kind and fields of a single statement. Raises NotParsed."""
    try:
        statements = _decode(parser().parse_sql_json(sql))["stmts"]
    except parser().ParseError as error:
        reason, position = (*error.args, 0)[:2]
        raise NotParsed(str(reason), int(position or 0)) from error
    except RecursionError as error:
        raise TooDeep("it is nested too deeply", 0) from error
    except UnicodeEncodeError as error:
        raise NotParsed("text that is not valid Unicode", error.start) from error
    if len(statements) != 1:
        raise NotParsed(f"{len(statements)} statements instead of one", 0)
    return kind_of(statements[0]["stmt"])


_MOST = 2048
_ENOUGH = 64
_remembered: dict[str, tuple[str, Node]] = {}


def parse(sql: str) -> tuple[str, Node]:
    """:func:`parse_once`, remembered: the result is not to be changed. Raises NotParsed."""
    found = _remembered.get(sql)
    if found is None:
        if len(_remembered) >= _MOST:
            _remembered.clear()
        found = _remembered[sql] = parse_once(sql)
    return found


def forget_parsed() -> None:
    """Most of what was parsed is not asked for again: trees that stay make the next ones slow.

    Not so the few statements that every file has.
    """
    if len(_remembered) > _ENOUGH:
        _remembered.clear()


def kind_of(node: Node) -> tuple[str, Node]:
    """A tagged node taken apart: its kind and its fields."""
    for item in node.items():
        return item
    raise ValueError("a node without a kind")


def fields_of(node: Node | None) -> Node:
    """The fields of a tagged node; empty for a node that is absent."""
    for fields in (node or {}).values():
        return fields  # type: ignore[no-any-return]
    return {}


def text_of(node: Node) -> str:
    """The text of a String node."""
    return str(node.get("String", {}).get("sval", ""))


def names_of(nodes: list[Node] | None) -> tuple[str, ...]:
    """The texts of a list of String nodes; a List node counts as its items."""
    if not nodes:
        return ()
    try:
        return tuple([node["String"]["sval"] for node in nodes])
    except KeyError:  # another kind of node, or an empty text, which the tree leaves out
        return tuple([text_of(node) for node in nodes])


def path_of(node: Node) -> tuple[str, ...]:
    """A qualified name that stands as a List of String nodes (or as a single one)."""
    kind, fields = kind_of(node)
    if kind == "List":
        return tuple(text_of(item) for item in fields.get("items", ()) if "String" in item)
    if kind == "TypeName":
        return names_of(fields.get("names"))
    if kind == "ObjectWithArgs":
        return names_of(fields.get("objname"))
    return (text_of(node),)


def constant(node: Node | None) -> str | int | bool | None:
    """The value of a literal, a cast literal or a bare word; None for anything else."""
    if not node:
        return None
    kind, fields = kind_of(node)
    if kind == "A_Const":
        if fields.get("isnull"):
            return None
        for tag, key in (
            ("sval", "sval"),
            ("ival", "ival"),
            ("boolval", "boolval"),
            ("fval", "fval"),
        ):
            if tag in fields:
                default: str | int | bool = {"ival": 0, "boolval": False}.get(tag, "")
                value = fields[tag].get(key, default)
                return value if isinstance(value, int) else str(value)
    if kind == "TypeCast":
        return constant(fields.get("arg"))
    if kind in ("String", "Integer", "Boolean", "Float"):
        value = next(iter(fields.values()), {"Integer": 0, "Boolean": False}.get(kind, ""))
        return value if isinstance(value, int) else str(value)
    if kind == "TypeName":  # SET x = word, WITH (opt = word)
        return ".".join(names_of(fields.get("names")))
    return None


def walk(node: Any) -> list[tuple[str, Node]]:
    """Every dictionary of fields below a node, with its kind or else the field that holds it."""
    found: list[tuple[str, Node]] = []
    if type(node) is dict:
        _walk(node, found)
    elif type(node) is list:
        for item in node:
            if type(item) is dict:
                _walk(item, found)
    return found


# Kinds (and fields) that hold a single value: most of a tree is made of them.
_LEAVES = frozenset(("String", "Integer", "Float", "Boolean", "sval", "ival", "fval", "boolval"))


def _walk(node: Node, found: list[tuple[str, Node]]) -> None:
    for key, value in node.items():
        if type(value) is dict:
            found.append((key, value))
            if key not in _LEAVES:
                _walk(value, found)
        elif type(value) is list:
            for item in value:
                if type(item) is dict:
                    _walk(item, found)


def tagged(node: Any, kind: str) -> Sequence[Node]:
    """The fields of every node of one kind below a node."""
    if not node:
        return ()
    return [fields for found, fields in walk(node) if found == kind]


def columns_in(expression: Node | None) -> frozenset[str]:
    """The last part of every column reference in an expression."""
    found = set()
    for fields in tagged(expression, "ColumnRef"):
        last = fields["fields"][-1]
        if "String" in last:
            found.add(text_of(last))
    return frozenset(found)


def functions_in(expression: Node | None) -> list[tuple[str, ...]]:
    """The qualified names of the functions that an expression calls by name."""
    return [names_of(fields["funcname"]) for fields in tagged(expression, "FuncCall")]


def options_of(nodes: list[Node] | None) -> dict[str, str | int | bool | None]:
    """A list of DefElem nodes as name → value; an option without a value is True."""
    found: dict[str, str | int | bool | None] = {}
    for node in nodes or ():
        fields = fields_of(node)
        found[fields["defname"]] = constant(fields["arg"]) if "arg" in fields else True
    return found


def sequence_in(expression: Node | None) -> str | None:
    """The text in ``nextval('text')``, when an expression is that."""
    if not expression or kind_of(expression)[0] != "FuncCall":
        return None
    call = fields_of(expression)
    if call["funcname"][-1].get("String", {}).get("sval") not in ("nextval", "setval", "currval"):
        return None
    named = constant((call.get("args") or [None])[0])
    return named if isinstance(named, str) else None
