"""A statement of a dump: its text, cut by byte offsets, and the names in its parse tree."""

from __future__ import annotations

from typing import Any

from pglast import parser

from zero_downtime.postgres.names import qualified

Node = dict[str, Any]


class Text:
    """A statement's text, sliced by the byte offsets of the whole dump."""

    def __init__(self, data: bytes, start: int, sql: str) -> None:
        self._data = data
        self.start = start
        self.sql = sql
        self.end = start + len(sql.encode())

    def between(self, start: int, end: int) -> str:
        """The text between two byte offsets."""
        return self._data[start:end].decode().strip()

    def type_at(self, start: int) -> str:
        """The type whose name begins at this byte."""
        rest = self._data[start : self.end].decode()
        depth = 0
        for token in parser.scan(rest):
            if depth == 0 and token.name in ("ASCII_41", "ASCII_44", "DEFAULT", "ASCII_61"):
                return rest[: token.start].rstrip()
            depth += {"ASCII_40": 1, "ASCII_41": -1}.get(token.name, 0)
        return rest.rstrip()


def relation_of(node: Node) -> str:
    """The qualified name of a RangeVar."""
    return qualified(node.get("schemaname", ""), node["relname"])


def dotted(names: list[Node]) -> str:
    """The qualified name in a list of strings."""
    return qualified(*(name["String"]["sval"] for name in names))


def after_is(sql: str) -> str:
    """The constant of COMMENT ON … IS 'constant'."""
    for token in parser.scan(sql):
        if token.name == "IS":
            return sql[token.end + 1 :].strip()
    return sql
