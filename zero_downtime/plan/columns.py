"""Columns: added without a rewrite, altered in place, dropped in the contract phase."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan import children, counters
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Loss, Phase, Step
from zero_downtime.plan.tables import identity_clause
from zero_downtime.postgres.names import quoted

_NOT_NULL_BY_ITSELF = 18  # ADD CONSTRAINT … NOT NULL … NOT VALID exists from here on
_SET_EXPRESSION = 17  # ALTER COLUMN … SET EXPRESSION exists from here on


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """A column was added, removed, or has another type or collation."""
    if change.kind == "added":
        yield from add(pool, change.identity)
    elif change.kind == "removed":
        yield from _drop(pool, change.identity)
    else:
        yield from alter_type(pool, change)


def change_default(pool: Pool, change: Change) -> Iterable[Step]:
    """SET or DROP DEFAULT: for rows to come, no row is touched."""
    column, table = change.identity.name, change.identity.of
    identity = pool.changes.get(Identity("identity", column, table))
    generated = pool.changes.get(Identity("generated", column, table))
    if generated is not None and generated.kind == "removed":  # a column has one of the two
        yield from change_generated(pool, pool.changes.pop(generated.identity))
    if identity is not None and identity.kind == "removed":
        pool.changes[change.identity] = change
        del pool.changes[identity.identity]
        yield from counters.drop_identity(pool, identity)
        return
    words = f"SET DEFAULT {change.new.definition}" if change.new else "DROP DEFAULT"
    sequence = counters.counter_of(change.new) if change.new else None
    made = pool.new.get("sequence", sequence or "")
    if made and made.identity not in pool.old and Identity("column", column, table) in pool.old:
        what = str(change.identity)
        yield from counters.go_on_behind_rows(sequence, table, column, made.sql, what)
        yield Step(f"ALTER TABLE {table} ALTER COLUMN {column} {words}", what, alone=False)
        return
    yield Step(
        f"ALTER TABLE {table} ALTER COLUMN {column} {words}",
        str(change.identity),
        f"default of {table}.{column}",
        alone=not pool.is_new(table),
    )


def change_not_null(pool: Pool, change: Change) -> Iterable[Step]:
    """NOT NULL by the way that scans without blocking anybody.

    On 18 the constraint is added NOT VALID and validated (PostgreSQL docs, ALTER TABLE); before,
    a validated CHECK spares SET NOT NULL its scan (since 12).
    """
    column, table = change.identity.name, change.identity.of
    name = str(change.identity)
    if change.kind == "removed":
        sql = f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"
        yield Step(sql, name, f"{table}.{column} may be NULL")
    elif change.kind == "altered":
        yield from _alter_not_null(pool, change)
    elif pool.is_new(table):
        sql = f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL"
        yield Step(sql, name, f"{table}.{column} is required", alone=False)
    elif pool.new.major >= _NOT_NULL_BY_ITSELF:
        constraint = not_null_name(change.new, change.identity)
        why = f"{table}.{column} is required: new rows from now on"
        alone = _NO_INHERIT if _says(change.new, _NO_INHERIT) else ""
        yield Step(
            f"ALTER TABLE {table} ADD CONSTRAINT {constraint} NOT NULL {column}{alone} NOT VALID",
            name,
            why,
        )
        if not _says(change.new, " NOT VALID"):
            sql = f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}"
            yield Step(sql, name, "all rows, while readers and writers go on")
    else:
        check = quoted(f"{_plain(table)}_{_plain(column)}_required"[:63])
        yield Step(
            f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID",
            name,
            f"{table}.{column} is required: new rows from now on",
        )
        sql = f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}"
        yield Step(sql, name, "all rows, while readers and writers go on")
        sql = f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL"
        yield Step(sql, name, "no scan: the check proves it")
        yield Step(f"ALTER TABLE {table} DROP CONSTRAINT {check}", name, "the proof is not needed")


def change_identity(pool: Pool, change: Change) -> Iterable[Step]:
    """Identity was added to, removed from or altered on a column that exists."""
    column, table = change.identity.name, change.identity.of
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    if change.kind == "removed":
        yield from counters.drop_identity(pool, change)
    elif change.kind == "altered":
        assert change.old is not None and change.new is not None
        old, new = (
            re.search(r"SEQUENCE NAME (\S+)", f.definition) for f in (change.old, change.new)
        )
        renamed = (
            old and new and change.old.definition.replace(old[1], new[1]) == change.new.definition
        )
        if renamed and old and new:
            bare = new[1].rpartition(".")[2]
            sql = f"ALTER SEQUENCE {old[1]} RENAME TO {bare}"
            yield Step(sql, str(change.identity), "the sequence is called after its column")
        else:
            what, sequence = str(change.identity), counters.sequence_of(change.old)
            yield from counters.within_limits(sequence, change, what)
            yield Step(f"{alter} {_identity_options(change.new)}", what, "options")
    else:
        yield from counters.add_identity(pool, change)


def change_generated(pool: Pool, change: Change) -> Iterable[Step]:
    """The expression of a generated column, altered in place; see made_anew for the rest."""
    column, table = change.identity.name, change.identity.of
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    if change.new is None:
        why = "the values stay, the writer gives new ones"
        yield Step(f"{alter} DROP EXPRESSION", str(change.identity), why)
    else:
        found = re.match(
            r"GENERATED ALWAYS AS (.*?)(?: STORED)?\Z", change.new.definition, re.DOTALL
        )
        assert found is not None
        yield Step(f"{alter} SET EXPRESSION AS {found[1]}", str(change.identity), "computed anew")


def made_anew(pool: Pool, change: Change) -> bool:
    """Whether a column must be dropped and added for what changes in its expression."""
    stored = [fact and fact.definition.endswith(" STORED") for fact in (change.old, change.new)]
    if change.old is None:
        return True
    if change.new is None:
        return not stored[0]
    retyped = Identity("column", change.identity.name, change.identity.of) in pool.changes
    return retyped or stored[0] != stored[1] or pool.new.major < _SET_EXPRESSION


def note_values_lost(pool: Pool, column: Identity) -> None:
    """A column that is dropped and added again keeps its values only if they are computed."""
    generated = Identity("generated", column.name, column.of)
    if generated not in pool.old or generated not in pool.new:
        pool.losses.append(Loss(str(column), "its values"))


def not_null_name(fact: Fact | None, identity: Identity) -> str:
    """The name of a NOT NULL constraint: its own, or the one that PostgreSQL 18 generates."""
    named = re.match(
        r"CONSTRAINT (\"(?:[^\"]|\"\")+\"|\S+) NOT NULL", fact.definition if fact else ""
    )
    if named:
        return named[1]
    return quoted(generated_name(_plain(identity.of), _plain(identity.name), "not_null"))


def generated_name(table: str, column: str, label: str) -> str:
    """The name that PostgreSQL makes of its parts (makeObjectName): at most 63 bytes, the longer
    of table and column is shortened first."""
    overhead = len(label) + 2
    first, second = table.encode(), column.encode()
    while len(first) + len(second) + overhead > 63:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    return f"{first.decode(errors='ignore')}_{second.decode(errors='ignore')}_{label}"


def _identity_options(fact: Fact) -> str:
    """``SET …`` clauses that state all options of an identity column anew."""
    words = " ".join(fact.definition.split())
    kind, _, options = words.partition(" AS IDENTITY ")
    options = re.sub(r"^\( SEQUENCE NAME \S+ ", "", options).removesuffix(" )")
    clauses = re.findall(
        r"START WITH \S+|INCREMENT BY \S+|NO MINVALUE|NO MAXVALUE|(?<!NO )MINVALUE \S+"
        r"|(?<!NO )MAXVALUE \S+|CACHE \S+|CYCLE",
        options,
    )
    clauses += [] if "CYCLE" in clauses else ["NO CYCLE"]
    return " ".join([f"SET {kind}", *(f"SET {clause}" for clause in clauses)])


def add(pool: Pool, identity: Identity, facts_from_new: bool = False) -> Iterable[Step]:
    """ADD COLUMN with all that can be said in it; ``facts_from_new``: whatever has changed."""
    column, table = identity.name, identity.of
    fact = pool.new.get("column", column, table)
    assert fact is not None
    words = [fact.definition]
    said = {kind: pool.take(kind, column, of=table) for kind in SAID_WITH_THE_COLUMN}
    facts = {kind: change.new for kind, change in said.items() if change and change.new}
    if facts_from_new:
        facts = {
            kind: found
            for kind in SAID_WITH_THE_COLUMN
            if (found := pool.new.get(kind, column, table)) is not None
        }
    if "generated" in facts:
        words.append(facts["generated"].definition)
    if "identity" in facts:
        words.append(identity_clause(table, column, facts["identity"].definition))
    if "default" in facts:
        words.append(f"DEFAULT {facts['default'].definition}")
        yield from _sequence_of(pool, facts["default"].definition)
    later = facts.keys() == {"not null"} and not pool.is_new(table)
    if "not null" in facts and not later:
        words.append(facts["not null"].definition)
    sql = f"ALTER TABLE {table} ADD COLUMN {column} {' '.join(words)}"
    yield Step(sql, str(identity), f"new column {table}.{column}", alone=not pool.is_new(table))
    if later:
        yield from _required_later(pool, facts["not null"])


def _required_later(pool: Pool, fact: Fact) -> Iterable[Step]:
    """A column without default is required once somebody has filled it."""
    reason = "a required column without default can't be added to a table that holds rows"
    column = Identity("column", fact.identity.name, fact.identity.of)
    pool.losses.append(Loss(str(column), reason))
    for step in change_not_null(pool, Change(fact.identity, None, fact)):
        yield replace(step, phase=Phase.CONTRACT)


SAID_WITH_THE_COLUMN = ("generated", "identity", "default", "not null")


def _sequence_of(pool: Pool, default: str) -> Iterable[Step]:
    """A serial column's sequence, which the default needs before the column is there."""
    for identity in [i for i in pool.changes if i.kind == "sequence"]:
        change = pool.changes[identity]
        if change.new is not None and f"nextval('{identity.name}'" in default:
            del pool.changes[identity]
            yield Step(change.new.sql, str(identity), "counts the rows of a new column")


