"""Statements about the database by its name: on a scratch server it has another one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from zero_downtime.postgres.names import quoted
from zero_downtime.sql.tree import Node, NotParsed, fields_of, parse

_MIGHT = re.compile(r"\bdatabase\b", re.IGNORECASE)


def about_this_one(text: str, shown: str, value: Callable[[str], object]) -> str:
    """The text to execute for ALTER, GRANT … ON and COMMENT ON DATABASE, shown as ``shown``.

    Whichever database they name, it is the one that the revision runs in: another one on the
    server would be somebody's.
    """
    if not _MIGHT.search(shown):
        return text
    try:
        named = set(_named(*parse(shown)))
    except NotParsed:
        return text
    if named:
        here = quoted(str(value("SELECT current_database()")))
        for name in named:
            text = re.sub(rf'(?<![\w"$])"?{re.escape(name)}"?(?![\w"$])', here, text, flags=re.I)
    return text


def _named(kind: str, tree: Node) -> Iterator[str]:
    if kind in ("AlterDatabaseSetStmt", "AlterDatabaseStmt", "AlterDatabaseRefreshCollStmt"):
        yield tree["dbname"]
    elif kind == "AlterRoleSetStmt" and "database" in tree:
        yield tree["database"]
    elif "OBJECT_DATABASE" in (tree.get("objtype"), tree.get("objectType")):
        for node in tree.get("objects") or [tree.get("object", {})]:
            yield fields_of(node).get("sval", "")
