"""Statements go through the rules one by one, while the state and the session are carried along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from zero_downtime.config import Lint
from zero_downtime.lint.finding import Finding, Note, Report, Severity
from zero_downtime.lint.registry import rule_named, rules
from zero_downtime.lint.rule import Here, Rule, Seen
from zero_downtime.lint.rules.notation import (
    SqlSyntaxError,
    SuppressionWithoutReason,
    UnusedSuppression,
)
from zero_downtime.lint.session import Session
from zero_downtime.lint.unit import Suppression, Unit, units_of
from zero_downtime.sql.apply import apply_node
from zero_downtime.sql.apply_tables import RELATION_KINDS
from zero_downtime.sql.effects import predict_node
from zero_downtime.sql.script import ends_in_rollback, error_location
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import Node, NotParsed, parse


@dataclass(frozen=True, slots=True)
class Options:
    """Which rules run, how loud they are, and for which server."""

    major: int = 18
    disable: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)  # rule → error | warning | off
    independent: bool = False  # every unit starts from the state that was given

    @classmethod
    def of(cls, config: Lint, major: int | None = None, independent: bool = False) -> Options:
        """The options of a project's settings. Raises UnknownRule for a misspelt rule."""
        for name in (*config.disable, *config.severity):
            rule_named(name)
        return cls(major or config.pg, config.disable, config.severity, independent)


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
        replace(unit, phase=(phases or {}).get(unit.revision or ""))
        for unit in units_of(statements)
    ]
    return lint_units(units, state, Options.of(config or Lint(), major))


def lint_units(
    units: Sequence[Unit], state: State | None = None, options: Options = Options()
) -> Report:
    """Lint units in their order, each upgrade in the schema that the ones before it left."""
    start = state or State()
    now = start.copy()
    findings: list[Finding] = []
    notes: list[Note] = []
    suppressed = 0
    for unit in units:
        if options.independent:
            now = start.copy()
        now.unit += 1
        walk = _Walk(unit, options)
        walk.run(now, unit.upgrade)
        walk.run(now.copy(), unit.downgrade)
        if not unit.report:
            continue
        kept = walk.without_suppressed()
        suppressed += len(walk.findings) - len(kept)
        findings += _in_order([*kept, *walk.about_suppressions()], options)
        notes += [Note(text, place) for text, place in unit.notes] + walk.notes
    reported = [unit for unit in units if unit.report]
    return Report(
        findings=tuple(findings),
        notes=tuple(notes),
        files=len({unit.file for unit in reported}),
        statements=sum(len(unit.upgrade) + len(unit.downgrade) for unit in reported),
        suppressed=suppressed,
    )


def _in_order(findings: Iterable[Finding], options: Options) -> list[Finding]:
    """The findings that are wanted, as loud as wanted, upgrade before downgrade."""
    found = []
    for finding in findings:
        wanted = options.severity.get(finding.rule, finding.severity)
        if wanted != "off" and finding.rule not in options.disable:
            severity: Severity = "error" if wanted == "error" else "warning"
            found.append(replace(finding, severity=severity))
    return sorted(found, key=lambda f: (f.direction != "upgrade", f.location.line))


Parsed = tuple[Statement, str, Node]


class _Walk:
    """One unit on its way through the rules."""

    def __init__(self, unit: Unit, options: Options) -> None:
        self.unit = unit
        self.options = options
        self.findings: list[Finding] = []
        self.notes: list[Note] = []
        self._used: set[Suppression] = set()
        self._upgrade = tuple((kind, node) for _, kind, node in self._parsed(unit.upgrade, False))

    def run(self, state: State, statements: Sequence[Statement]) -> None:
        """Judge the statements of one direction; the state goes along with them."""
        state.new_session()
        session = Session()
        parsed = list(self._parsed(statements, True))
        rolled_back = _rolled_back(statements)
        earlier: list[Seen] = []
        before: State | None = None
        for position, (statement, kind, node) in enumerate(parsed):
            number = statement.transaction
            if number != state.transaction or number is None:
                earlier = []
                if before is not None:
                    _restore(state, before)
                before = state.copy() if number in rolled_back else None
                session.new_transaction()
            state.transaction = number
            effect = predict_node(kind, node, state, self.options.major)
            here = Here(
                statement,
                kind,
                node,
                state,
                effect,
                self.options.major,
                self.unit.phase,
                tuple(earlier),
                _later(parsed, position),
                self._upgrade if statement.direction == "downgrade" else (),
                session.lock_timeout,
                session.first_without_timeout,
            )
            self._judge(here)
            self.notes += [Note(what, statement.location) for what in effect.unknown]
            session.see(here)
            earlier.append(Seen(statement, here.locks, here.locked_tables))
            apply_node(state, kind, node)
            earlier = [_followed(seen, here) for seen in earlier]
        if before is not None:
            _restore(state, before)
        state.transaction = None

    def _parsed(self, statements: Sequence[Statement], tell: bool) -> Iterator[Parsed]:
        for statement in statements:
            try:
                yield (statement, *parse(statement.sql))
            except NotParsed as error:
                if tell:
                    self.findings.append(_syntax_error(statement, error))

    def _judge(self, here: Here) -> None:
        found: list[Finding] = []
        for rule in _active(fallback=False):
            found += rule.check(here)
        for rule in _active(fallback=True):
            if not any(finding.rewrites or finding.scans for finding in found):
                found += rule.check(here)
        self.findings += found

    def without_suppressed(self) -> list[Finding]:
        """The findings that no comment with a reason silences."""
        kept = []
        for finding in self.findings:
            silencers = [s for s in self.unit.suppressions if _silences(s, finding)]
            self._used |= set(silencers)
            if not silencers:
                kept.append(finding)
        return kept

    def about_suppressions(self) -> Iterator[Finding]:
        """Comments without a reason, and those that silence nothing."""
        for suppression in self.unit.suppressions:
            if not suppression.reason:
                yield SuppressionWithoutReason.at(suppression, self.unit.revision)
            elif suppression not in self._used:
                yield UnusedSuppression.at(suppression, self.unit.revision, rules())


def _active(fallback: bool) -> Iterator[Rule]:
    return (rule for rule in rules().values() if rule.fallback == fallback)


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
    return Seen(
        seen.statement,
        {new if key == old else key: mode for key, mode in seen.locks.items()},
        frozenset(new if key == old else key for key in seen.tables),
    )


def _silences(suppression: Suppression, finding: Finding) -> bool:
    place = finding.location
    return (
        bool(suppression.reason)
        and finding.rule in suppression.rules
        and suppression.first_line <= place.line <= suppression.last_line
    )


def _later(parsed: Sequence[Parsed], position: int) -> tuple[tuple[str, Node], ...]:
    number = parsed[position][0].transaction
    if number is None:
        return ()
    return tuple(
        (kind, node)
        for statement, kind, node in parsed[position + 1 :]
        if statement.transaction == number
    )


def _rolled_back(statements: Sequence[Statement]) -> set[int | None]:
    return {s.transaction for s in statements if s.transaction is not None and ends_in_rollback(s)}


def _restore(state: State, before: State) -> None:
    """Take back what a rolled back transaction did."""
    for name, value in vars(before).items():
        setattr(state, name, value)


def _syntax_error(statement: Statement, error: NotParsed) -> Finding:
    return SqlSyntaxError.at(statement, error_location(statement, error), str(error))
