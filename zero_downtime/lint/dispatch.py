"""Which rules are asked at which statement, found once for each kind of statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zero_downtime.lint.rule import Rule
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.tree import Node

Key = tuple[object, ...]

# What a statement may be beside its kind and effect; see Rule.on and Rule.only.
TRAITS = ("locks", "blocks", "first-wait", "held", "not-first")
_ALWAYS = ("any",)


class Asked:
    """The rules to ask at a statement, in three parts."""

    __slots__ = ("at_end", "fallback", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        wanted = tuple(rules)
        checking = [rule for rule in wanted if rule.on and type(rule).check is not Rule.check]
        self.rules = tuple(rule for rule in checking if not rule.fallback)
        # Those to ask if the first found no rewrite and no scan.
        self.fallback = tuple(
            sorted((rule for rule in checking if rule.fallback), key=lambda rule: rule.fallback)
        )
        self.at_end = tuple(rule for rule in wanted if type(rule).at_end is not Rule.at_end)


class _Kind:
    """The rules for one kind of statement, by the words that they wait for."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = list(rules)
        self.words = tuple({word for rule in self.rules for word in rule.words})
        self.asked: dict[tuple[str, ...], Asked] = {}

    def saying(self, said: tuple[str, ...]) -> Asked:
        """Those that are asked at a text with these of the words."""
        words = frozenset(said)
        asked = Asked(r for r in self.rules if not (r.words and words.isdisjoint(r.words)))
        self.asked[said] = asked
        return asked


class Dispatch:
    """The rules that run, by what they want to be asked about."""

    def __init__(self, rules: Iterable[Rule], major: int) -> None:
        self._rules = [rule for rule in rules if rule.majors[0] <= major <= rule.majors[1]]
        self.at_end = tuple(rule for rule in self._rules if type(rule).at_end is not Rule.at_end)
        self._kinds: dict[Key, _Kind] = {}
        self._on: dict[str, list[int]] = {}  # what a rule is asked about → its number
        for number, rule in enumerate(self._rules):
            for about in rule.on or _ALWAYS:
                self._on.setdefault(about, []).append(number)

    def rules_at(
        self,
        kind: str,
        node: Node,
        sql: str,
        effect: Effect,
        traits: Sequence[bool],
    ) -> Asked:
        """The rules to ask at a statement; ``traits`` says which of TRAITS it has."""
        parts: tuple[str, ...] = ()
        if kind == "AlterTableStmt":
            parts = tuple([item["AlterTableCmd"]["subtype"] for item in node.get("cmds", ())])
        elif kind == "DropStmt":
            parts = (node["removeType"],)
        rewrites, scans = bool(effect.rewrites), bool(effect.scans)
        key = (kind, parts, *traits, rewrites, scans, effect.transactional)
        found = self._kinds.get(key)
        if found is None:
            about = {kind, *parts, "any"}
            about.update(name for name, true in zip(TRAITS, traits, strict=True) if true)
            about.update(["rewrites"] * rewrites + ["scans"] * scans)
            about.update(["alone"] * (not effect.transactional))
            found = self._kinds[key] = _Kind(self._wanting(about))
        text = sql.lower()
        said = tuple([word for word in found.words if word in text])
        return found.asked.get(said) or found.saying(said)

    def _wanting(self, about: set[str]) -> Iterable[Rule]:
        numbers = {number for each in about for number in self._on.get(each, ())}
        for number in sorted(numbers):
            rule = self._rules[number]
            if not rule.only or rule.only in about:
                yield rule
