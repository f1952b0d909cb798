"""What a rule is, and what it gets to see of a statement and its surroundings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from msgspec import Struct, field

from zero_downtime.lint.finding import Finding, Severity
from zero_downtime.lint.session import Session
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Direction, Statement
from zero_downtime.sql.tree import Node, NotParsed, fields_of, parse

if TYPE_CHECKING:
    from zero_downtime.lint.unit import Unit

Parsed = tuple[Statement, str, Node]
Name = TypeVar("Name")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Rule:
    """One hazard. The class name in kebab-case is the rule's id, its docstring what it finds.

    ``bad`` and ``good`` are scripts over the schema of :mod:`zero_downtime.sql.forms`; the tests
    lint both, and the documentation is made from them.
    """

    severity: ClassVar[Severity] = "error"
    # At which statements the rule is asked: statement kinds ("IndexStmt"), what DROP drops
    # ("OBJECT_TABLE"), parts of ALTER TABLE ("AT_AddColumn"), "locks" for whatever locks a
    # relation in use, "blocks" where writers wait for that lock, "first-wait" at the first such
    # lock under a lock_timeout (or under none), "rewrites" and "scans" for whatever does that to a
    # relation, "alone" for what refuses to run in a transaction, "any" for every statement.
    # At the end of a file with such a statement ``at_end`` is asked, of any file if this is empty.
    on: ClassVar[tuple[str, ...]] = ()
    # What must hold there as well: "held" where the transaction already holds a lock for which
    # writers wait, "not-first" where it has done something; "" for nothing.
    only: ClassVar[str] = ""
    # Words in lower case of which one stands in every text that the rule finds something in; cost
    # arises only where one does.
    words: ClassVar[tuple[str, ...]] = ()
    default: ClassVar[bool] = True  # False: only where the settings enable it
    majors: ClassVar[tuple[int, int]] = (14, 18)  # the first and last server it is about
    why: ClassVar[str]
    safe: ClassVar[str] = ""
    bad: ClassVar[str] = ""
    good: ClassVar[str] = ""
    in_revision: ClassVar[bool] = False  # the examples are revisions: -- downgrade parts them
    # The rule's own settings with their defaults: [tool.zero_downtime.lint.rules.<rule>].
    options: ClassVar[tuple[tuple[str, int | float | str | bool], ...]] = ()
    also: ClassVar[tuple[str, ...]] = ()  # other rules that rightly speak at the bad example
    # Above 0: asked, in this order, only if no rule before found a rewrite or a scan there.
    fallback: ClassVar[int] = 0

    @classmethod
    @cache
    def name(cls) -> str:
        """The id: ``IndexNotConcurrent`` is ``index-not-concurrent``."""
        return _HUMP.sub("-", cls.__name__).lower()

    @classmethod
    def hazard(cls) -> str:
        """What the rule finds, in one sentence."""
        return " ".join((cls.__doc__ or "").split())

    def check(self, here: Here) -> Iterator[Finding]:
        """The findings at one statement."""
        yield from ()

    def at_end(self, there: There) -> Iterator[Finding]:
        """The findings after the last statement of a file, or of one direction of a revision."""
        yield from ()

    def option(self, around: Surroundings, name: str) -> Any:
        """The value of one of the rule's own settings."""
        return around.settings.get(self.name(), {}).get(name, dict(self.options)[name])

    def found(
        self,
        here: Here | Seen,
        message: str,
        safe: str,
        relation: str | None = None,
        fix: str | None = None,
        severity: Severity | None = None,
        lock: LockMode | None = None,
        split: tuple[str, ...] = (),
    ) -> Finding:
        """A finding of this rule at the statement at hand.

        ``lock`` is given when it is not the statement's own that hurts, but one held already.
        """
        effect = here.effect
        if lock is None and relation:
            lock = effect.mode_on(relation)
        if lock is None and effect.strongest and relation is None:
            relation, lock = effect.strongest.relation, effect.strongest.mode
        whole: set[str | None] = {relation}
        if relation and isinstance(here, Here):
            is_sequence = here.relation(relation).kind == "sequence"
            whole = set() if is_sequence else set(here.state.tree(relation))
        return Finding(
            rule=self.name(),
            severity=severity or self.severity,
            message=message,
            safe=safe,
            location=here.statement.location,
            statement=here.statement.sql,
            revision=here.statement.revision,
            direction=here.statement.direction,
            relation=relation,
            lock=lock,
            rewrites=not whole.isdisjoint(effect.rewrites),
            scans=not whole.isdisjoint(effect.scans),
            fix=fix,
            split=split,
        )


class Seen(Struct, frozen=True):
    """An earlier statement, with what it locked of relations that others already used.

    Of data changes that are alike in all but their values the first hundred are remembered.
    """

    statement: Statement
    kind: str
    effect: Effect
    locks: Mapping[str, LockMode]
    tables: frozenset[str]  # those that writers can't use any more

    @property
    def node(self) -> Node:
        """The parse tree, made anew: a long script's trees are more than memory should hold."""
        return parse(self.statement.sql)[1]


