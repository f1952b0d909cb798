"""Migrations proposed for what can't be mended in its place: the safe statements, one by one.

A proposal replaces statements of a migration: a file of SQL beside a file of SQL, a revision for a
revision. The migration itself is left alone; the proposal says what to take out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from zero_downtime.errors import InputError
from zero_downtime.lint.finding import Finding

_FLYWAY = re.compile(r"(?P<version>V\d+(?:[._]\d+)*)__(?P<name>.*)\.sql")
_UP = re.compile(r"(?P<stem>.*?)(?P<up>[._-]up)?\.sql", re.IGNORECASE)


@dataclass(frozen=True)
class Proposal:
    """The name and the text of a file."""

    name: str
    text: str

    def write(self, folder: Path) -> Path:
        """Write it. Raises InputError, also rather than to overwrite a file."""
        path = folder / self.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(self.text)
        except OSError as error:
            raise InputError(
                where=path,
                reason=f"can't be written ({error.strerror})",
                advice="Move it away, or name another folder",
            ) from error
        return path


def proposals(findings: Iterable[Finding], heads: tuple[str, ...] = ()) -> list[Proposal]:
    """A proposal for each migration with findings that have a split or a fix.

    ``heads`` are the heads of the history that revisions are to follow.
    """
    usable = [f for f in findings if (f.split or f.fix) and f.direction == "upgrade"]
    found = []
    for (file, revision), group in groupby(usable, key=lambda f: (f.location.file, f.revision)):
        chosen = {(f.location, f.statement): f for f in reversed(list(group))}
        ordered = list(reversed(chosen.values()))
        if revision is None:
            found.append(Proposal(_name(Path(file).name), _sql(file, ordered)))
        else:
            made = _revision(revision, heads or (revision,), ordered)
            heads = (made[0],)
            found.append(Proposal(f"{made[0]}_after_{revision}.py", made[1]))
    return found


def _steps(finding: Finding) -> tuple[str, ...]:
    return finding.split or ((finding.fix,) if finding.fix else ())


def _name(file: str) -> str:
    """A name that sorts right behind the file's."""
    flyway = _FLYWAY.fullmatch(file)
    if flyway:
        return f"{flyway['version']}.1__{flyway['name']}_then.sql"
    found = _UP.fullmatch(file)
    return f"{found['stem']}_then{found['up'] or ''}.sql" if found else f"{file}_then.sql"


def _sql(file: str, findings: Iterable[Finding]) -> str:
    lines = ["-- Each statement commits by itself: no transaction around this file."]
    for finding in findings:
        lines += ["", f"-- Instead of {file}:{finding.location.line} ({finding.rule})"]
        lines += [f"{step};" for step in _steps(finding)]
    return "\n".join(lines) + "\n"


def _revision(revision: str, parents: tuple[str, ...], findings: list[Finding]) -> tuple[str, str]:
    """The id and the text of a revision."""
    steps = [step for finding in findings for step in _steps(finding)]
    identity = sha256("\0".join((revision, *steps)).encode()).hexdigest()[:12]
    places = ", ".join(f"line {finding.location.line} ({finding.rule})" for finding in findings)
    down = repr(parents[0]) if len(parents) == 1 else repr(parents)
    lines = [
        f'"""Instead of {findings[0].location.file}, {places}: take these out there.',
        "",
        f"Revision ID: {identity}",
        f"Revises: {', '.join(parents)}",
        '"""',
        "",
        "from alembic import op",
        "",
        f"revision = {identity!r}",
        f"down_revision = {down}",
        "branch_labels = None",
        "depends_on = None",
        "",
        "",
        "def upgrade() -> None:",
    ]
    # A block commits what was before it: so each step is a transaction of its own.
    for step in steps:
        lines += [
            "    with op.get_context().autocommit_block():",
            f"        op.execute({_literal(step)})",
        ]
    used = [name for step in steps if (name := _used(step))]
    names = [name for step in steps if (name := _made(step)) and name not in used]
    lines += ["", "", "def downgrade() -> None:"]
    for name in names:
        lines += [
            "    with op.get_context().autocommit_block():",
            f"        op.execute({_literal(f'DROP INDEX CONCURRENTLY IF EXISTS {name}')})",
        ]
    if not names:
        lines.append("    pass")
    return identity, "\n".join(lines) + "\n"


def _literal(sql: str) -> str:
    """A Python literal for op.execute, which takes :name for a parameter."""
    sql = _PARAMETER.sub(r"\\:", sql)
    plain = "\n" in sql and "\\" not in sql and '"' not in sql
    return f'"""{sql}"""' if plain else repr(sql)


_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")
_INDEX = re.compile(r"create\s+(?:unique\s+)?index\s+concurrently\s+(\S+)\s+on\b", re.IGNORECASE)


_USING = re.compile(r".*\busing\s+index\s+(\S+)$", re.IGNORECASE | re.DOTALL)


def _used(sql: str) -> str | None:
    """The index that becomes a constraint's."""
    found = _USING.match(sql)
    return found[1] if found else None


def _made(sql: str) -> str | None:
    """The index that a statement builds."""
    found = _INDEX.match(sql)
    return found[1] if found else None
