"""What the simulated catalog knows about one relation, index, constraint or type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from zero_downtime.sql.tree import Node
from zero_downtime.sql.types import Type

RelationKind = Literal[
    "table", "partitioned table", "view", "materialized view", "sequence", "foreign table"
]
ConstraintKind = Literal["check", "foreign key", "primary key", "unique", "exclude", "not null"]


class Column(Struct, frozen=True):
    """A column. ``born`` is the unit (file or revision) that added it."""

    name: str
    type: Type
    not_null: bool = False
    default: Node | None = None
    generated: Literal["", "stored", "virtual"] = ""
    identity: bool = False
    collation: str | None = None
    born: int = 0


class Constraint(Struct, frozen=True):
    """A constraint. For a foreign key, ``references`` is the other table."""

    name: str
    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    valid: bool = True
    references: str | None = None
    referenced_columns: tuple[str, ...] = ()
    on_delete: str = "a"  # PostgreSQL's letters: a no action, r restrict, c cascade, n, d set …
    on_update: str = "a"
    deferred: bool = False
    enforced: bool = True
    no_inherit: bool = False
    inherited: bool = False  # a partition's copy of its parent's: no triggers of its own
    expression: Node | None = None
    index: str | None = None
    born: int = 0

    def proves_not_null(self, column: str) -> bool:
        """Whether this is a validated CHECK that implies ``column IS NOT NULL``."""
        return self.kind == "check" and self.valid and _implies(self.expression, column)


def _implies(expression: Node | None, column: str) -> bool:
    if not expression:
        return False
    if "NullTest" in expression:
        test = expression["NullTest"]
        argument = test.get("arg", {}).get("ColumnRef", {}).get("fields", [])
        return (
            test.get("nulltesttype") == "IS_NOT_NULL"
            and len(argument) == 1
            and argument[0].get("String", {}).get("sval") == column
        )
    joined = expression.get("BoolExpr", {})
    parts = [_implies(part, column) for part in joined.get("args", ())]
    return (
        any(parts)
        if joined.get("boolop") == "AND_EXPR"
        else bool(parts) and (joined.get("boolop") == "OR_EXPR" and all(parts))
    )


class Index(Struct, frozen=True):
    """An index; ``columns`` has None for an expression."""

    name: str  # schema.name
    table: str
    columns: tuple[str | None, ...] = ()
    unique: bool = False
    used_columns: frozenset[str] = frozenset()  # everything it mentions, predicate included
    method: str = "btree"
    opclasses: tuple[str, ...] = ()  # as written, "" where the default is meant
    calls: frozenset[str] = frozenset()  # the functions in its expressions, by their last name
    plain: bool = True  # no predicate, operator class, collation or order of its own
    partial: bool = False  # has a predicate
    constraint: str | None = None
    parent: str | None = None
    born: int = 0


def is_never_kept(index: Index) -> bool:
    """Whether an index is built anew at any change of a column that it mentions, be it to the same
    type: PostgreSQL does not compare predicates and expressions."""
    return index.partial or None in index.columns


class Trigger(Struct, frozen=True):
    """A trigger and the function that it calls."""

    name: str
    function: str
    row: bool = False
    instead: bool = False
    deferred: bool = False
    events: frozenset[str] = frozenset()  # insert, update, delete, truncate
    columns: tuple[str, ...] = ()  # UPDATE OF
    condition: Node | None = None


class Rule(Struct, frozen=True):
    """A rewrite rule other than that of a view's query."""

    name: str
    event: str  # insert, update, delete
    instead: bool = False
    condition: Node | None = None
    actions: tuple[Node, ...] = ()
    reads: frozenset[str] = frozenset()  # relations that condition and actions name


