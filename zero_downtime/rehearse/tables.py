"""The tables of a database as data generator and clients need them, from pg_catalog alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from psycopg import sql

from zero_downtime.rehearse.session import Connection, rows_of

TypeKind = Literal["base", "array", "enum", "domain", "range", "multirange", "composite"]


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the database; ``element`` is the array's element or the range's subtype."""

    oid: int
    name: str  # without its schema: int4, text, vector
    sql: str  # as format_type writes it without a modifier
    kind: TypeKind
    element: int = 0  # array element, range subtype, multirange's range, domain's base
    modifier: int = -1  # of the domain's base
    labels: tuple[str, ...] = ()  # enum
    attributes: tuple[tuple[str, int, int], ...] = ()  # composite: name, type, modifier
    checks: tuple[str, ...] = ()  # domain: expressions over VALUE
    not_null: bool = False  # domain


@dataclass(frozen=True, slots=True)
class Column:
    """A column that exists now. ``generated`` ones are computed by the server."""

    number: int
    name: str
    type: int
    modifier: int
    not_null: bool
    generated: str  # "" | "s" stored | "v" virtual
    identity: str  # "" | "a" always | "d" by default
    default: str | None  # also the expression of a generated column
    definition: str  # as format_type writes its type, with the modifier

    @property
    def numbered_by_server(self) -> bool:
        """Whether the server gives the next number when the column is left out."""
        return bool(self.identity) or (self.default or "").startswith("nextval(")


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key: ``columns`` of the child point at ``target_columns`` of ``target``."""

    name: str
    columns: tuple[str, ...]
    target: int
    target_columns: tuple[str, ...]
    cascades: bool


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns whose values may not repeat together; of an index on expressions, those they use."""

    name: str
    columns: tuple[str, ...]
    primary: bool
    plain: bool  # neither expressions nor a predicate
    partial: bool  # with a predicate


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that every row meets, over the table's columns.

    ``source`` is the text from which values are guessed: the condition and what it calls.
    """

    name: str
    expression: str
    columns: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Columns whose values an exclusion constraint or a temporal key keeps apart."""

    name: str
    columns: tuple[str, ...]
    apart: tuple[str, ...]  # the columns compared with something else than "="


@dataclass(frozen=True, slots=True)
class Leaf:
    """A partition that holds rows, with the bounds that lead to it: (key columns, bound text)."""

    name: str
    constraint: str | None
    bounds: tuple[tuple[tuple[str, ...], str, str], ...]  # columns, strategy, FOR VALUES …


@dataclass(frozen=True, slots=True)
class Table:
    """A table into which rows can be put: ordinary or partitioned, never a single partition."""

    oid: int
    schema: str
    name: str
    kind: str  # "r" ordinary | "p" partitioned | "f" foreign
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    leaves: tuple[Leaf, ...] = ()
    partitions: tuple[int, ...] = ()  # oids of all partitions below
    triggers: int = 0  # triggers and rules of users that fire on INSERT

    @property
    def qualified(self) -> str:
        """``schema.name``, as pg_locks' observations and the lock model name it."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name for use in SQL."""
        return sql.Identifier(self.schema, self.name)

    @property
    def alone(self) -> sql.Composable:
        """The table as it stands in FROM, without the tables that inherit from it."""
        return self.identifier if self.kind == "p" else sql.SQL("ONLY {}").format(self.identifier)

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key, else the first plain unique key without NULLs, else nothing."""
        for unique in sorted(self.uniques, key=lambda u: not u.primary):
            if unique.primary or (
                unique.plain and all(self.column(name).not_null for name in unique.columns)
            ):
                return unique.columns
        return ()

    def column(self, name: str) -> Column:
        """The column of this name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Tables:
    """All tables of a database that hold rows of an application, and the types they use."""

    by_oid: dict[int, Table] = field(default_factory=dict)
    types: dict[int, Type] = field(default_factory=dict)
    version_tables: tuple[str, ...] = ()  # Alembic's own, which is not among them
    functions: dict[str, str] = field(default_factory=dict)  # of users: name → body
    partitions: dict[int, sql.Identifier] = field(default_factory=dict)  # oid → name

    def __iter__(self) -> Iterator[Table]:
        return iter(self.by_oid.values())

    def source(self, oid: int) -> sql.Composable | None:
        """The table or partition of this oid as it stands in FROM, if its rows are an
        application's."""
        table = self.by_oid.get(oid)
        return table.alone if table is not None else self.partitions.get(oid)

    def called(self, oid: int) -> str:
        """What messages call the table or partition of this oid."""
        table, part = self.by_oid.get(oid), self.partitions.get(oid)
        if table is not None:
            return table.qualified
        return part.as_string(None).replace('"', "") if part is not None else "a foreign table"

    def named(self, qualified: str) -> Table | None:
        """The table ``schema.name``, if it is there."""
        return next((table for table in self if table.qualified == qualified), None)