def _drop(pool: Pool, identity: Identity) -> Iterable[Step]:
    column, table = identity.name, identity.of
    for fact in belongings(pool.old, identity):
        if fact.identity not in pool.new:
            pool.changes.pop(fact.identity, None)
    for owner, fact in pool.old.facts.items():
        if owner.kind == "sequence owner" and fact.sql.endswith(f" OWNED BY {table}.{column}"):
            pool.take("sequence", owner.name)  # what a column owns goes with it
            pool.take("sequence owner", owner.name)
    pool.losses.append(Loss(str(identity), "its values"))
    kept = children.is_kept_below(pool, identity)
    sql = f"ALTER TABLE {'ONLY ' if kept else ''}{table} DROP COLUMN {column}"
    yield Step(sql, str(identity), f"drop {table}.{column}", Phase.CONTRACT)
    for child in children.without(pool, identity) if kept else ():
        sql = f"ALTER TABLE {child} DROP COLUMN {column}"
        yield Step(sql, str(identity), f"drop {child}.{column}", Phase.CONTRACT)


def alter_type(pool: Pool, change: Change) -> Iterable[Step]:
    """Another type or collation. A default of another type is taken off and put on again."""
    assert change.old is not None and change.new is not None
    column, table = change.identity.name, change.identity.of
    generated = pool.changes.get(Identity("generated", column, table))
    if generated is not None and generated.new is None:
        yield from change_generated(pool, pool.changes.pop(generated.identity))
    identity = pool.changes.get(Identity("identity", column, table))
    if identity is not None and identity.new is None:  # only integers may have one
        for step in counters.drop_identity(pool, pool.changes.pop(identity.identity)):
            yield replace(step, phase=Phase.EXPAND)  # it can't wait
    words = f"ALTER COLUMN {column} TYPE {change.new.definition}"
    if pool.is_foreign(table):  # its rows are elsewhere: no USING
        sql = f"ALTER FOREIGN TABLE {table} {words}"
        yield Step(sql, str(change.identity), f"type of {table}.{column}")
        return
    bases = {_base_type(change.old.definition), _base_type(change.new.definition)}
    before_type, after_type = (_base_type(f.definition) for f in (change.old, change.new))
    if len(bases) > 1:
        if before_type == f"{after_type}[]":
            words += f" USING ({column})[1]"
            pool.losses.append(Loss(str(change.identity), "all elements but the first"))
        elif after_type == f"{before_type}[]":
            words += f" USING CASE WHEN {column} IS NOT NULL THEN ARRAY[{column}] END"
        elif pool.new.get("generated", column, table):
            pass  # it is computed anew
        elif bases != {"character varying", "text"}:
            words += f" USING {_cast(pool, column, change.old.definition, change.new.definition)}"
        before, after = (c.get("default", column, table) for c in (pool.old, pool.new))
        if before is not None:
            pool.take("default", column, of=table)
            words = f"ALTER COLUMN {column} DROP DEFAULT, {words}"
            counter = counters.counter_of(after) if after is not None else None
            if after is not None and counter and pool.old.get("sequence", counter) is None:
                pool.changes[after.identity] = Change(after.identity, None, after)
            elif after is not None:
                words += f", ALTER COLUMN {column} SET DEFAULT {after.definition}"
    yield Step(f"ALTER TABLE {table} {words}", str(change.identity), f"type of {table}.{column}")


