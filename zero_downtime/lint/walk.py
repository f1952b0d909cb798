"""One unit on its way through the rules: the state, the session and the suppressions go along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from msgspec import structs

from zero_downtime.lint.dispatch import Dispatch
from zero_downtime.lint.finding import Finding, Note
from zero_downtime.lint.inside import Inside
from zero_downtime.lint.memory import Memory, may_wait
from zero_downtime.lint.options import Mapped, Options
from zero_downtime.lint.registry import families
from zero_downtime.lint.rule import Here, Rule, Seen, There, locks_in_use
from zero_downtime.lint.rules.notation import (
    MalformedSuppression,
    SqlSyntaxError,
    SuppressionExpired,
    SuppressionWithoutReason,
    UnusedSuppression,
)
from zero_downtime.lint.session import Session
from zero_downtime.lint.suppressions import Suppression
from zero_downtime.lint.unit import Unit
from zero_downtime.sql.apply import apply_node, apply_unread
from zero_downtime.sql.effects import Effect, predict_node
from zero_downtime.sql.script import error_location
from zero_downtime.sql.state import State, Transactions
from zero_downtime.sql.statement import Direction, Location, Statement
from zero_downtime.sql.tree import Node, NotParsed, TooDeep, parse

_RENAMES = ("RenameStmt", "AlterObjectSchemaStmt")
_NOTHING = Effect()


class Walk:
    """One unit on its way through the rules."""

    def __init__(self, unit: Unit, options: Options, dispatch: Dispatch, is_last: bool) -> None:
        self.unit = unit
        self.findings: list[Finding] = []
        self.notes: list[Note] = []
        around = options.surroundings
        self._models = Models(around.mapped)
        self._around = structs.replace(around, mapped=self._models.mapped)
        self._dispatch = dispatch
        self._at_end: set[Rule] = set()  # of all rules that speak at the end, those that may here
        self._is_last = is_last
        self._today = options.today
        self._active = [s for s in unit.suppressions if s.counts(options.today)]
        self._used: set[Suppression] = set()
        self.unparsed = unit.unread
        self._undone: Sequence[Statement] = ()
        self._outer: dict[Location, Location] = {}  # of what is inside a block

    def run(self, state: State, statements: Sequence[Statement], direction: Direction) -> None:
        """Judge the statements of one direction; the state goes along with them."""
        state.mark()
        state.new_session()
        session = Session()
        self._at_end.clear()
        transactions = Transactions(state, statements)
        memory = Memory()
        for position, statement in enumerate(statements):
            try:
                kind, node = parse(statement.sql)
            except NotParsed as error:
                self.unparsed += 1
                if isinstance(error, TooDeep):
                    self.notes.append(Note(str(error), statement.location))
                else:
                    self.findings.append(_syntax_error(statement, error))
                apply_unread(state, statement.sql)
                continue
            try:
                self._step(statements, position, kind, node, transactions, session, memory)
            except RecursionError:
                self.notes.append(Note("it is nested too deeply", statement.location))
        transactions.end()
        self._undone = statements
        self._judge_end(tuple(memory.seen), state, session, direction)

    def _step(
        self,
        statements: Sequence[Statement],
        position: int,
        kind: str,
        node: Node,
        transactions: Transactions,
        session: Session,
        memory: Memory,
    ) -> None:
        """Judge one statement, and what is inside it."""
        if kind != "DoStmt":
            self._one(statements, position, kind, node, transactions, session, memory)
            return
        place = statements[position].location
        block = Inside(statements, position, node)
        self._one(statements, position, kind, node, transactions, session, memory)
        for among, at, inner_kind, inner in block.parsed():
            self._outer[among[at].location] = place
            self._one(among, at, inner_kind, inner, transactions, session, memory, True)
        self.notes += block.notes

    def _one(
        self,
        among: Sequence[Statement],
        at: int,
        kind: str,
        node: Node,
        transactions: Transactions,
        session: Session,
        memory: Memory,
        inside: bool = False,
    ) -> None:
        """Judge one statement, and carry the state through it."""
        state = transactions.state
        statement = among[at]
        if transactions.enter(statement.transaction):
            memory.new_transaction()
        session.enter(statement.transaction)
        # What a block does is told by what is inside it.
        of_block = kind == "DoStmt"
        effect = _NOTHING if of_block else predict_node(kind, node, state, self._around.major)
        here = Here(
            among,
            at,
            kind,
            node,
            effect,
            locks_in_use(state, effect),
            state,
            self._around,
            self.unit.phase,
            memory.seen,
            memory.earlier,
            memory.holding,
            self._undone,
            session,
            inside,
        )
        heavy = here.heaviest is not None
        if kind == "RefreshMatViewStmt" and node.get("concurrent"):
            heavy = False  # nobody else writes a materialized view
        first = heavy and session.is_first_wait(session.bound) and may_wait(here)
        self._judge(here, heavy, first)
        if effect.unknown:
            self.notes += [Note(what, statement.location) for what in effect.unknown]
        session.see(statement, kind, node, first)
        memory.keep(here, heavy)
        if not of_block:
            apply_node(state, kind, node)  # carry() does the same
        if kind in _RENAMES:
            memory.follow(here)

    def _judge_end(
        self,
        seen: tuple[Seen, ...],
        state: State,
        session: Session,
        direction: Direction,
    ) -> None:
        if not self._at_end or not seen:
            return
        there = There(
            seen,
            state,
            session,
            self._around,
            direction,
            self.unit,
            self._is_last,
        )
        for rule in self._dispatch.at_end:
            if rule in self._at_end:
                with suppress(RecursionError, TooDeep):  # noted at the statement
                    self.findings += rule.at_end(there)

    def _judge(self, here: Here, heavy: bool, first: bool) -> None:
        traits = (bool(here.locks), heavy, first, bool(here.holding), bool(here.earlier))
        asked = self._dispatch.rules_at(
            here.kind, here.node, here.statement.sql, here.effect, traits
        )
        if asked.at_end:
            self._at_end.update(asked.at_end)
        if not asked.rules and not asked.fallback:
            return
        found: list[Finding] = []
        for rule in asked.rules:
            found += rule.check(here)
        for rule in asked.fallback:
            if not any(finding.rewrites or finding.scans for finding in found):
                found += rule.check(here)
        if here.is_downgrade and not self.unit.upgrade:
            # What it undoes is not known, and may be all that it touches.
            found = [structs.replace(finding, severity="warning") for finding in found]
        self.findings += found

    def only(self, file: str | None) -> None:
        """Forget what was found in the other file of a pair."""
        if file is not None:
            self.findings = [f for f in self.findings if f.location.file == file]
            self.notes = [note for note in self.notes if note.location.file == file]

    def without_suppressed(self) -> list[Finding]:
        """The findings that no comment with a reason silences."""
        if not self._active:
            return self.findings
        kept = []
        for finding in self.findings:
            places = {finding.location, self._outer.get(finding.location, finding.location)}
            silencers = [s for s in self._active if _silences(s, finding, places)]
            self._used |= set(silencers)
            if not silencers:
                kept.append(finding)
        return kept

    def _is_left_behind(self, suppression: Suppression) -> bool:
        """Whether a comment silences nothing, and not because the models have moved on."""
        if suppression in self._used:
            return False
        about = {families().get(rule, rule) for rule in suppression.rules}
        return not (self._models.decided and "compatibility" in about)

    def about_suppressions(self) -> Iterator[Finding]:
        """Comments that are written wrong or too old, and those that silence nothing."""
        revision = self.unit.revision
        for suppression in self.unit.suppressions:
            if suppression.problem is not None:
                yield MalformedSuppression.at(suppression, revision)
            elif not suppression.reason:
                yield SuppressionWithoutReason.at(suppression, revision)
            elif suppression.is_expired(self._today):
                yield SuppressionExpired.at(suppression, revision)
            elif self._is_left_behind(suppression):
                known = {*families(), *families().values()}
                yield UnusedSuppression.at(suppression, revision, known)


class Models:
    """What the models say; remembered, since they may make a comment superfluous."""

    def __init__(self, mapped: Mapped) -> None:
        self._ask = mapped
        self.decided = False

    def mapped(self, table: str, column: str | None) -> bool | None:
        answer = self._ask(table, column)
        self.decided |= answer is False
        return answer


def _silences(suppression: Suppression, finding: Finding, places: Iterable[Location]) -> bool:
    named = suppression.rules
    return any(map(suppression.covers, places)) and (
        finding.rule in named or families().get(finding.rule) in named
    )


def _syntax_error(statement: Statement, error: NotParsed) -> Finding:
    return SqlSyntaxError.at(statement, error_location(statement, error), str(error))
