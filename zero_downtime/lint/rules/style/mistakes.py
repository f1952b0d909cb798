"""Plain mistakes, on by default: PostgreSQL ignores or refuses what is written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, repeated
from zero_downtime.sql.tree import Node, fields_of, names_of, tagged

_NULL_COMPARED = re.compile(r"(?:=|<>|!=)\s*NULL\b", re.I)
_QUERIES = ("SelectStmt", "UpdateStmt", "DeleteStmt", "InsertStmt", "ViewStmt")


class ComparedWithNull(Rule):
    """A comparison with = NULL or <> NULL, which is never true."""

    severity = "warning"
    on = (*_QUERIES, "IndexStmt", "CreatePolicyStmt", "CreateStmt", "AT_AddConstraint")
    words = ("null",)
    why = (
        "Whatever is compared with NULL gives NULL: WHERE finds no row, and a CHECK lets every row"
        " pass."
    )
    safe = "IS NULL, IS NOT NULL."
    bad = "UPDATE orders SET note = 'none' WHERE code = NULL AND id = 7;"
    good = "UPDATE orders SET note = 'none' WHERE code IS NULL AND id = 7;"

    def check(self, here: Here) -> Iterator[Finding]:
        if not _NULL_COMPARED.search(here.statement.sql):
            return
        for fields in tagged(here.node, "A_Expr"):
            operator = names_of(fields.get("name"))
            if fields["kind"] != "AEXPR_OP" or operator not in (("=",), ("<>",)):
                continue
            sides = [fields.get(side, {}).get("A_Const", {}) for side in ("lexpr", "rexpr")]
            if any(side.get("isnull") for side in sides):
                right = "IS NULL" if operator == ("=",) else "IS NOT NULL"
                yield self.found(
                    here, f"A comparison {operator[0]} NULL is never true; meant is {right}.", right
                )
                return


class NamedTwice(Rule):
    """A column is defined, listed or assigned twice."""

    on = ("CreateStmt", "UpdateStmt", "InsertStmt")
    why = "PostgreSQL refuses it: the statement fails."
    safe = "Each column once."
    bad = "UPDATE orders SET note = 'a', code = 'b', note = 'c' WHERE id = 7;"
    good = "UPDATE orders SET note = 'c', code = 'b' WHERE id = 7;"

    def check(self, here: Here) -> Iterator[Finding]:
        for name, times in repeated(tuple(_columns(here))):
            yield self.found(
                here,
                f"This fails: the column {name} is named {times} times in one {_WORDS[here.kind]}.",
                self.safe,
            )


_WORDS = {"CreateStmt": "table", "UpdateStmt": "UPDATE", "InsertStmt": "INSERT"}


def _columns(here: Here) -> Iterator[str]:
    if here.kind == "CreateStmt":
        for element in here.node.get("tableElts", ()):
            if "ColumnDef" in element:
                yield element["ColumnDef"]["colname"]
        return
    for item in here.node.get("targetList" if here.kind == "UpdateStmt" else "cols", ()):
        target: Node = fields_of(item)
        if "indirection" not in target and "name" in target:
            yield target["name"]