def _cast(pool: Pool, column: str, before: str, after: str) -> str:
    """A column's value in its new type. From and to json where PostgreSQL has no cast."""
    target = after.partition(" COLLATE ")[0]
    if all(_has_no_cast(pool, _base_type(each)) for each in (before, after)):
        array = "[]" if _base_type(before).endswith("[]") else ""
        return f"{column}::text{array}::{target}"
    if target in _JSON and _base_type(before) not in (*_JSON, *_TEXTS):
        return f"to_{target}({column})"
    if _base_type(before) in _JSON and target not in (*_JSON, *_TEXTS):
        return f"({column} #>> '{{}}')::{target}"
    return f"{column}::{target}"


def _has_no_cast(pool: Pool, name: str) -> bool:
    """Enums and ranges, which have casts to text alone."""
    name = name.removesuffix("[]")
    made = pool.new.get("type", name) or pool.old.get("type", name)
    if made is None:
        return bool(_RANGES.fullmatch(name))
    return " AS ENUM " in made.sql or " AS RANGE " in made.sql


_RANGES = re.compile(r"(?:int4|int8|num|date|ts|tstz)range")
_JSON = ("json", "jsonb")
_TEXTS = ("text", "character varying", "character")


def _base_type(definition: str) -> str:
    """The type without collation and modifiers; arrays are types of their own."""
    return re.sub(r"\(.*?\)", "", definition.partition(" COLLATE ")[0]).strip()


