"""Declared renames as steps, run on a copy before the rest is planned.

The server carries a rename through everything that mentions the name; what is left to plan is
the difference between the renamed schema and the declared one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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
    due.sort(key=lambda each: rank.get(each.kind, 2))
    return (*_new_schemas(due, current), *(step for rename in due for step in _steps(rename)))


def undo_renames(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The same renames backwards."""
    return tuple(_reversed(step) for step in reversed(tuple(steps)))


def _due(rename: Rename, current: Catalog) -> bool:
    return _there(rename.kind, rename.old, current) and not _there(rename.kind, rename.new, current)


def _there(kind: str, name: str, current: Catalog) -> bool:
    if kind == "index":  # its identity has its table, which may have another name as well
        return any(i.kind == kind and i.name == name for i in current.facts)
    if kind == "value":
        enum, value = _split_value(name)
        fact = current.facts.get(Identity("type", enum))
        return fact is not None and value in _LITERAL.findall(fact.sql.partition(" AS ENUM ")[2])
    relation, bare = ("", name) if kind == "table" else _split(name)
    return Identity(kind, bare, of=relation) in current


def _new_schemas(due: Iterable[Rename], current: Catalog) -> Iterator[Step]:
    """The schemas that tables move to."""
    homes = {_split(rename.new)[0] for rename in due if rename.kind == "table"} - {"public"}
    for home in sorted(homes):
        if Identity("schema", home) not in current:
            yield Step(
                f"CREATE SCHEMA {home}", f"schema {home}", "a table moves here", Phase.CONTRACT
            )


def _steps(rename: Rename) -> Iterator[Step]:
    """Tables come first, so that what is in them is found in the table of the new name."""
    breaks = rename.kind in ("table", "column")
    phase = Phase.CONTRACT if breaks else Phase.EXPAND
    if rename.kind == "value":
        enum, value = _split_value(rename.old)
        sql = f"ALTER TYPE {enum} RENAME VALUE {value} TO {_split_value(rename.new)[1]}"
        yield Step(sql, f"type {enum}", f"declared: renamed_from {value}", Phase.CONTRACT)
        return
    relation, old = _split(rename.old)
    home, bare = _split(rename.new)
    why = f"declared: renamed_from {old}"
    if rename.kind == "table":
        if relation != home:
            sql = f"ALTER TABLE {rename.old} SET SCHEMA {home}"
            yield Step(sql, f"table {rename.new}", f"declared: it was in {relation}", phase)
        sql = f"ALTER TABLE {home}.{old} RENAME TO {bare}"
    elif rename.kind == "index":
        sql = f"ALTER INDEX {home}.{old} RENAME TO {bare}"
    else:
        sql = f"ALTER TABLE {home} RENAME {rename.kind.upper()} {old} TO {bare}"
    if old != bare:
        yield Step(sql, f"{rename.kind} {rename.new}", why, phase)


_ALTER = re.compile(
    r"ALTER (TABLE|INDEX) (.+?) (?:SET SCHEMA (.+)|RENAME (?:(COLUMN|CONSTRAINT) (.+) )?TO (.+))"
)
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_VALUE = re.compile(r"ALTER TYPE (.+) RENAME VALUE ('(?:[^']|'')*') TO ('(?:[^']|'')*')")


def _reversed(step: Step) -> Step:
    if step.sql.startswith("CREATE SCHEMA "):
        return Step(step.sql.replace("CREATE", "DROP", 1), step.object, phase=step.phase)
    if of_value := _VALUE.fullmatch(step.sql):
        enum, value, new = of_value.groups()
        sql = f"ALTER TYPE {enum} RENAME VALUE {new} TO {value}"
        return Step(sql, step.object, "the old value again", step.phase)
    found = _ALTER.fullmatch(step.sql)
    assert found, step.sql
    kind, relation, home, inner, old, new = found.groups()
    schema, bare = _split(relation)
    if home:
        sql = f"ALTER {kind} {home}.{bare} SET SCHEMA {schema}"
    elif inner:
        sql = f"ALTER {kind} {relation} RENAME {inner} {new} TO {old}"
    else:
        sql = f"ALTER {kind} {f'{schema}.{new}' if schema else new} RENAME TO {bare}"
    why = "the old schema again" if home else "the old name again"
    return Step(sql, step.object, why, step.phase)


def _split_value(name: str) -> tuple[str, str]:
    """The type and the value of ``public.state.'paid'``."""
    found = _LITERAL.search(name)
    assert found, name
    return name[: found.start() - 1], found[0]


def _split(name: str) -> tuple[str, str]:
    parts = _DOT.split(name)
    return ".".join(parts[:-1]), parts[-1]
