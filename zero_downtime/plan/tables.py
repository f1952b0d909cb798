"""Tables: made whole from their facts, dropped in the contract phase; partitions attached."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from zero_downtime.catalog import Change, Fact, Identity
from zero_downtime.plan.options import changed_options
from zero_downtime.plan.pool import Pool, belongings
from zero_downtime.plan.step import Loss, Phase, Step

_REFERS = re.compile(r" REFERENCES ((?:\"(?:[^\"]|\"\")+\"|[\w$.])+)")

# What a partition has because its parent has it. Comments are not inherited.
_FOLLOWS = ("column", "default", "not null", "generated", "identity", "constraint")


def change(pool: Pool, change: Change) -> Iterable[Step]:
    """A table was added, removed, or its own properties (not its columns) were altered."""
    table = change.identity.name
    if change.kind == "added":
        yield from _create(pool, change)
    elif change.kind == "removed":
        yield from _drop(pool, table)
    else:
        yield from _alter(pool, change)


def referred_to(definition: str) -> str | None:
    """The table that a FOREIGN KEY refers to; None for another kind of constraint."""
    found = _REFERS.search(definition) if definition.startswith("FOREIGN KEY") else None
    return found[1] if found else None


def drop_order(pool: Pool) -> list[str]:
    """The tables that go: those that refer to others first, partitions before their parents."""
    gone = {i.name for i, c in pool.changes.items() if i.kind == "table" and c.kind == "removed"}
    needed_by: dict[str, set[str]] = {table: set() for table in sorted(gone)}
    for identity, fact in pool.old.facts.items():
        other = None
        if identity.kind == "constraint":
            other = referred_to(fact.definition)
        if identity.kind == "partition":
            other, identity = identity.name, Identity("table", "", of=identity.of)
        if identity.of in gone and other in gone and other != identity.of:
            needed_by[other].add(identity.of)
        if identity.kind == "table" and identity.name in gone:
            for parent in parents(fact):
                needed_by.get(parent, set()).add(identity.name)
    order: list[str] = []
    while len(order) < len(gone):
        left = [table for table in needed_by if table not in order]
        free = [table for table in left if needed_by[table] <= set(order)]
        order += free or left[:1]  # a circle: its foreign keys go first, see _drop
    return order


def leave_out_what_follows_the_parent(pool: Pool) -> None:
    """Take the changes of partitions that come by themselves with the parent's change."""
    for identity in [each for each in pool.changes if _follows(pool, each)]:
        del pool.changes[identity]


def _follows(pool: Pool, identity: Identity) -> bool:
    change = pool.changes[identity]
    side = pool.new if change.new is not None else pool.old
    parent = side.parent(identity.of) if identity.kind in _FOLLOWS else None
    if parent is None or pool.is_new(identity.of) or pool.is_gone(identity.of):
        return False
    twin = pool.changes.get(Identity(identity.kind, identity.name, parent))
    if twin is None:
        return False
    if identity.kind == "not null" and change.kind == twin.kind:
        return True  # under the name that it has in the parent
    own, above = (fact.definition if fact else None for fact in (change.new, twin.new))
    # What is NOT VALID is said of the parent alone.
    return own == above or (own is None and above is not None and above.endswith(" NOT VALID"))


def leave_out_what_goes_with_its_column(pool: Pool) -> None:
    """Take what was said of columns that go."""
    gone = [i for i, c in pool.changes.items() if i.kind == "column" and c.kind == "removed"]
    for column in gone:
        for fact in belongings(pool.old, column):
            if fact.identity.kind in _OF_A_COLUMN and fact.identity not in pool.new:
                pool.changes.pop(fact.identity, None)


_OF_A_COLUMN = {
    "identity", "default", "not null", "set statistics", "set storage", "set compression",
    "set options", "column comment", "column privileges",
}  # fmt: skip


