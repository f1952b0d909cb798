"""Rules of other distributions, found through the entry point group ``zero_downtime.lint_rules``.

An entry point names a module or a package; its name is the family of the rules in there.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from zero_downtime.errors import CustomRuleFailed, ZeroDowntimeError
from zero_downtime.lint.finding import Finding
from zero_downtime.lint.registry import add_rules, rules, rules_in
from zero_downtime.lint.rule import Rule

GROUP = "zero_downtime.lint_rules"


@cache
def load_custom_rules() -> None:
    """Add what is installed to the rules. Raises CustomRuleFailed."""
    found: dict[Rule, str] = {}
    names = dict.fromkeys(rules(), "zero-downtime")
    for point in entry_points(group=GROUP):
        owner = point.dist.name if point.dist else point.value
        for rule in _rules(point, owner):
            name = rule.name()
            if name in names:
                reason = f"there is a rule {name} in {names[name]} already"
                raise CustomRuleFailed(distribution=owner, reason=reason)
            names[name] = owner
            found[_guarded(rule, owner)] = point.name
    if found:
        add_rules(found)


def _rules(point: EntryPoint, owner: str) -> list[Rule]:
    try:
        module = point.load()
        if not isinstance(module, ModuleType):
            raise TypeError("it is no module")
        found = [rule for each in _modules(module) for rule in rules_in(each)]
    except Exception as error:
        reason = f"{point.value}: {type(error).__name__}: {_line(error)}"
        raise CustomRuleFailed(distribution=owner, reason=reason) from error
    if not found:
        raise CustomRuleFailed(distribution=owner, reason=f"{point.value} holds no rule")
    for rule in found:
        if not rule.on and type(rule).at_end is Rule.at_end:
            reason = f"{rule.name()} does not say with `on` at which statements it is asked"
            raise CustomRuleFailed(distribution=owner, reason=reason)
    return found


def _modules(module: ModuleType) -> Iterator[ModuleType]:
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        yield from _modules(import_module(f"{module.__name__}.{found.name}"))


def _guarded(rule: Rule, owner: str) -> Rule:
    """The rule, whose own errors name it and the distribution that it comes from."""

    def guard(method: Callable[[Any], Iterator[Finding]]) -> Callable[[Any], list[Finding]]:
        def guarded(place: Any) -> list[Finding]:
            try:
                return list(method(place))
            except ZeroDowntimeError:
                raise
            except Exception as error:
                reason = f"{rule.name()} raised {type(error).__name__}: {_line(error)}"
                raise CustomRuleFailed(distribution=owner, reason=reason) from error

        return guarded

    rule.check = guard(rule.check)  # type: ignore[method-assign, assignment]
    rule.at_end = guard(rule.at_end)  # type: ignore[method-assign, assignment]
    return rule


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
