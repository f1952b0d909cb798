"""Statements go through the rules one by one, while the state and the session are carried along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from msgspec import Struct, structs

from zero_downtime.config import Lint
from zero_downtime.lint.dispatch import Dispatch
from zero_downtime.lint.finding import Finding, Note, Report
from zero_downtime.lint.inside import Inside
from zero_downtime.lint.options import Mapped, Options
from zero_downtime.lint.registry import families, rules
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
from zero_downtime.lint.unit import Unit, units_of
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply import apply_node, apply_unread
from zero_downtime.sql.apply_tables import RELATION_KINDS
from zero_downtime.sql.effects import Effect, predict_node
from zero_downtime.sql.placeholders import as_written
from zero_downtime.sql.script import error_location
from zero_downtime.sql.state import State, Transactions
from zero_downtime.sql.statement import Direction, Location, Statement
from zero_downtime.sql.tree import Node, NotParsed, TooDeep, forget_parsed, parse, parse_once


def lint(
    statements: Iterable[Statement],
    state: State | None = None,
    config: Lint | None = None,
    major: int | None = None,
    phases: Mapping[str, str | None] | None = None,
) -> Report:
    """Lint statements as they come; those of one file or revision belong together.

    ``state`` is the schema before the first of them and is not changed; ``phases`` are the phases
    of the revisions by id. Comments are not seen: see :func:`lint_units`.
    """
    units = [
        structs.replace(unit, phase=(phases or {}).get(unit.revision or ""))
        for unit in units_of(statements)
    ]
    return lint_units(units, state, Options.of(config or Lint(), major))


def lint_units(
    units: Sequence[Unit], state: State | None = None, options: Options | None = None
) -> Report:
    """Lint units in their order, each upgrade in the schema that the ones before it left."""
    return report_of(units, judge(units, state, options or Options(), range(len(units))))


class Part(Struct, frozen=True):
    """What was found in one unit."""

    findings: list[Finding]
    notes: list[Note]
    suppressed: int
    unparsed: int
    tiny: int = 0


def judge(
    units: Sequence[Unit], state: State | None, options: Options, share: range
) -> Iterator[Part]:
    """The findings in some consecutive units of a history; the ones before only lead there."""
    start = state or State()
    now = start.copy()
    dispatch = Dispatch(filter(options.asks, rules().values()), options.major)
    for number in range(share.start if options.independent else 0, share.stop):
        unit = units[number]
        if options.independent:
            now = start.copy()
        now.unit += 1
        if number not in share or not unit.report:
            carry(now, unit.upgrade)
            continue
        forget_parsed()
        walk = _Walk(unit, options, dispatch, options.independent or number == len(units) - 1)
        walk.run(now, unit.upgrade, "upgrade")
        if unit.downgrade:
            walk.run(now, unit.downgrade, "downgrade")
            now.rewind()
        walk.only(unit.only)
        kept = walk.without_suppressed()
        found = _in_order([*kept, *walk.about_suppressions()], options, unit)
        tiny = 0
        if options.sizes is not None:
            found, tiny = options.sizes.weighed(found)
        yield Part(
            [_as_written(each) for each in found] if unit.filled else found,
            sorted([*unit.notes, *walk.notes], key=lambda note: note.location.line),
            len(walk.findings) - len(kept),
            walk.unparsed,
            tiny,
        )


# Beginnings of statements that change nothing of what a state knows.
_INERT = frozenset(("insert", "update", "delete", "commen", "grant ", "revoke"))


def carry(state: State, statements: Sequence[Statement]) -> None:
    """Take the state through a unit's statements as :meth:`_Walk.run` does, but judge nothing."""
    state.new_session()
    transactions = Transactions(state, statements)
    for position, statement in enumerate(statements):
        if statement.sql[:6].lower() in _INERT:
            continue
        try:
            kind, node = parse_once(statement.sql)
        except NotParsed:
            apply_unread(state, statement.sql)
            continue
        transactions.enter(statement.transaction)
        if kind != "DoStmt":
            apply_node(state, kind, node)
            continue
        for among, at, inner_kind, inner in Inside(statements, position, node).parsed():
            transactions.enter(among[at].transaction)
            apply_node(state, inner_kind, inner)
    transactions.end()


def report_of(units: Iterable[Unit], parts: Iterable[Part]) -> Report:
    """What was found in units, put together."""
    reported = [unit for unit in units if unit.report]
    parts = list(parts)
    return Report(
        findings=tuple(finding for part in parts for finding in part.findings),
        notes=tuple(note for part in parts for note in part.notes),
        files=len(
            {file for unit in reported for file in ([unit.only] if unit.only else unit.files)}
        ),
        statements=sum(map(_size, reported)),
        suppressed=sum(part.suppressed for part in parts),
        unparsed=sum(part.unparsed for part in parts),
        tiny=sum(part.tiny for part in parts),
    )


def _size(unit: Unit) -> int:
    """The number of statements that are reported."""
    if unit.only is None:
        return len(unit.upgrade) + len(unit.downgrade) + unit.unread
    return sum(s.location.file == unit.only for s in (*unit.upgrade, *unit.downgrade))


def _as_written(finding: Finding) -> Finding:
    """A finding in a template, with its placeholders instead of the names given to them."""
    return structs.replace(
        finding,
        message=as_written(finding.message),
        safe=as_written(finding.safe),
        statement=as_written(finding.statement),
        relation=as_written(finding.relation) if finding.relation else None,
        fix=as_written(finding.fix) if finding.fix else None,
        split=tuple(map(as_written, finding.split)),
    )


