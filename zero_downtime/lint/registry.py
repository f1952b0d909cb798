"""All rules, collected from the classes below zero_downtime.lint.rules."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import ModuleType

from zero_downtime.errors import UnknownRule
from zero_downtime.lint import rules as package
from zero_downtime.lint.rule import Rule


@cache
def rules() -> Mapping[str, Rule]:
    """The rules by their id, in order of family, file and place."""
    own = {rule.name(): rule for module in _modules(package) for rule in rules_in(module)}
    return own | {rule.name(): rule for rule in _custom}


# Rules that do not belong to this distribution, with the families they are of.
_custom: dict[Rule, str] = {}


def add_rules(found: Mapping[Rule, str]) -> None:
    """Have further rules, each with its family."""
    _custom.update(found)
    rules.cache_clear()
    families.cache_clear()


def remove_rules() -> None:
    """Have our own rules only."""
    _custom.clear()
    add_rules({})


def _modules(parent: ModuleType) -> Iterator[ModuleType]:
    # Not by pkgutil, which takes as long to come to this as all of the rules together.
    for entry in sorted(os.listdir(parent.__path__[0])):
        name, dot, _ = entry.partition(".")
        if name.startswith("__") or (dot and not entry.endswith((".py", ".pyc"))):
            continue
        module = importlib.import_module(f"{parent.__name__}.{name}")
        if dot:
            yield module
        else:
            yield from _modules(module)


def rules_in(module: ModuleType) -> Iterator[Rule]:
    """An instance of each rule that a module defines; a class without a why is none."""
    for value in vars(module).values():
        is_rule = isinstance(value, type) and issubclass(value, Rule)
        if is_rule and value.__module__ == module.__name__ and hasattr(value, "why"):
            yield value()


def check_name(name: str) -> None:
    """Raise UnknownRule unless it is the id of a rule or the name of a family."""
    if name not in families().values():
        rule_named(name, (*rules(), *sorted(set(families().values()))))


def rule_named(name: str, like: Iterable[str] | None = None) -> Rule:
    """The rule of an id. Raises UnknownRule with the ids that look like it."""
    found = rules().get(name)
    if found is None:
        from difflib import get_close_matches

        near = get_close_matches(name, like or rules(), n=3, cutoff=0.4)
        raise UnknownRule(
            rule=name,
            advice=f"Did you mean {' or '.join(near)}?" if near else "zd explain lists them all.",
        )
    return found


@cache
def families() -> Mapping[str, str]:
    """The family of every rule, by the rule's id."""
    return {name: family_of(rule) for name, rule in rules().items()}


def family_of(rule: Rule) -> str:
    """The family of a rule: its folder (or file) below the package of the rules."""
    if rule in _custom:
        return _custom[rule]
    return type(rule).__module__.removeprefix(f"{package.__name__}.").partition(".")[0]
