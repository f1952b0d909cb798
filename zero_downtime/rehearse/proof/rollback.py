"""The rollback proof of one revision: up, rows written, down, up again, each time compared.

It runs on copies of the database, so that one broken downgrade does not hide the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from zero_downtime.catalog import Catalog, Comparison, compare_stable, read_catalog
from zero_downtime.catalog.digest import Digester
from zero_downtime.errors import ParseError, RevisionFailed
from zero_downtime.history import Revision
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.rehearse.lacking import StandIn
from zero_downtime.rehearse.measure.exact import Exact, Observed
from zero_downtime.rehearse.measure.serverlog import ServerLog
from zero_downtime.rehearse.proof.ledger import (
    Ledger,
    changed_columns,
    changed_keys,
    changed_shapes,
    common_shapes,
    differing,
    existing_rows,
    read_ledger,
    shapes,
    written_rows,
)
from zero_downtime.rehearse.proof.refusal import raises, uncallable
from zero_downtime.rehearse.proof.using import now, tables_using
from zero_downtime.rehearse.proof.writing import write_rows
from zero_downtime.rehearse.result import Lost, Rollback
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.rehearse.rows.making import Hints
from zero_downtime.rehearse.session import Connection
from zero_downtime.rehearse.tables import Tables, read_tables
from zero_downtime.replay import Replay
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.tree import NotParsed
from zero_downtime.stats import Stats


@dataclass(frozen=True)
class Proven:
    """What the quiet copies showed of one revision."""

    rollback: Rollback | None  # None when the upgrade failed
    upgrade: tuple[Observed, ...] = ()
    downgrade: tuple[Observed, ...] = ()
    after: Catalog | None = None  # the catalog after the upgrade
    digests: tuple[str, str] = ("", "")  # of the catalogs before and after the upgrade
    tables: Tables = field(default_factory=Tables)  # after the upgrade
    using: tuple[str, ...] = ()  # tables whose types or functions the upgrade changes
    failed: RevisionFailed | None = None  # the upgrade's failure
    minds_new_rows: bool = False  # the way back can't bear all that the new schema admits


@dataclass
class Prover:
    """Proves the revisions of one project on one server."""

    server: Server
    replay: Callable[[str], Replay]  # database → the project there
    seed: int
    skip: frozenset[str]  # tables that are nobody's business
    hints: Hints = field(default_factory=dict)
    stats: Stats | None = None  # of production, whose shape rows are to have
    writing: bool = True  # whether rows are written under the new schema
    version_table: str = "alembic_version"
    stand_ins: list[StandIn] = field(default_factory=list)

    def data(self, connection: Connection) -> Data:
        """What fills the tables of a database."""
        return Data(connection, self.seed, self.skip, self.hints, self.stats)

    def catalog(self, database: str) -> Catalog:
        """The catalog of a database without Alembic's own table."""
        return read_catalog(self.server, database, version_table=self.version_table)

    def compare(
        self,
        old: Catalog,
        digest: str,
        database: str,
        digester: Digester | None = None,
        names: tuple[str, str] = ("old", "new"),
    ) -> tuple[Comparison, Catalog]:
        """A catalog beside that of a database, which is read only if their digests differ."""
        with contextlib.ExitStack() as stack:
            if digester is None:
                digester = stack.enter_context(Digester(self.server.url(database)))
            if digester.digest() == digest:
                return Comparison((), (), "equal"), old
        new = self.catalog(database)
        return self._known(compare_stable(self.server, old, new, names)), new

    def _known(self, found: Comparison) -> Comparison:
        """Without what may well be the same, if one knew the types of missing packages."""
        changes = tuple(
            change
            for change in found.changes
            if change.old is None
            or change.new is None
            or not any(
                f'"{each.name}"' in fact.definition
                for each in self.stand_ins
                if each.kind == "type"
                for fact in (change.old, change.new)
            )
        )
        if len(changes) == len(found.changes):
            return found
        return Comparison(changes, found.notes, found.grade if changes else "equal")

    def prove(self, base: str, before: Catalog, revision: Revision) -> Proven:
        """Prove one revision on copies of ``base``, whose catalog is ``before``."""
        writing = self.writing and uncallable(revision) is None
        proven = self._round_trip(base, before, revision, writing=writing)
        rollback = proven.rollback
        if not writing or rollback is None or rollback.outcome not in ("raises", "cannot-repeat"):
            return proven
        # Is it the rows written since that the way back can't bear? Then that is what to say.
        again = self._round_trip(base, before, revision, writing=False)
        if again.rollback is None or again.rollback.outcome in ("raises", "cannot-repeat"):
            return again if again.rollback is not None else proven
        verb = "the downgrade" if rollback.outcome == "raises" else "the next upgrade"
        note = f"with rows written under the new schema {verb} fails: {rollback.reason}"
        return replace(
            again,
            rollback=replace(again.rollback, notes=(*again.rollback.notes, note)),
            downgrade=again.downgrade or proven.downgrade,
            minds_new_rows=True,
        )

    def _round_trip(
        self, base: str, before: Catalog, revision: Revision, *, writing: bool
    ) -> Proven:
        with (
            scratch_database(self.server, template=base) as copy,
            Digester(self.server.url(copy)) as digester,
            ThreadPoolExecutor(1) as aside,
        ):
            trip = _RoundTrip(self, base, copy, before, revision, digester, aside)
            return trip.run(writing=writing)


