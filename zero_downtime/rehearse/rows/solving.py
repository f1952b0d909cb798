"""Checks solved by trying: ways to fill columns that the server finds to meet them.

Candidates are taken from a check's own text; the server says which rows it would take, and the
ways that led to those rows are the ways that later rows are made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from zero_downtime.rehearse.rows import candidates
from zero_downtime.rehearse.rows.draws import Maker
from zero_downtime.rehearse.rows.making import Making, Recipe, Solution
from zero_downtime.rehearse.rows.trial import Row
from zero_downtime.rehearse.tables import Check

_SAMPLE = 80  # rows drawn at first to see which checks are met by chance
_ROUNDS = 10
_TRIED = 200  # recipes a round
_ENOUGH = 30  # recipes that are known to work
_KEPT = 40  # of the best recipes, from which others are varied
_VARIED = 60  # rows that show whether a recipe repeats itself
_TIMES = 20  # that a recipe is tried again, to see how often it works

Ways = dict[str, list[Maker]]


@dataclass(frozen=True)
class _Tried:
    recipe: Recipe
    met: int  # checks
    wrong: tuple[str, ...]  # columns of the others


def learn(making: Making) -> None:
    """Find out how to fill the columns that checks are about."""
    if not making.checks or making.cannot:
        return
    with making.pointers.trial():
        drawn = [making.draw(making.checked) for _ in range(_SAMPLE)]
    sample = [draw.row for draw in drawn if draw is not None]
    if not sample:
        return
    verdicts = making.trial.judge(sample)
    bad = [
        check
        for number, check in enumerate(making.checks)
        if sum(v[number] for v in verdicts) < 0.9 * len(sample)
    ]
    done: set[str] = set()
    for check in bad:
        columns = _tied_to(making, check)
        if not done & columns:
            done |= columns
            _solve(making, columns)


def _tied_to(making: Making, check: Check) -> set[str]:
    columns = set(check.columns)
    grown = True
    while grown:
        grown = False
        for other in making.checks:
            if columns & set(other.columns) and not set(other.columns) <= columns:
                columns |= set(other.columns)
                grown = True
    return columns


def _solve(making: Making, columns: set[str]) -> None:
    checks = [n for n, check in enumerate(making.checks) if set(check.columns) & columns]
    ways = _ways(making, columns, checks)
    if not ways:
        return
    making.solved |= columns
    names = tuple(ways)
    found: Counter[Recipe] = Counter()
    best: list[_Tried] = []
    for turn in range(_ROUNDS):
        recipes = _all(ways) if len(names) == 1 else _varied(making.random, ways, best)
        for recipe, verdict, _ in _try(making, recipes, ways, checks):
            if all(verdict):
                found[recipe] += 1
            missed = {
                name
                for n, met in zip(checks, verdict, strict=True)
                for name in making.checks[n].columns
                if not met
            }
            wrong = tuple(name for name in names if name in missed)
            best.append(_Tried(recipe, sum(verdict), wrong))
        best = sorted(best, key=lambda tried: -tried.met)[:_KEPT]
        enough = len(names) == 1 or turn >= _ROUNDS // 2
        if len(found) >= _ENOUGH or (found and enough):
            break
    if found:
        _weigh(making, found, ways, checks, names)
    else:
        nearest = best[0].recipe if best else ()
        making.doubts.append(_unsolved(making, columns, checks, nearest, ways))


def _all(ways: Ways) -> list[Recipe]:
    return [((name, way),) for name, makers in ways.items() for way in range(len(makers))]


def _varied(random: Random, ways: Ways, best: Sequence[_Tried]) -> list[Recipe]:
    """Recipes by chance, and such as change the best ones where they fail."""
    names = tuple(ways)
    recipes = []
    for _ in range(_TRIED):
        if best and random.random() < 0.8:
            tried = random.choice(best)
            recipe = list(tried.recipe)
            for _ in range(random.randint(1, 2)):
                name = random.choice(tried.wrong or names)
                place = next(place for place, pair in enumerate(recipe) if pair[0] == name)
                recipe[place] = (name, random.randrange(len(ways[name])))
        else:
            order = random.sample(names, len(names))
            recipe = [(name, random.randrange(len(ways[name]))) for name in order]
        recipes.append(tuple(recipe))
    return recipes


def _unsolved(
    making: Making, columns: set[str], checks: Sequence[int], recipe: Recipe, ways: Ways
) -> str:
    """Which checks nothing met, those only that the best recipe does not meet."""
    tried = _try(making, [recipe] * 9, ways, checks)
    missed = {
        n for _, verdict, _ in tried for n, met in zip(checks, verdict, strict=True) if not met
    }
    numbers = missed or set(checks)
    said = ", ".join(sorted({making.checks[n].name for n in numbers}))
    about = [
        c.name for c in making.written if any(c.name in making.checks[n].columns for n in numbers)
    ]
    told = ", ".join(f'"{making.table.name}.{name}"' for name in about)
    reasons = {making.trial.raised[n] for n in sorted(numbers) if n in making.trial.raised}
    raised = f" ({sorted(reasons)[0]})" if reasons else ""
    return f"no values were found that meet {said}{raised}; rehearse.values may tell {told}"


def _weigh(
    making: Making,
    found: Counter[Recipe],
    ways: Ways,
    checks: Sequence[int],
    names: tuple[str, ...],
) -> None:
    """Prefer recipes that rarely fail, leave few columns NULL, and whose unique values vary."""
    recipes = [recipe for recipe, _ in found.most_common(_KEPT)]
    rates: Counter[Recipe] = Counter()
    filled: Counter[Recipe] = Counter()
    repeated = [r for r in recipes for _ in range(_TIMES)]
    for recipe, verdict, row in _try(making, repeated, ways, checks):
        if all(verdict):
            rates[recipe] += 1
            filled[recipe] += sum(row[name] is not None for name in names)
    # One row that the server refuses has all of them judged: what never fails is much quicker.
    recipes = [r for r in recipes if rates[r] == max(rates.values(), default=0)] or recipes
    weights = [
        (rates[r] / _TIMES) ** 2
        * (1 + filled[r] / max(rates[r], 1)) ** 2
        * _variety(making, r, ways) ** 4
        + 1e-6
        for r in recipes
    ]
    making.solutions.append(Solution(names, ways, recipes, list(accumulate(weights))))


def _variety(making: Making, recipe: Recipe, ways: Ways) -> float:
    """How many of the rows that a recipe makes repeat no unique value, of the worst such key."""
    keys = [u.columns for u in making.uniques if not u.partial and set(u.columns) <= ways.keys()]
    if not keys:
        return 1.0
    only = frozenset(name for columns in keys for name in columns)
    with making.pointers.trial():
        tried = [making.attempt(recipe, ways, only) for _ in range(_VARIED)]
    rows = [row for row in tried if row is not None]
    shares = []
    for columns in keys:
        present = [tuple([row[name] for name in columns]) for row in rows]
        present = [texts for texts in present if None not in texts]
        shares.append(len(set(present)) / len(present) if present else 1.0)
    return min(shares)


def _ways(making: Making, columns: set[str], checks: Sequence[int]) -> Ways:
    neighbours = {c.name: c for c in making.written if c.name in columns}
    ways: Ways = {}
    for column in making.written:
        name = column.name
        if name not in columns:
            continue
        if name in making.hints:
            ways[name] = [_always(value) for value in making.hints[name]]
            continue
        if name in making.pointing or name in making.placed:
            if making.nullable[name]:
                ways[name] = [_kept(name), _kept(name), lambda draw: None]
            continue
        beside = {n: c for n, c in neighbours.items() if n != name}
        texts = [making.checks[n].source for n in checks if name in making.checks[n].columns]
        usual = making.makers.get(name)
        offered = candidates.makers_for(
            column, texts, beside, making.values, usual, making.nullable[name]
        )
        if usual is not None and any(name in unique.columns for unique in making.uniques):
            offered += [usual] * len(offered)  # of which no value is ever repeated
        ways[name] = making.trial.readable(column, offered, making.random)
    return {name: makers for name, makers in ways.items() if makers}


def _try(
    making: Making, recipes: Sequence[Recipe], ways: Ways, checks: Sequence[int]
) -> list[tuple[Recipe, list[bool], Row]]:
    """For each recipe that makes a row what the server says of it, check by check."""
    rows: list[Row] = []
    kept = []
    only = frozenset(name for n in checks for name in making.checks[n].columns)
    with making.pointers.trial():
        for recipe in recipes:
            row = making.attempt(recipe, ways, only)
            if row is not None:
                rows.append(row)
                kept.append(recipe)
    return list(zip(kept, making.trial.judge(rows, checks), rows, strict=True))


def _always(value: str) -> Maker:
    return lambda draw: value


def _kept(name: str) -> Maker:
    return lambda draw: draw.row.get(name)
