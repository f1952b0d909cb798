"""The text of a revision file: ordinary Alembic Python that a reviewer can read.

Steps that touch only what is new share the transaction of the revision. All others stand in an
autocommit block, where each commits by itself, so that no lock outlives its statement and plain
``alembic upgrade`` behaves like ``zd upgrade``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from pglast import parser

from zero_downtime.history.seal import sealed
from zero_downtime.plan import Phase, Step

# Lines of 88 columns, as black and ruff make them by default.
_SHORT = 66  # SQL that fits on the line of its op.execute()
_WIDE = 76  # SQL on a line of its own
# What sqlalchemy.text() takes for a parameter, and for a colon that is none.
_BIND = re.compile(r"(?<![:\w\\]):([\w$]+)(?![:\w$])")
_ESCAPED = re.compile(r"\\(?=:[\w$]*(?![:\w$]))")
# How long a plain alembic run may queue for a lock; zd upgrade has a policy of its own.
_LOCK_TIMEOUT = "2s"
_BACKSLASH = "\\"


@dataclass(frozen=True)
class Draft:
    """A revision that is not written yet."""

    id: str
    down: str | None
    message: str
    phase: Phase
    upgrade: tuple[Step, ...]
    downgrade: tuple[Step, ...]
    lost: tuple[str, ...] = ()  # what the way down can't bring back


def revision_text(draft: Draft, now: dt.datetime) -> str:
    """The whole file, with the seal that tells whether it was edited since."""
    lost = "".join(f"The way down can't bring back {each}.\n" for each in draft.lost)
    text = f'''"""{_plain(draft.message)}

Revision ID: {draft.id}
Revises:{f" {draft.down}" if draft.down else ""}
Create Date: {now:%Y-%m-%d %H:%M}

Phase {draft.phase}: {_PHASES[draft.phase]}
{lost}"""

from alembic import op

revision = "{draft.id}"
down_revision = {f'"{draft.down}"' if draft.down else None}
branch_labels = None
depends_on = None

phase = "{draft.phase}"


def upgrade() -> None:
{_body(draft.upgrade)}

def downgrade() -> None:
{_body(draft.downgrade)}'''
    return sealed(text)


_PHASES = {
    Phase.EXPAND: "may run while the previous release of the application is up.",
    Phase.BACKFILL: "fills rows in batches while both releases may be up.",
    Phase.CONTRACT: "run it once no instance of the previous release is left.",
}


def _body(steps: Iterable[Step]) -> str:
    lines: list[str] = []
    together = False
    for (alone, _), group in groupby(steps, key=lambda step: (step.alone, step.group)):
        members = list(group)
        if not alone and together:  # what is above commits, and another transaction begins
            lines += ["    with op.get_context().autocommit_block():", "        pass"]
        together = not alone
        if alone:
            lines.append("    with op.get_context().autocommit_block():")
            lines += [_indented(line, 8) for line in _alone(members)]
        else:
            lines.append(f"    op.execute(\"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'\")")
            for step in members:
                lines += [_indented(line, 4) for line in _call(step)]
    return "\n".join(lines or ["    pass"]) + "\n"


def _alone(steps: list[Step]) -> Iterable[str]:
    bounded = False
    for step in steps:
        # A concurrent build waits for old transactions; a timeout would leave it INVALID.
        wants_bound = " CONCURRENTLY " not in step.sql
        if wants_bound and not bounded:
            yield f"op.execute(\"SET lock_timeout = '{_LOCK_TIMEOUT}'\")"
        elif bounded and not wants_bound:
            yield 'op.execute("RESET lock_timeout")'
        bounded = wants_bound
        yield from _call(step)
    if bounded:
        yield 'op.execute("RESET lock_timeout")'


def _call(step: Step) -> Iterable[str]:
    if step.why:
        yield f"# {_plain(step.why)}"
    sql = _BIND.sub(r"\\:\1", _ESCAPED.sub(r"\\\\", _wrapped(step.sql)))
    if len(sql) <= _SHORT and not set('\n"\\') & set(sql):
        yield f'op.execute("{sql}")'
        return
    if '"""' in sql or sql.endswith(('"', "\\")):
        yield f"op.execute({sql!r})"
        return
    yield f'op.execute({"r" if _BACKSLASH in sql else ""}"""'
    if _breaks_inside_a_token(sql):
        yield _Verbatim(sql)
    else:
        yield from (f"    {line}" for line in sql.split("\n"))
    yield '""")'


class _Verbatim(str):
    """Text that must not be indented: the body of a function is data."""


def _indented(line: str, by: int) -> str:
    return line if isinstance(line, _Verbatim) else f"{' ' * by}{line}"


def _breaks_inside_a_token(sql: str) -> bool:
    return any("\n" in sql[token.start : token.end + 1] for token in parser.scan(sql))


def _wrapped(sql: str) -> str:
    """A long one-line statement broken between its tokens, before a clause where there is one."""
    if "\n" in sql or len(sql) <= _SHORT:
        return sql
    lines: list[str] = []
    start = gap = clause = 0  # of this line; the last places where it may and should be broken
    for token in parser.scan(sql):
        if sql[token.start - 1 : token.start] == " ":
            gap = token.start
            if token.name in _CLAUSES:
                clause = token.start
        if token.end - start >= _WIDE - (4 if lines else 0) and gap > start:
            end = clause if clause - start > _WIDE // 3 else gap
            lines.append(sql[start : end - 1])
            start = end
    lines.append(sql[start:])
    return "\n    ".join(lines)


# Tokens that begin a clause, as pglast names them.
_CLAUSES = {
    "ADD_P", "ALTER", "AS", "CHECK", "DROP", "FOR", "FOREIGN", "GENERATED", "INCLUDE", "NOT", "ON",
    "PRIMARY", "REFERENCES", "RENAME", "TYPE_P", "UNIQUE", "USING", "WHERE", "WITH",
}  # fmt: skip


def _plain(text: str) -> str:
    return " ".join(text.replace('"""', "'").replace("\\", "/").split())
