"""Which rules are asked at which statement, found once for each kind of statement."""

from __future__ import annotations

from collections.abc import Iterable

from zero_downtime.lint.rule import Rule
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.tree import Node, fields_of

Asked = tuple[Rule, ...]


class Dispatch:
    """The rules that run, by what they want to be asked about."""

    def __init__(self, rules: Iterable[Rule], major: int) -> None:
        about = [rule for rule in rules if rule.majors[0] <= major <= rule.majors[1]]
        self.at_end = tuple(rule for rule in about if type(rule).at_end is not Rule.at_end)
        self._first = [rule for rule in about if not rule.fallback]
        self._fallback = sorted(
            (rule for rule in about if rule.fallback), key=lambda rule: rule.fallback
        )
        self._found: dict[tuple[object, ...], tuple[Asked, Asked]] = {}

    def rules_at(
        self,
        kind: str,
        node: Node,
        effect: Effect,
        locks: bool,
        blocks: bool,
        first_wait: bool,
    ) -> tuple[Asked, Asked]:
        """The rules to ask at a statement, and those to ask if the first found no such thing."""
        parts: tuple[str, ...] = ()
        if kind == "AlterTableStmt":
            parts = tuple(fields_of(item)["subtype"] for item in node.get("cmds", ()))
        traits = {
            "locks": locks,
            "blocks": blocks,
            "first-wait": first_wait,
            "rewrites": bool(effect.rewrites),
            "scans": bool(effect.scans),
            "alone": not effect.transactional,
        }
        key = (kind, parts, *traits.values())
        found = self._found.get(key)
        if found is None:
            wanted = {kind, *parts, "any", *(name for name, true in traits.items() if true)}
            found = (_wanting(self._first, wanted), _wanting(self._fallback, wanted))
            self._found[key] = found
        return found


def _wanting(rules: Iterable[Rule], traits: set[str]) -> Asked:
    return tuple(rule for rule in rules if not traits.isdisjoint(rule.on))
