"""INVALID indexes that a killed run left."""

from __future__ import annotations

import re

from zero_downtime.sql.tree import NotParsed, fields_of, parse
from zero_downtime.upgrade.done.conditions import literal, regclass


def leftover_query(sql: str) -> str | None:
    """A SELECT of the names (quoted, with schema) of INVALID indexes that a killed run left.

    Drop each with DROP INDEX CONCURRENTLY before the statement runs again. What another session
    is just building is not listed. None for a statement that leaves nothing behind.
    """
    try:
        kind, node = parse(sql)
    except NotParsed:
        return None
    if kind == "IndexStmt" and node.get("concurrent") and "idxname" in node:
        name = re.escape(node["idxname"])
        return _leftovers(
            f"i.indrelid = {regclass(node['relation'])}"
            f" AND c.relname ~ {literal(f'^{name}(_ccnew[0-9]*)?$')}"
        )
    if kind == "ReindexStmt" and "relation" in node:
        names = {fields_of(item)["defname"] for item in node.get("params", ())}
        if "concurrently" not in names:
            return None
        of = regclass(node["relation"])
        table = of
        if node["kind"] == "REINDEX_OBJECT_INDEX":
            table = f"(SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = {of})"
        return _leftovers(f"i.indrelid = {table} AND c.relname ~ '_cc(new|old)[0-9]*$'")
    return None


def _leftovers(condition: str) -> str:
    return (
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
        " FROM pg_catalog.pg_index i"
        " JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE NOT i.indisvalid AND c.relkind = 'i' AND {condition}"
        " AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p"
        " WHERE p.index_relid = i.indexrelid) ORDER BY c.relname"
    )
