"""The columns that a query gives, as far as its text and the known tables tell."""

from __future__ import annotations

from msgspec.structs import replace

from zero_downtime.sql.facts import Column
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, fields_of, kind_of, names_of, text_of
from zero_downtime.sql.types import Type

_UNKNOWN = Type("unknown")
_NAMELESS = "?column?"


def columns_of_query(
    state: Known, query: Node, names: tuple[str, ...] = ()
) -> dict[str, Column] | None:
    """Column name → column, None when a star stands for columns that we don't know."""
    kind, select = kind_of(query)
    while kind == "SelectStmt" and "larg" in select:
        select = select["larg"]
    if kind != "SelectStmt" or "valuesLists" in select:
        return None
    sources = _sources(state, select.get("fromClause", []))
    found: list[Column] = []
    for item in select.get("targetList", ()):
        target = fields_of(item)
        columns = _columns_of(target, sources)
        if columns is None:
            return None
        found += columns
    for number, name in enumerate(names[: len(found)]):
        found[number] = replace(found[number], name=name)
    return {column.name: replace(column, born=state.unit) for column in found}


Sources = dict[str, dict[str, Column] | None]


def _sources(state: Known, items: list[Node]) -> Sources:
    """What FROM offers: alias → columns, None for what we don't know."""
    found: Sources = {}
    waiting = list(items)
    while waiting:
        kind, fields = kind_of(waiting.pop(0))
        if kind == "JoinExpr":
            waiting[:0] = [fields[side] for side in ("larg", "rarg") if side in fields]
        elif kind == "RangeVar":
            alias = fields.get("alias", {}).get("aliasname", fields["relname"])
            relation = state.relations.get(state.key_of_range(fields))
            plain = (
                relation is not None
                and relation.known
                and "colnames" not in fields.get("alias", {})
            )
            found[alias] = dict(relation.columns) if relation and plain else None
        else:
            alias = fields.get("alias", {}).get("aliasname", f"?{len(found)}")
            below = fields.get("subquery") if kind == "RangeSubselect" else None
            found[alias] = columns_of_query(state, below) if below else None
    return found


def _columns_of(target: Node, sources: Sources) -> list[Column] | None:
    if not target.get("val"):
        return [_plain(target.get("name", _NAMELESS), _UNKNOWN)]
    kind, value = kind_of(target["val"])
    if kind == "ColumnRef":
        *table, last = value["fields"]
        alias = text_of(table[-1]) if table else None
        if "A_Star" in last:
            return _all(sources, alias)
        source = _find(sources, text_of(last), alias)
        name = target.get("name", text_of(last))
        return [_plain(name, source.type, source.collation) if source else _plain(name, _UNKNOWN)]
    if kind == "FuncCall":
        return [_plain(target.get("name", names_of(value["funcname"])[-1]), _UNKNOWN)]
    return [_plain(target.get("name", _NAMELESS), _UNKNOWN)]


def _all(sources: Sources, alias: str | None) -> list[Column] | None:
    found: list[Column] = []
    for name, columns in sources.items():
        if alias in (None, name):
            if columns is None:
                return None
            found += [_plain(c.name, c.type, c.collation) for c in columns.values()]
    return found


def _find(sources: Sources, name: str, alias: str | None) -> Column | None:
    for source, columns in sources.items():
        if alias in (None, source) and columns and name in columns:
            return columns[name]
    return None


def _plain(name: str, type: Type, collation: str | None = None) -> Column:
    return Column(name, type, collation=collation)
