"""Pairs of schemas over all kinds of objects, each planned there and back and run on rows.

A family is a file of SQL beside this one: its base, and pairs that change it; without a base it
starts from bases/shop.sql. A pair is::

    --- name of the pair
    -- since: 18                     the first major that has the feature
    -- needs: vector                 an extension that not every server has
    -- unsafe up: reason             why lint finds errors: there is no safe form, or none yet
    -- old:
    statements on top of the base    (this part may be left out)
    -- new:
    statements on top of the base

*Up* leads from old to new. What has no plan at all stands in not_planned.txt with its reason, and
must not be planned. ZERO_DOWNTIME_BIN_DIRS may name the bin directories of further majors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from zero_downtime.catalog import Catalog, load_dump, read_catalog
from zero_downtime.config import Lint
from zero_downtime.generate.prove import plan_and_prove, run_steps
from zero_downtime.lint.engine import lint
from zero_downtime.plan import Plan
from zero_downtime.postgres.server import EmbeddedServer, InstalledServer, Server
from zero_downtime.sql.effects import predict
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from
from zero_downtime.sql.statement import Location, Statement

HERE = Path(__file__).parent
SHOP = (HERE / "bases" / "shop.sql").read_text()
UP, DOWN = "up", "down"


@dataclass(frozen=True)
class Pair:
    """Two schemas as changes of the base of a family."""

    family: str
    name: str
    old: str
    new: str
    since: int = 14
    needs: str = "plpgsql"
    unsafe: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.family}: {self.name}"


def read_family(path: Path) -> tuple[str, list[Pair]]:
    """The base of a family and its pairs."""
    base, *texts = re.split(r"^--- ", path.read_text(), flags=re.MULTILINE)
    return base or SHOP, [_pair(path.stem, text) for text in texts]


def _pair(family: str, text: str) -> Pair:
    name, _, body = text.partition("\n")
    head, _, new = body.partition("-- new:\n")
    head, _, old = head.partition("-- old:\n")
    said = dict(re.findall(r"^-- (.+?): (.+)$", head, flags=re.MULTILINE))
    since, needs = int(said.pop("since", 14)), said.pop("needs", "plpgsql")
    unsafe = {way: said.pop(f"unsafe {way}") for way in (UP, DOWN) if f"unsafe {way}" in said}
    assert not said and "-- new:\n" in body, f"{path_of(family)}: {name}: {said}"
    return Pair(family, name.strip(), old, new, since, needs, unsafe)


def path_of(family: str) -> Path:
    return HERE / f"{family}.sql"


def read_not_planned() -> dict[tuple[str, str], str]:
    """Pairs and directions without a plan, each with words of the reason."""
    lines = (HERE / "not_planned.txt").read_text().splitlines()
    entries = (line.split(" | ") for line in lines if line and not line.startswith("#"))
    return {(pair, direction): words for pair, direction, words in entries}


FAMILIES = {path.stem: read_family(path) for path in sorted(HERE.glob("*.sql"))}
PAIRS = [pair for _, pairs in FAMILIES.values() for pair in pairs]
NOT_PLANNED = read_not_planned()


def test_the_lists_are_sound() -> None:
    names = [pair.id for pair in PAIRS]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    assert {name for name, _ in NOT_PLANNED} <= set(names)
    assert {direction for _, direction in NOT_PLANNED} <= {UP, DOWN}
    assert len(PAIRS) >= 620
    assert len(NOT_PLANNED) <= 0.02 * 2 * len(PAIRS)


def _servers() -> list[str]:
    return ["embedded", *filter(None, os.environ.get("ZERO_DOWNTIME_BIN_DIRS", "").split(":"))]


class Bases:
    """The bases of the families as databases of one server, made when they are asked for."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._made: dict[str, tuple[str, Catalog]] = {}
        with server.connect() as connection:
            found = connection.execute("SELECT name FROM pg_available_extensions")
            self.extensions = {str(name) for (name,) in found}

    def base(self, family: str) -> tuple[str, Catalog]:
        """The database with the base, and its catalog."""
        script = FAMILIES[family][0]
        if script not in self._made:
            database = self.server.create_database()
            load_dump(self.server, database, script)
            self._made[script] = database, read_catalog(self.server, database)
        return self._made[script]

    def changed(self, family: str, script: str) -> tuple[str, Catalog]:
        """A database with the base and a change, and its catalog."""
        base, catalog = self.base(family)
        database = self.server.create_database(template=base)
        if script.strip():
            load_dump(self.server, database, script)
            catalog = read_catalog(self.server, database)
        return database, catalog

    def close(self) -> None:
        for database, _ in self._made.values():
            self.server.drop_database(database)


