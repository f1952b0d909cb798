"""Synthetic rows for every table of any database, from its catalog alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from random import Random

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.candidates import makers_for
from zero_downtime.rehearse.rows.making import Hints, Making
from zero_downtime.rehearse.rows.trial import Row, copy_rows
from zero_downtime.rehearse.rows.values import GUESSES, Draw, Values
from zero_downtime.rehearse.session import Connection, one_line, rows_of
from zero_downtime.rehearse.tables import Column, ForeignKey, Table, Tables, read_tables
from zero_downtime.stats import Stats

_MOST_ROUNDS = 6
_SAMPLE = 2000  # rows that are judged before the others are believed to be as good
_MOST_REJECTED = 400  # single rows that the server refused, before a table is given up
_MANY = 10_000  # rows, of which not as many times more are tried
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
        self.values = Values(self.tables.types, _samples(connection, self.tables))
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
        order, seeds = _order(wanted)
        for table in order:
            if table.oid in seeds:
                self._bootstrap(seeds[table.oid])
            done = set(filled)
            later += [
                (table, key)
                for key in table.foreign_keys
                if key.target not in done and any(t.oid == key.target for t in wanted)
            ]
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
            making.learn()
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
        loading = _Loading(self.connection, making)
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
            most = ask * _MOST_EXPECTED if ask < _MANY else ask + 1000
            offered = min(round(ask / max(accepted, 0.05)), most)
            made = loading.load(making.each(offered), ask)
            now = making.count()
            barren = barren + 1 if now == have else 0
            accepted = (now - have) / made if made else 1.0
            have = now
        if have == before and loading.reasons:
            have = self._without_triggers(making, loading, wanted, before)
        note = None
        if have < wanted:
            note = _why(making, loading)
        elif loading.without_triggers:
            note = f"filled with triggers off: {loading.reasons[0]}"
        return Filled(table.qualified, have, have - before, wanted, note)

    def _without_triggers(self, making: Making, loading: _Loading, wanted: int, before: int) -> int:
        """A last resort where a trigger refuses every row; foreign keys hold by construction."""
        if not making.table.triggers:
            return before
        try:
            with self.connection.transaction():
                self.connection.execute("SET LOCAL session_replication_role = replica")
                again = _Loading(self.connection, making)
                again.load(making.each(wanted - before), wanted - before)
        except psycopg.Error:
            return before
        loading.without_triggers = True
        return making.count()

    def _bootstrap(self, cycle: Sequence[Table]) -> None:
        """One row in each table of a cycle of foreign keys none of which may be NULL.

        They are inserted together with the triggers of foreign keys off, pointing at each other.
        """
        keys: dict[int, Row] = {}
        makings = {table.oid: self._plain_making(table) for table in cycle}
        try:
            with self.connection.transaction():
                self.connection.execute("SET LOCAL session_replication_role = replica")
                for table in cycle:
                    keys[table.oid] = self._seed_row(table, makings[table.oid])
                for table in cycle:
                    row = keys[table.oid]
                    for key in table.foreign_keys:
                        if key.target in keys:
                            target = keys[key.target]
                            for mine, theirs in zip(key.columns, key.target_columns, strict=True):
                                row[mine] = target.get(theirs)
                for table in cycle:
                    _insert(self.connection, table, keys[table.oid])
        except psycopg.Error as error:
            for making in makings.values():
                making.doubts.append(f"a cycle of foreign keys: {one_line(error)}")
        for making in makings.values():
            making.refresh()
            self._learn(making)

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
        row = making.alone()
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
        keys = making.keys_for(key)
        rows = rows_of(
            self.connection,
            sql.SQL(
                "SELECT ctid::text, tableoid::int8::text FROM {} ORDER BY tableoid, ctid"
            ).format(table.identifier),
        )
        making.random.shuffle(keys)
        single = making.points_once(key)
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
                copy_rows(self.connection, later, ["at", "part", *names], chosen)
                self.connection.execute(
                    sql.SQL(
                        "UPDATE {} t SET {} FROM {} v WHERE t.ctid = v.at AND t.tableoid = v.part"
                    ).format(table.identifier, sets, later)
                )
                self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error:
            return  # they may stay NULL, and so they do


class _Loading:
    """Puts rows into one table, the quick way first, and remembers why rows were refused."""

    def __init__(self, connection: Connection, making: Making) -> None:
        self.connection = connection
        self.making = making
        self.reasons: list[str] = []
        self.rejected = self.offered = self.refused = 0
        self.gave_up = False
        self.without_triggers = False
        # Where conflicts are part of the game, COPY would fail as a whole.
        conflicts = any(unique.partial for unique in making.table.uniques)
        self.quick = bool(making.written) and not conflicts

    def load(self, rows: Iterator[Row], most: int) -> int:
        """Insert as many of the rows as the table takes, about ``most``; how many were made.

        The server takes them in while the next ones are made. Where it finds the checks met by
        the first rows, the others are judged only when it refuses them.
        """
        making = self.making
        made: list[Row] = list(islice(rows, _SAMPLE))

        def others() -> Iterator[Row]:
            for row in rows:
                made.append(row)
                yield row

        if self.quick:
            fitting: Sequence[Row] = made
            failed = None
            if all(all(met) for met in making.trial.judge(made)):
                failed = self._copy(islice(chain(tuple(made), others()), most))
                if failed is None:
                    return len(made)
            made += rows
            self.offered += len(made)
            if making.checks:
                verdicts = making.trial.judge(made)
                fitting = [row for row, met in zip(made, verdicts, strict=True) if all(met)]
                self.refused += len(made) - len(fitting)
            if failed is None or len(fitting) < len(made):
                failed = self._copy(fitting[:most])
                if failed is None:
                    return len(made)
            self._say(failed)
            self.quick = False
        made += rows
        self.offered += len(made)
        try:
            with self.connection.transaction():
                making.trial.stage(made)
        except psycopg.Error as error:
            self._say(error)
            wrong = list(making.trial.wrong_columns(made))
            self.reasons += [f"{name}: {said}" for name, said in wrong]
            # What the server can't read may stay NULL, if it may be NULL.
            self.gave_up = not wrong or not all([making.leave_out(name) for name, _ in wrong])
        else:
            self._insert(0, len(made))
        return len(made)

    def _copy(self, rows: Iterable[Row]) -> psycopg.Error | None:
        """Put all rows into the table, or none: then the reason."""
        names = [column.name for column in self.making.written]
        table = self.making.table.identifier
        try:
            with self.connection.transaction():
                lists = ([row.get(name) for name in names] for row in rows)
                copy_rows(self.connection, table, names, lists)
                self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error as error:
            return error
        return None

    def _insert(self, start: int, end: int) -> None:
        """From the stage into the table; halved where the server refuses, down to single rows."""
        if start >= end or self.gave_up:
            return
        making = self.making
        names = sql.SQL(", ").join(sql.Identifier(c.name) for c in making.written)
        casts = sql.SQL(", ").join(
            sql.SQL("{}::{}").format(
                sql.Identifier(c.name),
                sql.SQL(c.definition),
            )
            for c in making.written
        )
        if making.written:
            into = sql.SQL("({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}").format(
                names, casts, making.trial.staged()
            )
        else:  # every column is the server's
            into = sql.SQL("SELECT FROM {}").format(making.trial.staged())
        conditions = [sql.SQL("zd_number >= {} AND zd_number < {}").format(start, end)]
        conditions += [
            sql.SQL("({}) IS NOT FALSE").format(sql.SQL(check.expression))
            for check in making.checks
            if check.name not in making.trial.unjudged
        ]
        try:
            with self.connection.transaction():
                self.connection.execute(
                    sql.SQL("INSERT INTO {} {} WHERE {} ON CONFLICT DO NOTHING").format(
                        making.table.identifier, into, sql.SQL(" AND ").join(conditions)
                    )
                )
                self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error as error:
            if end - start == 1:
                self._say(error)
                self.rejected += 1
                self.gave_up = self.rejected >= min(_MOST_REJECTED, 40 + self.offered // 5)
                return
            middle = (start + end) // 2
            self._insert(start, middle)
            self._insert(middle, end)

    def _say(self, error: psycopg.Error) -> None:
        said = one_line(error)
        if said not in self.reasons:
            self.reasons.append(said)


def _why(making: Making, loading: _Loading) -> str:
    """Why a table holds fewer rows than asked, in one sentence."""
    empty = making.empty_parents()
    if empty:
        return f"it needs rows in {', '.join(empty)}"
    said = [*making.doubts, *loading.reasons]
    if said:
        return said[0]
    if making.checks and loading.refused > loading.offered // 2:
        return "few of the rows that were tried meet its checks"
    return "its unique values or keys are used up"


def _insert(connection: Connection, table: Table, row: Row) -> None:
    names = [name for name in row if not table.column(name).generated]
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
            table.identifier,
            sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join(sql.Literal(row[name]) for name in names),
        )
    )


def _samples(connection: Connection, tables: Tables) -> dict[int, tuple[str, ...]]:
    """Texts that the server accepts for the types that are not known by name."""
    values = Values(tables.types)
    unknown = {
        values.base(column.type, -1)[0].oid: values.base(column.type, -1)[0]
        for table in tables
        for column in table.columns
        if values.of(column) is None
    }
    samples = {oid: _accepted(connection, kind.sql, GUESSES) for oid, kind in unknown.items()}
    for oid in _domains_within(tables):
        column = Column(0, "value", oid, -1, True, "", "", None, "")
        made = makers_for(
            column, values.domain_checks(oid), {}, values, values.of(column), nullable=False
        )
        random = Random(oid)
        texts = [make(Draw(random, n)) for n in range(12) for make in made][:400]
        samples[oid] = _accepted(connection, tables.types[oid].sql, filter(None, texts))
    return {oid: texts for oid, texts in samples.items() if texts}


def _accepted(connection: Connection, type_sql: str, texts: Iterable[str]) -> tuple[str, ...]:
    accepted = []
    for text in dict.fromkeys(texts):
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("SELECT {}::{}").format(sql.Literal(text), sql.SQL(type_sql))
                )
        except psycopg.Error:
            continue
        accepted.append(text)
    return tuple(accepted)


def _domains_within(tables: Tables) -> list[int]:
    """Domains with checks that are elements of arrays or parts of composite types."""
    found: list[int] = []

    def look(oid: int, within: bool, depth: int) -> None:
        kind = tables.types[oid]
        if kind.kind == "domain" and within and kind.checks and oid not in found:
            found.append(oid)
        if depth < 5 and kind.kind in ("array", "domain"):
            look(kind.element, within or kind.kind == "array", depth + 1)
        for _, of, _ in kind.attributes if depth < 5 else ():
            look(of, True, depth + 1)

    for table in tables:
        for column in table.columns:
            look(column.type, False, 0)
    return found


def _order(tables: Iterable[Table]) -> tuple[list[Table], dict[int, list[Table]]]:
    """Tables in an order in which foreign keys can be met.

    Also the cycles that must be bootstrapped, each under the oid of its first table: those in
    which no foreign key may be NULL, a table that must point at itself included.
    """
    left = {table.oid: table for table in tables}
    order: list[Table] = []
    seeds: dict[int, list[Table]] = {}

    def waits_for(table: Table, hard_only: bool) -> set[int]:
        return {
            key.target
            for key in table.foreign_keys
            if key.target in left
            and key.target != table.oid
            and (not hard_only or _hard(table, key))
        }

    while left:
        ready = [t for t in left.values() if not waits_for(t, False)]
        if not ready:
            around = _walk(left, waits_for, hard_only=False)
            ready = [t for t in around if not waits_for(t, True)][:1]
        if not ready:
            end = _walk(left, waits_for, hard_only=True, start=around[0])
            ready = end[-1:]
            if waits_for(ready[0], True):
                seeds[end[0].oid] = ready = end
        for table in ready:
            if any(key.target == table.oid and _hard(table, key) for key in table.foreign_keys):
                seeds.setdefault(table.oid, [table])
            order.append(table)
            del left[table.oid]
    return order, seeds


def _hard(table: Table, key: ForeignKey) -> bool:
    return all(table.column(name).not_null for name in key.columns)


def _walk(
    left: dict[int, Table],
    waits_for: Callable[[Table, bool], set[int]],
    *,
    hard_only: bool,
    start: Table | None = None,
) -> list[Table]:
    """The cycle into which the foreign keys lead; without one, the way to a table that has none."""
    at = start or next(iter(left.values()))
    path: list[Table] = []
    while at not in path:
        path.append(at)
        waits = waits_for(at, hard_only)
        if not waits:
            return path
        at = left[min(waits)]
    return path[path.index(at) :]