def _in_order(findings: Iterable[Finding], options: Options, unit: Unit) -> list[Finding]:
    """The findings that are wanted, as loud as wanted, upgrade before downgrade."""
    found = []
    levels: dict[str, Callable[[str], str]] = {}
    for finding in findings:
        file = finding.location.file
        level_of = levels.get(file)
        if level_of is None:
            level_of = levels[file] = options.levels_in(file)
        wanted = level_of(finding.rule)
        if wanted == "off":
            continue
        if wanted in ("error", "warning") and wanted != finding.severity:
            finding = structs.replace(finding, severity=wanted)
        found.append(finding)
    files = (unit.file, *unit.also)
    order = {file: number for number, file in enumerate(files)}

    def place(finding: Finding) -> tuple[bool, int, int]:
        file = order.get(finding.location.file, 0)
        return finding.direction != "upgrade", file, finding.location.line

    return sorted(found, key=place)


_DATA = frozenset(("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt"))
_ENOUGH = 100
_NO_TABLES: frozenset[str] = frozenset()
_RENAMES = ("RenameStmt", "AlterObjectSchemaStmt")
_NOTHING = Effect()


class _Walk:
    """One unit on its way through the rules."""

    def __init__(self, unit: Unit, options: Options, dispatch: Dispatch, is_last: bool) -> None:
        self.unit = unit
        self.findings: list[Finding] = []
        self.notes: list[Note] = []
        around = options.surroundings
        self._models = _Models(around.mapped)
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
        memory = _Memory()
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
        memory: _Memory,
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
        memory: _Memory,
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
        first = heavy and session.is_first_wait(session.bound) and _may_wait(here)
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


class _Models:
    """What the models say; remembered, since they may make a comment superfluous."""

    def __init__(self, mapped: Mapped) -> None:
        self._ask = mapped
        self.decided = False

    def mapped(self, table: str, column: str | None) -> bool | None:
        answer = self._ask(table, column)
        self.decided |= answer is False
        return answer


class _Memory:
    """The statements seen so far, of the unit and of the open transaction."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._alone: dict[tuple[str, Effect], int] = {}  # how often outside a transaction
        self._together: dict[tuple[str, Effect], int] = {}  # and in the open one
        self.earlier: list[Seen] = []
        self.holding: list[Seen] = []  # those that make writers wait
        self._first = 0

    def new_transaction(self) -> None:
        self._first = len(self.seen)
        self.earlier = []
        self.holding = []
        if self._together:
            self._together = {}

    def keep(self, here: Here, heavy: bool) -> None:
        """Remember a statement; of data changes that differ in their values only the first."""
        if here.kind in _DATA:
            alike = self._alone if here.statement.transaction is None else self._together
            of_its_kind = (here.kind, here.effect)
            alike[of_its_kind] = alike.get(of_its_kind, 0) + 1
            if alike[of_its_kind] > _ENOUGH:
                return
        if heavy and _may_be_nothing(here):
            heavy = False
        tables = here.locked_tables if heavy else _NO_TABLES
        seen = Seen(here.statement, here.kind, here.effect, here.locks, tables)
        self.seen.append(seen)
        self.earlier.append(seen)
        if heavy:
            self.holding.append(seen)

    def follow(self, here: Here) -> None:
        """What the transaction locked under a name that changes is locked under the new one."""
        self.earlier[:] = [_followed(each, here) for each in self.earlier]
        self.holding[:] = [_followed(each, here) for each in self.holding]
        self.seen[self._first :] = self.earlier


_LOOKED_AT = 50


def _may_wait(here: Here) -> bool:
    """Whether a statement queues: not with NOWAIT, nor for what its transaction holds."""
    if here.kind == "LockStmt" and here.node.get("nowait"):
        return False
    held: dict[str, LockMode] = {}
    for seen in here.holding[:_LOOKED_AT]:
        for key, mode in seen.locks.items():
            held[key] = max(mode, held.get(key, mode))
    heavy = ((key, mode) for key, mode in here.locks.items() if mode.blocks_writes)
    return any(key not in held or held[key] < mode for key, mode in heavy)


def _may_be_nothing(here: Here) -> bool:
    """DROP … IF EXISTS of what was never seen: most likely there is none, and nothing is locked."""
    return (
        here.kind == "DropStmt"
        and bool(here.node.get("missing_ok"))
        and not any(here.state.relation(key) for key in here.locks)
    )


def _followed(seen: Seen, here: Here) -> Seen:
    """What was locked under a name that the statement changes is locked under the new one."""
    if here.kind == "RenameStmt" and here.node["renameType"] in RELATION_KINDS:
        old = here.table()
        new = f"{here.relation(old).schema}.{here.node['newname']}"
    elif here.kind == "AlterObjectSchemaStmt" and here.node["objectType"] in RELATION_KINDS:
        old = here.table()
        new = f"{here.node['newschema']}.{here.node['relation']['relname']}"
    else:
        return seen
    return structs.replace(
        seen,
        locks={new if key == old else key: mode for key, mode in seen.locks.items()},
        tables=frozenset(new if key == old else key for key in seen.tables),
    )


def _silences(suppression: Suppression, finding: Finding, places: Iterable[Location]) -> bool:
    named = suppression.rules
    return any(map(suppression.covers, places)) and (
        finding.rule in named or families().get(finding.rule) in named
    )


def _syntax_error(statement: Statement, error: NotParsed) -> Finding:
    return SqlSyntaxError.at(statement, error_location(statement, error), str(error))
