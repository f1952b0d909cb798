"""How triggers, rules, policies, and statistics change what is known of a schema."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from zero_downtime.sql.facts import Rule, Trigger
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, names_of

_EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}  # TRIGGER_TYPE_… in trigger.h
_INSTEAD = 64


def create_trigger(state: Known, node: Node) -> None:
    key = state.key_of_range(node["relation"])
    relation = state.assume(key)
    events = node.get("events", 0)
    trigger = Trigger(
        node["trigname"],
        state.new_name(names_of(node["funcname"])),
        row=bool(node.get("row")),
        instead=node.get("timing", 0) == _INSTEAD,
        deferred=bool(node.get("initdeferred")),
        events=frozenset(name for bit, name in _EVENTS.items() if events & bit),
        columns=names_of(node.get("columns")),
        condition=node.get("whenClause"),
    )
    state.put(replace(relation, triggers={**relation.triggers, trigger.name: trigger}))
    if trigger.row and relation.kind == "partitioned table":
        for child in state.descendants(key):
            below = state.relations[child]
            state.put(replace(below, triggers={**below.triggers, trigger.name: trigger}))


def policy(state: Known, node: Node) -> None:
    relation = state.assume(state.key_of_range(node["table"]))
    parts: Node = {part: node[part] for part in ("qual", "with_check") if part in node}
    name = node["policy_name"]
    said = {**relation.policies.get(name, {}), **parts}
    state.put(replace(relation, policies={**relation.policies, name: said}))


def create_rule(state: Known, node: Node) -> None:
    relation = state.assume(state.key_of_range(node["relation"]))
    event = str(node.get("event", "")).removeprefix("CMD_").lower()
    parts = [node.get("whereClause", {}), *node.get("actions", ())]
    rule = Rule(
        node["rulename"],
        event,
        instead=bool(node.get("instead")),
        condition=node.get("whereClause"),
        actions=tuple(node.get("actions", ())),
        reads=frozenset(key for key in state.relations_in(parts) if key != relation.key),
    )
    if event != "select":
        state.put(replace(relation, rules={**relation.rules, rule.name: rule}))


def take_from(state: Known, keys: list[str], part: str, name: str) -> None:
    """Take a trigger, rule or policy away."""
    for key in keys:
        relation = state.relation(key)
        if relation:
            kept = {n: fact for n, fact in getattr(relation, part).items() if n != name}
            state.put(replace(relation, **{part: kept}))


def rename_in(state: Known, keys: list[str], part: str, old: str, new: str) -> None:
    """Give a trigger, rule or policy another name."""
    for key in keys:
        relation = state.relation(key)
        if relation and old in getattr(relation, part):
            renamed = {
                new if n == old else n: _named(fact, new) if n == old else fact
                for n, fact in getattr(relation, part).items()
            }
            state.put(replace(relation, **{part: renamed}))


def _named(fact: Any, name: str) -> Any:
    return replace(fact, name=name) if isinstance(fact, Trigger | Rule) else fact


def create_statistics(state: Known, node: Node) -> None:
    names = names_of(node.get("defnames"))
    tables = [item["RangeVar"] for item in node.get("relations", ()) if "RangeVar" in item]
    if names and tables:
        key = state.key_of_range(tables[0])
        where = names[-2] if len(names) > 1 else state.assume(key).schema
        state.statistics[f"{where}.{names[-1]}"] = key