def _alter_not_null(pool: Pool, change: Change) -> Iterable[Step]:
    """Another name, validated, or inherited or not. NOT VALID again is a new constraint."""
    if pool.is_detached(change.identity.of):
        pool.changes[change.identity] = change  # its name is its own when it is detached
        return
    yield from alter_not_null(change)


def alter_not_null(change: Change) -> Iterable[Step]:
    """The same, of a table that is no partition or not any more."""
    table, what = change.identity.of, str(change.identity)
    old = not_null_name(change.old, change.identity)
    new = not_null_name(change.new, change.identity)
    valid = [not _says(fact, " NOT VALID") for fact in (change.old, change.new)]
    if valid == [True, False]:
        sql = f"ALTER TABLE {table} DROP CONSTRAINT {old}"
        yield Step(sql, what, "a NOT NULL that is not validated comes instead", alone=False)
        tail = f"{_NO_INHERIT if _says(change.new, _NO_INHERIT) else ''} NOT VALID"
        sql = f"ALTER TABLE {table} ADD CONSTRAINT {new} NOT NULL {change.identity.name}{tail}"
        yield Step(sql, what, alone=False)
        return
    if old != new:
        sql = f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}"
        yield Step(sql, what, "the constraint is called after its column")
    if valid == [False, True]:
        sql = f"ALTER TABLE {table} VALIDATE CONSTRAINT {new}"
        yield Step(sql, what, "all rows, while readers and writers go on")
    inherits = [not _says(fact, _NO_INHERIT) for fact in (change.old, change.new)]
    if inherits[0] != inherits[1]:
        words = "INHERIT" if inherits[1] else "NO INHERIT"
        sql = f"ALTER TABLE {table} ALTER CONSTRAINT {new} {words}"
        yield Step(sql, what, "in place")


_NO_INHERIT = " NO INHERIT"


def _says(fact: Fact | None, words: str) -> bool:
    return fact is not None and words in fact.definition


def _plain(name: str) -> str:
    """The bare name without schema and quotes."""
    bare = re.split(r"\.(?=(?:[^\"]|\"[^\"]*\")*\Z)", name)[-1]
    return bare.strip('"').replace('""', '"')
