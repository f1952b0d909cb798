"""Privileges: all of one object change in one transaction, so that nobody is locked out between."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Change
from zero_downtime.plan.pool import Pool, exists, went
from zero_downtime.plan.step import Step

_ROLE = r'"(?:[^"]|"")+"|\S+'
_LINE = re.compile(
    rf"(?P<head>.*?)(?P<verb>GRANT|REVOKE) (?P<what>.+) ON (?P<object>.+) (?:TO|FROM) "
    rf"(?P<role>{_ROLE})(?: WITH GRANT OPTION)?(?: GRANTED BY (?P<by>.+))?",
    re.DOTALL,
)


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """GRANT and REVOKE lines of one object, or default privileges."""
    about = change.identity.about
    if about is not None and went(pool, about):
        return  # they went with the object
    before = change.old.statements if change.old else ()
    after = change.new.statements if change.new else ()
    if about is not None and exists(pool.new, about) and not exists(pool.old, about):
        before = ()
    gone = _with_what_stands_on_them(before, {line for line in before if line not in after})
    for line in reversed(_in_order(before)):
        if line in gone:
            yield from _opposite(pool, change, line)
    for line in _in_order(after):
        if line not in before or line in gone:
            yield from _as_grantor(line, str(change.identity))


def only_revoked(change: Change) -> bool:
    """Whether nothing is granted."""
    before, after = (fact.statements if fact else () for fact in (change.old, change.new))
    return set(after) < set(before)


def _in_order(lines: Iterable[str]) -> list[str]:
    """Who grants on must have been granted before."""
    ordered: list[str] = []
    waiting = list(lines)
    while waiting:
        granted = {_grantee(line) for line in ordered}
        able = [line for line in waiting if _grantor(line) in (None, *granted)] or waiting
        ordered += able
        waiting = [line for line in waiting if line not in able]
    return ordered


def _with_what_stands_on_them(lines: Iterable[str], gone: set[str]) -> set[str]:
    """What somebody granted on goes with the right to do so."""
    lines = list(lines)
    while True:
        without = {_grantee(line) for line in gone if " WITH GRANT OPTION" in line}
        more = {line for line in lines if _grantor(line) in without} - gone
        if not more:
            return gone
        gone = gone | more


def _grantor(line: str) -> str | None:
    _, by, role = line.partition(" GRANTED BY ")
    return role if by else None


def _grantee(line: str) -> str | None:
    found = _LINE.fullmatch(line)
    return found["role"] if found else None


def _as_grantor(line: str, what: str) -> Iterator[Step]:
    """GRANTED BY takes nobody but who runs the statement."""
    sql, by, role = line.partition(" GRANTED BY ")
    if by:
        yield Step(f"SET LOCAL ROLE {role}", what, f"privileges that {role} grants", alone=False)
    yield Step(sql, what, "privileges", alone=False)
    if by:
        yield Step("RESET ROLE", what, alone=False)


def _opposite(pool: Pool, change: Change, line: str) -> Iterator[Step]:
    found = _LINE.fullmatch(line)
    if found is None:
        pool.refuse(change, f"the opposite of {line!r}")
        return
    head, what, thing, role = (found[part] for part in ("head", "what", "object", "role"))
    words = f"GRANT {what} ON {thing} TO" if found["verb"] == "REVOKE" else (
        f"REVOKE {what} ON {thing} FROM"
    )  # fmt: skip
    by = f" GRANTED BY {found['by']}" if found["by"] else ""
    yield from _as_grantor(f"{head}{words} {role}{by}", str(change.identity))
