"""Rows brought before the server, which judges them before they go into their table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.values import Values
from zero_downtime.rehearse.session import Connection, one_line, rows_of
from zero_downtime.rehearse.tables import Check, Column, Table

Row = dict[str, str | None]


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
        self.unjudged: set[str] = set()  # checks that need a real row
        self._checked = frozenset(name for check in checks for name in check.columns)
        self._stage: sql.Identifier | None = None

    def judge(self, rows: Sequence[Row]) -> list[list[bool]]:
        """For every row, which checks the server finds met."""
        if not rows:
            return []
        if not self.checks:
            return [[] for _ in rows]
        source = self._aside(rows)
        try:
            with self.connection.transaction():
                return self._verdicts([check.expression for check in self.checks], source)
        except psycopg.Error:
            # Is it a value that has no meaning in its type, or a check that needs a real row?
            rows_of(self.connection, sql.SQL("SELECT count({}.*) FROM {}").format(*source))
        columns = []
        for check in self.checks:
            try:
                with self.connection.transaction():
                    columns.append([v[0] for v in self._verdicts([check.expression], source)])
            except psycopg.Error:
                self.unjudged.add(check.name)
                columns.append([True] * len(rows))
        return [list(verdict) for verdict in zip(*columns, strict=True)]

    def _verdicts(
        self, expressions: Sequence[str], source: tuple[sql.Composable, sql.Composable]
    ) -> list[list[bool]]:
        judged = sql.SQL(", ").join(
            sql.SQL("({}) IS NOT FALSE").format(sql.SQL(expression)) for expression in expressions
        )
        query = sql.SQL("SELECT {} FROM {} ORDER BY zd_number").format(judged, source[1])
        return [list(row) for row in rows_of(self.connection, query)]

    def _aside(self, rows: Sequence[Row]) -> tuple[sql.Composable, sql.Composable]:
        """Rows as a FROM item, and its name; columns that no check looks at are NULL."""
        asked = [c for c in self.written if c.name in self._checked]
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
        inner = sql.SQL(
            "(SELECT {}, zd_number FROM unnest({}) WITH ORDINALITY AS u({}, zd_number))"
        ).format(
            sql.SQL(", ").join(columns),
            sql.SQL(", ").join(arrays),
            sql.SQL(", ").join(names),
        )
        return sql.Identifier(self.table.name), self._with_generated(inner)

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
                self._stage, sql.SQL(", ").join([sql.SQL("zd_number int"), *columns])
            )
        )
        self.connection.execute(sql.SQL("TRUNCATE {}").format(self._stage))
        names = [c.name for c in self.written]
        copy_rows(
            self.connection,
            self._stage,
            ["zd_number", *names],
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
    columns: Sequence[str],
    rows: Iterable[Sequence[str | None]],
) -> None:
    """COPY rows of texts into a table."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(into, names)) as copy,
    ):
        for row in rows:
            copy.write_row(row)
