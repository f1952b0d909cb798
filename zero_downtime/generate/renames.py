"""Declared renames as steps, run on a copy before the rest is planned.

The server carries a rename through everything that mentions the name; what is left to plan is
the difference between the renamed schema and the declared one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from zero_downtime.catalog import Catalog, Identity
from zero_downtime.plan import Phase, Step
from zero_downtime.schema.ddl import Rename

_DOT = re.compile(r"\.(?=(?:[^\"]|\"[^\"]*\")*\Z)")  # a dot outside of quotes


def rename_steps(renames: Iterable[Rename], current: Catalog) -> tuple[Step, ...]:
    """The renames that are still to be done, tables first.

    A rename whose old name is gone, or whose new name is there, was done by an earlier revision.
    """
    rank = {"table": 0, "column": 1}
    due = [rename for rename in renames if _due(rename, current)]
    return tuple(_step(rename) for rename in sorted(due, key=lambda r: rank.get(r.kind, 2)))


def undo_renames(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The same renames backwards."""
    return tuple(_reversed(step) for step in reversed(tuple(steps)))


def _due(rename: Rename, current: Catalog) -> bool:
    return _identity(rename.kind, rename.old) in current and (
        _identity(rename.kind, rename.new) not in current
    )


def _identity(kind: str, name: str) -> Identity:
    if kind in ("table", "index"):
        of = ""
        return Identity(kind, name, of)
    relation, bare = _split(name)
    return Identity(kind, bare, of=relation)


def _step(rename: Rename) -> Step:
    bare = _split(rename.new)[1]
    if rename.kind == "table":
        sql = f"ALTER TABLE {rename.old} RENAME TO {bare}"
    elif rename.kind == "index":
        sql = f"ALTER INDEX {rename.old} RENAME TO {bare}"
    else:
        relation, old = _split(rename.old)
        # The table may have been renamed a step before.
        table = _split(rename.new)[0] if rename.kind == "column" else relation
        sql = f"ALTER TABLE {table} RENAME {rename.kind.upper()} {old} TO {bare}"
    breaks = rename.kind in ("table", "column")
    why = f"declared: renamed_from {_split(rename.old)[1]}"
    phase = Phase.CONTRACT if breaks else Phase.EXPAND
    return Step(sql, f"{rename.kind} {rename.new}", why, phase)


def _reversed(step: Step) -> Step:
    found = re.fullmatch(
        r"ALTER (TABLE|INDEX) (.+?) RENAME (?:(COLUMN|CONSTRAINT) (.+) )?TO (.+)", step.sql
    )
    assert found, step.sql
    kind, relation, inner, old, new = found.groups()
    if inner:
        sql = f"ALTER {kind} {relation} RENAME {inner} {new} TO {old}"
    else:
        schema, bare = _split(relation)
        sql = f"ALTER {kind} {f'{schema}.{new}' if schema else new} RENAME TO {bare}"
    return Step(sql, step.object, "the old name again", step.phase)


def _split(name: str) -> tuple[str, str]:
    parts = _DOT.split(name)
    return ".".join(parts[:-1]), parts[-1]
