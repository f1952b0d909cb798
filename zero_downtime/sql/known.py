"""What is known of a schema: relations, indexes, types and functions, and how names are found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, Self

from msgspec.structs import replace

from zero_downtime.sql.directory import Directory
from zero_downtime.sql.facts import (
    Column,
    FunctionFacts,
    Index,
    Publication,
    Relation,
    RelationKind,
    TypeFacts,
)
from zero_downtime.sql.functions import builtin_volatility
from zero_downtime.sql.tree import (
    Node,
    functions_in,
    names_of,
    walk,
)
from zero_downtime.sql.types import SERIAL_TYPES, Type, read_type

_SAVEPOINTS = 16  # kept at once
Volatility = Literal["volatile", "not volatile", "unknown"]


class Known:
    """Facts about a schema by name. Every fact is immutable; changing one puts another.

    ``unit`` numbers what is deployed together, ``transaction`` the one that is open.
    """

    def __init__(self, complete: bool = False) -> None:
        self.complete = complete
        self.relations = Directory[Relation](_relation_refers, _RELATION_REFERS_BY)
        self.indexes = Directory[Index](_index_refers, ("table", "parent"))
        self.types = Directory[TypeFacts]()
        self.functions = Directory[FunctionFacts]()
        self.publications = Directory[Publication]()
        self.statistics = Directory[str](_table_of)  # extended statistics → table
        self.extensions = Directory[str]()  # → schema
        self.servers = Directory[str]()  # foreign servers → foreign-data wrapper
        self.prepared = Directory[tuple[str, Node]]()  # PREPARE … AS: kind and fields
        self.savepoints: tuple[tuple[str, Known], ...] = ()
        self.nesting = 0  # how deep we are in functions that call each other
        self.unit = 0
        self.transaction: int | None = None
        self.search_path: tuple[str, ...] = ("public",)
        self.time_zone: str | None = None
        self.default_tablespace = ""
        self.default_access_method = "heap"

    def copy(self) -> Self:
        """An independent state with the same content; facts are immutable and shared."""
        other = type(self)(self.complete)
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if isinstance(value, Directory) else value)
        return other

    def savepoint(self, name: str) -> None:
        """Keep the present content under a name, until the transaction ends."""
        kept = tuple(pair for pair in self.savepoints if pair[0] != name)
        self.savepoints = (*kept[-_SAVEPOINTS:], (name, self.copy()))

    def roll_back_to(self, name: str) -> None:
        """Go back to what was kept under a name; the savepoint stays."""
        for number, (kept, before) in enumerate(self.savepoints):
            if kept == name:
                savepoints = self.savepoints[: number + 1]
                vars(self).update(vars(before.copy()))
                self.savepoints = savepoints
                return

    def release(self, name: str) -> None:
        """Forget a savepoint and those after it; what was done stays."""
        names = [kept for kept, _ in self.savepoints]
        if name in names:
            self.savepoints = self.savepoints[: names.index(name)]

    def new_session(self) -> None:
        """Forget the settings of the session: another file, another connection."""
        self.search_path = ("public",)
        self.time_zone = None
        self.default_tablespace = ""
        self.default_access_method = "heap"
        self.savepoints = ()
        for name in list(self.prepared):
            self.prepared.pop(name)

    # Names

    def new_name(self, name: tuple[str, ...]) -> str:
        """The key under which a type or function of this name is (or will be) known."""
        if len(name) > 1:
            return ".".join(name[-2:])
        return f"{self.search_path[0] if self.search_path else 'public'}.{name[-1]}"

    def path_of_range(self, range_var: Node) -> tuple[str, ...]:
        """The name in a RangeVar node as a path."""
        schema = (range_var["schemaname"],) if "schemaname" in range_var else ()
        return (*schema, range_var["relname"])

    def key_of(self, name: tuple[str, ...], create: bool = False) -> str:
        """``schema.name`` of a relation's name as written, by the search path."""
        if len(name) > 1:
            return ".".join(name[-2:])
        if not create and f"pg_temp.{name[0]}" in self.relations:
            return f"pg_temp.{name[0]}"
        if len(self.search_path) == 1:
            return f"{self.search_path[0]}.{name[0]}"
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
        return self.key_of((range_var["relname"],), create)

    def type_of(self, type_name: Node) -> Type:
        """The type that a TypeName node names, user-defined ones with their schema."""
        read = read_type(type_name)
        if read.name in SERIAL_TYPES:
            return Type(SERIAL_TYPES[read.name])
        if not self.types:
            return read
        names = names_of(type_name.get("names"))
        name = self.type_key(names[1:] if names[:1] == ("pg_catalog",) else names)
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
        if facts is None or facts.kind != "domain" or of.array:
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
        self.relations[relation.key] = relation

    def forget(self, key: str) -> None:
        """Remove a relation with its indexes, and the foreign keys that point to it."""
        for child in self.referencing(key):
            self.change_constraints(child, lambda c: c.references != key)
        self.relations.pop(key)
        for index in self.indexes_of(key):
            del self.indexes[index.name]
        for name in list(self.statistics.referring(key)):
            self.statistics.pop(name)

    def change_constraints(self, key: str, keep: Any) -> None:
        """Keep the constraints of a relation for which ``keep(constraint)`` is true."""
        relation = self.relations.get(key)
        if relation:
            kept = {n: c for n, c in relation.constraints.items() if keep(c)}
            self.put(replace(relation, constraints=kept))

    def children(self, key: str) -> list[str]:
        """Direct partitions and inheritance children, in name order."""
        found = self.relations.referring(f"parent {key}")
        return sorted(found) if found else []

    def descendants(self, key: str) -> list[str]:
        """All partitions and inheritance children below a table, each behind its parent."""
        return _reached(key, self.children) if self.children(key) else []

    def tree(self, key: str) -> list[str]:
        """A table with all below it."""
        return [key, *self.descendants(key)]

    def ancestors(self, key: str) -> list[str]:
        """The tables above a table, the topmost last."""
        relation = self.relations.get(key)
        if relation is None or not relation.parents:
            return []
        return _reached(key, lambda each: self.assume(each).parents)

    def referencing(self, key: str) -> list[str]:
        """The tables with a foreign key to this table."""
        return sorted(self.relations.referring(f"foreign key {key}"))

    def default_partition(self, key: str) -> str | None:
        """The DEFAULT partition of a partitioned table."""
        return next(iter(self.relations.referring(f"default {key}")), None)

    def owned_sequences(self, key: str, column: str | None = None) -> list[str]:
        """The sequences that belong to a table (to one column of it)."""
        owned = sorted(self.relations.referring(f"owner {key}"))
        if column is None:
            return owned
        return [each for each in owned if self.relations[each].owned_by == (key, column)]

    def readers(self, key: str) -> list[str]:
        """The views and materialized views that read a relation, theirs included."""
        return _reached(key, self.read_by)

    def read_by(self, key: str) -> list[str]:
        """The views and materialized views whose own query names a relation."""
        return list(self.relations.referring(f"query {key}"))

    def indexes_of(self, key: str) -> list[Index]:
        return [self.indexes[name] for name in self.indexes.referring(f"table {key}")]

    def indexes_below(self, key: str) -> list[Index]:
        """The partitions' indexes that are attached to an index."""
        return [self.indexes[name] for name in self.indexes.referring(f"parent {key}")]

    def using_type(self, name: str) -> Iterator[tuple[Relation, Column]]:
        """Columns of a user-defined type, of domains over it or arrays of it."""
        wanted = {name, *self.domains_over(name)}
        for relation in list(self.relations.values()):
            for column in relation.columns.values():
                if column.type.name in wanted:
                    yield relation, column

    def published(self, key: str) -> list[Publication]:
        """The publications that a table belongs to, by itself or by a table above it."""
        if not self.publications:
            return []
        keys = [key, *self.ancestors(key)]
        return [p for p in self.publications.values() if any(map(p.has, keys))]

    def domains_over(self, name: str) -> list[str]:
        """The domains over a type and over those domains."""
        return _reached(
            name,
            lambda each: [
                t.name
                for t in self.types.values()
                if t.kind == "domain" and t.base is not None and t.base.name == each
            ],
        )

    def typed_tables(self, name: str) -> list[str]:
        """The tables made OF a composite type."""
        return list(self.relations.referring(f"type {name}"))

    def served_by(self, server: str) -> list[str]:
        """The foreign tables of a server."""
        return list(self.relations.referring(f"server {server}"))

    def statistics_key(self, path: tuple[str, ...]) -> str:
        """``schema.name`` of extended statistics, by the search path."""
        if len(path) > 1:
            return ".".join(path[-2:])
        keys = (f"{schema}.{path[-1]}" for schema in self.search_path)
        return next((key for key in keys if key in self.statistics), self.new_name(path))

    def ruled_over(self, key: str) -> list[str]:
        """The relations with a rule that names a relation."""
        return list(self.relations.referring(f"rule {key}"))

    def with_policies(self) -> list[Relation]:
        """The relations that have policies."""
        return [self.relations[key] for key in self.relations.referring("policies")]

    def naming(self, key: str) -> list[Relation]:
        """The relations whose query, rules or policies may name a relation, in name order."""
        by = ("policies", f"query {key}", f"rule {key}")
        found = {name for each in by for name in self.relations.referring(each)}
        return [self.relations[name] for name in sorted(found)]

    def published_with(self, range_var: Node) -> list[str]:
        """The tables that a publication takes in when it names one: inheritance children too."""
        key = self.key_of_range(range_var)
        whole = self.assume(key).kind != "partitioned table" and range_var.get("inh")
        return self.tree(key) if whole else [key]

    # Queries and expressions

    def ranges_in(self, node: Any) -> Iterator[Node]:
        """The RangeVars of a query or expression, without its WITH queries."""
        return self.ranges_among(list(walk(node)))

    def ranges_among(self, found: list[tuple[str, Node]]) -> Iterator[Node]:
        """:meth:`ranges_in` for what :func:`walk` found."""
        with_queries = {
            fields.get("ctename") for kind, fields in found if kind == "CommonTableExpr"
        }
        for kind, fields in found:
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
    waiting = [iter(neighbours(start))]
    while waiting:
        each = next(waiting[-1], None)
        if each is None:
            waiting.pop()
        elif each != start and each not in found:
            found[each] = None
            waiting.append(iter(neighbours(each)))
    return list(found)


