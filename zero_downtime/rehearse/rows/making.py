"""Rows for one table: values that meet its constraints, the server being the judge.

Foreign keys take their values from the rows of the other table, unique columns never repeat,
partition keys lie within the bounds of a partition. A check is solved by trying: candidates are
taken from its own text, the server says which rows it would take, and the ways that led to
those rows are the ways that later rows are made.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from random import Random

from psycopg import sql

from zero_downtime.rehearse.rows import candidates
from zero_downtime.rehearse.rows.shape import shaped
from zero_downtime.rehearse.rows.trial import Row, Trial
from zero_downtime.rehearse.rows.values import Draw, Maker, Values
from zero_downtime.rehearse.session import Connection, rows_of
from zero_downtime.rehearse.tables import Check, Column, ForeignKey, Leaf, Table, Tables, Unique
from zero_downtime.stats import RelationStats

Hints = Mapping[str, Sequence[str]]  # by ``table.column``: the values to choose from
Recipe = tuple[tuple[str, int], ...]  # column and number of its way, in the order of making

_NULL_SHARE = 0.1
_ATTEMPTS = 12  # to draw one row that repeats no unique value
_MOST_PARENTS = 5000  # keys of another table from which foreign keys choose
_ROOMY = {
    "text",
    "varchar",
    "citext",
    "uuid",
    "int8",
    "int4",
    "numeric",
    "timestamptz",
    "timestamp",
}


@dataclass
class _Pointing:
    """A foreign key with the keys that it may point at."""

    key: ForeignKey
    hard: bool  # no column of it may be NULL
    keys: list[tuple[str, ...]]
    unused: list[tuple[str, ...]] | None  # when no two rows may point at the same one
    places: tuple[int, ...] = ()
    by_part: dict[object, list[tuple[str, ...]]] = field(default_factory=dict)  # over ``places``

    def matching(self, places: Sequence[int], values: tuple[object, ...]) -> list[tuple[str, ...]]:
        """The keys that have these values at these places."""
        if not self.by_part:
            for key in self.keys:
                self.by_part.setdefault(tuple([key[i] for i in places]), []).append(key)
            self.places = tuple(places)
        if self.places != tuple(places):
            return [k for k in self.keys if tuple([k[i] for i in places]) == values]
        return self.by_part.get(values, [])


@dataclass
class _Solution:
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
        self._hints = {
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
        pointing = {name for key in table.foreign_keys for name in key.columns}
        self.written = tuple(
            c for c in table.columns if not c.generated and self._by_hand(c, pointing)
        )
        self._names = {c.name for c in self.written}
        self._nullable = {
            c.name: not c.not_null and not values.domain_not_null(c.type) for c in self.written
        }
        self._leaves = [leaf for leaf in table.leaves if self._usable(leaf)]
        self._makers: dict[str, Maker] = {}
        self._null_share = dict.fromkeys(self._names, _NULL_SHARE)
        for name, column in self._figures.columns.items():
            self._null_share[name] = column.nulls
        self._points: list[_Pointing] = []
        self._uniques = [self._of_written(unique) for unique in table.uniques]
        self._of_bounds: dict[tuple[str, str, int, str], list[Maker]] = {}
        self._seen: list[tuple[tuple[str, ...], bool, set[tuple[str, ...]]]] = []
        self._solutions: list[_Solution] = []
        self._solved: frozenset[str] = frozenset()
        self.checks = self._all_checks()
        self._checked = frozenset(name for check in self.checks for name in check.columns)
        self.trial = Trial(connection, table, values, self.written, self.checks)
        self._prepare()

    # What is written, and with what

    def _by_hand(self, column: Column, pointing: set[str]) -> bool:
        return not column.numbered_by_server or column.name in pointing

    def _prepare(self) -> None:
        distinct = self._distinct_columns()
        apart = {name for exclusion in self.table.exclusions for name in exclusion.apart}
        left_out = []
        for column in self.written:
            make: Maker | None
            if column.name in self._hints:
                make = _one_of(self._hints[column.name])
            elif column.name in apart:
                make = self.values.apart(column.type)
            else:
                make = self._shaped(column, self.values.of(column, column.name in distinct))
            if make is not None:
                self._makers[column.name] = make
            elif self._nullable[column.name] or column.default is not None:
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
        bound = {name for unique in self._uniques for name in unique.columns} | self._checked
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
            for name in (self._mentioned(generated[column]) if column in generated else [column])
        ]
        return replace(unique, columns=tuple(dict.fromkeys(names)), plain=False)

    def leave_out(self, name: str) -> bool:
        """Write a column no more, if it can do without."""
        column = self.table.column(name)
        if not self._nullable[name] and column.default is None:
            return False
        self.written = tuple(c for c in self.written if c.name != name)
        self._names.discard(name)
        return True

    def _distinct_columns(self) -> set[str]:
        """Columns whose values never repeat, so that every unique key holds."""
        pointing = {name for key in self.table.foreign_keys for name in key.columns}
        chosen: set[str] = set()
        for unique in sorted(self._uniques, key=lambda u: len(u.columns)):
            free = [n for n in unique.columns if n in self._names and n not in pointing]
            if chosen & set(unique.columns) or not set(unique.columns) <= self._names or not free:
                continue
            if len(unique.columns) == 1:
                if not unique.partial or self._kind(free[0]) in _ROOMY:
                    chosen.add(free[0])
                continue
            roomy = [n for n in free if self._kind(n) in _ROOMY]
            if roomy:
                chosen.add(roomy[0])
        return chosen

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
                    self._makers[name] = _stepped(step, place * 9)

    def _step(self, name: str) -> Callable[[int], str] | None:
        return self.values.step(self.table.column(name).type)

    def _usable(self, leaf: Leaf) -> bool:
        return all(re.match(r"FOR VALUES", bound) for _, _, bound in leaf.bounds)

    # What the other rows allow

    def refresh(self) -> None:
        """Read again what the database holds: keys to point at, values that are taken."""
        table = self.table
        count, self.number = self.count(), max(self.number, self.count())
        self._points = []
        uniques = [set(u.columns) for u in self._uniques if not u.partial]
        for key in sorted(table.foreign_keys, key=lambda k: (-len(k.columns), k.name)):
            if not set(key.columns) <= self._names or key.target not in self.tables.by_oid:
                continue
            single = any(u <= set(key.columns) for u in uniques)
            keys = self._keys_of(key, None if single else _MOST_PARENTS)
            unused = None
            if single:
                taken = set(self._existing(key.columns, None)) if count else set()
                unused = [k for k in keys if k not in taken]
                self.random.shuffle(unused)
            hard = not any(self._nullable[name] for name in key.columns)
            self._points.append(_Pointing(key, hard, keys, unused))
        self._seen = []
        for unique in self._uniques:
            if not unique.partial and set(unique.columns) <= self._names:
                seen = set(self._existing(unique.columns)) if count else set()
                self._seen.append((unique.columns, unique.plain, seen))
        for name in self._distinct_columns():
            if self._kind(name) in ("int2", "int4", "int8") and count:
                highest = rows_of(
                    self.connection,
                    sql.SQL("SELECT max({})::int8 FROM {}").format(
                        sql.Identifier(name), table.identifier
                    ),
                )[0][0]
                if highest is not None and highest < 2**31:
                    self.number = max(self.number, highest)

    def count(self) -> int:
        """How many rows the table holds."""
        query = sql.SQL("SELECT count(*) FROM {}").format(self.table.identifier)
        return int(rows_of(self.connection, query)[0][0])

    def _existing(
        self, columns: Sequence[str], most: int | None = _MOST_PARENTS
    ) -> list[tuple[str, ...]]:
        return _texts(self.connection, self.table, columns, most)

    def _keys_of(self, key: ForeignKey, most: int | None) -> list[tuple[str, ...]]:
        target = self.tables.by_oid[key.target]
        return _texts(self.connection, target, key.target_columns, most)

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
            draw = self._draw()
            if draw is not None and self._keep(draw.row):
                return draw.row
        return None

    def _draw(self, only: frozenset[str] | None = None) -> Draw | None:
        """A row, or those columns of it that trials need."""
        self.number += 1
        draw = Draw(self.random, self.number)
        if not self._point(draw):
            return None
        self._place(draw)
        for solution in self._solutions:
            recipe = self.random.choices(solution.recipes, cum_weights=solution.weights)[0]
            self._follow(recipe, solution.ways, draw)
        self._complete(draw, only)
        return draw

    def _follow(self, recipe: Recipe, ways: dict[str, list[Maker]], draw: Draw) -> None:
        for name, way in recipe:
            value = ways[name][way](draw)
            if value is None and not self._nullable[name]:  # beside a column that has none yet
                value = self._makers[name](draw)
            draw.row[name] = value

    def _complete(self, draw: Draw, only: frozenset[str] | None = None) -> None:
        row, nullable, makers, random = draw.row, self._nullable, self._makers, self.random.random
        shares = self._null_share
        for column in self.written:
            name = column.name
            if name in row or (only is not None and name not in only):
                continue
            if nullable[name] and random() < shares[name]:
                row[name] = None
            else:
                row[name] = makers[name](draw)

    def _point(self, draw: Draw) -> bool:
        row = draw.row
        for point in self._points:
            key = point.key
            already = [i for i, name in enumerate(key.columns) if name in row]
            open_names = [name for name in key.columns if name not in row]
            if not open_names or any(row[key.columns[i]] is None for i in already):
                for name in open_names:
                    if self._nullable[name]:
                        row[name] = None
                continue
            chosen: tuple[str, ...] | None = None
            skip = not point.hard and (
                not self._solved & set(key.columns)
                and self.random.random() < max(self._null_share[name] for name in open_names)
            )
            if not skip:
                chosen = self._choose(point, already, row)
            if chosen is None:
                if point.hard:
                    return False
                for name in open_names:
                    if self._nullable[name]:
                        row[name] = None
                continue
            row.update(zip(key.columns, chosen, strict=True))
        return True

    def _choose(self, point: _Pointing, already: Sequence[int], row: Row) -> tuple[str, ...] | None:
        if point.unused is not None and not already:
            return point.unused.pop() if point.unused else None
        keys = point.keys
        if already:
            keys = point.matching(already, tuple([row[point.key.columns[i]] for i in already]))
        if not keys:
            return None
        # Skewed: a few customers have most of the orders.
        return keys[int(len(keys) * self.random.random() ** 2)]

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
            self._of_bounds[known] = candidates.from_bounds(
                [bound], strategy, place, self._kind(name)
            )
        return self._of_bounds[known]

    def _keep(self, row: Row) -> bool:
        found = []
        for columns, plain, seen in self._seen:
            texts = tuple([row[name] or "" for name in columns])
            if "" in texts and None in [row[name] for name in columns]:
                continue
            if not plain:
                texts = tuple([text.lower() for text in texts])
            if texts in seen:
                return False
            found.append((seen, texts))
        for seen, texts in found:
            seen.add(texts)
        return True

    def alone(self) -> Row:
        """A row that may point at nothing yet: columns of foreign keys have arbitrary values."""
        self.number += 1
        draw = Draw(self.random, self.number)
        self._point(draw)
        self._place(draw)
        for column in self.written:
            if draw.row.get(column.name) is None and not self._nullable[column.name]:
                draw.row[column.name] = self._makers[column.name](draw)
        self._complete(draw)
        return draw.row

    def keys_for(self, key: ForeignKey) -> list[tuple[str, ...]]:
        """The keys that a foreign key may point at, as far as they are not used up."""
        for point in self._points:
            if point.key == key:
                return list(point.keys if point.unused is None else point.unused)
        return []

    def points_once(self, key: ForeignKey) -> bool:
        """Whether no two rows may point at the same row along this foreign key."""
        return any(point.key == key and point.unused is not None for point in self._points)

    def empty_parents(self) -> list[str]:
        """The tables without rows at which every row here must point."""
        return [
            self.tables.by_oid[point.key.target].qualified
            for point in self._points
            if point.hard and not point.keys
        ]

    # Checks

    def _all_checks(self) -> list[Check]:
        checks = list(self.table.checks)
        for column in self.written:
            for text in self.values.domain_checks(column.type):
                name = sql.Identifier(column.name).as_string(None)
                checks.append(Check(f"domain of {column.name}", _for_value(text, name), ()))
        constraints = [leaf.constraint for leaf in self.table.leaves]
        if constraints and all(constraints):
            joined = " OR ".join(f"({text})" for text in constraints)
            checks.append(Check("partition bounds", joined, ()))
        return [Check(c.name, c.expression, self._mentioned(c.expression)) for c in checks]

    def _mentioned(self, text: str, depth: int = 0) -> tuple[str, ...]:
        """The columns that an expression uses; behind a generated one, those it is made of."""
        names: list[str] = []
        words = set(re.findall(r'"(?:[^"]|"")+"|\w+', re.sub(r"'(?:[^']|'')*'", "", text)))
        for column in self.table.columns:
            if not words & {column.name, f'"{column.name}"'}:
                continue
            if column.generated and column.default and depth < 3:
                names += self._mentioned(column.default, depth + 1)
            names.append(column.name)
        return tuple(dict.fromkeys(names))

    def learn(self) -> None:
        """Find out how to fill the columns that checks are about."""
        if not self.checks or self.cannot:
            return
        with self._trial():
            drawn = [self._draw(self._checked) for _ in range(80)]
        sample = [draw.row for draw in drawn if draw is not None]
        if not sample:
            return
        verdicts = self.trial.judge(sample)
        bad = [
            check
            for number, check in enumerate(self.checks)
            if sum(v[number] for v in verdicts) < 0.9 * len(sample)
        ]
        done: set[str] = set()
        for check in bad:
            columns = self._tied_to(check)
            if not done & columns:
                done |= columns
                self._solve(columns)

    def _tied_to(self, check: Check) -> set[str]:
        columns = set(check.columns)
        grown = True
        while grown:
            grown = False
            for other in self.checks:
                if columns & set(other.columns) and not set(other.columns) <= columns:
                    columns |= set(other.columns)
                    grown = True
        return columns

    def _solve(self, columns: set[str]) -> None:
        checks = [n for n, check in enumerate(self.checks) if set(check.columns) & columns]
        texts = [self.checks[n].expression for n in checks]
        texts += [c.default or "" for c in self.table.columns if c.generated and c.name in columns]
        ways = self._ways(columns, checks, texts)
        if not ways:
            return
        self._solved |= columns
        names = tuple(ways)
        found: Counter[Recipe] = Counter()
        best: list[tuple[int, Recipe]] = []
        for round_number in range(10):
            recipes = []
            for _ in range(200):
                order = list(names)
                self.random.shuffle(order)
                recipe = [(name, self.random.randrange(len(ways[name]))) for name in order]
                if best and self.random.random() < 0.7:
                    recipe = list(self.random.choice(best)[1])
                    for _ in range(self.random.randint(1, 2)):
                        place = self.random.randrange(len(recipe))
                        name = recipe[place][0]
                        recipe[place] = (name, self.random.randrange(len(ways[name])))
                recipes.append(tuple(recipe))
            tried = self._try(recipes, ways)
            for tried_recipe, verdict in tried:
                score = sum(verdict[n] for n in checks)
                if score == len(checks):
                    found[tried_recipe] += 1
                best.append((score, tried_recipe))
            best = sorted(best, key=lambda pair: -pair[0])[:40]
            if len(found) >= 30 or (found and round_number >= 5):
                break
        if not found:
            said = ", ".join(sorted({self.checks[n].name for n in checks}))
            self.doubts.append(f"no values were found that meet {said}")
            return
        self._weigh(found, ways, checks, names)

    def _weigh(
        self,
        found: Counter[Recipe],
        ways: dict[str, list[Maker]],
        checks: Sequence[int],
        names: tuple[str, ...],
    ) -> None:
        """Prefer recipes that rarely fail and that leave few columns NULL."""
        recipes = [recipe for recipe, _ in found.most_common(40)]
        rates: Counter[Recipe] = Counter()
        filled: Counter[Recipe] = Counter()
        for recipe, verdict, row in self._try_rows([r for r in recipes for _ in range(5)], ways):
            if all(verdict[n] for n in checks):
                rates[recipe] += 1
                filled[recipe] += sum(row[name] is not None for name in names)
        weights = [
            (rates[r] / 5) ** 2 * (1 + filled[r] / max(rates[r], 1)) ** 2 + 1e-6 for r in recipes
        ]
        self._solutions.append(_Solution(names, ways, recipes, list(accumulate(weights))))

    def _ways(
        self, columns: set[str], checks: Sequence[int], texts: Sequence[str]
    ) -> dict[str, list[Maker]]:
        pointing = {name for key in self.table.foreign_keys for name in key.columns}
        placed = {name for leaf in self._leaves for names, _, _ in leaf.bounds for name in names}
        neighbours = {c.name: c for c in self.written if c.name in columns}
        ways: dict[str, list[Maker]] = {}
        for column in self.written:
            name = column.name
            if name not in columns:
                continue
            if name in self._hints:
                ways[name] = [_always(value) for value in self._hints[name]]
                continue
            if name in pointing or name in placed:
                if self._nullable[name]:
                    ways[name] = [_kept(name), _kept(name), lambda draw: None]
                continue
            beside = {n: c for n, c in neighbours.items() if n != name}
            mine = [
                self.checks[n].expression for n in checks if name in self.checks[n].columns
            ] or list(texts)
            ways[name] = candidates.makers_for(
                column, mine, beside, self.values, self._makers.get(name), self._nullable[name]
            )
        return {name: makers for name, makers in ways.items() if makers}

    def _try(
        self, recipes: Sequence[Recipe], ways: dict[str, list[Maker]]
    ) -> list[tuple[Recipe, list[bool]]]:
        return [(recipe, verdict) for recipe, verdict, _ in self._try_rows(recipes, ways)]

    def _try_rows(
        self, recipes: Sequence[Recipe], ways: dict[str, list[Maker]]
    ) -> Iterator[tuple[Recipe, list[bool], Row]]:
        rows: list[Row] = []
        kept = []
        with self._trial():
            for recipe in recipes:
                self.number += 1
                draw = Draw(self.random, self.number)
                if not self._point(draw):
                    continue
                self._place(draw)
                self._follow(recipe, ways, draw)
                self._complete(draw, self._checked)
                rows.append(draw.row)
                kept.append(recipe)
        return zip(kept, self.trial.judge(rows), rows, strict=True)

    @contextlib.contextmanager
    def _trial(self) -> Iterator[None]:
        """Rows made within are never inserted: the keys they point at are not used up."""
        unused = [None if p.unused is None else list(p.unused) for p in self._points]
        yield
        for point, before in zip(self._points, unused, strict=True):
            point.unused = before


def _texts(
    connection: Connection, table: Table, columns: Sequence[str], most: int | None
) -> list[tuple[str, ...]]:
    names = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in columns]
    present = [sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in columns]
    return rows_of(
        connection,
        sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}").format(
            sql.SQL(", ").join(names),
            table.identifier,
            sql.SQL(" AND ").join(present),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.Literal(most),
        ),
    )


def _for_value(text: str, name: str) -> str:
    """A domain's check, over a column instead of VALUE; strings are left as they are."""
    parts = re.split(r"('(?:[^']|'')*')", text)
    return "".join(p if p[:1] == "'" else re.sub(r"\bVALUE\b", name, p) for p in parts)


def _one_of(values: Sequence[str]) -> Maker:
    return lambda draw: draw.random.choice(values)


def _always(value: str) -> Maker:
    return lambda draw: value


def _kept(name: str) -> Maker:
    return lambda draw: draw.row.get(name)


def _stepped(step: Callable[[int], str], offset: int) -> Maker:
    return lambda draw: step(draw.number * 10 + offset)
