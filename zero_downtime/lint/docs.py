"""The pages docs/rules.md and docs/locks.md, made from the rules and from the lock model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from msgspec import structs

from zero_downtime.lint.engine import lint_units
from zero_downtime.lint.lock_pages import lock_pages
from zero_downtime.lint.options import Options
from zero_downtime.lint.registry import family_of, rules
from zero_downtime.lint.rule import Rule
from zero_downtime.lint.unit import Unit, unit_of_script
from zero_downtime.sql.forms import shop
from zero_downtime.sql.script import read_script, split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.statement import Direction


def example_state() -> State:
    """The schema over which the examples of the rules stand."""
    return state_from(statement.sql for statement in split(shop()))


def example_units(rule: Rule, sql: str, file: str) -> list[Unit]:
    """An example as the history that it is; "-- next file" begins another file of it."""
    return [_example_unit(rule, part, file) for part in sql.split("-- next file\n")]


def _example_unit(rule: Rule, sql: str, file: str) -> Unit:
    """An example of a rule as what it stands for: a SQL file, or a revision."""
    if not rule.in_revision:
        return unit_of_script(read_script(sql, file), file)
    upgrade, _, downgrade = sql.partition("-- downgrade\n")
    directions: dict[Direction, str] = {"upgrade": upgrade, "downgrade": downgrade}
    statements = {
        direction: tuple(
            structs.replace(statement, revision="ab12", direction=direction)
            for statement in read_script(text, file, in_transaction=True).statements
        )
        for direction, text in directions.items()
    }
    return Unit(file, statements["upgrade"], statements["downgrade"], revision="ab12")


def rules_page() -> str:
    """docs/rules.md: every rule in a line, by family."""
    lines = [
        "# Lint rules",
        "",
        "Made from the rules themselves; a test keeps these pages equal to them. `zd explain RULE`"
        " says the same, `-- zd: ignore[rule] reason` before a statement (`# zd: ignore[rule]"
        " reason` in a revision) accepts a danger in one place.",
    ]
    for family, members in _families().items():
        lines += ["", f"## [{family.capitalize()}](rules/{family}.md)", "", "| rule | | finds |"]
        lines.append("|-|-|-|")
        for rule in members:
            loud = rule.severity if rule.default else f"{rule.severity}, off by default"
            place = f"rules/{family}.md#{rule.name()}"
            lines.append(f"| [{rule.name()}]({place}) | {loud} | {rule.hazard()} |")
    return "\n".join(lines) + "\n"


def family_page(family: str) -> str:
    """docs/rules/FAMILY.md: the rules of one family with their examples."""
    state = example_state()
    lines = [f"# Lint rules: {family}"]
    for rule in _families()[family]:
        lines += _rule(rule, state)
    return "\n".join(lines) + "\n"


def _families() -> dict[str, list[Rule]]:
    families: dict[str, list[Rule]] = {}
    for rule in rules().values():
        families.setdefault(family_of(rule), []).append(rule)
    return families


def _rule(rule: Rule, state: State) -> Iterator[str]:
    options = Options(major=rule.majors[1], enable=(rule.name(),))
    report = lint_units(example_units(rule, rule.bad, "bad.sql"), state, options)
    said = next(finding for finding in report.findings if finding.rule == rule.name())
    yield from ("", f"## {rule.name()}", "", f"{rule.hazard()} (*{rule.severity}*)", "")
    yield from (rule.why, "", f"**Safe way.** {rule.safe}", "")
    yield from ("```sql", "-- bad", rule.bad, "```", "", f"> {said.message}", "")
    yield from ("```sql", "-- good", rule.good, "```")


def pages() -> dict[str, Callable[[], str]]:
    """The generated pages by their place below docs/."""
    families = {f"rules/{family}.md": partial(family_page, family) for family in _families()}
    return {"rules.md": rules_page, **lock_pages(), **families}
