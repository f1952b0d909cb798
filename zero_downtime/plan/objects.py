"""Everything that is one statement an object: types, functions, views, policies, comments …

Added: the statement of the dump, whatever kind it is. Removed and altered: the ways below; a kind
without a way is not planned, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan import enums
from zero_downtime.plan.pool import Pool
from zero_downtime.plan.step import Phase, Step

# DROP <kind> <name>, or DROP <kind> <name> ON <relation> for what lives in one.
_DROPPED_BY_NAME = {
    "aggregate", "cast", "collation", "domain", "event trigger", "extension",
    "foreign data wrapper",
    "function", "materialized view", "policy", "procedure", "publication", "rule", "schema",
    "sequence", "server", "statistics", "subscription", "text search configuration",
    "text search dictionary", "trigger", "type", "view",
}  # fmt: skip
# What the running application may be using, and what such things may need: the contract phase.
_USED_BY_CLIENTS = {
    "domain", "extension", "function", "materialized view", "procedure", "schema", "sequence",
    "type", "view",
}  # fmt: skip
# Sub-commands of ALTER TABLE that have an opposite.
_OPPOSITES = {
    "enable row security": "DISABLE ROW LEVEL SECURITY",
    "force row security": "NO FORCE ROW LEVEL SECURITY",
    "replica identity": "REPLICA IDENTITY DEFAULT",
    "cluster on": "SET WITHOUT CLUSTER",
    "set statistics": "ALTER COLUMN {name} SET STATISTICS DEFAULT",
    "set storage": "ALTER COLUMN {name} SET STORAGE DEFAULT",
    "set compression": "ALTER COLUMN {name} SET COMPRESSION DEFAULT",
    "disable trig": "ENABLE TRIGGER {name}",
}


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """Any fact without a handler of its own."""
    if change.kind == "added":
        return _add(pool, change)
    if change.kind == "removed":
        return _remove(pool, change)
    return _alter(pool, change)


def renames(pool: Pool) -> Iterator[Step]:
    """Sequences of serial columns that only changed their name."""
    removed = {
        _without_name(c.old): c
        for i, c in pool.changes.items()
        if i.kind == "sequence" and c.kind == "removed" and c.old
        and _owner_table(pool, i.name) not in _gone(pool)
    }  # fmt: skip
    for change in list(pool.changes.values()):
        if change.identity.kind != "sequence" or change.kind != "added" or not change.new:
            continue
        owner = pool.changes.get(Identity("sequence owner", change.identity.name))
        owned_by = _owner_column(owner.new if owner else None)
        for key, twin in removed.items():
            if key == _without_name(change.new) and owned_by == _owner_column(
                pool.old.get("sequence owner", twin.identity.name)
            ):
                old, new = twin.identity.name, change.identity.name
                for name in (old, new):
                    pool.take("sequence", name)
                    pool.take("sequence owner", name)
                for identity in [i for i in pool.changes if i.kind == "default"]:
                    default = pool.changes[identity]
                    if default.old and default.new and default.old.definition.replace(
                        old, new
                    ) == default.new.definition:  # fmt: skip
                        del pool.changes[identity]
                sql = f"ALTER SEQUENCE {old} RENAME TO {new.rpartition('.')[2]}"
                yield Step(sql, str(change.identity), f"another name for {old}")
                del removed[key]
                break


def _add(pool: Pool, change: Change) -> Iterable[Step]:
    fact, kind = _fact(change), change.identity.kind
    what = str(change.identity)
    fresh = pool.is_new(change.identity.of or change.identity.name) or kind in (
        "schema", "extension", "type", "domain", "function", "procedure", "aggregate", "sequence",
    )  # fmt: skip
    if kind == "materialized view":
        yield Step(fact.sql, what, f"new {what}, empty", alone=False)
        yield Step(f"REFRESH MATERIALIZED VIEW {change.identity.name}", what, "its rows")
    elif kind in ("comment", "column comment"):
        yield Step(fact.sql, what, alone=not (fresh or _commented_is_new(pool, fact.sql)))
    elif kind == "extension":
        pool.take("comment", f"EXTENSION {change.identity.name} in -")  # it brings its own
        yield Step(fact.sql, what, f"new {what}", alone=False)
    else:
        yield Step(fact.sql, what, f"new {what}", alone=not fresh)


def _remove(pool: Pool, change: Change) -> Iterable[Step]:
    kind, name, relation = change.identity.kind, change.identity.name, change.identity.of
    what = str(change.identity)
    if relation and pool.is_gone(relation):
        return
    fact = _fact(change)
    if kind in ("comment", "column comment"):
        if _commented_is_gone(pool, fact.sql):
            return
        yield Step(re.sub(r" IS '.*\Z", " IS NULL", fact.sql, flags=re.DOTALL), what)
    elif kind == "privileges":
        for line in fact.definition.split(";\n"):
            yield from _opposite_of_grant(pool, change, line)
    elif kind == "sequence owner":
        if not pool.is_gone(name) and name not in _gone(pool):
            yield Step(f"ALTER SEQUENCE {name} OWNED BY NONE", what)
    elif kind == "publication member":
        if not _goes_with_its_publication(pool, fact.sql):
            sql = re.sub(r" ADD (TABLE|TABLES IN SCHEMA)( ONLY)? (\S+).*", r" DROP \1 \3", fact.sql)
            yield Step(sql, what)
    elif kind in _OPPOSITES:
        words = _OPPOSITES[kind].format(name=name)
        yield Step(f"ALTER TABLE {relation} {words}", what)
    elif kind in _DROPPED_BY_NAME:
        phase = Phase.CONTRACT if kind in _USED_BY_CLIENTS else Phase.EXPAND
        yield Step(_drop_sql(change), what, f"drop {what}", phase)
    else:
        pool.refuse(change, f"there is no way planned yet to remove a {kind}")


def _alter(pool: Pool, change: Change) -> Iterable[Step]:
    kind, name = change.identity.kind, change.identity.name
    what = str(change.identity)
    fact = _fact(change)
    if kind in ("function", "procedure", "rule", "trigger"):
        sql = re.sub(r"\ACREATE (?!OR REPLACE)", "CREATE OR REPLACE ", fact.sql)
        if sql.startswith("CREATE OR REPLACE CONSTRAINT TRIGGER"):
            yield Step(_drop_sql(change), what, f"{what} is made anew", alone=False)
            yield Step(fact.sql, what, alone=False)
        else:
            yield Step(sql, what, f"another {what}")
    elif kind == "view" and name not in pool.rebuild:
        sql = re.sub(r"\ACREATE (?!OR REPLACE)", "CREATE OR REPLACE ", fact.sql)
        yield Step(sql, what, f"another {what}")
    elif kind in ("view", "policy", "statistics"):
        yield Step(_drop_sql(change), what, f"{what} is made anew", alone=False)
        yield Step(fact.sql, what, alone=False)
        yield from _facts_again(pool, name if kind == "view" else "")
    elif kind == "materialized view":
        yield Step(_drop_sql(change), what, f"{what} is made anew", alone=False)
        yield Step(fact.sql, what, alone=False)
        yield Step(f"REFRESH MATERIALIZED VIEW {name}", what, "its rows", alone=False)
        yield from _facts_again(pool, name)
    elif kind in ("comment", "column comment", *_OPPOSITES):
        yield Step(fact.sql, what)
    elif kind == "sequence":
        yield Step(re.sub(r"\ACREATE", "ALTER", fact.sql), what, f"options of {what}")
    elif kind == "type" and " AS ENUM " in fact.sql:
        yield from enums.alter(pool, change)
    elif kind == "privileges":
        yield from _alter_privileges(pool, change)
    else:
        pool.refuse(change, f"there is no way planned yet to alter a {kind}")


def _facts_again(pool: Pool, relation: str) -> Iterator[Step]:
    """What a rebuilt view takes with it: its indexes and comments, made again."""
    if not relation:
        return
    for fact in pool.new.of(relation):
        pool.take(fact.identity.kind, fact.identity.name, fact.identity.of)
        yield Step(fact.sql, str(fact.identity), alone=False)
    schema, _, bare = relation.rpartition(".")
    for fact in pool.new.facts.values():
        about = fact.identity.name
        if fact.identity.kind in ("comment", "privileges") and about.endswith(f" in {schema}"):
            named = about.removesuffix(f" in {schema}").split(" ")[-1].partition(".")[0]
            if named == bare.strip('"'):
                pool.take(fact.identity.kind, about)
                yield Step(fact.sql, str(fact.identity), alone=False)


def _alter_privileges(pool: Pool, change: Change) -> Iterator[Step]:
    assert change.old is not None and change.new is not None
    before = set(change.old.definition.split(";\n"))
    after = set(change.new.definition.split(";\n"))
    for line in sorted(before - after):
        yield from _opposite_of_grant(pool, change, line)
    for line in sorted(after - before):
        yield Step(line, str(change.identity), "privileges")


def _opposite_of_grant(pool: Pool, change: Change, line: str) -> Iterable[Step]:
    granted = re.fullmatch(r"(.*)GRANT (.+) ON (.+) TO (\S+)", line, flags=re.DOTALL)
    if granted is None:
        pool.refuse(change, f"the opposite of {line!r}")
    else:
        sql = f"{granted[1]}REVOKE {granted[2]} ON {granted[3]} FROM {granted[4]}"
        yield Step(sql, str(change.identity), "privileges")


def _drop_sql(change: Change) -> str:
    kind, name, relation = change.identity.kind, change.identity.name, change.identity.of
    on = f" ON {relation}" if relation else ""
    if kind in ("cast", "aggregate"):
        name = name.removeprefix("CAST ")
    return f"DROP {kind.upper()} {name}{on}"


def _commented_is_gone(pool: Pool, sql: str) -> bool:
    """A comment goes with what it is about."""
    identity = _commented(sql)
    return identity in pool.old and identity not in pool.new


def _commented_is_new(pool: Pool, sql: str) -> bool:
    identity = _commented(sql)
    return identity in pool.new and identity not in pool.old


def _commented(sql: str) -> Identity:
    about = re.match(r"COMMENT ON ([A-Z ]+?) (\S+) IS ", sql)
    return Identity(about[1].lower(), about[2]) if about else Identity("comment", sql)


def _goes_with_its_publication(pool: Pool, sql: str) -> bool:
    name = sql.removeprefix("ALTER PUBLICATION ").partition(" ADD ")[0]
    return Identity("publication", name) not in pool.new


def _gone(pool: Pool) -> set[str]:
    return {i.name for i in pool.old.facts if i.kind == "table" and pool.is_gone(i.name)}


def _owner_table(pool: Pool, sequence: str) -> str:
    return _owner_column(pool.old.get("sequence owner", sequence)).rpartition(".")[0]


def _owner_column(fact: Fact | None) -> str:
    return fact.sql.partition(" OWNED BY ")[2] if fact else ""


def _without_name(fact: Fact) -> str:
    return fact.definition.replace(fact.identity.name, "?")


def _fact(change: Change) -> Fact:
    fact = change.new or change.old
    assert fact is not None
    return fact