def read_tables(connection: Connection) -> Tables:
    """Read the tables outside of system schemas and extensions, in the order of their names."""
    read = rows_of
    columns: dict[int, list[Column]] = {}
    for row in read(connection, _COLUMNS):
        columns.setdefault(row[0], []).append(Column(*row[1:]))
    names: dict[int, dict[int, str]] = defaultdict(dict)
    for oid, listed in columns.items():
        names[oid] = {c.number: c.name for c in listed}
    foreign_keys: dict[int, list[ForeignKey]] = {}
    checks: dict[int, list[Check]] = {}
    exclusions: dict[int, list[Exclusion]] = {}
    for oid, name, kind, key, target, target_key, text, cascades, operators in read(
        connection, _CONSTRAINTS
    ):
        mine = tuple(names[oid][number] for number in key or () if number in names[oid])
        if kind == "f":
            theirs = tuple(names.get(target, {}).get(number, "") for number in target_key)
            foreign_keys.setdefault(oid, []).append(
                ForeignKey(name, mine, target, theirs, bool(cascades))
            )
        elif kind == "c":
            checks.setdefault(oid, []).append(Check(name, text, mine))
        else:
            apart = tuple(
                names[oid][number]
                for number, operator in zip(key, operators, strict=False)
                if number in names[oid] and operator != "="
            )
            exclusions.setdefault(oid, []).append(Exclusion(name, mine, apart or mine))
    for oid, name, key, operators, used in read(connection, _EXCLUDING_EXPRESSIONS):
        apart_numbers = [n for n, operator in zip(key, operators, strict=False) if operator != "="]
        apart = tuple(names[oid][n] for n in apart_numbers if n)
        within = tuple(names[oid][n] for n in used if n not in key)
        mine = tuple(names[oid][n] for n in key if n) + within
        exclusions.setdefault(oid, []).append(
            Exclusion(name, mine, apart + (within if 0 in apart_numbers else ()))
        )
    uniques: dict[int, list[Unique]] = {}
    for oid, name, numbers, primary, plain, partial in read(connection, _UNIQUES):
        mine = tuple(names[oid][number] for number in numbers if number in names[oid])
        if mine:
            uniques.setdefault(oid, []).append(Unique(name, mine, primary, plain, partial))
    leaves, partitions = _leaves(connection, names)
    found: dict[int, Table] = {}
    version_tables = []
    for oid, schema, name, kind, triggers in read(connection, _TABLES):
        if [column.name for column in columns.get(oid, ())] == ["version_num"]:
            version_tables.append(name)
            continue
        found[oid] = Table(
            oid,
            schema,
            name,
            kind,
            tuple(columns.get(oid, ())),
            tuple(foreign_keys.get(oid, ())),
            tuple(uniques.get(oid, ())),
            tuple(checks.get(oid, ())),
            tuple(exclusions.get(oid, ())),
            tuple(leaves.get(oid, ())),
            tuple(partitions.get(oid, ())),
            triggers,
        )
    return Tables(
        found,
        _types(connection),
        tuple(version_tables),
        dict(read(connection, _FUNCTIONS)),
        {oid: sql.Identifier(schema, name) for oid, schema, name in read(connection, _PARTS)},
    )