class Surroundings(Struct, frozen=True):
    """What is known beside the statements and the schema; the same for a whole run."""

    major: int = 18
    # Whether the application's declared models still map a table (column None) or a column of
    # it; None: not known.
    mapped: Callable[[str, str | None], bool | None] = lambda table, column: None
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of rules, by id


class There(Struct, frozen=True, dict=True):
    """The end of a file, or of one direction of a revision."""

    seen: tuple[Seen, ...]  # its statements, all of them
    state: State  # after the last one
    session: Session
    around: Surroundings
    direction: Direction
    unit: Unit
    is_last: bool  # nothing follows in this history

    @cached_property
    def before(self) -> State:
        """The schema at the first statement; only to be read."""
        return self.state.at_mark()

    @cached_property
    def found_out(self) -> dict[str, Any]:
        """What several rules want to know and one has found out."""
        return {}

    @property
    def major(self) -> int:
        return self.around.major

    @property
    def phase(self) -> str | None:
        return self.unit.phase

    @property
    def revision(self) -> str | None:
        return self.unit.revision

    def of(self, *kinds: str) -> Iterator[Seen]:
        """The statements of these kinds."""
        for kind in kinds:
            yield from self._by_kind.get(kind, ())

    def trees(self, *kinds: str) -> Iterator[tuple[Seen, Node]]:
        """The statements of these kinds with their parse trees, which are made once."""
        for kind in kinds:
            if kind not in self._trees:
                self._trees[kind] = [(seen, seen.node) for seen in self.of(kind)]
            yield from self._trees[kind]

    @cached_property
    def made(self) -> frozenset[str]:
        """The names, without their schemas, of the relations that its statements make."""
        found = set()
        for _, node in self.trees("ViewStmt", "CreateTableAsStmt", "CreateSeqStmt", "CreateStmt"):
            into = node.get("into", {}).get("rel", {})
            made = node.get("view") or node.get("sequence") or node.get("relation") or into
            found.add(str(made.get("relname")))
        return frozenset(found)

    @cached_property
    def _trees(self) -> dict[str, list[tuple[Seen, Node]]]:
        return {}

    @cached_property
    def _by_kind(self) -> Mapping[str, list[Seen]]:
        found: dict[str, list[Seen]] = {}
        for each in self.seen:
            found.setdefault(each.kind, []).append(each)
        return found


