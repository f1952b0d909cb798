"""Foreign keys of one table: at which rows of other tables a new row may point."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.draws import Draw
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import ForeignKey, Table, Tables

Key = tuple[str, ...]

_MOST_PARENTS = 5000  # keys of another table from which foreign keys choose


@dataclass
class _Pointing:
    """A foreign key with the keys that it may point at."""

    key: ForeignKey
    hard: bool  # no column of it may be NULL
    keys: list[Key]
    unused: list[Key] | None  # when no two rows may point at the same one
    missing: str = ""  # why there are no keys
    places: tuple[int, ...] = ()
    by_part: dict[object, list[Key]] = field(default_factory=dict)  # over ``places``

    def matching(self, places: Sequence[int], values: tuple[object, ...]) -> list[Key]:
        """The keys that have these values at these places."""
        if not self.by_part:
            for key in self.keys:
                self.by_part.setdefault(tuple([key[i] for i in places]), []).append(key)
            self.places = tuple(places)
        if self.places != tuple(places):
            return [k for k in self.keys if tuple([k[i] for i in places]) == values]
        return self.by_part.get(values, [])


class Pointers:
    """Chooses for every foreign key of a table the row to point at.

    ``admit`` says which keys the table's checks would take and what these are called, ``nulls``
    how often a column that may be NULL is, ``single`` whether no two may point at the same one.
    """

    def __init__(
        self,
        connection: Connection,
        tables: Tables,
        table: Table,
        random: Random,
        nullable: Mapping[str, bool],
        nulls: Mapping[str, float],
        admit: Callable[[ForeignKey, list[Key]], tuple[list[Key], str]],
        single: Callable[[ForeignKey], bool],
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.table = table
        self.random = random
        self.nullable = nullable
        self.nulls = nulls
        self.admit = admit
        self.single = single
        self.free = False  # whether rows that find nothing to point at are made all the same
        self._points: list[_Pointing] = []
        self._fixed = self._constants()

    def refresh(self, names: set[str], occupied: bool) -> None:
        """Read again what the other tables hold. ``names`` are the columns that rows give."""
        self._points = []
        for key in sorted(self.table.foreign_keys, key=lambda k: (-len(k.columns), k.name)):
            source = self.tables.source(key.target)
            if not set(key.columns) <= names | self._fixed.keys() or source is None:
                continue
            single = self.single(key)
            keys, missing = self._keys(key, source, names, None if single else _MOST_PARENTS)
            unused = None
            if single:
                own = self.table.alone
                taken = set(read_keys(self.connection, own, key.columns)) if occupied else set()
                unused = [k for k in keys if k not in taken]
                self.random.shuffle(unused)
            hard = not any(self.nullable[name] for name in key.columns if name in names)
            self._points.append(_Pointing(key, hard, keys, unused, missing))
        self._agree()

    def _keys(
        self, key: ForeignKey, source: sql.Composable, names: set[str], most: int | None
    ) -> tuple[list[Key], str]:
        """The first keys at which a row here may point; why there are none, if rows are there."""
        found = read_keys(self.connection, source, key.target_columns, most)
        fixed = [(i, self._fixed[n]) for i, n in enumerate(key.columns) if n not in names]
        keys = [k for k in found if all(k[i] == value for i, value in fixed)]
        keys, checks = self.admit(key, keys)
        if len(keys) < len(found) == most:  # there may be others behind these
            keys, missing = self._keys(key, source, names, None)
            return keys[:most], missing
        meets = f"meets {checks}" if checks else "is of this kind"
        return keys, f"no row of {self.tables.called(key.target)} {meets}" if found else ""

    def _agree(self) -> None:
        """Keys whose part is the whole of another foreign key must lead to a row there as well."""
        for point in self._points:
            for other in self._points:
                narrow, wide = other.key, point.key
                if not set(narrow.columns) < set(wide.columns) or not point.keys:
                    continue
                places = [wide.columns.index(name) for name in narrow.columns]
                there = set(other.keys)
                if len(there) == _MOST_PARENTS:
                    source = self.tables.source(narrow.target)
                    assert source is not None, "refresh() found it"
                    there = set(read_keys(self.connection, source, narrow.target_columns))
                kept = [k for k in point.keys if tuple([k[i] for i in places]) in there]
                if not kept:
                    there_called, called = map(self.tables.called, (narrow.target, wide.target))
                    shared = ", ".join(narrow.columns)
                    point.missing = (
                        f"no row of {called} has the {shared} of a row of {there_called},"
                        " and it needs both"
                    )
                if point.unused is not None:
                    fitting = set(kept)
                    point.unused = [k for k in point.unused if k in fitting]
                point.keys = kept

    def point(self, draw: Draw, solved: frozenset[str]) -> bool:
        """Fill the columns of all foreign keys; False when one of them finds no row to point at.

        Those among ``solved`` are NULL as often as the checks want it, not by chance.
        """
        row = draw.row
        for point in self._points:
            key = point.key
            already = [i for i, name in enumerate(key.columns) if name in row]
            open_names = [n for n in key.columns if n not in row and n not in self._fixed]
            if not open_names or any(row[key.columns[i]] is None for i in already):
                for name in open_names:
                    if self.nullable[name]:
                        row[name] = None
                continue
            chosen: Key | None = None
            skip = not point.hard and (
                not solved & set(key.columns)
                and self.random.random() < max(self.nulls[name] for name in open_names)
            )
            if not skip:
                chosen = self._choose(point, already, row)
            if chosen is None:
                if point.hard and not self.free:
                    return False
                for name in open_names:
                    if self.nullable[name]:
                        row[name] = None
                continue
            row.update(
                pair for pair in zip(key.columns, chosen, strict=True) if pair[0] not in self._fixed
            )
        return True

    def _choose(
        self, point: _Pointing, already: Sequence[int], row: dict[str, str | None]
    ) -> Key | None:
        if point.unused is not None and not already:
            return point.unused.pop() if point.unused else None
        keys = point.keys
        if already:
            keys = point.matching(already, tuple([row[point.key.columns[i]] for i in already]))
        if not keys:
            return None
        # Skewed: a few customers have most of the orders.
        return keys[int(len(keys) * self.random.random() ** 2)]

    def keys_for(self, key: ForeignKey) -> list[Key]:
        """The keys that a foreign key may point at, as far as they are not used up."""
        for point in self._points:
            if point.key == key:
                return list(point.keys if point.unused is None else point.unused)
        return []

    def points_once(self, key: ForeignKey) -> bool:
        """Whether no two rows may point at the same row along this foreign key."""
        return any(point.key == key and point.unused is not None for point in self._points)

    def lacking(self) -> str:
        """Why no row can point where it must, in one sentence; else nothing."""
        empty = [point for point in self._points if point.hard and not point.keys]
        without = [self.tables.called(p.key.target) for p in empty if not p.missing]
        if without:
            return f"it needs rows in {', '.join(without)}"
        return empty[0].missing if empty else ""

    @contextlib.contextmanager
    def trial(self) -> Iterator[None]:
        """Rows made within are never inserted: the keys they point at are not used up."""
        unused = [None if p.unused is None else list(p.unused) for p in self._points]
        yield
        for point, before in zip(self._points, unused, strict=True):
            point.unused = before

    def _constants(self) -> dict[str, str]:
        """Generated columns of foreign keys that are the same in every row: ``kind`` is 'car'."""
        found = {}
        within = {name for key in self.table.foreign_keys for name in key.columns}
        for column in self.table.columns:
            if column.generated and column.default and column.name in within:
                with contextlib.suppress(psycopg.Error):  # it is made of other columns
                    query = sql.SQL("SELECT ({})::text").format(sql.SQL(column.default))
                    with self.connection.transaction():
                        found[column.name] = rows_of(self.connection, query)[0][0]
        return found


def read_keys(
    connection: Connection, source: sql.Composable, columns: Sequence[str], most: int | None = None
) -> list[Key]:
    """What stands in these columns, rows with a NULL among them left out, in order."""
    names = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns]
    present = [sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in columns]
    return rows_of(
        connection,
        sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}").format(
            sql.SQL(", ").join(names),
            source,
            sql.SQL(" AND ").join(present),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.Literal(most),
        ),
    )