def _types(connection: Connection) -> dict[int, Type]:
    labels: dict[int, list[str]] = {}
    for oid, label in rows_of(
        connection, "SELECT enumtypid, enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder"
    ):
        labels.setdefault(oid, []).append(label)
    attributes: dict[int, list[tuple[str, int, int]]] = {}
    for oid, name, of, modifier in rows_of(connection, _ATTRIBUTES):
        attributes.setdefault(oid, []).append((name, of, modifier))
    checks: dict[int, list[str]] = {}
    for oid, text in rows_of(connection, _DOMAIN_CHECKS):
        checks.setdefault(oid, []).append(text)
    types = {}
    for oid, name, said, kind, element, modifier, not_null in rows_of(connection, _TYPES):
        types[oid] = Type(
            oid,
            name,
            said,
            kind,
            element,
            modifier,
            tuple(labels.get(oid, ())),
            tuple(attributes.get(oid, ())),
            tuple(checks.get(oid, ())),
            not_null,
        )
    return types


def _leaves(
    connection: Connection, names: dict[int, dict[int, str]]
) -> tuple[dict[int, list[Leaf]], dict[int, list[int]]]:
    """Per partitioned root: the leaves with all bounds on the way, and every partition's oid."""
    above: dict[int, tuple[int, str]] = {}  # partition → parent, bound
    keys: dict[int, tuple[str, tuple[int, ...]]] = {}
    said: dict[int, tuple[str, str | None]] = {}
    for oid, parent, name, bound, constraint in rows_of(connection, _PARTITIONS):
        above[oid] = (parent, bound)
        said[oid] = (name, constraint)
    for oid, strategy, numbers in rows_of(connection, _PARTITION_KEYS):
        keys[oid] = (strategy, tuple(numbers))
    leaves: dict[int, list[Leaf]] = {}
    partitions: dict[int, list[int]] = {}
    for oid in above:
        bounds = []
        at = oid
        while at in above:
            parent, bound = above[at]
            strategy, numbers = keys[parent]
            columns = tuple(names.get(parent, {}).get(number, "") for number in numbers)
            bounds.append((columns, strategy, bound))
            at = parent
        partitions.setdefault(at, []).append(oid)
        if oid not in keys:
            name, constraint = said[oid]
            leaves.setdefault(at, []).append(Leaf(name, constraint, tuple(reversed(bounds))))
    return leaves, partitions


# Tables of users: not a system schema's, not a member of an extension.
_OURS = """
    n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
                    AND d.objid = c.oid AND d.deptype = 'e')
"""

_TABLES = f"""
SELECT c.oid, n.nspname, c.relname, c.relkind::text,
       (SELECT count(*)::int FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
        AND t.tgenabled <> 'D' AND t.tgtype & 4 > 0)
       + (SELECT count(*)::int FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '3')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND {_OURS}
ORDER BY n.nspname, c.relname
"""

_COLUMNS = f"""
SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
       a.attgenerated::text, a.attidentity::text, pg_get_expr(d.adbin, d.adrelid),
       format_type(a.atttypid, a.atttypmod)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND {_OURS}
ORDER BY a.attrelid, a.attnum
"""

# conperiod exists from 18 on; read through JSON, the query works on older servers as well.
_CONSTRAINTS = f"""
SELECT k.conrelid, k.conname, CASE WHEN k.contype IN ('p', 'u') THEN 'x' ELSE k.contype::text END,
       k.conkey, k.confrelid, k.confkey,
       CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END,
       k.confdeltype = 'c',
       (SELECT array_agg(o.oprname::text ORDER BY u.i)
        FROM unnest(k.conexclop) WITH ORDINALITY u(oid, i) JOIN pg_operator o ON o.oid = u.oid)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.conparentid = 0 AND {_OURS}
  AND (k.contype IN ('c', 'f')
       OR k.contype = 'x' AND NOT 0 = ANY (k.conkey)
       OR k.contype IN ('p', 'u') AND to_jsonb(k)->>'conperiod' = 'true')
ORDER BY k.conrelid, k.conname
"""

