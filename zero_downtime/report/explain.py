"""What ``zd explain`` says about the lint rules."""

from __future__ import annotations

import json
from collections.abc import Mapping
from textwrap import fill, indent

from zero_downtime.lint.registry import family_of
from zero_downtime.lint.rule import Rule

_WIDTH = 88


def text(rule: Rule, level: str | None = None) -> str:
    """One rule: what it finds, why, the safe way, a bad and a good example; ``level`` is the
    project's own word on it."""
    heading = f"{rule.name()} ({rule.severity}, {family_of(rule)})"
    return "\n\n".join(
        [
            f"{heading}, {level} in this project" if level else heading,
            fill(rule.hazard(), _WIDTH),
            "Why: " + fill(rule.why, _WIDTH),
            *(["Safe way: " + fill(rule.safe, _WIDTH)] if rule.safe else []),
            *(["Bad:\n" + indent(rule.bad, "    ")] if rule.bad else []),
            *(["Good:\n" + indent(rule.good, "    ")] if rule.good else []),
            f"Accept it in one place: -- zd: ignore[{rule.name()}] reason",
        ]
    )


def list_text(rules: Mapping[str, Rule]) -> str:
    """All rules, by family."""
    lines: list[str] = []
    family = ""
    width = max(map(len, rules))
    for name, rule in rules.items():
        if family_of(rule) != family:
            family = family_of(rule)
            lines.append(f"{'' if not lines else chr(10)}{family}")
        lines.append(f"  {name:<{width}}  {rule.severity:<7}  {rule.hazard()}")
    return "\n".join([*lines, "", "zd explain RULE tells more about one of them."])


def as_json(rules: Mapping[str, Rule]) -> str:
    """The rules for programs."""
    described = [
        {
            "rule": name,
            "family": family_of(rule),
            "severity": rule.severity,
            "hazard": rule.hazard(),
            "why": rule.why,
            "safe": rule.safe,
            "bad": rule.bad,
            "good": rule.good,
        }
        for name, rule in rules.items()
    ]
    return json.dumps({"version": 1, "rules": described}, indent=2, ensure_ascii=False)
