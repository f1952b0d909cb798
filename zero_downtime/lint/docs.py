"""The pages docs/rules.md and docs/locks.md, made from the rules and from the lock model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from msgspec import structs

from zero_downtime.lint.engine import lint_units
from zero_downtime.lint.options import Options
from zero_downtime.lint.registry import family_of, rules
from zero_downtime.lint.rule import Rule
from zero_downtime.lint.unit import Unit, unit_of_script
from zero_downtime.sql.alter_table import SUBCOMMANDS
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.forms import FORMS, SCHEMA
from zero_downtime.sql.script import read_script, split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.statement import Direction

MAJORS = (14, 15, 16, 17, 18)


def example_state() -> State:
    """The schema over which the examples of the rules and the forms of the lock model stand."""
    return state_from(statement.sql for statement in split(SCHEMA))


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


def locks_page() -> str:
    """docs/locks.md."""
    lines = [
        "# What statements lock",
        "",
        "The answer of the lock model for each form of statement, over the small shop in"
        " `zero_downtime/sql/forms.py`. The tests run every one of them on a real server and"
        " compare locks, rewrites and whole reads. `zd lint --effects FILE` gives the same for"
        " statements of your own.",
        "",
        "A form that differs between PostgreSQL 14 and 18 has a line for each range of majors."
        " *Rewritten*: gets a new storage file. *Read*: is read from beginning to end.",
    ]
    state = example_state()
    for group, forms in FORMS.items():
        lines += ["", f"## {group}", "", "| statement | locks | rewritten | read |", "|-|-|-|-|"]
        for form in forms:
            lines += _form(form, state)
    lines += [
        "",
        "## ALTER TABLE",
        "",
        "The lock on the table itself; one command takes the strongest that its parts need.",
        "",
        "| part | lock | partitions and children too |",
        "|-|-|-|",
    ]
    for part in SUBCOMMANDS.values():
        lines.append(f"| {part.form} | {part.mode.sql} | {'yes' if part.recurses else ''} |")
    return "\n".join(lines) + "\n"


def _form(form: str, state: State) -> Iterator[str]:
    """One line, or one for each range of majors that do the same."""
    ranges: list[tuple[int, int, Effect]] = []
    for major in MAJORS:
        effect = predict(form, state, major)
        if ranges and ranges[-1][2] == effect:
            ranges[-1] = (ranges[-1][0], major, effect)
        else:
            ranges.append((major, major, effect))
    for first, last, effect in ranges:
        which = "" if len(ranges) == 1 else f" *({first} to {last})*"
        if first == last and len(ranges) > 1:
            which = f" *({first})*"
        cells = (f"`{form}`{which}", _locks(effect), _names(effect.rewrites), _read(effect))
        yield f"| {' | '.join(cells)} |"


def _locks(effect: Effect) -> str:
    locks = [f"{lock.mode.sql}: {_name(lock.relation)}" for lock in effect.locks]
    alone = [] if effect.transactional else ["*outside a transaction block only*"]
    return "<br>".join(locks + alone)


def _read(effect: Effect) -> str:
    return _names(tuple(key for key in effect.scans if key not in effect.rewrites))


def _names(keys: tuple[str, ...]) -> str:
    return ", ".join(map(_name, keys))


def _name(key: str) -> str:
    return key.removeprefix("public.")


def pages() -> dict[str, Callable[[], str]]:
    """The generated pages by their place below docs/."""
    families = {f"rules/{family}.md": partial(family_page, family) for family in _families()}
    return {"rules.md": rules_page, "locks.md": locks_page, **families}