def _create(pool: Pool, change: Change) -> Iterable[Step]:
    table = change.identity.name
    assert change.new is not None
    name = str(change.identity)
    parent = pool.new.parent(table)
    alike = parent is not None and _is_like_its_parent(pool, table, parent)
    _leave_attachments_to_the_parent(pool, table, alike)
    if parent is not None and alike:
        partition = pool.take("partition", table, of=parent)
        assert partition is not None and partition.new is not None
        bound = re.split(rf"ATTACH PARTITION {re.escape(table)} ", partition.new.sql)[1]
        pool.take_all(table, *_FOLLOWS)
        tail = _tail(change.new.definition.partition("TABLE")[2])
        sql = f"CREATE TABLE {table} PARTITION OF {parent} {bound}{tail}"
        yield Step(sql, name, f"new partition {table}", alone=False)
        return
    if pool.new.columns(table) or "(" not in change.new.sql:
        sql = _create_sql(pool, table, change.new)
    else:
        sql = change.new.sql  # no columns of its own, or CREATE TABLE … OF a type
    yield Step(sql, name, f"new table {table}", alone=False)


def _create_sql(pool: Pool, table: str, fact: Fact) -> str:
    """CREATE TABLE with its columns and all constraints that need nothing but the table."""
    lines = [_column(pool, table, column) for column in pool.new.columns(table)]
    pool.take_all(table, "column")
    for inner in sorted(pool.take_all(table, "constraint"), key=_constraint_order):
        assert inner.new is not None
        definition = inner.new.definition
        if definition.startswith("FOREIGN KEY") or definition.endswith(" NOT VALID"):
            pool.changes[inner.identity] = inner  # a step of its own
        else:
            lines.append(f"CONSTRAINT {inner.identity.name} {definition}")
    head, _, tail = fact.definition.partition("TABLE")
    body = ",\n    ".join(lines)
    return f"CREATE {head}TABLE {table} (\n    {body}\n){_tail(tail)}"


def _tail(tail: str) -> str:
    return f"\n{tail.strip()}" if tail.strip() else ""


def _column(pool: Pool, table: str, column: str) -> str:
    fact = pool.new.get("column", column, table)
    assert fact is not None
    parts = [column, fact.definition]
    generated = pool.take("generated", column, of=table)
    identity = pool.take("identity", column, of=table)
    default = pool.new.get("default", column, table)
    not_null = pool.take("not null", column, of=table)
    if generated and generated.new:
        parts.append(generated.new.definition)
    if identity and identity.new:
        parts.append(identity_clause(table, column, identity.new.definition))
    if default and not _uses_new_sequence(pool, default):
        pool.take("default", column, of=table)
        parts.append(f"DEFAULT {default.definition}")
    if not_null and not_null.new and not (identity and not_null.new.definition == "NOT NULL"):
        parts.append(not_null.new.definition)
    return " ".join(parts)


def identity_clause(table: str, column: str, definition: str) -> str:
    """GENERATED … AS IDENTITY, without the options that PostgreSQL would choose by itself."""
    words = " ".join(definition.split())
    ordinary = re.fullmatch(
        r"(GENERATED (?:ALWAYS|BY DEFAULT) AS IDENTITY) \( SEQUENCE NAME (\S+) START WITH 1 "
        r"INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1 \)",
        words,
    )
    if ordinary and ordinary[2].strip('"') == f"{table}_{column}_seq".replace('"', ""):
        return ordinary[1]
    return words


def _uses_new_sequence(pool: Pool, default: Fact) -> bool:
    # serial: the sequence comes after its table, and the default after the sequence.
    return "nextval(" in default.definition


def _constraint_order(change: Change) -> tuple[int, str]:
    assert change.new is not None
    kinds = ("PRIMARY KEY", "UNIQUE", "EXCLUDE", "CHECK")
    rank = next((n for n, k in enumerate(kinds) if change.new.definition.startswith(k)), 9)
    return rank, change.identity.name


def _is_like_its_parent(pool: Pool, table: str, parent: str) -> bool:
    """Whether PARTITION OF a new parent says all of its columns, and names its indexes."""
    if pool.is_foreign(table) or not pool.is_new(parent):
        return False
    inside, above = (
        {
            (fact.identity.kind, fact.identity.name): fact.definition
            for fact in pool.new.of(name)
            if fact.identity.kind in _FOLLOWS
            and not fact.definition.startswith(("UNIQUE", "PRIMARY KEY", "FOREIGN KEY"))
        }
        for name in (table, parent)
    )
    schema, _, plain = table.rpartition(".")
    names = [_index_name(fact.identity).removeprefix(f"{schema}.") for fact in pool.new.of(table)]
    own = re.compile(rf"(?:{re.escape(plain)}_\w*(?:pkey|key|idx))?")
    return (
        inside == above
        and pool.new.columns(table) == pool.new.columns(parent)
        and all(own.fullmatch(name) for name in names if _is_attached(pool, f"{schema}.{name}"))
    )