class Here:
    """A statement with all that a rule may want to know about its place."""

    __slots__ = (
        "_commands",
        "_heaviest",
        "_locks",
        "_new_columns",
        "_position",
        "_statements",
        "_table",
        "_undone",
        "around",
        "earlier",
        "effect",
        "holding",
        "inside",
        "kind",
        "node",
        "phase",
        "session",
        "so_far",
        "state",
        "statement",
    )

    def __init__(
        self,
        statements: Sequence[Statement],
        position: int,
        kind: str,
        node: Node,
        effect: Effect,
        locks: dict[str, LockMode],
        state: State,
        around: Surroundings,
        phase: str | None,
        so_far: Sequence[Seen],
        earlier: Sequence[Seen],
        holding: Sequence[Seen],
        undone: Sequence[Statement],
        session: Session,
        inside: bool = False,
    ) -> None:
        self.statement = statements[position]
        self.kind = kind
        self.node = node
        self.effect = effect
        self.state = state  # before the statement
        self.around = around
        self.phase = phase
        self.so_far = so_far  # the statements before it in its unit
        self.earlier = earlier  # statements before it in its transaction
        self.holding = holding  # those of them that hold locks on relations in use
        self.session = session  # its settings before the statement
        self.inside = inside  # whether it runs in a DO block
        self._locks = locks
        self._commands: list[Node] | None = None
        self._heaviest: list[tuple[str, LockMode] | None] = []  # one, once it was asked for
        self._new_columns: list[Node] | None = None
        self._table: str | None = None
        self._statements = statements
        self._position = position
        self._undone = undone

    @property
    def later(self) -> Iterator[tuple[str, Node]]:
        """The statements after it in its transaction."""
        number = self.statement.transaction
        for statement, kind, node in self.rest:
            if number is not None and statement.transaction == number:
                yield kind, node

    @property
    def rest(self) -> Iterator[Parsed]:
        """The statements after it in its unit. Each is parsed: see also :meth:`following`."""
        return parsed(self._behind(None))

    def following(self, *words: str, limit: int | None = 300) -> Iterator[Parsed]:
        """The next statements of its unit, of those in whose text all these words stand."""
        first, *others = (word.lower() for word in words)
        behind = self._behind(limit)
        return parsed(
            statement
            for statement in behind
            if first in (text := statement.sql.lower()) and all(word in text for word in others)
        )

    def _behind(self, limit: int | None) -> Iterator[Statement]:
        # Not by islice, which would pass by all that stand before.
        end = len(self._statements)
        if limit is not None:
            end = min(end, self._position + 1 + limit)
        return (self._statements[at] for at in range(self._position + 1, end))

    @property
    def upgrade(self) -> Iterator[tuple[str, Node]]:
        """At a downgrade: what it undoes."""
        return ((kind, node) for _, kind, node in parsed(self._undone))

    @property
    def major(self) -> int:
        return self.around.major

    @property
    def is_downgrade(self) -> bool:
        return self.statement.direction == "downgrade"

    @property
    def locks(self) -> dict[str, LockMode]:
        """The locks on relations that others already use."""
        return self._locks

    @property
    def heaviest(self) -> tuple[str, LockMode] | None:
        """Of the locks on relations in use for which writers wait the heaviest."""
        if not self._locks:
            return None
        if not self._heaviest:
            heavy = (lock for lock in self._locks.items() if lock[1].blocks_writes)
            self._heaviest.append(max(heavy, key=itemgetter(1), default=None))
        return self._heaviest[0]

    @property
    def locked_tables(self) -> frozenset[str]:
        """The tables that writers can't use meanwhile; partitions count as their parent."""
        return locked_tables(self.state, self._locks)

    def says(self, word: str) -> bool:
        """Whether a word, in lower case, stands anywhere in the text: asked before a long look."""
        return word in self.statement.sql.lower()

    def is_new(self, key: str) -> bool:
        """Whether the relation was made in this unit, or is nobody else's (temporary)."""
        return is_new(self.state, key)

    def relation(self, key: str) -> Relation:
        return self.state.assume(key)

    def table(self) -> str:
        """The relation that the statement names first."""
        if self._table is None:
            self._table = self.state.key_of_range(self.node["relation"])
        return self._table

    def commands(self, *subtypes: str) -> Iterator[Node]:
        """The subcommands of these kinds, when this is an ALTER TABLE of a table in use."""
        if self._commands is None:
            self._commands = self._find_commands()
        return (command for command in self._commands if command["subtype"] in subtypes)

    def _find_commands(self) -> list[Node]:
        if self.kind != "AlterTableStmt" or self.node.get("objtype") not in _TABLES:
            return []
        key = self.table()
        if self.is_new(key) or not self.state.exists(key) or key in self.state.indexes:
            return []
        return [fields_of(item) for item in self.node.get("cmds", ())]

    def new_columns(self) -> Iterator[Node]:
        """The ColumnDefs that the statement adds to a table in use."""
        if self._new_columns is None:
            commands = () if self.is_foreign else self.commands("AT_AddColumn")
            added = [fields_of(command["def"]) for command in commands]
            there = self.relation(self.table()).columns if added else {}
            self._new_columns = [each for each in added if each["colname"] not in there]
        return iter(self._new_columns)

    @property
    def is_foreign(self) -> bool:
        """Whether ALTER TABLE is about a foreign table: its rows are elsewhere."""
        kind = self.relation(self.table()).kind
        return kind == "foreign table" or self.node["objtype"] == "OBJECT_FOREIGN_TABLE"

    @property
    def by_schema(self) -> Severity:
        """How loud to be about a failure that only the schema, as far as we know it, tells."""
        return "error" if self.state.complete else "warning"

    @property
    def by_itself(self) -> str:
        """How to write in this file that a statement runs outside a transaction."""
        if self.statement.revision:
            return "-- inside with op.get_context().autocommit_block():"
        return "-- outside BEGIN … COMMIT"

    def partitioned(self, key: str) -> bool:
        return self.relation(key).kind == "partitioned table"


def locks_in_use(state: State, effect: Effect) -> dict[str, LockMode]:
    """The locks of a statement on relations that others already use."""
    return {
        lock.relation: lock.mode
        for lock in effect.locks
        if (relation := state.relations.get(lock.relation)) is None
        or not (relation.born == state.unit or relation.temporary)
    }


def is_new(state: State, key: str) -> bool:
    """Whether a relation was made in the unit at hand, or is nobody else's (temporary)."""
    relation = state.relations.get(key)
    return relation is not None and (relation.born == state.unit or relation.temporary)


def locked_tables(state: State, locks: Mapping[str, LockMode]) -> frozenset[str]:
    """The tables that writers can't use under these locks; partitions count as their parent."""
    found = []
    for key, mode in locks.items():
        if mode.blocks_writes:
            relation = state.relations.get(key)
            if relation is None:  # never shown: a table, for all we know
                found.append(key)
            elif relation.kind in ("table", "partitioned table"):
                found.append((state.ancestors(key) or [key])[-1])
    return frozenset(found)


def parsed(statements: Iterable[Statement]) -> Iterator[Parsed]:
    """The statements that can be parsed, with kind and fields."""
    for statement in statements:
        with suppress(NotParsed):
            yield (statement, *parse(statement.sql))


def repeated(names: Sequence[Name]) -> Iterable[tuple[Name, int]]:
    """What stands there more than once, and how often."""
    if len(set(names)) == len(names):
        return ()
    return ((name, times) for name, times in Counter(names).items() if times > 1)


_TABLES = ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_MATVIEW")


def contype(command_or_column: Node, *kinds: str) -> Iterator[Node]:
    """The constraints of these kinds in a ColumnDef."""
    for item in command_or_column.get("constraints", ()):
        fields: dict[str, Any] = fields_of(item)
        if fields["contype"] in kinds:
            yield fields
