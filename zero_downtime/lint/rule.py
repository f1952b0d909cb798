"""What a rule is, and what it gets to see of a statement and its surroundings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from zero_downtime.lint.finding import Finding, Severity
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import Node, fields_of

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Rule:
    """One hazard. The class name in kebab-case is the rule's id, its docstring what it finds.

    ``bad`` and ``good`` are scripts over the schema of :mod:`zero_downtime.sql.forms`; the tests
    lint both, and the documentation is made from them.
    """

    severity: ClassVar[Severity] = "error"
    why: ClassVar[str]
    safe: ClassVar[str]
    bad: ClassVar[str]
    good: ClassVar[str]
    # Asked only about statements for which no other rule names a rewrite or a scan.
    fallback: ClassVar[bool] = False

    @classmethod
    def name(cls) -> str:
        """The id: ``IndexNotConcurrent`` is ``index-not-concurrent``."""
        return _HUMP.sub("-", cls.__name__).lower()

    @classmethod
    def hazard(cls) -> str:
        """What the rule finds, in one sentence."""
        return " ".join(inspect.cleandoc(cls.__doc__ or "").split())

    def check(self, here: Here) -> Iterator[Finding]:
        """The findings at one statement."""
        raise NotImplementedError

    def found(
        self,
        here: Here,
        message: str,
        safe: str,
        relation: str | None = None,
        fix: str | None = None,
        severity: Severity | None = None,
        lock: LockMode | None = None,
    ) -> Finding:
        """A finding of this rule at the statement at hand.

        ``lock`` is given when it is not the statement's own that hurts, but one held already.
        """
        effect = here.effect
        if lock is None and relation:
            lock = effect.mode_on(relation)
        if lock is None and effect.strongest and relation is None:
            relation, lock = effect.strongest.relation, effect.strongest.mode
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
            rewrites=relation in effect.rewrites,
            scans=relation in effect.scans,
            fix=fix,
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """An earlier statement of the same transaction, with what it locked of existing relations."""

    statement: Statement
    locks: Mapping[str, LockMode]
    tables: frozenset[str]  # those that writers can't use any more


@dataclass(frozen=True)
class Here:
    """A statement with all that a rule may want to know about its place."""

    statement: Statement
    kind: str
    node: Node
    state: State  # before the statement
    effect: Effect
    major: int
    phase: str | None
    earlier: tuple[Seen, ...]  # statements before it in its transaction
    later: tuple[tuple[str, Node], ...]  # statements after it in its transaction
    upgrade: tuple[tuple[str, Node], ...]  # at a downgrade: what it undoes
    lock_timeout: bool  # one is in force
    first_without_timeout: bool  # no earlier statement of the unit lacked one

    @property
    def is_downgrade(self) -> bool:
        return self.statement.direction == "downgrade"

    @property
    def locks(self) -> dict[str, LockMode]:
        """The locks on relations that others already use."""
        return {
            lock.relation: lock.mode for lock in self.effect.locks if not self.is_new(lock.relation)
        }

    @property
    def locked_tables(self) -> frozenset[str]:
        """The tables that writers can't use meanwhile; partitions count as their parent."""
        return frozenset(
            (self.state.ancestors(key) or [key])[-1]
            for key, mode in self.locks.items()
            if mode.blocks_writes and self.relation(key).kind in ("table", "partitioned table")
        )

    def is_new(self, key: str) -> bool:
        """Whether the relation was made in this unit, or is nobody else's (temporary)."""
        relation = self.state.relation(key)
        return relation is not None and (relation.born == self.state.unit or relation.temporary)

    def relation(self, key: str) -> Relation:
        return self.state.assume(key)

    def table(self) -> str:
        """The relation that the statement names first."""
        return self.state.key_of_range(self.node["relation"])

    def commands(self, *subtypes: str) -> Iterator[Node]:
        """The subcommands of these kinds, when this is an ALTER TABLE of a table in use."""
        if self.kind != "AlterTableStmt" or self.node.get("objtype") not in _TABLES:
            return
        key = self.table()
        if self.is_new(key) or not self.state.exists(key) or key in self.state.indexes:
            return
        for item in self.node.get("cmds", ()):
            command = fields_of(item)
            if command["subtype"] in subtypes:
                yield command

    def new_columns(self) -> Iterator[Node]:
        """The ColumnDefs that the statement adds to a table in use."""
        columns = self.relation(self.table()).columns if self.kind == "AlterTableStmt" else {}
        for command in self.commands("AT_AddColumn"):
            definition = fields_of(command["def"])
            if definition["colname"] not in columns:
                yield definition

    @property
    def by_itself(self) -> str:
        """How to write in this file that a statement runs outside a transaction."""
        if self.statement.revision:
            return "-- inside with op.get_context().autocommit_block():"
        return "-- outside BEGIN … COMMIT"

    def partitioned(self, key: str) -> bool:
        return self.relation(key).kind == "partitioned table"


_TABLES = ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_MATVIEW")


def short(key: str) -> str:
    """A relation as people call it: without the schema public."""
    return key.removeprefix("public.")


def waits(mode: LockMode, key: str) -> str:
    """Who waits while this lock is held on a relation."""
    if mode.blocks_reads:
        return f"every query on {short(key)}, SELECT included, waits"
    if mode.blocks_writes:
        return f"INSERT, UPDATE and DELETE on {short(key)} wait"
    return f"other schema changes of {short(key)} wait"


def contype(command_or_column: Node, *kinds: str) -> Iterator[Node]:
    """The constraints of these kinds in a ColumnDef."""
    for item in command_or_column.get("constraints", ()):
        fields: dict[str, Any] = fields_of(item)
        if fields["contype"] in kinds:
            yield fields
