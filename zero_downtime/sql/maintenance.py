"""The effects of LOCK, TRUNCATE, VACUUM and whatever else keeps tables and indexes in order."""

from __future__ import annotations

from collections.abc import Mapping

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.facts import Index
from zero_downtime.sql.prediction import Handler, Prediction
from zero_downtime.sql.queries import read_relation, scan_source
from zero_downtime.sql.tree import Node, fields_of, options_of

AS = LockMode.ACCESS_SHARE
SHARE = LockMode.SHARE
EX = LockMode.EXCLUSIVE
AE = LockMode.ACCESS_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE


def _truncate(p: Prediction, node: Node) -> None:
    ranges = [fields_of(item) for item in node.get("relations", ())]
    keys = [p.state.key_of_range(each) for each in ranges]
    only = {p.state.key_of_range(each) for each in ranges if not each.get("inh")}
    cascade = node.get("behavior") == "DROP_CASCADE"
    found: list[str] = []
    while keys:
        key = keys.pop(0)
        if key in found or not p.state.exists(key):
            continue
        found.append(key)
        keys += [] if key in only else p.state.descendants(key)
        if cascade:
            for above in (key, *p.state.ancestors(key)):
                keys += p.state.referencing(above)
    p.lock(found, AE)
    now = p.state.transaction
    p.rewrite((key for key in found if now is None or p.relation(key).storage != now), reads=False)
    if node.get("restart_seqs"):
        for key in found:
            sequences = p.state.owned_sequences(key)
            p.lock(sequences, AE)
            p.rewrite(sequences, reads=False)


def _lock(p: Prediction, node: Node) -> None:
    mode = LockMode(node.get("mode", AE))
    for item in node.get("relations", ()):
        fields = fields_of(item)
        _lock_range(p, p.state.key_of_range(fields), mode, bool(fields.get("inh")), frozenset())


def _lock_range(p: Prediction, key: str, mode: LockMode, whole: bool, seen: frozenset[str]) -> None:
    """A table, or a view with the tables and views below it."""
    p.lock(p.state.tree(key) if whole else key, mode)
    if p.relation(key).kind == "view" and key not in seen:
        for below in p.relation(key).reads:
            if p.relation(below).kind in ("table", "partitioned table", "view"):
                _lock_range(p, below, mode, True, seen | {key})


def _vacuum(p: Prediction, node: Node) -> None:
    options = options_of(node.get("options"))
    vacuum = bool(node.get("is_vacuumcmd"))
    full = vacuum and options.get("full") not in (None, False, "off", "false", 0)
    p.transactional = not vacuum
    ranges = [fields_of(item)["relation"] for item in node.get("rels", ())]
    keys = [p.state.key_of_range(each) for each in ranges]
    alone = {key for key, each in zip(keys, ranges, strict=True) if not each.get("inh")}
    if not keys:
        kinds = ("table", "materialized view", *(() if vacuum else ("partitioned table",)))
        keys = [k for k, r in p.state.relations.items() if r.kind in kinds]
    for key in keys:
        if p.relation(key).kind in ("view", "sequence"):
            continue  # passed over with a warning
        partitioned = p.relation(key).kind == "partitioned table"
        tables = p.state.tree(key) if partitioned and key not in alone else [key]
        if not vacuum:  # up to 17 the children were sampled, but had no statistics made
            below = p.state.descendants(key)
            sampled = [each for each in below if p.relation(each).kind != "partitioned table"]
            only = p.major < 18 or key in alone
            p.lock(sampled if only else below, AS if only else SUE)
        p.lock(tables, AE if full else SUE)
        if full:
            p.rewrite(tables)
            p.build(each for each in tables if p.state.indexes_of(each))


def _cluster(p: Prediction, node: Node) -> None:
    if "relation" not in node:
        p.transactional = False
        return
    key = p.state.key_of_range(node["relation"])
    partitioned = p.relation(key).kind == "partitioned table"
    p.transactional = not partitioned
    p.lock(p.state.tree(key) if partitioned else key, AE)
    p.rewrite(p.state.tree(key) if partitioned else key)
    p.build(key)


def _reindex(p: Prediction, node: Node) -> None:
    options = options_of(node.get("params"))
    concurrent = options.get("concurrently") not in (None, False, "off", "false", 0)
    kind = node["kind"]
    p.transactional = False
    if kind == "REINDEX_OBJECT_INDEX":
        index = p.state.indexes.get(p.state.key_of_range(node["relation"]))
        partitioned = index is not None and p.relation(index.table).kind == "partitioned table"
        p.transactional = not (concurrent or partitioned)
        tables = _tables_of_index(p, index) if index else []
    elif kind == "REINDEX_OBJECT_TABLE":
        key = p.state.key_of_range(node["relation"])
        partitioned = p.relation(key).kind == "partitioned table"
        p.transactional = not (concurrent or partitioned)
        tables = p.state.tree(key) if partitioned else [key]
    elif kind == "REINDEX_OBJECT_SYSTEM":
        return
    else:
        schema = node.get("name") if kind == "REINDEX_OBJECT_SCHEMA" else None
        tables = [
            key
            for key, relation in p.state.relations.items()
            if relation.kind in ("table", "materialized view") and schema in (None, relation.schema)
        ]
    p.lock(tables, SUE if concurrent else SHARE)
    p.build(k for k in tables if p.state.indexes_of(k) or not p.relation(k).known)


def _tables_of_index(p: Prediction, index: Index) -> list[str]:
    """The table of an index, and those of its partitions' indexes that have content."""
    found = [index.table]
    for below in p.state.indexes_below(index.name):
        found += _tables_of_index(p, below)
    return [
        key for key in found if key == index.table or p.relation(key).kind != "partitioned table"
    ]


def _refresh(p: Prediction, node: Node) -> None:
    key = p.state.key_of_range(node["relation"])
    p.lock(key, EX if node.get("concurrent") else AE)
    if node.get("concurrent"):
        p.scan(key)  # the new content is compared with the old
    else:
        p.rewrite(key, reads=False)
    if node.get("skipData"):
        return
    for below in p.relation(key).reads:
        read_relation(p, below, AS)
    if p.relation(key).query:
        scan_source(p, fields_of(p.relation(key).query))


MAINTENANCE: Mapping[str, Handler] = {
    "TruncateStmt": _truncate,
    "LockStmt": _lock,
    "VacuumStmt": _vacuum,
    "ClusterStmt": _cluster,
    "ReindexStmt": _reindex,
    "RefreshMatViewStmt": _refresh,
}
