"""Units go through the rules one after the other; what was found is counted and put in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from zero_downtime.config import Lint
from zero_downtime.lint.dispatch import Dispatch
from zero_downtime.lint.finding import Finding, Note, Report
from zero_downtime.lint.inside import Inside
from zero_downtime.lint.options import Options
from zero_downtime.lint.registry import rules
from zero_downtime.lint.unit import Unit, units_of
from zero_downtime.lint.walk import Walk
from zero_downtime.sql.apply import apply_node, apply_unread
from zero_downtime.sql.placeholders import as_written
from zero_downtime.sql.state import State, Transactions
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import NotParsed, forget_parsed, parse_once


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
        walk = Walk(unit, options, dispatch, options.independent or number == len(units) - 1)
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
    """Take the state through a unit's statements as :meth:`Walk.run` does, but judge nothing."""
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
