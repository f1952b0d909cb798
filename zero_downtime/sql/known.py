"""What is known of a schema: relations, indexes, types and functions, and how names are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from zero_downtime.sql.facts import (
    Column,
    FunctionFacts,
    Index,
    Relation,
    RelationKind,
    TypeFacts,
)
from zero_downtime.sql.functions import builtin_volatility
from zero_downtime.sql.tree import (
    Node,
    functions_in,
    tagged,
    walk,
)
from zero_downtime.sql.types import SERIAL_TYPES, Type, read_type

Volatility = Literal["volatile", "not volatile", "unknown"]


class Known:
    """Facts about a schema by name. Every fact is immutable; changing one puts another.

    ``unit`` numbers what is deployed together, ``transaction`` the one that is open.
    """

    def __init__(self, complete: bool = False) -> None:
        self.complete = complete
        self.relations: dict[str, Relation] = {}
        self.indexes: dict[str, Index] = {}
        self.types: dict[str, TypeFacts] = {}
        self.functions: dict[str, FunctionFacts] = {}
        self.statistics: dict[str, str] = {}  # extended statistics → table
        self.unit = 0
        self.transaction: int | None = None
        self.search_path: tuple[str, ...] = ("public",)
        self.time_zone: str | None = None
        self.default_tablespace = ""
        self.default_access_method = "heap"
        self._children: dict[str, frozenset[str]] = {}
        self._referencing: dict[str, frozenset[str]] = {}

    def new_session(self) -> None:
        """Forget the settings of the session: another file, another connection."""
        self.search_path = ("public",)
        self.time_zone = None
        self.default_tablespace = ""
        self.default_access_method = "heap"

    # Names

    def key_of(self, name: tuple[str, ...], create: bool = False) -> str:
        """``schema.name`` of a relation's name as written, by the search path."""
        if len(name) > 1:
            return ".".join(name[-2:])
        for schema in self.search_path:
            key = f"{schema}.{name[0]}"
            if create or key in self.relations or key in self.indexes:
                return key
        return f"{self.search_path[0] if self.search_path else 'public'}.{name[0]}"

    def key_of_range(self, range_var: Node, create: bool = False) -> str:
        """``schema.name`` of a RangeVar node."""
        if "schemaname" in range_var:
            return f"{range_var['schemaname']}.{range_var['relname']}"
        if create and range_var.get("relpersistence") == "t":
            return f"pg_temp.{range_var['relname']}"
        if f"pg_temp.{range_var['relname']}" in self.relations:
            return f"pg_temp.{range_var['relname']}"
        return self.key_of((range_var["relname"],), create)

    def type_of(self, type_name: Node) -> Type:
        """The type that a TypeName node names, user-defined ones with their schema."""
        read = read_type(type_name)
        if read.name in SERIAL_TYPES:
            return Type(SERIAL_TYPES[read.name])
        name = self.type_key(tuple(read.name.split(".")))
        return replace(read, name=name) if name else read

    def type_key(self, name: tuple[str, ...]) -> str | None:
        """``schema.name`` of a user-defined type, None when no such type is known."""
        if len(name) > 1:
            key = ".".join(name)
            return key if key in self.types else None
        keys = (f"{schema}.{name[0]}" for schema in self.search_path)
        return next((key for key in keys if key in self.types), None)

    def base_type(self, of: Type) -> Type:
        """The type below a domain (or the type itself)."""
        facts = self.types.get(of.name)
        if facts is None or facts.kind != "domain" or facts.base is None:
            return of
        base = self.base_type(facts.base)
        return replace(base, array=base.array or of.array)

    def is_constrained_domain(self, of: Type) -> bool:
        """Whether values of the type must pass a CHECK or NOT NULL of a domain."""
        facts = self.types.get(of.name)
        if facts is None or facts.kind != "domain":
            return False
        return facts.constrained or (
            facts.base is not None and self.is_constrained_domain(facts.base)
        )

    # Relations

    def relation(self, key: str) -> Relation | None:
        return self.relations.get(key)

    def assume(self, key: str, kind: RelationKind = "table") -> Relation:
        """The relation, or what we take for granted about one that we were never shown."""
        found = self.relations.get(key)
        if found is None:
            schema, _, name = key.partition(".")
            found = Relation(schema, name, kind, known=False)
        return found

    def exists(self, key: str) -> bool:
        """Whether there is such a relation, as far as we can know."""
        return key in self.relations or not self.complete

    def put(self, relation: Relation) -> None:
        """Add or replace a relation."""
        self._unlink(relation.key)
        self.relations[relation.key] = relation
        for parent in relation.parents:
            self._children[parent] = self._children.get(parent, frozenset()) | {relation.key}
        for key in relation.foreign_keys():
            if key.references:
                partners = self._referencing.get(key.references, frozenset())
                self._referencing[key.references] = partners | {relation.key}

    def forget(self, key: str) -> None:
        """Remove a relation with its indexes, and the foreign keys that point to it."""
        for child in self.referencing(key):
            self.change_constraints(child, lambda c: c.references != key)
        self._unlink(key)
        self.relations.pop(key, None)
        for name in [name for name, index in self.indexes.items() if index.table == key]:
            del self.indexes[name]

    def change_constraints(self, key: str, keep: Any) -> None:
        """Keep the constraints of a relation for which ``keep(constraint)`` is true."""
        relation = self.relations.get(key)
        if relation:
            kept = {n: c for n, c in relation.constraints.items() if keep(c)}
            self.put(replace(relation, constraints=kept))

    def _unlink(self, key: str) -> None:
        old = self.relations.get(key)
        if old is None:
            return
        for parent in old.parents:
            self._children[parent] = self._children.get(parent, frozenset()) - {key}
        for constraint in old.foreign_keys():
            if constraint.references:
                partners = self._referencing.get(constraint.references, frozenset())
                self._referencing[constraint.references] = partners - {key}

    def children(self, key: str) -> list[str]:
        """Direct partitions and inheritance children, in name order."""
        return sorted(self._children.get(key, ()))

    def descendants(self, key: str) -> list[str]:
        """All partitions and inheritance children below a table, each behind its parent."""
        return _reached(key, self.children)

    def tree(self, key: str) -> list[str]:
        """A table with all below it."""
        return [key, *self.descendants(key)]

    def ancestors(self, key: str) -> list[str]:
        """The tables above a table, the topmost last."""
        return _reached(key, lambda each: self.assume(each).parents)

    def referencing(self, key: str) -> list[str]:
        """The tables with a foreign key to this table."""
        return sorted(self._referencing.get(key, ()))

    def default_partition(self, key: str) -> str | None:
        """The DEFAULT partition of a partitioned table."""
        return next((c for c in self.children(key) if self.relations[c].is_default), None)

    def owned_sequences(self, key: str, column: str | None = None) -> list[str]:
        """The sequences that belong to a table (to one column of it)."""
        return sorted(
            relation.key
            for relation in self.relations.values()
            if relation.owned_by
            and relation.owned_by[0] == key
            and column in (None, relation.owned_by[1])
        )

    def readers(self, key: str) -> list[str]:
        """The views and materialized views that read a relation, theirs included."""
        return _reached(
            key, lambda each: [r.key for r in self.relations.values() if each in r.reads]
        )

    def indexes_of(self, key: str) -> list[Index]:
        return [index for index in self.indexes.values() if index.table == key]

    def using_type(self, name: str) -> Iterator[tuple[Relation, Column]]:
        """Columns of a user-defined type, of domains over it or arrays of it."""
        over = {
            t.name
            for t in self.types.values()
            if t.kind == "domain" and t.base is not None and t.base.name == name
        }
        for relation in list(self.relations.values()):
            for column in relation.columns.values():
                if column.type.name == name or column.type.name in over:
                    yield relation, column

    # Queries and expressions

    def ranges_in(self, node: Any) -> Iterator[Node]:
        """The RangeVars of a query or expression, without its WITH queries."""
        with_queries = {fields.get("ctename") for fields in tagged(node, "CommonTableExpr")}
        for kind, fields in walk(node):
            if "relname" in fields and kind not in ("into", "pktable"):
                if "schemaname" not in fields and fields["relname"] in with_queries:
                    continue
                if not _is_catalog(self.key_of_range(fields), fields):
                    yield fields

    def relations_in(self, node: Any) -> list[str]:
        """The keys of the relations that a query or expression names."""
        return list(dict.fromkeys(map(self.key_of_range, self.ranges_in(node))))

    def volatility(self, expression: Node | None) -> Volatility:
        """Whether evaluating an expression twice may give two values."""
        worst: Volatility = "not volatile"
        for name in functions_in(expression):
            found = self._function_volatility(name)
            if found == "volatile":
                return "volatile"
            if found == "unknown":
                worst = "unknown"
        return worst

    def _function_volatility(self, name: tuple[str, ...]) -> Volatility:
        function = self.function(name)
        if function is None:
            return builtin_volatility(name)
        if function.inlined is not None and name not in functions_in(function.inlined):
            return self.volatility(function.inlined)
        return "volatile" if function.volatile else "not volatile"

    def function(self, name: tuple[str, ...]) -> FunctionFacts | None:
        if len(name) > 1:
            return self.functions.get(".".join(name))
        keys = (f"{schema}.{name[0]}" for schema in self.search_path)
        return next((self.functions[key] for key in keys if key in self.functions), None)


def _reached(start: str, neighbours: Callable[[str], Iterable[str]]) -> list[str]:
    """All that can be reached from a key, itself left out. A script may describe a circle."""
    found: dict[str, None] = {}

    def visit(key: str) -> None:
        for each in neighbours(key):
            if each != start and each not in found:
                found[each] = None
                visit(each)

    visit(start)
    return list(found)


def _is_catalog(key: str, fields: Node) -> bool:
    schema = key.partition(".")[0]
    return schema in ("pg_catalog", "information_schema") or (
        "schemaname" not in fields and fields["relname"].startswith("pg_")
    )
