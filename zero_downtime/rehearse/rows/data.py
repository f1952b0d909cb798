"""Synthetic rows for every table of any database, from its catalog alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.loading import Loading, why
from zero_downtime.rehearse.rows.making import Hints, Making
from zero_downtime.rehearse.rows.order import in_order
from zero_downtime.rehearse.rows.samples import samples_of
from zero_downtime.rehearse.rows.solving import learn
from zero_downtime.rehearse.rows.trial import Row, copy_rows
from zero_downtime.rehearse.rows.values import Values
from zero_downtime.rehearse.session import Connection, one_line, rows_of
from zero_downtime.rehearse.tables import ForeignKey, Table, Tables, read_tables
from zero_downtime.stats import Stats

_MOST_ROUNDS = 6
_MANY = 10_000  # rows, of which not as many times more are tried
_FEW = 400  # rows that cost nothing, be they refused
_MOST_EXPECTED = 5  # rows that are offered for each one that is missing


@dataclass(frozen=True)
class Filled:
    """What became of one table; ``note`` says why it holds fewer rows than asked."""

    table: str
    rows: int
    added: int
    asked: int
    note: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the table holds what was asked for."""
        return self.rows >= self.asked


class Data:
    """Fills the tables of one database.

    The same seed, schema and content give the same rows. ``skip`` names tables
    (``schema.name``) that are nobody's business, Alembic's version table for one. The
    connection must be in autocommit mode; as a superuser, row security does not apply. ``hints``
    are values for columns that can't be guessed, ``stats`` production's figures.
    """

    def __init__(
        self,
        connection: Connection,
        seed: int = 1,
        skip: Collection[str] = (),
        hints: Hints | None = None,
        stats: Stats | None = None,
    ) -> None:
        self.connection = connection
        self.seed = seed
        self.hints = hints or {}
        self.stats = stats
        self.skip = frozenset(skip)
        self.tables: Tables = read_tables(connection)
        self.values = Values(self.tables.types, samples_of(connection, self.tables))
        self._makings: dict[int, Making] = {}

    def fill(self, rows: int, only: Collection[str] | None = None) -> tuple[Filled, ...]:
        """Bring every table (or ``only`` these) up to ``rows`` rows."""
        wanted = [
            t
            for t in self.tables
            if t.qualified not in self.skip and (only is None or t.qualified in only)
        ]
        filled: dict[int, Filled] = {}
        later: list[tuple[Table, ForeignKey]] = []
        order, seeds = in_order(wanted)
        for table in order:
            if table.oid in seeds:
                self._bootstrap(seeds[table.oid], rows)
            done = set(filled)
            later += [
                (table, key)
                for key in table.foreign_keys
                if key.target not in done and any(t.oid == key.target for t in wanted)
            ]
            filled[table.oid] = self._fill(table, rows)
        # A function in a check or a trigger may look into a table that was filled only later.
        for place, table in enumerate(order):
            behind = any(filled[other.oid].added for other in order[place + 1 :])
            if table.oid in self._makings and not filled[table.oid].rows and behind:
                del self._makings[table.oid]
                filled[table.oid] = self._fill(table, rows)
        for table, key in later:
            self._point_later(table, key)
        return tuple(filled[table.oid] for table in wanted)

    def draw(self, table: Table, count: int) -> list[Row]:
        """Rows that the table's checks accept, not inserted: for clients to insert."""
        making = self._making(table)
        if making.cannot:
            return []
        making.refresh()
        accepted: list[Row] = []
        for _ in range(4):
            rows = making.rows(count)
            try:
                verdicts = making.trial.judge(rows)
            except psycopg.Error:
                return []
            accepted += [row for row, met in zip(rows, verdicts, strict=True) if all(met)]
            if len(accepted) >= count or not rows:
                break
        return accepted[:count]

    def _making(self, table: Table) -> Making:
        if table.oid not in self._makings:
            making = self._plain_making(table)
            self._learn(making)
        return self._makings[table.oid]

    def _learn(self, making: Making) -> None:
        try:
            learn(making)
        except psycopg.Error as error:
            making.doubts.append(one_line(error))

    def _fill(self, table: Table, wanted: int) -> Filled:
        if table.kind == "f":
            return Filled(table.qualified, 0, 0, wanted, "it is a foreign table")
        if table.kind == "p" and not table.leaves:
            return Filled(table.qualified, 0, 0, wanted, "it has no partition yet")
        making = self._making(table)
        before = making.count()
        if before >= wanted:
            return Filled(table.qualified, before, 0, wanted)
        if making.cannot:
            return Filled(table.qualified, before, 0, wanted, making.cannot)
        making.refresh()
        loading = Loading(self.connection, making)
        itself = any(key.target == table.oid for key in table.foreign_keys)
        have, barren, accepted = before, 0, 1.0
        rounds = _MOST_ROUNDS if wanted >= _MANY else 3 * _MOST_ROUNDS
        for turn in range(rounds + (2 if itself else 0)):
            missing = wanted - have
            if missing <= 0 or barren >= 2 or loading.gave_up:
                break
            if turn:
                making.refresh()
            # Rows that point at rows of their own table come in waves: first the roots.
            ask = max(1, missing // 10) if itself and turn < 2 else missing
            # Rows are refused now and then: offer as many more as were refused the last time.
            most = max(ask * _MOST_EXPECTED, _FEW) if ask < _MANY else ask + 1000
            offered = min(round(ask / max(accepted, 0.05)), most)
            taken = loading.taken
            made = loading.load(making.each(offered), ask)
            now = making.count()
            loading.vanished = loading.taken > taken and now == have
            barren = barren + 1 if now == have else 0
            accepted = (now - have) / made if made else 1.0
            have = now
        if have == before and (loading.reasons or loading.vanished):
            have = self._without_triggers(making, loading, wanted, before)
        note = None
        if have < wanted:
            note = why(making, loading)
        elif loading.without_triggers:
            why_not = loading.reasons[0] if loading.reasons else "they keep every row out"
            note = f"filled with triggers off: {why_not}"
        return Filled(table.qualified, have, have - before, wanted, note)

    def _without_triggers(self, making: Making, loading: Loading, wanted: int, before: int) -> int:
        """A last resort where a trigger refuses every row; foreign keys hold by construction."""
        if not making.table.triggers:
            return before
        try:
            with self.connection.transaction():
                self.connection.execute("SET LOCAL session_replication_role = replica")
                again = Loading(self.connection, making)
                again.load(making.each(wanted - before), wanted - before)
        except psycopg.Error:
            return before
        loading.without_triggers = True
        return making.count()

    def _bootstrap(self, cycle: Sequence[Table], wanted: int) -> None:
        """The first rows of a cycle of foreign keys none of which may be NULL.

        They are inserted together with the triggers of foreign keys off, pointing at each other:
        one in each table, or all that are ``wanted`` where no two rows may point at the same one.
        """
        makings = {table.oid: self._plain_making(table) for table in cycle}
        for making in makings.values():
            making.pointers.free = True
            self._learn(making)
        within = [(t, key) for t in cycle for key in t.foreign_keys if key.target in makings]
        once = any(makings[t.oid].single(key) for t, key in within)
        missing = wanted - max(making.count() for making in makings.values()) if once else 1
        try:
            with self.connection.transaction():
                self.connection.execute("SET LOCAL session_replication_role = replica")
                self._insert_cycles(cycle, makings, max(missing, 1))
        except psycopg.Error as error:
            for making in makings.values():
                making.doubts.append(f"a cycle of foreign keys: {one_line(error)}")
        for making in makings.values():
            making.pointers.free = False
            making.refresh()

    def _insert_cycles(
        self, cycle: Sequence[Table], makings: Mapping[int, Making], count: int
    ) -> None:
        rows: dict[int, list[Row]] = {table.oid: [] for table in cycle}
        for _ in range(count):
            together = {t.oid: self._seed_row(t, makings[t.oid]) for t in cycle}
            if not all(together.values()):
                return
            for table in cycle:
                row = together[table.oid]
                for key in table.foreign_keys:
                    for mine, theirs in zip(key.columns, key.target_columns, strict=True):
                        if key.target in together:
                            row[mine] = together[key.target].get(theirs)
                rows[table.oid].append(row)
        for table in cycle if all(rows.values()) else ():
            names = [name for name in rows[table.oid][0] if not table.column(name).generated]
            copy_rows(
                self.connection,
                table.identifier,
                [*map(sql.Identifier, names)],
                ([row[name] for name in names] for row in rows[table.oid]),
            )

    def _plain_making(self, table: Table) -> Making:
        if table.oid not in self._makings:
            self._makings[table.oid] = Making(
                self.connection,
                self.tables,
                table,
                self.values,
                self.seed,
                self.hints,
                self.stats.of(table.qualified) if self.stats is not None else None,
            )
        return self._makings[table.oid]

    def _seed_row(self, table: Table, making: Making) -> Row:
        """A row whose every column has a value of its own, numbers of the server included."""
        drawn = making.draw()
        row = drawn.row if drawn is not None else {}
        for column in table.columns:
            if column.numbered_by_server and not column.generated:
                sequence = sql.SQL("SELECT nextval(pg_get_serial_sequence({}, {}))::text").format(
                    sql.Literal(table.identifier.as_string(None)), sql.Literal(column.name)
                )
                row[column.name] = rows_of(self.connection, sequence)[0][0]
        return row

    def _point_later(self, table: Table, key: ForeignKey) -> None:
        """Let rows point along a foreign key that had to wait until both tables were filled."""
        if key.target == table.oid or not any(
            not table.column(name).not_null for name in key.columns
        ):
            return  # waves or a bootstrap did that
        making = self._making(table)
        making.refresh()
        keys = making.pointers.keys_for(key)
        rows = rows_of(
            self.connection,
            sql.SQL(
                "SELECT ctid::text, tableoid::int8::text FROM {} ORDER BY tableoid, ctid"
            ).format(table.identifier),
        )
        making.random.shuffle(keys)
        single = making.pointers.points_once(key)
        chosen = []
        for at, part in rows[: len(keys) if single else None]:
            if making.random.random() < 0.8:
                target = (
                    keys.pop() if single else keys[int(len(keys) * making.random.random() ** 2)]
                )
                chosen.append([at, part, *target])
            if not keys:
                break
        if chosen:
            self._update(table, key, chosen)

    def _update(self, table: Table, key: ForeignKey, chosen: Sequence[Sequence[str]]) -> None:
        names = [f"k{i}" for i in range(len(key.columns))]
        columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(n)) for n in names)
        sets = sql.SQL(", ").join(
            sql.SQL("{} = v.{}::{}").format(
                sql.Identifier(mine),
                sql.Identifier(name),
                sql.SQL(table.column(mine).definition),
            )
            for mine, name in zip(key.columns, names, strict=True)
        )
        later = sql.Identifier("zd_later")
        try:
            with self.connection.transaction():
                self.connection.execute(
                    sql.SQL("CREATE TEMP TABLE {} (at tid, part oid, {}) ON COMMIT DROP").format(
                        later, columns
                    )
                )
                copy_rows(
                    self.connection, later, [*map(sql.Identifier, ["at", "part", *names])], chosen
                )
                self.connection.execute(
                    sql.SQL(
                        "UPDATE {} t SET {} FROM {} v WHERE t.ctid = v.at AND t.tableoid = v.part"
                    ).format(table.identifier, sets, later)
                )
                self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error:
            return  # they may stay NULL, and so they do
