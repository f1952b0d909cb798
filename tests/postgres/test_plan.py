"""Every pair of schemas is planned in both directions, and the plan run on a copy with rows."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from zero_downtime.catalog import Catalog, load_dump, read_catalog
from zero_downtime.generate.prove import ProvenPlan, plan_and_prove
from zero_downtime.plan import Plan
from zero_downtime.postgres.server import EmbeddedServer, Server
from zero_downtime.sql.effects import predict
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from

# importmode=importlib knows no modules beside a test.
_spec = importlib.util.spec_from_file_location("zd_pairs", Path(__file__).parent / "pairs.py")
assert _spec is not None and _spec.loader is not None
pairs = importlib.util.module_from_spec(_spec)
sys.modules["zd_pairs"] = pairs
_spec.loader.exec_module(pairs)

Base = tuple[str, Catalog]


@pytest.fixture(scope="module")
def base(server: EmbeddedServer) -> Iterator[Base]:
    """The schema that all pairs start from, with rows, and its catalog."""
    with server.connect() as connection:
        connection.execute("CREATE TABLESPACE zd_far LOCATION ''")
    database = server.create_database()
    load_dump(server, database, pairs.BASE)
    yield database, read_catalog(server, database)
    server.drop_database(database)
    with server.connect() as connection:
        connection.execute("DROP TABLESPACE zd_far")


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("pair", [pytest.param(each, id=each.name) for each in pairs.PAIRS])
def test_a_plan_converges_without_making_writers_wait(
    server: EmbeddedServer, base: Base, pair: pairs.Pair, direction: str
) -> None:
    database, before = base
    changed = server.create_database(template=database)
    try:
        load_dump(server, changed, pair.change)
        after = read_catalog(server, changed)
        if direction == "up":
            proven = plan_and_prove(server, database, before, after)
            check(proven, pair, direction, before)
        else:
            proven = plan_and_prove(server, changed, after, before)
            check(proven, pair, direction, after)
    finally:
        server.drop_database(changed)


def check(proven: ProvenPlan, pair: pairs.Pair, direction: str, old: Catalog) -> None:
    steps = "\n".join(step.sql for step in proven.plan.steps)
    expected = dict(pair.not_planned).get(direction)
    if expected is not None:
        reasons = "; ".join(each.reason for each in proven.plan.not_planned)
        assert expected in reasons, f"{reasons or 'all is planned'}\n{steps}"
        return
    assert not proven.plan.not_planned, f"{proven.plan.not_planned}\n{steps}"
    said = f"{proven.proof.reason}\n{proven.proof.differences}\n{steps}"
    assert proven.proof.converged, said
    assert bool(proven.plan.steps) == (pair.change != ""), steps
    assert (direction in pair.blocks) == bool(list(blocking(proven.plan, old))), (
        f"{list(blocking(proven.plan, old))}\n{steps}"
    )
    assert dropped_with_rows(proven.plan) <= {loss.object for loss in proven.plan.loses_data}


def blocking(plan: Plan, old: Catalog) -> Iterator[str]:
    """The steps that read, build on or rewrite an existing table while its writers wait."""
    before = state_from(statement.sql for statement in split(old.dump_body))
    state = before.copy()
    for step in plan.steps:
        effect = predict(step.sql, state, old.major)
        for lock in effect.locks:
            busy = {*effect.scans, *effect.builds, *effect.rewrites}
            if lock.mode.blocks_writes and lock.relation in busy & tables(before):
                yield f"{step.sql} ({lock.mode.sql} on {lock.relation})"
        state.apply(step.sql)


def tables(state: State) -> set[str]:
    return {key for key, relation in state.relations.items() if relation.kind == "table"}


def dropped_with_rows(plan: Plan) -> set[str]:
    """What the steps drop that may hold rows, as a plan names its losses."""
    found = set()
    for step in plan.steps:
        table = re.match(r"DROP TABLE (.+)", step.sql)
        column = re.match(r"ALTER TABLE (.+) DROP COLUMN (.+)", step.sql)
        if table:
            found.add(f"table {table[1]}")
        if column and not re.search(
            rf"ADD COLUMN {re.escape(column[2])} .* GENERATED", steps(plan)
        ):
            found.add(f"column {column[1]}.{column[2]}")
    return found


def steps(plan: Plan) -> str:
    return "\n".join(step.sql for step in plan.steps)
