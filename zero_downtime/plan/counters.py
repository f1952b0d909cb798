"""Columns that count: identity and serial, which go on where the old counter or the rows stand."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Phase, Step
from zero_downtime.postgres.literals import literal

_NEXTVAL = re.compile(r"nextval\('((?:[^']|'')+)'::regclass\)")


def exchanges(pool: Pool) -> Iterator[Iterator[Step]]:
    """A serial column becomes an identity column or the other way: the counter goes on."""
    for identity in [each for each in pool.changes if each.kind == "identity"]:
        change = pool.changes.get(identity)
        default = pool.changes.get(Identity("default", identity.name, identity.of))
        if change is None or default is None or pool.is_new(identity.of):
            continue
        if change.kind == "added" and default.kind == "removed":
            yield _to_identity(pool, change, default)
        elif change.kind == "removed" and default.kind == "added":
            yield _to_serial(pool, change, default)


def _to_identity(pool: Pool, change: Change, default: Change) -> Iterator[Step]:
    assert change.new is not None and default.old is not None
    table, column, what = change.identity.of, change.identity.name, str(change.identity)
    old, new = counter_of(default.old), sequence_of(change.new)
    sequence = pool.changes.get(Identity("sequence", old or ""))
    if old is None or new is None or Identity("not null", column, table) not in pool.old:
        return  # what counts must be required first
    for each in (change, default):
        del pool.changes[each.identity]
    why = f"{table}.{column} counts as identity, from where its sequence stands"
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    yield Step(f"{alter} DROP DEFAULT", what, why, alone=False)
    goes = sequence is not None and sequence.kind == "removed"
    if goes:
        pool.take("sequence", old)
        pool.take("sequence owner", old)
        for fact in list(pool.old.facts):
            if fact.about == Identity("sequence", old):
                pool.changes.pop(fact, None)
        before = _beside(old)
        yield Step(f"ALTER SEQUENCE {old} RENAME TO {before.rpartition('.')[2]}", what, alone=False)
        old = before
    yield Step(f"{alter} ADD {_words(change.new)}", what, alone=False)
    yield Step(_go_on(new, old), what, alone=False)
    if goes:
        yield Step(f"DROP SEQUENCE {old}", what, alone=False)


def _to_serial(pool: Pool, change: Change, default: Change) -> Iterator[Step]:
    assert change.old is not None and default.new is not None
    table, column, what = change.identity.of, change.identity.name, str(change.identity)
    old, new = sequence_of(change.old), counter_of(default.new)
    sequence = pool.new.get("sequence", new or "")
    if old is None or new is None or sequence is None or pool.old.get("sequence", new):
        return
    for each in (change, default):
        del pool.changes[each.identity]
    pool.take("sequence", new)
    owner = pool.take("sequence owner", new)
    why = f"{table}.{column} counts by a sequence, from where its identity stands"
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    made = _beside(new)
    yield Step(sequence.sql.replace(new, made, 1), what, why, alone=False)
    yield Step(_go_on(made, old), what, alone=False)
    yield Step(f"{alter} DROP IDENTITY", what, alone=False)
    yield Step(f"ALTER SEQUENCE {made} RENAME TO {new.rpartition('.')[2]}", what, alone=False)
    if owner is not None and owner.new is not None:
        yield Step(owner.new.sql, what, alone=False)
    yield Step(f"{alter} SET DEFAULT {default.new.definition}", what, alone=False)


def add_identity(pool: Pool, change: Change) -> Iterator[Step]:
    """Identity on a column that exists; the counter goes on behind the highest value."""
    assert change.new is not None
    table, column, what = change.identity.of, change.identity.name, str(change.identity)
    default = pool.take("default", column, of=table)
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    alone = not pool.is_new(table)
    if default is not None and default.new is None:
        yield Step(f"{alter} DROP DEFAULT", what, "identity comes instead", alone=False)
        alone = False
    words = _words(change.new)
    if alone:
        why = "numbers from now on; the rows keep theirs"
        yield Step(f"{alter} ADD {words}", what, why, alone=False)
        yield from go_on_behind_rows(sequence_of(change.new), table, column, words, what)
    else:
        yield Step(f"{alter} ADD {words}", what, alone=False)


def drop_identity(pool: Pool, change: Change) -> Iterator[Step]:
    """Values come from the writer, or from a default that is set in the same moment."""
    table, column, what = change.identity.of, change.identity.name, str(change.identity)
    drop = f"ALTER TABLE {table} ALTER COLUMN {column} DROP IDENTITY"
    default = pool.take("default", column, of=table)
    if default is not None and default.new is not None:
        words = f"ALTER COLUMN {column} SET DEFAULT {default.new.definition}"
        yield Step(f"{drop}, {words}", what, "values come from the default")
    else:
        yield Step(drop, what, "values come from the writer", Phase.CONTRACT)


def go_on_behind_rows(
    sequence: str | None, table: str, column: str, options: str, what: str
) -> Iterator[Step]:
    """A new counter goes on behind the values that the rows have."""
    if sequence is None:
        return
    start = _option(options, "START WITH") or "1"
    downwards = (_option(options, "INCREMENT BY") or "1").startswith("-")
    last, beyond = ("min", "<=") if downwards else ("max", ">=")
    sql = (
        f"SELECT pg_catalog.setval({literal(sequence)}, last)"
        f" FROM (SELECT {last}({column}) AS last FROM {table}) AS rows WHERE last {beyond} {start}"
    )
    yield Step(sql, what, "the counter goes on behind the rows", alone=False)


def within_limits(sequence: str | None, change: Change, what: str) -> Iterator[Step]:
    """A counter that stands before its new first value goes there; PostgreSQL would refuse."""
    assert change.old is not None and change.new is not None
    before, after = (_first_value(fact.definition) for fact in (change.old, change.new))
    if sequence is None or before == after or (before[0] > 0) != (after[0] > 0):
        return
    step, first = after
    if (first - before[1]) * step > 0:
        sign = "<" if step > 0 else ">"
        sql = (
            f"SELECT pg_catalog.setval({literal(sequence)}, {first}, false) FROM {sequence}"
            f" WHERE last_value {sign} {first}"
        )
        yield Step(sql, what, "the counter stands within its new limits", alone=False)


def _first_value(options: str) -> tuple[int, int]:
    """The step of a counter, and the value it can't stand before."""
    step = int(_option(options, "INCREMENT BY") or 1)
    limit = re.search(rf"(?<!NO ){'MINVALUE' if step > 0 else 'MAXVALUE'} (-?\d+)", options)
    return step, int(limit[1]) if limit else (1 if step > 0 else -1)


def counter_of(default: Fact) -> str | None:
    """The sequence that a default takes its values from."""
    found = _NEXTVAL.fullmatch(default.definition)
    return found[1].replace("''", "'") if found else None


def sequence_of(identity: Fact) -> str | None:
    """The sequence of an identity column."""
    found = re.search(r"SEQUENCE NAME ((?:\"(?:[^\"]|\"\")+\"|[^\s\"])+)", identity.definition)
    return found[1] if found else None


def _words(identity: Fact) -> str:
    return " ".join(identity.definition.split())


def _option(options: str, name: str) -> str | None:
    found = re.search(rf"{name} (\S+)", options)
    return found[1] if found else None


def _go_on(new: str, old: str) -> str:
    return f"SELECT pg_catalog.setval({literal(new)}, last_value, is_called) FROM {old}"


def _beside(sequence: str) -> str:
    """A name for a sequence while another has its own; at most 63 bytes."""
    schema, _, bare = sequence.rpartition(".")
    beside = f'{bare[:-1][:58]}_tmp"' if bare.startswith('"') else f"{bare[:59]}_tmp"
    return f"{schema}.{beside}" if schema else beside
