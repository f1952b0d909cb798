"""Rows put into one table, the quick way first, and why some were refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.making import Making
from zero_downtime.rehearse.rows.trial import Row, copy_rows
from zero_downtime.rehearse.session import Connection, one_line

_SAMPLE = 2000  # rows that are judged before the others are believed to be as good
_MOST_REJECTED = 400  # single rows that the server refused, before a table is given up


class Loading:
    """Puts rows into one table, the quick way first, and remembers why rows were refused."""

    def __init__(self, connection: Connection, making: Making) -> None:
        self.connection = connection
        self.making = making
        self.reasons: list[str] = []
        self.rejected = self.offered = self.refused = 0
        self.gave_up = False
        self.taken = 0  # rows that the server took without an error
        self.vanished = False  # whether they are not there all the same
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
            failed = None
            if len(self._fitting(made)) == len(made):
                failed = self._copy(islice(chain(tuple(made), others()), most))
                if failed is None:
                    return len(made)
            made += rows
            self.offered += len(made)
            fitting = self._fitting(made)
            self.refused += len(made) - len(fitting)
            if failed is None or len(fitting) < len(made):
                failed = self._copy(fitting[:most])
                if failed is None:
                    return len(made)
            self._say(failed)
            if isinstance(failed, psycopg.errors.ProgramLimitExceeded):
                making.thin_out()  # "row is too big": a thousand columns are never all filled
                return len(made)
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

    def _fitting(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows that meet the checks, as far as the server can read them."""
        try:
            verdicts = self.making.trial.judge(rows)
        except psycopg.Error:
            return rows
        return [row for row, met in zip(rows, verdicts, strict=True) if all(met)]

    def _copy(self, rows: Iterable[Row]) -> psycopg.Error | None:
        """Put all rows into the table, or none: then the reason."""
        names = [column.name for column in self.making.written]
        table = self.making.table.identifier
        try:
            with self.connection.transaction():
                # of one column there would be no tuple
                values = itemgetter(*names) if len(names) > 1 else lambda row: [row[names[0]]]
                lists = map(values, rows)
                taken = copy_rows(self.connection, table, [*map(sql.Identifier, names)], lists)
                self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error as error:
            return error
        self.taken += taken
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
        conditions = [sql.SQL("{0} >= {1} AND {0} < {2}").format(making.trial.numbered, start, end)]
        conditions += [
            sql.SQL("({}) IS NOT FALSE").format(sql.SQL(check.expression))
            for number, check in enumerate(making.checks)
            if number not in making.trial.unjudged
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
                self.gave_up = self.rejected >= min(_MOST_REJECTED, 40 + self.offered // 2)
                return
            middle = (start + end) // 2
            self._insert(start, middle)
            self._insert(middle, end)

    def _say(self, error: psycopg.Error) -> None:
        said = one_line(error)
        if said not in self.reasons:
            self.reasons.append(said)


def why(making: Making, loading: Loading) -> str:
    """Why a table holds fewer rows than asked, in one sentence."""
    lacking = making.pointers.lacking()
    said = [*making.doubts, *filter(None, [lacking]), *loading.reasons]
    if said:
        return said[0]
    if loading.vanished:
        return "the server takes rows, but they do not stay: a trigger or a rule keeps them out"
    if loading.refused > max(loading.offered // 2, making.repeated):
        return "few of the rows that were tried meet its checks"
    return "its unique values or keys are used up"
