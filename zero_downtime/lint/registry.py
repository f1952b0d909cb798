"""All rules, collected from the classes below zero_downtime.lint.rules."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache

from zero_downtime.errors import UnknownRule
from zero_downtime.lint import rules as package
from zero_downtime.lint.rule import Rule


@cache
def rules() -> Mapping[str, Rule]:
    """The rules by their id, in order of family and place."""
    found: dict[str, Rule] = {}
    for module in pkgutil.iter_modules(package.__path__):
        family = importlib.import_module(f"{package.__name__}.{module.name}")
        for value in vars(family).values():
            is_rule = isinstance(value, type) and issubclass(value, Rule)
            if is_rule and value.__module__ == family.__name__ and hasattr(value, "why"):
                found[value.name()] = value()
    return found


def rule_named(name: str) -> Rule:
    """The rule of an id. Raises UnknownRule with the ids that look like it."""
    found = rules().get(name)
    if found is None:
        near = get_close_matches(name, rules(), n=3, cutoff=0.4)
        raise UnknownRule(
            rule=name,
            advice=f"Did you mean {' or '.join(near)}?" if near else "zd explain lists them all.",
        )
    return found


def family_of(rule: Rule) -> str:
    """The family of a rule: the name of its module."""
    return type(rule).__module__.rpartition(".")[2]
