"""Rows brought before the server, which judges them before they go into their table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.draws import Draw, Maker
from zero_downtime.rehearse.rows.values import Values
from zero_downtime.rehearse.session import Connection, one_line, rows_of
from zero_downtime.rehearse.tables import Check, Column, Table

Row = dict[str, str | None]

_NEEDS_A_REAL_ROW = "42"  # the class of errors about the statement itself


class Trial:
    """What the server says of rows for one table."""

    def __init__(
        self,
        connection: Connection,
        table: Table,
        values: Values,
        written: Sequence[Column],  # those that rows give a value
        checks: Sequence[Check],
    ) -> None:
        self.connection = connection
        self.table = table
        self.values = values
        self.written = written
        self.checks = checks
        self.unjudged: set[int] = set()  # checks that need a real row, by their numbers
        self.raised: dict[int, str] = {}  # what a check, by its number, raised of late
        number = "zd_number"
        while any(column.name == number for column in table.columns):
            number += "_"
        self.numbered = sql.Identifier(number)
        self._stage: sql.Identifier | None = None

    def judge(self, rows: Sequence[Row], about: Sequence[int] | None = None) -> list[list[bool]]:
        """For every row, which checks the server finds met: all, or those of these numbers.

        A check that can't be evaluated for a row is not met by it. Raises psycopg.Error when a
        value has no meaning in its type.
        """
        numbers = range(len(self.checks)) if about is None else about
        if not rows or not numbers:
            return [[] for _ in rows]
        asked = frozenset(name for number in numbers for name in self.checks[number].columns)
        source = self._aside(rows, asked)
        try:
            with self.connection.transaction():
                return self._verdicts([self.checks[n].expression for n in numbers], source)
        except psycopg.Error:
            # Is it a value that has no meaning in its type, or a check?
            with self.connection.transaction():
                rows_of(self.connection, sql.SQL("SELECT count({}.*) FROM {}").format(*source))
        columns = [self._judged(number, rows) for number in numbers]
        return [list(verdict) for verdict in zip(*columns, strict=True)]

    def _judged(self, number: int, rows: Sequence[Row]) -> list[bool]:
        """The verdict of one check; equal rows are asked about once."""
        check = self.checks[number]
        if number in self.unjudged:
            return [True] * len(rows)
        keys = [tuple([row.get(name) for name in check.columns]) for row in rows]
        different = dict(zip(keys, rows, strict=True))
        verdicts = dict(zip(different, self._halved(number, list(different.values())), strict=True))
        return [verdicts[key] for key in keys]

    def _halved(self, number: int, rows: Sequence[Row]) -> list[bool]:
        """Halved where the check raises an error, down to the rows at which it does."""
        check = self.checks[number]
        try:
            with self.connection.transaction():
                source = self._aside(rows, frozenset(check.columns))
                return [v[0] for v in self._verdicts([check.expression], source)]
        except psycopg.Error as error:
            if (error.sqlstate or "").startswith(_NEEDS_A_REAL_ROW):
                self.unjudged.add(number)
                return [True] * len(rows)
            if len(rows) == 1:
                self.raised[number] = one_line(error)
                return [False]
            middle = len(rows) // 2
            return self._halved(number, rows[:middle]) + self._halved(number, rows[middle:])

    def _verdicts(
        self, expressions: Sequence[str], source: tuple[sql.Composable, sql.Composable]
    ) -> list[list[bool]]:
        judged = sql.SQL(", ").join(
            sql.SQL("({}) IS NOT FALSE").format(sql.SQL(expression)) for expression in expressions
        )
        query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(judged, source[1], self.numbered)
        return [list(row) for row in rows_of(self.connection, query)]

    def _aside(
        self, rows: Sequence[Row], about: frozenset[str]
    ) -> tuple[sql.Composable, sql.Composable]:
        """Rows as a FROM item, and its name; columns that nothing is ``about`` are NULL."""
        asked = [c for c in self.written if c.name in about]
        arrays = [
            sql.SQL("{}::text[]").format(sql.Literal([row.get(c.name) for row in rows]))
            for c in asked
        ] or [sql.SQL("{}::text[]").format(sql.Literal(["" for _ in rows]))]
        names = [sql.Identifier(f"v{place}") for place in range(len(arrays))]
        given = {c.name: name for c, name in zip(asked, names, strict=False)}
        columns = [
            sql.SQL("{}::{} AS {}").format(
                given.get(c.name, sql.NULL), sql.SQL(self._lenient(c)), sql.Identifier(c.name)
            )
            for c in self.table.columns
            if not c.generated
        ]
        inner = sql.SQL("(SELECT {}, {} FROM unnest({}) WITH ORDINALITY AS u({}, {}))").format(
            sql.SQL(", ").join(columns),
            self.numbered,
            sql.SQL(", ").join(arrays),
            sql.SQL(", ").join(names),
            self.numbered,
        )
        return sql.Identifier(self.table.name), self._with_generated(inner)

    def readable(self, column: Column, makers: Sequence[Maker], random: Random) -> list[Maker]:
        """Those makers whose texts the server can read as the type of the column."""
        texts = [make(Draw(random, 1)) for make in makers]
        wanted = sql.SQL(self._lenient(column))
        if self._reads(texts, wanted):
            return list(makers)
        return [m for m, t in zip(makers, texts, strict=True) if self._reads([t], wanted)]

    def _reads(self, texts: Sequence[str | None], wanted: sql.Composable) -> bool:
        cast = sql.SQL("SELECT t::{} FROM unnest({}::text[]) t").format(
            wanted, sql.Literal(list(texts))
        )
        try:
            with self.connection.transaction():
                self.connection.execute(cast)
        except psycopg.Error:
            return False
        return True

    # The stage: a temporary table without any constraint, from which rows go into the table

    def stage(self, rows: Sequence[Row]) -> None:
        """Put rows on the stage, in place of those that stand there."""
        self._stage = sql.Identifier(f"zd_stage_{self.table.oid}")
        columns = [
            sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(self._lenient(c)))
            for c in self.table.columns
            if not c.generated
        ]
        self.connection.execute(
            sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({})").format(
                self._stage, sql.SQL(", ").join([sql.SQL("{} int").format(self.numbered), *columns])
            )
        )
        self.connection.execute(sql.SQL("TRUNCATE {}").format(self._stage))
        names = [c.name for c in self.written]
        copy_rows(
            self.connection,
            self._stage,
            [self.numbered, *map(sql.Identifier, names)],
            [[str(i), *(row.get(n) for n in names)] for i, row in enumerate(rows)],
        )

    def staged(self) -> sql.Composable:
        """The stage as it stands in a FROM clause: generated columns are computed."""
        assert self._stage is not None
        return self._with_generated(self._stage)

    def _with_generated(self, source: sql.Composable) -> sql.Composable:
        generated = [
            sql.SQL(", ({}) AS {}").format(sql.SQL(c.default), sql.Identifier(c.name))
            for c in self.table.columns
            if c.generated and c.default
        ]
        return sql.SQL("(SELECT s.*{} FROM {} s) AS {}").format(
            sql.SQL("").join(generated), source, sql.Identifier(self.table.name)
        )

    def _lenient(self, column: Column) -> str:
        """A type that takes every candidate: without domain, length and precision."""
        kind, _ = self.values.base(column.type, column.modifier)
        return {"bpchar": "bpchar", "bit": "varbit", "char": '"char"'}.get(kind.name, kind.sql)

    def wrong_columns(self, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
        """Columns whose texts the server can't even read, with what it said."""
        for column in self.written:
            texts = [t for t in (row.get(column.name) for row in rows[:20]) if t is not None]
            try:
                with self.connection.transaction():
                    for text in texts:
                        self.connection.execute(
                            sql.SQL("SELECT {}::{}").format(
                                sql.Literal(text),
                                sql.SQL(self._lenient(column)),
                            )
                        )
            except psycopg.Error as error:
                yield column.name, one_line(error)


def copy_rows(
    connection: Connection,
    into: sql.Composable,
    columns: Sequence[sql.Identifier],
    rows: Iterable[Sequence[str | None]],
) -> int:
    """COPY rows of texts into a table; how many there were."""
    names = sql.SQL(", ").join(columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(into, names)) as copy,
    ):
        written = 0
        for row in rows:
            copy.write_row(row)
            written += 1
    return written
