"""Which rules are asked at which statement, found once for each kind of statement."""

from __future__ import annotations

from collections.abc import Container, Iterable

from zero_downtime.lint.rule import Rule
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.tree import Node, fields_of


class Dispatch:
    """The rules that run, by what they want to be asked about."""

    def __init__(self, rules: Iterable[Rule], major: int) -> None:
        about = [rule for rule in rules if rule.majors[0] <= major <= rule.majors[1]]
        self.at_end = tuple(rule for rule in about if type(rule).at_end is not Rule.at_end)
        self._first = [rule for rule in about if not rule.fallback]
        self._fallback = sorted(
            (rule for rule in about if rule.fallback), key=lambda rule: rule.fallback
        )
        self._found: dict[tuple[str, ...], tuple[tuple[Rule, ...], tuple[Rule, ...]]] = {}

    def rules_at(
        self, kind: str, node: Node, effect: Effect
    ) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
        """The rules to ask at a statement, and those to ask if the first found no such thing."""
        traits = [kind, "any"]
        if kind == "AlterTableStmt":
            traits += sorted({fields_of(item)["subtype"] for item in node.get("cmds", ())})
        if effect.locks:
            traits.append("locks")
        if effect.rewrites:
            traits.append("rewrites")
        if effect.scans:
            traits.append("scans")
        if not effect.transactional:
            traits.append("alone")
        key = tuple(traits)
        found = self._found.get(key)
        if found is None:
            found = (_wanting(self._first, key), _wanting(self._fallback, key))
            self._found[key] = found
        return found


def _wanting(rules: Iterable[Rule], traits: Container[str]) -> tuple[Rule, ...]:
    return tuple(rule for rule in rules if any(each in traits for each in rule.on))
