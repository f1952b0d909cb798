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
    rf"(?P<role>{_ROLE})(?P<option> WITH GRANT OPTION)?",
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
    for line in reversed(before):
        if line not in after:
            yield from _opposite(pool, change, line)
    for line in after:
        if line not in before:
            yield Step(line, str(change.identity), "privileges", alone=False)


def _opposite(pool: Pool, change: Change, line: str) -> Iterator[Step]:
    found = _LINE.fullmatch(line)
    if found is None:
        pool.refuse(change, f"the opposite of {line!r}")
        return
    head, what, thing, role = (found[part] for part in ("head", "what", "object", "role"))
    words = f"GRANT {what} ON {thing} TO" if found["verb"] == "REVOKE" else (
        f"REVOKE {what} ON {thing} FROM"
    )  # fmt: skip
    yield Step(f"{head}{words} {role}", str(change.identity), "privileges", alone=False)
