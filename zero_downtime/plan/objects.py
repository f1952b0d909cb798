"""Everything that is one fact an object: functions, views, policies, triggers, comments …

Added: the statement of the dump, whatever kind it is. Removed and altered: the ways below. A kind
that can't be altered in place and holds no rows is made anew (rebuild.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan import counters, enums, types
from zero_downtime.plan.options import changed_options, without_options
from zero_downtime.plan.pool import Pool, exists, has_owned, went
from zero_downtime.plan.step import Loss, Phase, Step

# DROP <kind> <name>, or DROP <kind> <name> ON <relation> for what lives in one.
DROPPED_BY_NAME = {
    "access method", "aggregate", "cast", "collation", "conversion", "domain", "event trigger",
    "extension", "foreign data wrapper", "function", "materialized view", "operator",
    "operator class", "operator family", "policy", "procedural language", "procedure",
    "publication", "rule", "schema", "sequence", "server", "statistics",
    "text search configuration", "text search dictionary", "text search parser",
    "text search template", "transform", "trigger", "type", "user mapping", "view",
}  # fmt: skip
# What the running application may be using, and what such things may need: the contract phase.
USED_BY_CLIENTS = {
    "access method", "aggregate", "cast", "collation", "domain", "extension",
    "foreign data wrapper", "function", "materialized view", "operator", "operator class",
    "operator family", "procedural language", "procedure", "schema", "sequence", "server",
    "text search configuration", "text search dictionary", "text search parser",
    "text search template", "type", "user mapping", "view",
}  # fmt: skip
# Sub-commands of ALTER TABLE that have an opposite.
_OPPOSITES = {
    "enable row security": "DISABLE ROW LEVEL SECURITY",
    "force row security": "NO FORCE ROW LEVEL SECURITY",
    "replica identity": "REPLICA IDENTITY DEFAULT",
    "set access method": "SET ACCESS METHOD DEFAULT",
    "cluster on": "SET WITHOUT CLUSTER",
    "set statistics": "ALTER COLUMN {name} SET STATISTICS -1",
    "set storage": "ALTER COLUMN {name} SET STORAGE DEFAULT",
    "set compression": "ALTER COLUMN {name} SET COMPRESSION DEFAULT",
    "set options": "ALTER COLUMN {name} RESET ({options})",
    "trigger state": "ENABLE TRIGGER {name}",
    "rule state": "ENABLE RULE {name}",
}
_STORAGE_DEFAULT = 16  # SET STORAGE DEFAULT exists from here on
_STORED_MAIN = ("numeric", "inet", "cidr")  # pg_type.typstorage; long types else are EXTENDED
_REPLACED = {"function", "procedure", "aggregate", "rule", "trigger", "view"}
# What a transaction may make together with what is new.
_FRESH = {
    "schema", "extension", "type", "function", "procedure", "aggregate", "sequence", "collation",
    "operator", "operator class", "operator family", "cast", "text search dictionary",
    "text search configuration", "text search parser", "text search template", "server",
    "foreign data wrapper", "user mapping", "access method", "transform", "conversion",
    "procedural language",
}  # fmt: skip


_PUBLIC = Identity("schema", "public")


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """Any fact without a handler of its own."""
    if change.kind == "added":
        return _add(pool, change)
    if change.kind == "removed":
        return _remove(pool, change)
    return _alter(pool, change)


def refuse_subscription(pool: Pool, change: Change) -> tuple[()]:
    """No copy of a database has its subscriptions: no plan for them can be proven."""
    return pool.refuse(change, "it has to do with another server: alter it there by hand")


def change_comment(pool: Pool, change: Change) -> Iterable[Step]:
    """A comment comes with what it is about, and goes with it."""
    about = change.identity.about
    assert about is not None
    if change.new is not None:
        fresh = not exists(pool.old, about) and (not about.of or pool.is_new(about.of))
        yield Step(change.new.sql, str(change.identity), alone=not fresh)
    elif change.old is not None and not went(pool, about):
        # Without a comment of its own the schema public has the one that it was made with.
        nothing = "'standard public schema'" if about == _PUBLIC else "NULL"
        sql = change.old.sql.removesuffix(change.old.definition) + nothing
        yield Step(sql, str(change.identity))


def drop_sql(identity: Identity) -> str:
    """The statement that drops a thing."""
    on = f" ON {identity.of}" if identity.of else ""
    return f"DROP {identity.kind.upper()} {identity.name}{on}"


def create_steps(fact: Fact, why: str = "") -> Iterator[Step]:
    """The steps that make a thing as its fact states it; they share a transaction."""
    what = str(fact.identity)
    for sql in fact.statements:
        yield Step(sql, what, why, alone=False)
        why = ""
    if fact.identity.kind == "materialized view":
        yield Step(f"REFRESH MATERIALIZED VIEW {fact.identity.name}", what, "its rows", alone=False)


def renames(pool: Pool) -> Iterator[Step]:
    """Sequences of serial columns that only changed their name."""
    removed = {
        _without_name(c.old): c
        for i, c in pool.changes.items()
        if i.kind == "sequence" and c.kind == "removed" and c.old
        and not pool.is_gone(_owner_table(pool, i.name))
    }  # fmt: skip
    for change in list(pool.changes.values()):
        if change.identity.kind != "sequence" or change.kind != "added" or not change.new:
            continue
        owner = pool.changes.get(Identity("sequence owner", change.identity.name))
        owned_by = _owner_column(owner.new if owner else None)
        for key, twin in removed.items():
            if (
                owned_by
                and key == _without_name(change.new)
                and owned_by == _owner_column(pool.old.get("sequence owner", twin.identity.name))
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
    assert change.new is not None
    fact, kind = change.new, change.identity.kind
    what = str(change.identity)
    fresh = pool.is_new(change.identity.of or change.identity.name) or kind in _FRESH
    if kind == "materialized view":
        yield Step(fact.sql, what, f"new {what}, empty", alone=False)
        yield Step(f"REFRESH MATERIALIZED VIEW {change.identity.name}", what, "its rows")
        return
    if kind == "extension":
        pool.take("extension comment", change.identity.name)  # it brings its own
        version = pool.take("extension version", change.identity.name)
        if version is not None and version.new is not None:
            sql = f"{fact.sql} VERSION {version.new.definition}"
            yield Step(sql, what, f"new {what}", alone=False)
            return
    why = f"new {what}"
    for sql in fact.statements:
        # A thing of several statements is whole or not there at all.
        yield Step(sql, what, why, alone=not fresh and len(fact.statements) == 1)
        why = ""


def _remove(pool: Pool, change: Change) -> Iterable[Step]:
    assert change.old is not None
    kind, name, relation = change.identity.kind, change.identity.name, change.identity.of
    what = str(change.identity)
    fact = change.old
    if relation and pool.is_gone(relation):
        return
    if kind == "owner":
        yield from _back_to_us(pool, change)
    elif kind == "sequence owner":
        if not pool.is_gone(name) and not pool.is_gone(_owner_column(fact).rpartition(".")[0]):
            yield Step(f"ALTER SEQUENCE {name} OWNED BY NONE", what)
    elif kind in ("publication table", "publication schema"):
        member = "TABLE" if kind == "publication table" else "TABLES IN SCHEMA"
        yield Step(f"ALTER PUBLICATION {relation} DROP {member} {name}", what)
    elif kind == "extension version":
        yield Step(f"ALTER EXTENSION {name} UPDATE", what, "the usual version")
    elif kind == "alter column generic options":
        yield from _column_options(pool, change)
    elif kind in ("trigger state", "rule state"):
        if any(
            Identity(kind.removesuffix(" state"), name, table) in pool.new
            for table in _with_parents(pool, relation)
        ):
            words = _OPPOSITES[kind].format(name=name)
            yield Step(f"ALTER TABLE {relation} {words}", what)
    elif kind in _OPPOSITES:
        if kind == "set storage" and pool.new.major < _STORAGE_DEFAULT:
            column = pool.new.get("column", name, relation)
            main = column is not None and column.definition.startswith(_STORED_MAIN)
            words = f"ALTER COLUMN {name} SET STORAGE {'MAIN' if main else 'EXTENDED'}"
            yield Step(f"ALTER TABLE {relation} {words}", what)
            return
        options = ", ".join(re.findall(r"(\w+)=", fact.sql.rpartition(" SET (")[2]))
        words = _OPPOSITES[kind].format(name=name, options=options)
        alter = "ALTER INDEX" if fact.sql.startswith("ALTER INDEX") else "ALTER TABLE"
        yield Step(f"{alter} {relation} {words}", what)
    elif kind in DROPPED_BY_NAME:
        if kind == "extension":
            pool.take("extension comment", name)
            pool.take("extension version", name)
        phase = Phase.CONTRACT if kind in USED_BY_CLIENTS else Phase.EXPAND
        yield Step(drop_sql(change.identity), what, f"drop {what}", phase)
    else:
        pool.refuse(change, f"there is no way planned yet to remove a {kind}")


def _alter(pool: Pool, change: Change) -> Iterable[Step]:
    assert change.old is not None and change.new is not None
    kind, what = change.identity.kind, str(change.identity)
    old, new = change.old, change.new
    if kind in _REPLACED:
        sql = re.sub(r"\ACREATE (?!OR REPLACE)", "CREATE OR REPLACE ", new.sql)
        yield Step(sql, what, f"another {what}")
        if kind in ("trigger", "rule"):
            yield from _state_again(pool, change.identity)
    elif kind in _OPPOSITES:
        yield from _alter_setting(pool, change)
    elif kind == "sequence":
        yield from _alter_sequence(pool, change)
    elif kind == "type" and " AS ENUM " in new.sql:
        yield from enums.add_values(pool, change)
    elif kind == "type" and types.is_composite(new.sql):
        yield from types.alter_composite(pool, change)
    elif kind in ("sequence owner", "extension version") or (
        kind == "owner" and not _follows_table(pool, change)
    ):
        yield Step(new.sql, what)
    elif kind == "owner":
        return
    elif kind == "alter column generic options":
        yield from _column_options(pool, change)
    elif kind in ("server", "foreign data wrapper", "user mapping"):
        # Another type or handler is made anew before it comes here: only the options are left.
        alter = f"ALTER {kind.upper()} {change.identity.name}"
        if without_options(old.sql) != without_options(new.sql):
            version = re.search(r" VERSION ('(?:[^']|'')*')", new.sql)
            yield Step(f"{alter} VERSION {version[1] if version else 'NULL'}", what, "version")
        if options := changed_options(old.sql, new.sql):
            yield Step(f"{alter} {options}", what, "options")
    elif kind == "materialized view":
        yield from _view_options(change)
    elif kind == "extension":
        schema = new.sql.rpartition(" WITH SCHEMA ")[2]
        yield Step(f"ALTER EXTENSION {change.identity.name} SET SCHEMA {schema}", what)
    elif kind == "text search dictionary":
        yield from _dictionary_options(change)
    elif kind == "text search configuration":
        yield from _alter_mappings(pool, change)
    else:
        pool.refuse(change, f"there is no way planned yet to alter a {kind}")


def leave_out_what_moves(pool: Pool) -> None:
    """What an extension made is called by its new schema from now on, wherever it is used."""
    for moved in [c for i, c in pool.changes.items() if i.kind == "extension" and c.old and c.new]:
        before, after = (
            f"{fact.sql.rpartition(' WITH SCHEMA ')[2]}." for fact in (moved.old, moved.new) if fact
        )
        for identity, change in list(pool.changes.items()):
            if change.old is None or change.new is None or change is moved:
                continue
            if change.old.definition.replace(before, after) == change.new.definition:
                del pool.changes[identity]


def _alter_setting(pool: Pool, change: Change) -> Iterator[Step]:
    assert change.old is not None and change.new is not None
    if change.identity.kind == "set options":
        before, after = (
            re.findall(r"(\w+)=", fact.sql.rpartition(" SET (")[2])
            for fact in (change.old, change.new)
        )
        gone = [name for name in before if name not in after]
        if gone:
            table, column = change.identity.of, change.identity.name
            sql = f"ALTER TABLE {table} ALTER COLUMN {column} RESET ({', '.join(gone)})"
            yield Step(sql, str(change.identity))
    yield Step(change.new.sql, str(change.identity))


def _alter_sequence(pool: Pool, change: Change) -> Iterator[Step]:
    assert change.old is not None and change.new is not None
    name, what = change.identity.name, str(change.identity)
    unlogged = [fact.sql.startswith("CREATE UNLOGGED") for fact in (change.old, change.new)]
    if unlogged[0] != unlogged[1]:
        words = "UNLOGGED" if unlogged[1] else "LOGGED"
        yield Step(f"ALTER SEQUENCE {name} SET {words}", what, "rewritten, it is small")
    old, sql = (
        re.sub(r"\ACREATE (?:UNLOGGED )?", "ALTER ", fact.sql) for fact in (change.old, change.new)
    )
    if old == sql:
        return
    cycles = re.search(r"\bCYCLE\s*\Z", sql)
    typed = re.search(r"\A\S+ SEQUENCE .+\s+AS ", sql)
    if not typed and re.search(r"\s+AS (?:integer|smallint)\s", change.old.sql):
        sql = sql.replace(name, f"{name}\n    AS bigint", 1)
    yield from counters.within_limits(name, change, what)
    sql = sql if cycles else f"{sql}\n    NO CYCLE"
    if len({" INCREMENT BY -" in fact.sql for fact in (change.old, change.new)}) > 1:
        sql += "\n    RESTART"  # its position is beyond the new bounds
        pool.losses.append(Loss(what, "its position"))
    yield Step(sql, what, f"options of {what}")


def _alter_mappings(pool: Pool, change: Change) -> Iterator[Step]:
    """One mapping a token type: ADD, ALTER and DROP MAPPING."""
    assert change.old is not None and change.new is not None
    if change.old.sql != change.new.sql:
        pool.refuse(change, "the parser of a text search configuration can't be changed")
        return
    before, after = (_mappings(fact) for fact in (change.old, change.new))
    alter, what = f"ALTER TEXT SEARCH CONFIGURATION {change.identity.name}", str(change.identity)
    for token, dictionaries in after.items():
        if token not in before:
            sql = f"{alter} ADD MAPPING FOR {token} WITH {dictionaries}"
            yield Step(sql, what, alone=False)
        elif before[token] != dictionaries:
            sql = f"{alter} ALTER MAPPING FOR {token} WITH {dictionaries}"
            yield Step(sql, what, alone=False)
    for token in before:
        if token not in after:
            yield Step(f"{alter} DROP MAPPING FOR {token}", what, alone=False)


def only_options_differ(old: str, new: str) -> bool:
    """Whether a materialized view has the same query, stored elsewhere or with other options."""
    return _WITH.sub("", _TABLESPACE.sub("", old)) == _WITH.sub("", _TABLESPACE.sub("", new))


_WITH = re.compile(r"\nWITH \((.*?)\)(?= AS\n)")
_TABLESPACE = re.compile(r" TABLESPACE (\S+)(?= AS\n)")


def _view_options(change: Change) -> Iterator[Step]:
    assert change.old is not None and change.new is not None
    alter, what = f"ALTER MATERIALIZED VIEW {change.identity.name}", str(change.identity)
    option = re.compile(r"([\w.]+)=('(?:[^']|'')*')")
    before, after = (
        dict(option.findall(found[1])) if (found := _WITH.search(fact.sql)) else {}
        for fact in (change.old, change.new)
    )
    if words := [f"{name}={value}" for name, value in after.items() if before.get(name) != value]:
        yield Step(f"{alter} SET ({', '.join(words)})", what, "storage parameters")
    if gone := [name for name in before if name not in after]:
        yield Step(f"{alter} RESET ({', '.join(gone)})", what, "storage parameters")
    spaces = [_TABLESPACE.search(fact.sql) for fact in (change.old, change.new)]
    if (spaces[0] and spaces[0][1]) != (spaces[1] and spaces[1][1]):
        space = spaces[1][1] if spaces[1] else "pg_default"
        yield Step(f"{alter} SET TABLESPACE {space}", what, "all of it is copied")


def template(sql: str) -> str:
    """The template of a text search dictionary."""
    found = re.search(r"TEMPLATE = (\S+?)[,\s]", sql)
    return found[1] if found else ""


def _dictionary_options(change: Change) -> Iterator[Step]:
    assert change.old is not None and change.new is not None
    option = re.compile(r"(?<=,)\s*(\w+|\"[^\"]+\") = ((?:'(?:[^']|'')*'|[^,\s])+)")
    before, after = (dict(option.findall(fact.sql)) for fact in (change.old, change.new))
    words = [f"{name} = {value}" for name, value in after.items() if before.get(name) != value]
    words += [name for name in before if name not in after]
    sql = f"ALTER TEXT SEARCH DICTIONARY {change.identity.name} ({', '.join(words)})"
    yield Step(sql, str(change.identity), "options")


def _mappings(fact: Fact) -> dict[str, str]:
    found = (re.search(r"ADD MAPPING FOR (\S+) WITH (.+)", sql) for sql in fact.more)
    return {mapping[1]: mapping[2] for mapping in found if mapping}


def _column_options(pool: Pool, change: Change) -> Iterator[Step]:
    table, column = change.identity.of, change.identity.name
    before, after = (fact.sql if fact else "" for fact in (change.old, change.new))
    if Identity("column", column, table) in pool.new:
        options = changed_options(before, after)
        sql = f"ALTER FOREIGN TABLE {table} ALTER COLUMN {column} {options}"
        yield Step(sql, str(change.identity))


def _state_again(pool: Pool, identity: Identity) -> Iterator[Step]:
    """CREATE OR REPLACE enables a disabled trigger or rule."""
    state = Identity(f"{identity.kind} state", identity.name, identity.of)
    if state in pool.new and state not in pool.changes:
        yield Step(pool.new.facts[state].sql, str(state))


def _with_parents(pool: Pool, table: str | None) -> Iterator[str]:
    while table:
        yield table
        table = pool.new.parent(table)


def _back_to_us(pool: Pool, change: Change) -> Iterator[Step]:
    """A thing without an owner of its own belongs to who runs the plan."""
    assert change.old is not None
    if _follows_table(pool, change):
        return
    if has_owned(pool.new, change.identity) or not has_owned(pool.old, change.identity):
        sql = f"{change.old.sql.rpartition(' OWNER TO ')[0]} OWNER TO CURRENT_USER"
        yield Step(sql, str(change.identity), "its owner is who runs this")


def _follows_table(pool: Pool, change: Change) -> bool:
    """Whether it is a sequence of a table that stays, whose owner is the table's."""
    table = _owner_table(pool, change.identity.name)
    return bool(table) and not pool.is_gone(table)


def _owner_table(pool: Pool, sequence: str) -> str:
    return _owner_column(pool.old.get("sequence owner", sequence)).rpartition(".")[0]


def _owner_column(fact: Fact | None) -> str:
    return fact.sql.partition(" OWNED BY ")[2] if fact else ""


def _without_name(fact: Fact) -> str:
    return fact.definition.replace(fact.identity.name, "?")