_USED_BY_INDEX = """
    (SELECT coalesce(array_agg(DISTINCT d.refobjsubid ORDER BY d.refobjsubid), '{}')
     FROM pg_depend d
     WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
       AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid > 0)
"""

_EXCLUDING_EXPRESSIONS = f"""
SELECT k.conrelid, k.conname, k.conkey,
       (SELECT array_agg(o.oprname::text ORDER BY u.i)
        FROM unnest(k.conexclop) WITH ORDINALITY u(oid, i) JOIN pg_operator o ON o.oid = u.oid),
       {_USED_BY_INDEX}
FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'x' AND 0 = ANY (k.conkey) AND k.conparentid = 0 AND {_OURS}
ORDER BY k.conrelid, k.conname
"""

_UNIQUES = f"""
SELECT i.indrelid, x.relname,
       CASE WHEN i.indexprs IS NULL
            THEN (SELECT array_agg(u.number::int ORDER BY u.i)
                  FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(number, i)
                  WHERE u.i <= i.indnkeyatts)
            ELSE {_USED_BY_INDEX}::int[] END,
       i.indisprimary, i.indexprs IS NULL AND i.indpred IS NULL, i.indpred IS NOT NULL
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND NOT i.indisexclusion AND c.relkind IN ('r', 'p') AND {_OURS}
ORDER BY i.indrelid, NOT i.indisprimary, x.relname
"""

_PARTITIONS = f"""
SELECT c.oid, h.inhparent, c.relname, pg_get_expr(c.relpartbound, c.oid),
       pg_get_partition_constraintdef(c.oid)
FROM pg_class c JOIN pg_inherits h ON h.inhrelid = c.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'p') AND {_OURS}
ORDER BY n.nspname, c.relname
"""

_PARTS = f"""
SELECT c.oid, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'p') AND {_OURS}
"""

_FUNCTIONS = """
SELECT p.proname, string_agg(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), E'\\n')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND l.lanname NOT IN ('c', 'internal')
GROUP BY p.proname
"""

_PARTITION_KEYS = """
SELECT p.partrelid, p.partstrat::text, p.partattrs::int2[] FROM pg_partitioned_table p
"""

_TYPES = """
SELECT t.oid, t.typname, format_type(t.oid, NULL),
       CASE WHEN t.typtype = 'e' THEN 'enum' WHEN t.typtype = 'd' THEN 'domain'
            WHEN t.typtype = 'r' THEN 'range' WHEN t.typtype = 'm' THEN 'multirange'
            WHEN t.typtype = 'c' THEN 'composite'
            WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN 'array' ELSE 'base' END,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype::int8
            WHEN t.typtype = 'r' THEN
              (SELECT r.rngsubtype::int8 FROM pg_range r WHERE r.rngtypid = t.oid)
            WHEN t.typtype = 'm' THEN
              (SELECT r.rngtypid::int8 FROM pg_range r WHERE r.rngmultitypid = t.oid)
            ELSE t.typelem::int8 END,
       t.typtypmod, t.typnotnull
FROM pg_type t
"""

_ATTRIBUTES = """
SELECT t.oid, a.attname, a.atttypid, a.atttypmod
FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
  AND t.typnamespace <> 'pg_catalog'::regnamespace
ORDER BY t.oid, a.attnum
"""

_DOMAIN_CHECKS = """
SELECT contypid, pg_get_expr(conbin, 0) FROM pg_constraint
WHERE contypid <> 0 AND contype = 'c' ORDER BY contypid, conname
"""