_RELATION_REFERS_BY = (
    *("constraints", "parents", "reads", "owned_by", "is_default"),
    *("rules", "policies", "row_type", "server"),
)


def _relation_refers(relation: Relation) -> list[str]:
    found = [f"parent {key}" for key in relation.parents]
    for constraint in relation.constraints.values():
        if constraint.references:
            found.append(f"foreign key {constraint.references}")
    found += [f"query {key}" for key in relation.reads]
    if relation.is_default:
        found += [f"default {key}" for key in relation.parents]
    if relation.owned_by:
        found.append(f"owner {relation.owned_by[0]}")
    if relation.row_type:
        found.append(f"type {relation.row_type}")
    if relation.server:
        found.append(f"server {relation.server}")
    for rule in relation.rules.values():
        found += [f"rule {key}" for key in rule.reads]
    if relation.policies:
        found.append("policies")
    return found


def _table_of(table: str) -> list[str]:
    return [table]


def _index_refers(index: Index) -> list[str]:
    table = f"table {index.table}"
    return [table] if index.parent is None else [table, f"parent {index.parent}"]


def _is_catalog(key: str, fields: Node) -> bool:
    schema = key.partition(".")[0]
    return schema in ("pg_catalog", "information_schema") or (
        "schemaname" not in fields and fields["relname"].startswith("pg_")
    )
