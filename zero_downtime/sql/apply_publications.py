"""How publications of logical replication change what is known of a schema."""

from __future__ import annotations

from msgspec.structs import replace

from zero_downtime.sql.facts import Publication
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, fields_of, options_of


def create_publication(state: Known, node: Node) -> None:
    name = node["pubname"]
    if name not in state.publications:
        everything = bool(node.get("for_all_tables"))
        made = Publication(name, everything=everything, changes=publishes_changes(node))
        state.publications[name] = _with(state, made, node)


def alter_publication(state: Known, node: Node) -> None:
    found = state.publications.get(node["pubname"])
    if found is None:  # made where we were not shown
        found = Publication(node["pubname"])
    if "publish" in options_of(node.get("options")):
        found = replace(found, changes=publishes_changes(node))
    action = node.get("action", "AP_AddObjects")
    if action == "AP_SetObjects" and "pubobjects" in node:
        found = replace(found, tables={}, schemas=frozenset())
    if action == "AP_DropObjects":
        named = _with(state, Publication(""), node)
        kept = {key: said for key, said in found.tables.items() if key not in named.tables}
        found = replace(found, tables=kept, schemas=found.schemas - named.schemas)
    else:
        found = _with(state, found, node)
    state.publications[found.name] = found


def publishes_changes(node: Node) -> bool:
    """Whether UPDATE or DELETE goes to the subscribers, as it does without WITH (publish = …)."""
    publish = options_of(node.get("options")).get("publish")
    return publish is None or "update" in str(publish) or "delete" in str(publish)


def published_tables(state: Known, node: Node) -> dict[str, Node]:
    """The tables that a statement names for a publication, with their columns and filter."""
    found = {}
    for item in node.get("pubobjects", ()):
        table = fields_of(item).get("pubtable")
        if table:
            said = {part: table[part] for part in ("columns", "whereClause") if part in table}
            found.update(dict.fromkeys(state.published_with(table["relation"]), said))
    return found


def _with(state: Known, publication: Publication, node: Node) -> Publication:
    schemas = {
        fields_of(item).get("name", "public")
        for item in node.get("pubobjects", ())
        if "SCHEMA" in fields_of(item).get("pubobjtype", "")
    }
    return replace(
        publication,
        tables={**publication.tables, **published_tables(state, node)},
        schemas=publication.schemas | schemas,
    )
