"""What the body of a function names without a schema, and so finds by the search_path."""

from __future__ import annotations

import re

from zero_downtime.sql.functions import is_builtin
from zero_downtime.sql.known import Known
from zero_downtime.sql.script import read_script
from zero_downtime.sql.tree import (
    Node,
    NotParsed,
    constant,
    fields_of,
    functions_in,
    parse,
    text_of,
)

_READS = re.compile(r"\b(?:from|join|into|update)\s+([a-z_]\w*)\b(?!\s*[.(])", re.IGNORECASE)
_CALLS = re.compile(r"(?<![\w.\"$])([a-z_]\w*)\s*\(", re.IGNORECASE)


def names_by_search_path(state: Known, node: Node) -> frozenset[str]:
    """The relations and functions for which a function, as created, needs the search_path."""
    options = {fields_of(o)["defname"]: fields_of(o) for o in node.get("options", ())}
    if "as" not in options or "sql_body" in node or _sets_path(node):
        return frozenset()
    body = text_of(options["as"]["arg"]["List"]["items"][0])
    language = str(constant(options.get("language", {}).get("arg"))).lower()
    if language == "plpgsql":
        read = {match[1].lower() for match in _READS.finditer(body)}
        called = {match[1].lower() for match in _CALLS.finditer(body)}
        return frozenset(
            [name for name in read if state.key_of((name,)) in state.relations]
            + [f"{name}()" for name in called if _is_ours(state, name)]
        )
    return _of_sql(state, body) if language == "sql" else frozenset()


def _is_ours(state: Known, name: str) -> bool:
    return not is_builtin(name) and state.function((name,)) is not None


def _sets_path(node: Node) -> bool:
    settings = (fields_of(o)["arg"] for o in node["options"] if fields_of(o)["defname"] == "set")
    return any(fields_of(setting).get("name") == "search_path" for setting in settings)


def _of_sql(state: Known, body: str) -> frozenset[str]:
    found: set[str] = set()
    for statement in read_script(body).statements:
        try:
            kind, fields = parse(statement.sql)
        except NotParsed:
            return frozenset()
        tree = {kind: fields}
        found |= {r["relname"] for r in state.ranges_in(tree) if "schemaname" not in r}
        called = (name[0] for name in functions_in(tree) if len(name) == 1)
        found |= {f"{name}()" for name in called if not is_builtin(name)}
    return frozenset(found)