class _RoundTrip:
    """One copy that goes up, down and up again."""

    def __init__(
        self,
        prover: Prover,
        base: str,
        copy: str,
        before: Catalog,
        revision: Revision,
        digester: Digester,
        aside: ThreadPoolExecutor,
    ) -> None:
        self.prover = prover
        self.base = base
        self.copy = copy
        self.before = before
        self.revision = revision
        self.digester = digester
        self.aside = aside
        self.digests = digester.digest(), ""

    def run(self, *, writing: bool) -> Proven:
        prover, revision = self.prover, self.revision
        replay = prover.replay(self.copy)
        with self._connect() as connection:
            old = read_tables(connection)
            whole = shapes(old, prover.skip)
            rows_before = read_ledger(connection, whole, old)
            begun = now(connection)
        up = self._exact(self.before)
        try:
            replay.run(revision, "upgrade", up)
        except RevisionFailed as failed:
            return Proven(None, tuple(up.observed), failed=failed)
        with self._connect() as connection:
            new = read_tables(connection)
            using = tables_using(connection, begun)
            for name in new.version_tables:
                prover.version_table = name
        reading = self.aside.submit(prover.catalog, self.copy)  # pg_dump works beside us
        self.digests = self.digests[0], self.digester.digest()
        with self._connect() as connection:
            common = common_shapes(old, new, prover.skip)
            upgraded = read_ledger(connection, common, new)
            written = upgraded
            clients: dict[str, set[str]] = {}
            if writing:
                names = [name for seen in up.observed for _, name, _ in seen.locks]
                names += [t.qualified for t in new if old.named(t.qualified) is None]
                names += using
                wide = changed_shapes(new, common)
                first = read_ledger(connection, wide, new)
                write_rows(connection, prover.seed, prover.skip, prover.hints, names, common)
                written = read_ledger(connection, common, new)
                second = read_ledger(connection, wide, new)
                clients = differing((upgraded, written), (first, second))
        after = reading.result()
        down = self._exact(after)
        proven = Proven(None, tuple(up.observed), (), after, self.digests, new, tuple(using))
        try:
            replay.run(revision, "downgrade", down)
        except RevisionFailed as failed:
            rollback = raises(failed, _count(rows_before))
            return replace(proven, rollback=rollback, downgrade=tuple(down.observed))
        comparison, restored = prover.compare(
            self.before, self.digests[0], self.copy, self.digester
        )
        with self._connect() as connection:
            back = read_tables(connection)
            rows_after = read_ledger(connection, whole, back)
            lost = existing_rows(rows_before, rows_after, clients, written or rows_before)
            keys = changed_keys(rows_before, rows_after, clients)
            lost = self._with_columns(lost, keys, old, connection)
            if writing:
                lost += written_rows(upgraded, written, read_ledger(connection, common, back))
        different = comparison.grade == "different"
        rollback = Rollback(
            "differs" if different else "restores",
            not different,
            differences=tuple(_told(comparison)),
            rows_checked=_count(rows_before),
            tables=lost,
            grade=comparison.grade,
        )
        if self._did_nothing(restored, after, different, bool(down.observed), lost):
            rollback = replace(
                rollback,
                outcome="does-nothing",
                where=f"{revision.file}:{revision.line_of('downgrade')}",
            )
        rollback = self._again(replay, rollback, after)
        return replace(proven, rollback=rollback, downgrade=tuple(down.observed))

    def _with_columns(
        self,
        lost: tuple[Lost, ...],
        keys: dict[str, frozenset[str]],
        old: Tables,
        connection: Connection,
    ) -> tuple[Lost, ...]:
        """Name the columns that changed: the base still has the rows as they were."""
        if not any(each.changed for each in lost):
            return lost
        with self.prover.server.connect(self.base) as original:
            return tuple(
                replace(
                    each, columns=changed_columns(table, keys[each.table], original, connection)
                )
                if each.changed and (table := old.named(each.table)) is not None
                else each
                for each in lost
            )

    def _did_nothing(
        self,
        restored: Catalog,
        after: Catalog,
        differing: bool,
        ran: bool,
        lost: Sequence[object],
    ) -> bool:
        """Whether there was something to undo and the downgrade did not begin to."""
        if differing:
            return compare_stable(self.prover.server, after, restored).equal
        return not ran and bool(lost)

    def _again(self, replay: Replay, rollback: Rollback, first: Catalog) -> Rollback:
        """Up once more: a revision that was undone can be applied again."""
        try:
            replay.run(self.revision, "upgrade")
        except RevisionFailed as failed:
            said = f"{failed.facts['where']}: {failed.facts['reason']}"
            if rollback.outcome != "restores":
                note = f"going up again fails ({said})"
                return replace(rollback, notes=(*rollback.notes, note))
            return replace(
                rollback,
                outcome="cannot-repeat",
                where=str(failed.facts["where"]),
                reason=str(failed.facts["reason"]),
            )
        if rollback.outcome != "restores":
            return rollback
        comparison, _ = self.prover.compare(
            first, self.digests[1], self.copy, self.digester, ("first", "second")
        )
        if comparison.grade == "different":
            return replace(
                rollback,
                outcome="cannot-repeat",
                differences=tuple(_told(comparison)),
                reason="going up again leads to another catalog",
            )
        return rollback

    def _connect(self) -> Connection:
        return self.prover.server.connect(self.copy)

    def _exact(self, catalog: Catalog) -> Exact:
        server = self.prover.server
        log = ServerLog(server.log)
        return Exact(server.url(self.copy), state_of(catalog), server.major, log)


def state_of(catalog: Catalog) -> State:
    """The lock model's view of a catalog."""
    try:
        return state_from(statement.sql for statement in split(catalog.dump))
    except (ParseError, NotParsed):
        return State()


def _told(comparison: Comparison) -> list[str]:
    """Differences as seen from before: what is missing now, what is new, what is other."""
    words = {"removed": "missing", "added": "left behind", "altered": "altered"}
    told = []
    for change, line in zip(comparison.changes, comparison.describe(), strict=True):
        told.append(words[change.kind] + line.removeprefix(change.kind))
    return told


def _count(ledger: Ledger) -> int:
    return sum(len(rows) for rows in ledger.values())