def _is_attached(pool: Pool, index: str) -> bool:
    return any(each.kind == "index partition" and each.name == index for each in pool.new.facts)


def _leave_attachments_to_the_parent(pool: Pool, table: str, made: bool) -> None:
    """Attaching a table finds the indexes that its parent has; PARTITION OF makes them."""
    schema = table.rpartition(".")[0]
    for identity in list(pool.changes):
        if identity.kind != "index partition" or not _is_there_at_attach(pool, identity.of):
            continue
        plain = identity.name.removeprefix(f"{schema}.")
        own = (Identity("index", identity.name, table), Identity("constraint", plain, table))
        if any(each in pool.new for each in own):
            del pool.changes[identity]
            for each in own if made else ():
                pool.changes.pop(each, None)


def _is_there_at_attach(pool: Pool, parent_index: str) -> bool:
    """Whether the index of the parent is old, or made with its new table."""
    for identity in pool.new.facts:
        if _index_name(identity) == parent_index:
            return pool.is_new(identity.of) or identity in pool.old
    return True


def _index_name(identity: Identity) -> str:
    """The index of an index or of a constraint."""
    if identity.kind == "constraint":
        return f"{identity.of.rpartition('.')[0]}.{identity.name}"
    return identity.name if identity.kind == "index" else ""


def _drop(pool: Pool, table: str) -> Iterable[Step]:
    partition_of = pool.old.parent(table)
    if partition_of is not None and pool.is_gone(partition_of):
        pool.take_all(table)
        return  # goes with its parent
    inside = pool.take_all(table)
    for index in (c for c in inside if c.identity.kind == "index"):
        pool.take_all(index.identity.name)
    if pool.is_foreign(table):
        yield Step(f"DROP FOREIGN TABLE {table}", f"table {table}", f"drop {table}", Phase.CONTRACT)
        return
    pool.losses.append(Loss(f"table {table}", "its rows"))
    for referring, constraint in _referring(pool, table):
        pool.take("constraint", constraint, of=referring)
        yield Step(
            f"ALTER TABLE {referring} DROP CONSTRAINT {constraint}",
            f"constraint {referring}.{constraint}",
            f"{referring} refers to {table}",
            Phase.CONTRACT,
        )
    for identity, fact in pool.old.facts.items():
        if identity.kind == "sequence owner" and f"OWNED BY {table}." in fact.sql:
            pool.take("sequence", identity.name)  # what a table owns goes with it
    yield Step(f"DROP TABLE {table}", f"table {table}", f"drop {table}", Phase.CONTRACT)


def _referring(pool: Pool, table: str) -> Iterable[tuple[str, str]]:
    """Foreign keys of tables that are still there when this one goes."""
    for identity, change in list(pool.changes.items()):
        if identity.kind != "constraint" or change.kind != "removed" or change.old is None:
            continue
        if referred_to(change.old.definition) == table and identity.of != table:
            yield identity.of, identity.name


