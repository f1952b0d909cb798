"""docs/locks.md and the pages below it: the lock model's answer for every form of statement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.forms import MAJORS, Form, forms, schema
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.subcommands import SUBCOMMANDS

_HEAD = ("| statement | locks | rewritten | read |", "|-|-|-|-|")


def lock_pages() -> dict[str, Callable[[], str]]:
    """The pages by their place below docs/: the commonest forms, and one page for each family."""
    pages = {_page(family): partial(_family_page, family) for family in forms()}
    return {"locks.md": _main_page, **pages}


def _page(family: str) -> str:
    words = family.replace(",", "").lower().split()
    return f"locks/{'-'.join(words)}.md"


def _main_page() -> str:
    lines = [
        "# What statements lock",
        "",
        "The answer of the lock model for each form of statement, over the small shop in"
        " `zero_downtime/sql/forms/shop.sql`. The tests run every one of them on real servers and"
        " compare locks, rewrites and whole reads. `zd lint --effects FILE` gives the same for"
        " statements of your own.",
        "",
        "Partitions of partitions, inheritance, views over views and everything else that is less"
        " common stand on the page of their family: "
        + ", ".join(f"[{family}]({_page(family)})" for family in forms())
        + ".",
        "",
        "A form that differs between PostgreSQL 14 and 18 has a line for each range of majors."
        " *Rewritten*: gets a new storage file. *Read*: is read from beginning to end.",
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
    states = _states()
    for family, members in forms().items():
        rows = [row for form in members if _is_common(form) for row in _rows(form, states)]
        if rows:
            lines += ["", f"## {family}", "", *_HEAD, *rows]
    return "\n".join(lines) + "\n"


def _family_page(family: str) -> str:
    states = _states()
    rows = [row for form in forms()[family] for row in _rows(form, states)]
    lines = [
        f"# {family}",
        "",
        "Every form of this family that the tests run, over `shop.sql` and `depot.sql` in"
        " `zero_downtime/sql/forms`; [how to read it](../locks.md).",
        "",
    ]
    return "\n".join([*lines, *_HEAD, *rows]) + "\n"


def _is_common(form: Form) -> bool:
    """The forms over the shop; those over the depot are for the page of the family."""
    return "depot" not in form.sql


def _states() -> dict[int, State]:
    return {
        major: state_from(statement.sql for statement in split(schema(major))) for major in MAJORS
    }


def _rows(form: Form, states: dict[int, State]) -> Iterator[str]:
    """One line, or one for each range of majors that do the same."""
    ranges: list[tuple[int, int, Effect]] = []
    majors = [major for major in MAJORS if form.since <= major <= form.until]
    for major in majors:
        effect = predict(form.sql, states[major], major)
        if ranges and ranges[-1][2] == effect:
            ranges[-1] = (ranges[-1][0], major, effect)
        else:
            ranges.append((major, major, effect))
    for first, last, effect in ranges:
        which = "" if (first, last) == (MAJORS[0], MAJORS[-1]) else f" *({first} to {last})*"
        if first == last:
            which = f" *({first})*"
        text = form.sql.replace("|", "\\|").replace("\n", " ")
        cells = (f"`{text}`{which}", _locks(effect), _names(effect.rewrites), _read(effect))
        yield f"| {' | '.join(cells)} |"


def _locks(effect: Effect) -> str:
    """The relations of each mode, the strongest first."""
    by_mode: dict[str, list[str]] = {}
    for lock in sorted(effect.locks, key=lambda each: -each.mode):
        by_mode.setdefault(lock.mode.sql, []).append(_name(lock.relation))
    lines = [f"{mode}: {', '.join(names)}" for mode, names in by_mode.items()]
    if not effect.transactional:
        lines.append("*outside a transaction block only*")
    return "<br>".join([*lines, *(f"*unknown: {what}*" for what in effect.unknown)])


def _read(effect: Effect) -> str:
    return _names(tuple(key for key in effect.scans if key not in effect.rewrites))


def _names(keys: tuple[str, ...]) -> str:
    return ", ".join(map(_name, keys))


def _name(key: str) -> str:
    return key.removeprefix("public.")