@pytest.fixture(scope="module", params=_servers())
def bases(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[Bases]:
    where: Server = (
        server if request.param == "embedded" else InstalledServer(Path(str(request.param)))
    )
    with where.connect() as connection:
        connection.execute("CREATE TABLESPACE zd_far LOCATION ''")
    made = Bases(where)
    yield made
    made.close()
    with where.connect() as connection:
        connection.execute("DROP TABLESPACE zd_far")
    if where is not server:
        where.close()


@pytest.mark.parametrize("pair", [pytest.param(each, id=each.id) for each in PAIRS])
def test_plans_there_and_back_converge_safely(bases: Bases, pair: Pair) -> None:
    server = bases.server
    if server.major < pair.since:
        pytest.skip(f"PostgreSQL {pair.since} has it first, this is {server.major}")
    if pair.needs not in bases.extensions:
        pytest.skip(f"this server has no {pair.needs}")
    bases.base(pair.family)
    with ThreadPoolExecutor(2) as both:
        sides = both.map(lambda script: bases.changed(pair.family, script), (pair.old, pair.new))
        (first, old), (second, new) = sides
        there = both.submit(check, server, pair, UP, (first, old), new)
        back = both.submit(check, server, pair, DOWN, (second, new), old)
        failures = [each.exception() for each in (there, back)]
    for database in (first, second):
        server.drop_database(database)
    for failure in filter(None, failures):
        raise failure


def check(
    server: Server, pair: Pair, direction: str, start: tuple[str, Catalog], new: Catalog
) -> None:
    """One direction: planned, proven, safe; and no row is lost that was not spoken of."""
    database, old = start
    proven = plan_and_prove(server, database, old, new)
    plan = proven.plan
    said = f"{direction}:\n" + "\n".join(step.sql for step in plan.steps)
    expected = NOT_PLANNED.get((pair.id, direction))
    if expected is not None:
        assert expected in "; ".join(each.reason for each in proven.not_planned), (
            f"{proven.not_planned}\n{said}"
        )
        return
    assert not proven.not_planned, f"{proven.not_planned}\n{said}"
    assert proven.proof.converged, said
    found = {*errors(plan, old), *stalls(plan, old)}
    assert bool(found) == (direction in pair.unsafe), (
        f"HAZ|{pair.id}|{direction}|{', '.join(sorted(found))}\n{said}"
    )
    before = read_rows(server, database)
    run_steps(server, database, plan.steps)
    after = read_rows(server, database)
    assert before.lost(after, {loss.object for loss in plan.loses_data}) == set(), said


def errors(plan: Plan, old: Catalog) -> Iterator[str]:
    """The rules that find a step dangerous. The runner sees to the timeouts."""
    statements = []
    phases: dict[str, str | None] = {}
    for part in plan.parts():
        revision = f"r{len(phases)}"
        phases[revision] = part.steps[0].phase.value
        for number, step in enumerate(part.steps, 1):
            transaction = None if step.alone else step.group
            place = Location(revision, number)
            statements.append(Statement(step.sql, place, revision, transaction=transaction))
    state = state_from(statement.sql for statement in split(old.dump_body))
    config = Lint(disable=("no-lock-timeout",))
    for finding in lint(statements, state, config, old.major, phases).findings:
        if finding.severity == "error":
            yield finding.rule


def stalls(plan: Plan, old: Catalog) -> Iterator[str]:
    """Steps that read, build on or rewrite an existing table while its writers wait."""
    before = state_from(statement.sql for statement in split(old.dump_body))
    state = before.copy()
    for step in plan.steps:
        effect = predict(step.sql, state, old.major)
        busy = {*effect.scans, *effect.builds, *effect.rewrites} & _tables(before)
        if any(lock.mode.blocks_writes and lock.relation in busy for lock in effect.locks):
            yield "writers-wait"
        state.apply(step.sql)


def _tables(state: State) -> set[str]:
    return {key for key, relation in state.relations.items() if relation.kind == "table"}


@dataclass(frozen=True)
class Rows:
    """How many rows each table has, and for each stored column its type and all its values."""

    count: dict[str, int]
    columns: dict[tuple[str, str], tuple[str, str]]
    parents: dict[str, str]

    def lost(self, after: Rows, spoken_of: set[str]) -> set[str]:
        """The tables and columns whose rows or values are gone though nobody spoke of it."""
        lost = set()
        for table, count in self.count.items():
            names = {f"table {each}" for each in self._above(table)}
            if count and after.count.get(table, 0) != count and not names & spoken_of:
                lost.add(f"table {table}")
        for (table, column), (type_, values) in self.columns.items():
            there = after.columns.get((table, column))
            changed = there is None or (there[0] == type_ and there[1] != values)
            names = {f"column {each}.{column}" for each in self._above(table)}
            if table in after.count and changed and not names & spoken_of:
                lost.add(f"column {table}.{column}")
        return lost

    def _above(self, table: str | None) -> Iterator[str]:
        while table:
            yield table
            table = self.parents.get(table)


def read_rows(server: Server, database: str) -> Rows:
    """The rows of every table that stores some itself.

    Generated columns store nothing of their own, and composite values change with their type.
    """
    count: dict[str, int] = {}
    columns: dict[tuple[str, str], tuple[str, str]] = {}
    with server.connect(database) as connection:
        connection.execute("SET search_path = ''")
        parents = connection.execute(
            "SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits"
        ).fetchall()
        found = connection.execute(
            "SELECT c.oid::regclass::text, quote_ident(a.attname),"
            " format_type(a.atttypid, a.atttypmod)"
            " FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            " AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid NOT IN"
            " (SELECT unnest(ARRAY[oid, typarray]) FROM pg_type WHERE typtype = 'c')"
            " WHERE c.relkind = 'r' AND c.oid >= 16384 ORDER BY 1, 2"
        ).fetchall()
        tables: dict[str, list[tuple[str, str]]] = {}
        for table, column, type_ in found:
            tables.setdefault(str(table), []).extend([(str(column), str(type_))] if column else [])
        for table, inside in tables.items():
            values = ", ".join(
                f'array_agg({column}::text ORDER BY {column}::text COLLATE "C")'
                f" FILTER (WHERE {column} IS NOT NULL)"
                for column, _ in inside
            )
            query = f"SELECT {', '.join(filter(None, ['count(*)', values]))} FROM ONLY {table}"
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            count[table] = int(str(row[0]))
            for (column, type_), value in zip(inside, row[1:], strict=True):
                if value is not None:
                    columns[table, column] = type_, str(value)
    return Rows(count, columns, {str(child): str(parent) for child, parent in parents})
