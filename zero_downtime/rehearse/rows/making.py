"""Rows for one table: values that meet its constraints, the server being the judge.

Foreign keys take their values from the rows of the other table, unique columns never repeat,
partition keys lie within the bounds of a partition. A check is solved by trying: candidates are
taken from its own text, the server says which rows it would take, and the ways that led to
those rows are the ways that later rows are made.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import psycopg
from psycopg import sql

from zero_downtime.rehearse.rows.bounds import from_bounds
from zero_downtime.rehearse.rows.checks import checks_of, mentioned
from zero_downtime.rehearse.rows.draws import Draw, Maker
from zero_downtime.rehearse.rows.pointing import Key, Pointers, read_keys
from zero_downtime.rehearse.rows.shape import shaped
from zero_downtime.rehearse.rows.trial import Row, Trial
from zero_downtime.rehearse.rows.values import Values
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import Column, ForeignKey, Leaf, Table, Tables, Unique
from zero_downtime.stats import RelationStats

Hints = Mapping[str, Sequence[str]]  # by ``table.column``: the values to choose from
Recipe = tuple[tuple[str, int], ...]  # column and number of its way, in the order of making

_NULL_SHARE = 0.1
_ATTEMPTS = 12  # to draw one row that repeats no unique value
_MOST_TAKEN = 5000  # values of a unique key that are known to be taken
_MOST_ROOM = 10**9
_ROOM = {"bool": 2, "char": 36, "int2": 32767, "time": 86400, "timetz": 86400}
_ROOM |= dict.fromkeys(("text", "varchar", "bpchar", "citext", "name", "uuid"), _MOST_ROOM)
_ROOM |= dict.fromkeys(("int4", "int8", "numeric", "timestamptz", "timestamp"), _MOST_ROOM)


@dataclass
class Solution:
    """Columns that checks tie together, and the ways to fill them that the server accepted."""

    columns: tuple[str, ...]
    ways: dict[str, list[Maker]]
    recipes: list[Recipe]  # each: column and number of its way, in order
    weights: list[float]  # each with those before it added


class Making:
    """Makes rows for one table; nothing is inserted here.

    ``cannot`` says why no row can be made at all, if so; ``doubts`` what may go wrong.
    """

    def __init__(
        self,
        connection: Connection,
        tables: Tables,
        table: Table,
        values: Values,
        seed: int,
        hints: Hints | None = None,
        figures: RelationStats | None = None,
    ) -> None:
        self._figures = figures or RelationStats()
        self.hints = {
            name: told
            for called in (table.name, table.qualified)
            for name in (column.name for column in table.columns)
            if (told := (hints or {}).get(f"{called}.{name}"))
        }
        self.connection = connection
        self.tables = tables
        self.table = table
        self.values = values
        self.random = Random(f"{seed}:{table.qualified}")
        self.cannot: str | None = None
        self.doubts: list[str] = []
        self.number = 0
        self.repeated = 0  # rows that were given up, as they repeat a unique value
        self.pointing = frozenset(name for key in table.foreign_keys for name in key.columns)
        self._leaves = [leaf for leaf in table.leaves if self._usable(leaf)]
        self.placed = frozenset(
            name
            for leaf in self._leaves
            for names, strategy, _ in leaf.bounds
            for name in names
            if strategy != "h"
        )
        self.written = tuple(c for c in table.columns if not c.generated and self._by_hand(c))
        self._names = {c.name for c in self.written}
        self.nullable = {
            c.name: not c.not_null and not values.domain_not_null(c.type) for c in self.written
        }
        self.makers: dict[str, Maker] = {}
        self._null_share = dict.fromkeys(self._names, _NULL_SHARE)
        for name, column in self._figures.columns.items():
            self._null_share[name] = column.nulls
        self.uniques = [self._of_written(unique) for unique in table.uniques]
        self._of_bounds: dict[tuple[str, str, int, str], list[Maker]] = {}
        self._seen: list[tuple[tuple[str, ...], bool, set[object]]] = []
        self._plan: list[tuple[str, float, Maker]] | None = None  # column, share of NULLs, values
        self.solutions: list[Solution] = []
        self.solved: frozenset[str] = frozenset()
        self.checks = checks_of(table, values, self.written, tables.functions)
        self.checked = frozenset(name for check in self.checks for name in check.columns)
        self.trial = Trial(connection, table, values, self.written, self.checks)
        self.pointers = Pointers(
            connection,
            tables,
            table,
            self.random,
            self.nullable,
            self._null_share,
            self._admitted,
            self.single,
        )
        self._prepare()

    # What is written, and with what

    def _by_hand(self, column: Column) -> bool:
        return (
            not column.numbered_by_server
            or column.name in self.pointing
            or column.name in self.placed
        )

    def _prepare(self) -> None:
        distinct = self._distinct_columns()
        apart = {name for exclusion in self.table.exclusions for name in exclusion.apart}
        left_out = []
        for column in self.written:
            make: Maker | None
            if column.name in self.hints:
                make = _one_of(self.hints[column.name])
            elif column.name in apart:
                make = self.values.apart(column.type)
            else:
                make = self._shaped(column, self.values.of(column, column.name in distinct))
            if make is not None:
                self.makers[column.name] = make
            elif self.nullable[column.name] or column.default is not None:
                left_out.append(column.name)
            else:
                self.cannot = f"no value is known for {column.name} {column.definition}"
        self.written = tuple(c for c in self.written if c.name not in left_out)
        self._names -= set(left_out)
        self._exclude_expressions()
        self.refresh()

    def _shaped(self, column: Column, make: Maker | None) -> Maker | None:
        """As wide and as often repeated as in production, where a constraint has no say."""
        figures = self._figures.columns.get(column.name)
        bound = {name for unique in self.uniques for name in unique.columns} | self.checked
        if make is None or figures is None or column.name in bound:
            return make
        kind, modifier = self.values.base(column.type, column.modifier)
        most = modifier - 4 if modifier > 4 else None
        return shaped(make, kind.name, most, figures, self._figures.rows)

    def _of_written(self, unique: Unique) -> Unique:
        """A unique key over generated columns, as one over those that they are made from."""
        generated = {c.name: c.default or "" for c in self.table.columns if c.generated}
        if not generated.keys() & set(unique.columns):
            return unique
        names = [
            name
            for column in unique.columns
            for name in (
                mentioned(self.table, generated[column]) if column in generated else [column]
            )
        ]
        return replace(unique, columns=tuple(dict.fromkeys(names)), plain=False)

    def leave_out(self, name: str) -> bool:
        """Write a column no more, if it can do without."""
        column = self.table.column(name)
        if not self.nullable[name] and column.default is None:
            return False
        self.written = tuple(c for c in self.written if c.name != name)
        self._names.discard(name)
        self._plan = None
        return True

    def thin_out(self) -> None:
        """Leave more columns NULL: all of them together are too much for one row."""
        for name, share in self._null_share.items():
            self._null_share[name] = (share + 1) / 2
        self._plan = None

    def _distinct_columns(self) -> set[str]:
        """Columns whose values never repeat, so that every unique key holds."""
        chosen: set[str] = set()
        for unique in sorted(self.uniques, key=lambda u: len(u.columns)):
            free = [n for n in unique.columns if n in self._names and n not in self.pointing]
            if chosen & set(unique.columns) or not set(unique.columns) <= self._names or not free:
                continue
            if len(unique.columns) > 1:
                chosen.add(max(free, key=self._room))  # the first of those with the most
            elif not unique.partial or self._room(free[0]) == _MOST_ROOM:
                chosen.add(free[0])
        return chosen

    def _room(self, name: str) -> int:
        """How many values a column can have, more or less."""
        column = self.table.column(name)
        kind, modifier = self.values.base(column.type, column.modifier)
        if kind.kind == "enum":
            return len(kind.labels)
        if modifier >= 4 and kind.name in ("varchar", "bpchar"):
            return int(min(36 ** min(modifier - 4, 9), _MOST_ROOM))
        return _ROOM.get(kind.name, 1000)

    def _kind(self, name: str) -> str:
        return self.values.base(self.table.column(name).type, -1)[0].name

    def _exclude_expressions(self) -> None:
        """``tstzrange(starts, ends) WITH &&``: the first of the columns begins, the second ends."""
        for exclusion in self.table.exclusions:
            names = [n for n in exclusion.apart if n in self._names]
            ordered = [n for n in names if self._step(n) is not None]
            if len(ordered) == 2 and len(names) == 2:
                for place, name in enumerate(ordered):
                    step = self._step(name)
                    assert step is not None
                    self.makers[name] = _stepped(step, place * 9)

    def _step(self, name: str) -> Callable[[int], str] | None:
        return self.values.step(self.table.column(name).type)

    def _usable(self, leaf: Leaf) -> bool:
        return all(re.match(r"FOR VALUES", bound) for _, _, bound in leaf.bounds)

    # What the other rows allow

    def refresh(self) -> None:
        """Read again what the database holds: keys to point at, values that are taken."""
        count, self.number = self.count(), max(self.number, self.count())
        self.pointers.refresh(self._names, count > 0)
        self._seen = []
        for unique in self.uniques:
            if not unique.partial and set(unique.columns) <= self._names:
                taken = self._taken(unique.columns) if count else []
                one = len(unique.columns) == 1
                seen: set[object] = {key[0] if one else key for key in taken}
                self._seen.append((unique.columns, unique.plain, seen))
        for name in self._distinct_columns():
            if self._kind(name) in ("int2", "int4", "int8") and count:
                highest = rows_of(
                    self.connection,
                    sql.SQL("SELECT max({})::int8 FROM {}").format(
                        sql.Identifier(name), self.table.alone
                    ),
                )[0][0]
                if highest is not None and highest < 2**31:
                    self.number = max(self.number, highest)

    def count(self) -> int:
        """How many rows the table holds."""
        query = sql.SQL("SELECT count(*) FROM {}").format(self.table.alone)
        return int(rows_of(self.connection, query)[0][0])

    def _taken(self, columns: Sequence[str]) -> list[Key]:
        return read_keys(self.connection, self.table.alone, columns, _MOST_TAKEN)

    def single(self, key: ForeignKey) -> bool:
        """Whether no two rows may point at the same row along this foreign key."""
        return any(not u.partial and set(u.columns) <= set(key.columns) for u in self.uniques)

    def _admitted(self, key: ForeignKey, keys: list[Key]) -> tuple[list[Key], str]:
        """Those at which the checks let a row point, and which checks these are: such as are about
        nothing else."""
        about = [
            number
            for number, check in enumerate(self.checks)
            if check.columns and set(check.columns) <= set(key.columns)
        ]
        if not about or not keys:
            return keys, ""
        rows: list[Row] = [dict(zip(key.columns, k, strict=True)) for k in keys]
        try:
            verdicts = self.trial.judge(rows, about)
        except psycopg.Error:
            return keys, ""
        called = ", ".join(sorted({self.checks[number].name for number in about}))
        return [k for k, met in zip(keys, verdicts, strict=True) if all(met)], called

    # Rows

    def rows(self, count: int) -> list[Row]:
        """Up to ``count`` rows; fewer when unique values or keys to point at run out."""
        return list(self.each(count))

    def each(self, count: int) -> Iterator[Row]:
        """The same, one after the other; none of them asks the server for anything."""
        made = failures = 0
        while made < count and failures < 100:
            row = self.row()
            if row is None:
                failures += 1
            else:
                made, failures = made + 1, 0
                yield row

    def row(self) -> Row | None:
        """One row, or None when none was found that repeats nothing."""
        for _ in range(_ATTEMPTS):
            draw = self.draw()
            if draw is not None and self._keep(draw.row):
                return draw.row
            self.repeated += 1
        return None

    def draw(self, only: frozenset[str] | None = None) -> Draw | None:
        """A row, or those columns of it that trials need."""
        draw = self._begun()
        if draw is None:
            return None
        for solution in self.solutions:
            weights = solution.weights
            chosen = bisect(weights, self.random.random() * weights[-1], 0, len(weights) - 1)
            self._follow(solution.recipes[chosen], solution.ways, draw)
        self._complete(draw, only)
        return draw

    def attempt(
        self, recipe: Recipe, ways: dict[str, list[Maker]], only: frozenset[str]
    ) -> Row | None:
        """These columns of a row made by this recipe."""
        draw = self._begun()
        if draw is None:
            return None
        self._follow(recipe, ways, draw)
        self._complete(draw, only)
        return draw.row

    def _begun(self) -> Draw | None:
        self.number += 1
        draw = Draw(self.random, self.number)
        if not self.pointers.point(draw, self.solved):
            return None
        self._place(draw)
        return draw

    def _follow(self, recipe: Recipe, ways: dict[str, list[Maker]], draw: Draw) -> None:
        for name, way in recipe:
            value = ways[name][way](draw)
            if value is None and not self.nullable[name]:  # beside a column that has none yet
                value = self.makers[name](draw)
            draw.row[name] = value

    def _complete(self, draw: Draw, only: frozenset[str] | None = None) -> None:
        row, random = draw.row, self.random.random
        if self._plan is None:
            shares, makers = self._null_share, self.makers
            self._plan = [
                (c.name, shares[c.name] if self.nullable[c.name] else 0.0, makers[c.name])
                for c in self.written
            ]
        for name, nulls, make in self._plan:
            if name not in row and (only is None or name in only):
                row[name] = None if nulls and random() < nulls else make(draw)

    def _place(self, draw: Draw) -> None:
        """Values of the partition key that lie within one partition."""
        if not self._leaves:
            return
        leaf = self.random.choice(self._leaves)
        for columns, strategy, bound in leaf.bounds:
            for place, name in enumerate(columns):
                if name in self._names and name not in draw.row:
                    makers = self._bounded(bound, strategy, place, name)
                    if makers:
                        draw.row[name] = self.random.choice(makers)(draw)

    def _bounded(self, bound: str, strategy: str, place: int, name: str) -> list[Maker]:
        known = (bound, strategy, place, name)
        if known not in self._of_bounds:
            self._of_bounds[known] = from_bounds([bound], strategy, place, self._kind(name))
        return self._of_bounds[known]

    def _keep(self, row: Row) -> bool:
        found = []
        for columns, plain, seen in self._seen:
            if len(columns) == 1:
                text: object = row[columns[0]]
                if text is None:
                    continue
                if not plain:
                    text = str(text).lower()
            else:
                texts = [row[name] for name in columns]
                if None in texts:
                    continue
                text = tuple(texts if plain else [str(text).lower() for text in texts])
            if text in seen:
                return False
            found.append((seen, text))
        for seen, text in found:
            seen.add(text)
        return True


def _one_of(values: Sequence[str]) -> Maker:
    return lambda draw: draw.random.choice(values)


def _stepped(step: Callable[[int], str], offset: int) -> Maker:
    return lambda draw: step(draw.number * 10 + offset)
