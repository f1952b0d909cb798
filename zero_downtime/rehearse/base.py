"""The base of a rehearsal: a database in the state before the next revision, filled with rows.

Revisions run on copies of it; it grows by one revision after the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from psycopg import sql

from zero_downtime.catalog import Catalog, compare_stable
from zero_downtime.errors import InputError, RevisionFailed
from zero_downtime.history import History, Revision
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.postgres.urls import masked
from zero_downtime.rehearse.kept import Facts
from zero_downtime.rehearse.lacking import stand_in
from zero_downtime.rehearse.proof.rollback import Prover
from zero_downtime.rehearse.rows.data import Filled
from zero_downtime.rehearse.rows.given import restore
from zero_downtime.rehearse.session import rows_of
from zero_downtime.rehearse.tables import read_tables
from zero_downtime.replay import Replay
from zero_downtime.sql.statement import Direction


class Base:
    """A database that revisions are applied to for good, and its rows."""

    def __init__(
        self,
        server: Server,
        history: History,
        replay: Callable[[str], Replay],  # database → the project there
        prover: Prover,
        rows: int,
        notes: list[str],
    ) -> None:
        self.database = ""
        self.applied: list[Revision] = []
        self.counts: dict[str, int] = {}  # rows by table
        self._server = server
        self._history = history
        self._replay = replay
        self._prover = prover
        self._rows = rows
        self._notes = notes
        self._stand_ins = prover.stand_ins
        self._given: str | None = None  # a database with the user's own rows
        self._given_at: set[str] = set()  # the revisions that it has

    def give(self, data: str, *, before_all: bool) -> None:
        """Begin with a dump or with a copy of the database at a URL. Raises InputError.

        ``before_all``: what is in it was there before the first revision.
        """
        self._given = restore(data, self._server)
        heads: list[str] = []

        def note(found: Sequence[str]) -> list[tuple[Revision, Direction]]:
            heads.extend(found)
            return []

        self._replay(self._given).visit(note, reading=True)
        if before_all and heads:
            raise InputError(
                where=masked(data),
                reason=f"is at {', '.join(sorted(heads))}, not before the first revision",
                advice="Leave --from out: what comes after that is rehearsed",
            )
        if before_all:
            self._notes.append(f"the history begins on what is in {masked(data)}")
            return
        if not heads:
            raise InputError(
                where=masked(data),
                reason="names no revision that it has",
                advice="Dump the whole database, with Alembic's version table and its row (neither"
                " --schema-only nor --table). Say --from base if the history begins on these"
                " tables",
            )
        for head in heads:
            revision = self._history.revision(head)
            self._given_at |= {head, *(r.id for r in self._history.ancestors(revision))}
        self._notes.append(f"the rows are those of {masked(data)}, at {', '.join(sorted(heads))}")

    def begin(self, earlier: Sequence[Revision]) -> None:
        """Make the database and apply these revisions. Raises RevisionFailed."""
        self._make(earlier)
        with self._server.connect(self.database) as connection:
            # Alembic's own table is nobody's business, whatever env.py calls it.
            for name in read_tables(connection).version_tables:
                self._prover.version_table = name
        self._fill()

    def resume(self, facts: Facts, applied: Sequence[Revision]) -> None:
        """Begin with a base that an earlier rehearsal kept; the server has it."""
        self.database = facts.database
        self.counts = dict(facts.counts)
        self.applied = list(applied)
        self._stand_ins += facts.stand_ins
        self._prover.version_table = facts.version_table
        self._notes += [note for note in facts.notes if note not in self._notes]

    def facts(self) -> Facts:
        """What is to be known to resume with it."""
        return Facts(
            self.database,
            dict(self.counts),
            list(self._stand_ins),
            self._prover.version_table,
            list(self._notes),
        )

    def advance(self, revision: Revision, *, works: bool) -> bool:
        """Apply the next revision; when it does not work here, with rows only behind it.

        False when even that fails: then the base stays where it is.
        """
        if works:
            try:
                self._replay(self.database).run(revision, "upgrade")
                self.applied.append(revision)
                self._fill()
                return True
            except RevisionFailed as failed:
                self._notes.append(
                    f"applied once more, after copies, {revision.id} fails: {failed}"
                )
        applied = list(self.applied)
        try:
            self._make([*applied, revision])
        except RevisionFailed:
            self._make(applied)
            self._fill()
            return False
        self._fill()
        return True

    def follow(self, revisions: Sequence[Revision]) -> None:
        """Apply revisions that are known to work, one after the other in one run."""
        self._replay(self.database).run_all(revisions, "upgrade")
        self.applied += revisions
        self._fill()

    def provide(self, failed: RevisionFailed) -> bool:
        """Whether the revision failed for something that is not here; now a stand-in is."""
        found = stand_in(failed, self._history.revision(str(failed.facts["revision"])))
        if found is None or found in self._stand_ins:
            return False
        self._stand_ins.append(found)
        self._notes.append(found.note)
        if self.database:
            with self._server.connect(self.database) as connection:
                connection.execute(found.create)
        return True

    def fit(self, revision: Revision, before: Catalog) -> bool:
        """Have rows that meet what the revision demands of them.

        A CHECK that is new to the table is met by production's rows, presumably, but not by
        synthetic ones that knew nothing of it. So the tables are filled behind the revision, and
        its downgrade leads back; True when that reached the same catalog.
        """
        if self._given_at:  # these rows are as they are
            return False
        fitting = self._empty()
        try:
            replay = self._replay(fitting)
            replay.run_all([*self.applied, revision], "upgrade")
            with self._server.connect(fitting) as connection:
                data = self._prover.data(connection)
                counts = {one.table: one.rows for one in data.fill(self._rows)}
                connection.execute("ANALYZE")
            replay.run(revision, "downgrade")
            reached = self._prover.catalog(fitting)
            if compare_stable(self._server, before, reached).grade == "different":
                raise _NoWay
        except (RevisionFailed, _NoWay):
            self._server.drop_database(fitting)
            return False
        self._server.drop_database(self.database)
        self.database = fitting
        self.counts = {name: counts.get(name, count) for name, count in self.counts.items()}
        return True

    @contextlib.contextmanager
    def without_rows(self, revisions: Sequence[Revision]) -> Iterator[str]:
        """A database behind these revisions, with none of our rows. Raises RevisionFailed."""
        there = self._given if not self._given_at else None
        with scratch_database(self._server, template=there) as empty:
            self._create_stand_ins(empty)
            self._replay(empty).run_all(revisions, "upgrade")
            yield empty

    def close(self) -> None:
        """Drop the database."""
        if self.database:
            with contextlib.suppress(Exception):
                self._server.drop_database(self.database)
            self.database = ""

    def end(self) -> None:
        """Drop all that was made."""
        self.close()
        if self._given is not None:
            with contextlib.suppress(Exception):
                self._server.drop_database(self._given)
            self._given = None

    def _make(self, revisions: Sequence[Revision]) -> None:
        """Begin anew, without rows. Raises RevisionFailed; then there is no database."""
        self.close()
        there = [each for each in self._history if each.id in self._given_at]
        lacking = [each for each in revisions if each.id not in self._given_at]
        while True:
            self.database = self._empty()
            self.counts = self._own_counts()
            try:
                replay = self._replay(self.database)
                # Even without a revision env.py runs: what it makes is there before the first.
                replay.visit(lambda heads: [(each, "upgrade") for each in lacking])
                self.applied = [*there, *lacking]
                return
            except RevisionFailed as failed:
                self.close()
                if not self.provide(failed):
                    raise

    def _empty(self) -> str:
        name = self._server.create_database(self._given)
        self._create_stand_ins(name)
        return name

    def _own_counts(self) -> dict[str, int]:
        """The rows that the user gave: these tables are not filled.

        Tables that the history begins on are, where they came without rows.
        """
        if self._given is None:
            return {}
        with self._server.connect(self.database) as connection:
            tables = [each for each in read_tables(connection) if each.kind != "f"]
            counted = sql.SQL("SELECT count(*) FROM {}")
            counts = {
                table.qualified: int(rows_of(connection, counted.format(table.identifier))[0][0])
                for table in tables
            }
            return {name: n for name, n in counts.items() if n or self._given_at}

    def _create_stand_ins(self, database: str) -> None:
        if self._stand_ins:
            with self._server.connect(database) as connection:
                for each in self._stand_ins:
                    connection.execute(each.create)

    def _fill(self) -> None:
        """Fill the tables that are not filled yet."""
        if not self._rows:
            return
        with self._server.connect(self.database) as connection:
            data = self._prover.data(connection)
            wanted = [t.qualified for t in data.tables if t.qualified not in self.counts]
            filled = data.fill(self._rows, only=wanted)
            for one in filled:
                self._note(one)
            if filled:
                connection.execute("ANALYZE")

    def _note(self, filled: Filled) -> None:
        self.counts[filled.table] = filled.rows
        note = f"{filled.table}: {filled.note}" if filled.note else ""
        if not filled.complete:
            said = f": {filled.note}" if filled.note else ""
            note = f"{filled.table} holds {filled.rows} of {filled.asked} rows{said}"
        if note and note not in self._notes:
            self._notes.append(note)


class _NoWay(Exception):
    """The downgrade does not lead back to where the revision began."""