class Relation(Struct, frozen=True):
    """A table, view, materialized view, sequence or foreign table.

    ``known`` is False for a table whose CREATE was never seen: it is taken to exist, with the
    facts that later statements told. ``storage`` is the transaction that made its data file,
    ``written`` the last one that wrote rows in it.
    """

    schema: str
    name: str
    kind: RelationKind = "table"
    known: bool = True
    columns: Mapping[str, Column] = {}
    constraints: Mapping[str, Constraint] = {}
    triggers: Mapping[str, Trigger] = {}
    rules: Mapping[str, Rule] = {}
    policies: Mapping[str, Node] = {}  # the parts of CREATE POLICY
    row_security: bool = False
    forced_row_security: bool = False
    replica_identity: str = "d"  # d primary key, n nothing, f full, else the index's name
    owner: str | None = None  # None: whoever made it
    server: str = ""  # of a foreign table
    parents: tuple[str, ...] = ()
    is_partition: bool = False
    is_default: bool = False
    partition_key: frozenset[str] = frozenset()
    partition_strategy: str = ""  # list, range, hash
    key_columns: tuple[str | None, ...] = ()  # of the partition key; None for an expression
    bound: Node | None = None  # FOR VALUES of a partition
    reads: frozenset[str] = frozenset()  # relations that a view's query names
    query: Node | None = None
    owned_by: tuple[str, str] | None = None  # of a sequence: table and column
    sequence_type: str = "int8"  # of a sequence
    access_method: str = "heap"
    tablespace: str = ""
    temporary: bool = False
    unlogged: bool = False
    row_type: str | None = None  # CREATE TABLE … OF
    born: int = 0
    storage: int | None = None
    written: int | None = None

    @property
    def key(self) -> str:
        """``schema.name``, by which everything refers to it."""
        return f"{self.schema}.{self.name}"

    @property
    def has_storage(self) -> bool:
        return self.kind in ("table", "materialized view", "sequence")

    def foreign_keys(self) -> tuple[Constraint, ...]:
        return tuple(c for c in self.constraints.values() if c.kind == "foreign key")


class TypeFacts(Struct, frozen=True):
    """A user-defined type."""

    name: str  # schema.name
    kind: Literal["enum", "domain", "composite", "range"]
    base: Type | None = None
    constraints: Mapping[str, Constraint] = {}  # of a domain: CHECK and NOT NULL
    added_in: Mapping[str, int | None] = {}  # the transactions that added values to an enum
    attributes: Mapping[str, Type] = {}  # of a composite type
    born: int = 0
    born_in: int | None = None  # the transaction that made it
    values: tuple[str, ...] = ()  # of an enum, as far as they were seen

    @property
    def constrained(self) -> bool:
        """Whether this is a domain whose values must pass a CHECK or NOT NULL."""
        return bool(self.constraints)


class FunctionFacts(Struct, frozen=True):
    """A function of the script, by name (overloads count as one)."""

    name: str
    volatile: bool
    inlined: Node | None = None  # the expression of an SQL function that the planner inlines
    immutable: bool = False
    arguments: tuple[str, ...] = ()  # the types of its input
    defaults: int = 0  # how many of these may be left out
    parameters: tuple[str, ...] = ()  # the names of its input
    returns: str = ""
    by_search_path: frozenset[str] = frozenset()  # what its body names without a schema
    language: str = ""
    source: str = ""
    header: str = ""  # what sql.bodies needs to read a PL/pgSQL source
    body: Node | None = None  # of BEGIN ATOMIC and RETURN
    reads: frozenset[str] = frozenset()  # relations that such a body depends on
    born: int = 0


class Publication(Struct, frozen=True):
    """A publication of logical replication, with what it publishes of each table."""

    name: str
    tables: Mapping[str, Node] = {}  # by key: {} or columns and whereClause, as written
    schemas: frozenset[str] = frozenset()
    everything: bool = False
    changes: bool = True  # UPDATE and DELETE are published too

    def has(self, key: str) -> bool:
        """Whether it publishes a table."""
        schema = key.partition(".")[0]
        return self.everything or key in self.tables or schema in self.schemas


def is_proven_not_null(
    relation: Relation, column: str, dropped: frozenset[str] = frozenset()
) -> bool:
    """Whether SET NOT NULL finds its proof in the catalog and reads no row.

    A constraint that the same ALTER TABLE drops is gone before the proof is looked for.
    """
    constraints = [c for c in relation.constraints.values() if c.name not in dropped]
    unproven = any(
        c.kind == "not null" and c.columns == (column,) and not c.valid for c in constraints
    )
    facts = relation.columns.get(column)
    if facts and facts.not_null and not unproven:
        return True
    return any(c.proves_not_null(column) for c in constraints)