def _alter(pool: Pool, change: Change) -> Iterable[Step]:
    """What a table says beside its columns: storage parameters, parents, where it is stored."""
    assert change.old is not None and change.new is not None
    old, new = _Properties.read(change.old.definition), _Properties.read(change.new.definition)
    alter, what = f"ALTER TABLE {change.identity.name}", str(change.identity)
    types = [_OF_TYPE.match(fact.sql) for fact in (change.old, change.new)]
    if any(types) and not all(types):
        yield from _of_type(pool, change.identity.name, what, types[1])
        return
    if old.fixed != new.fixed:
        reason = f"{old.fixed!r} becomes {new.fixed!r}"
        pool.refuse(change, f"PostgreSQL can't alter it in place: {reason}")
        return
    if old.options != new.options:
        options = changed_options(change.old.definition, change.new.definition)
        yield Step(f"ALTER FOREIGN TABLE {change.identity.name} {options}", what, "options")
    for parent in old.parents:
        if parent not in new.parents:
            for fact in pool.old.of(parent):  # what came from the parent is the child's own now
                own = Identity(fact.identity.kind, fact.identity.name, change.identity.name)
                if own in pool.changes and own not in pool.old:
                    del pool.changes[own]
            yield Step(f"{alter} NO INHERIT {parent}", what, "no longer a child", alone=False)
    for parent in new.parents:
        if parent not in old.parents:
            for column in pool.new.columns(parent):
                taken = pool.take("column", column, of=change.identity.name)
                if taken is not None:
                    pool.refuse(taken, "its own column can't become one that is only inherited")
            yield Step(f"{alter} INHERIT {parent}", what, "becomes a child", alone=False)
    if old.unlogged != new.unlogged:
        sql = f"{alter} SET {'UNLOGGED' if new.unlogged else 'LOGGED'}"
        yield Step(sql, what, "the whole table is written anew")
    if old.method != new.method:
        sql = f"{alter} SET ACCESS METHOD {new.method or 'heap'}"
        yield Step(sql, what, "the whole table is written anew")
    if old.tablespace != new.tablespace:
        sql = f"{alter} SET TABLESPACE {new.tablespace or 'pg_default'}"
        yield Step(sql, what, "the whole table is copied")
    if new.parameters and old.parameters != new.parameters:
        yield Step(f"{alter} SET ({new.parameters})", what, "storage parameters")
    gone = _parameter_names(old.parameters) - _parameter_names(new.parameters)
    if gone:
        sql = f"{alter} RESET ({', '.join(sorted(gone))})"
        yield Step(sql, what, "storage parameters")


def _of_type(pool: Pool, table: str, what: str, wanted: re.Match[str] | None) -> Iterable[Step]:
    """A table of a composite type, which has its columns by the type, or no longer."""
    pool.take_all(table, "column")
    words = f"OF {wanted[1]}" if wanted else "NOT OF"
    yield Step(f"ALTER TABLE {table} {words}", what, "in place")


_OF_TYPE = re.compile(r"CREATE (?:UNLOGGED )?TABLE \S+ OF ((?:\"(?:[^\"]|\"\")+\"|[\w.$])+)")


def parents(table: Fact) -> tuple[str, ...]:
    """The tables that a table inherits from, as no partition."""
    return _Properties.read(table.definition).parents


def becomes_child(change: Change) -> bool:
    """Whether a table gets parents and loses none."""
    if change.identity.kind != "table" or change.kind != "altered":
        return False
    assert change.old is not None and change.new is not None
    return set(parents(change.old)) < set(parents(change.new))


@dataclass(frozen=True)
class _Properties:
    """The clauses around the column list of CREATE TABLE."""

    fixed: str  # what can't be altered: PARTITION BY, OF a type, the foreign server
    unlogged: bool
    parents: tuple[str, ...]
    parameters: str
    method: str
    tablespace: str
    options: str

    @classmethod
    def read(cls, definition: str) -> _Properties:
        found = dict.fromkeys(_CLAUSES, "")
        for name, pattern in _CLAUSES.items():
            clause = pattern.search(definition)
            if clause:
                found[name] = clause[1]
                definition = definition[: clause.start()] + definition[clause.end() :]
        unlogged = definition.startswith("UNLOGGED ")
        return cls(
            fixed=" ".join(definition.removeprefix("UNLOGGED ").split()),
            unlogged=unlogged,
            parents=tuple(re.findall(r"(?:\"(?:[^\"]|\"\")+\"|[^\s,])+", found["parents"])),
            parameters=found["parameters"],
            method=found["method"],
            tablespace=found["tablespace"],
            options=found["options"],
        )


_CLAUSES = {
    "tablespace": re.compile(r" TABLESPACE (\S+)\Z"),
    "method": re.compile(r" USING (\S+)\Z"),
    "options": re.compile(r"\s*OPTIONS \((.*)\)\s*\Z", re.DOTALL),
    "parameters": re.compile(r"\s*WITH \((.*)\)\s*\Z", re.DOTALL),
    "parents": re.compile(r"\s*INHERITS \((.*)\)", re.DOTALL),
}


def _parameter_names(parameters: str) -> set[str]:
    return set(re.findall(r"([\w.]+)\s*=", parameters))
