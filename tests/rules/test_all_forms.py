"""Every form of the lock suite that reads or writes whole tables under lock is found by a rule."""

from __future__ import annotations

from functools import cache

import pytest

from zero_downtime.lint import Options, lint_units
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.sql.effects import Effect, predict
from zero_downtime.sql.forms import forms, schema
from zero_downtime.sql.script import read_script, split
from zero_downtime.sql.state import State, state_from

# New rows of a view that nobody writes, while everybody reads; a bound that a CHECK proves, and
# whose partitioned index is there.
HARMLESS = {
    "REFRESH MATERIALIZED VIEW CONCURRENTLY sales",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY depot.totals",
    "ALTER TABLE readings ATTACH PARTITION readings_4 FOR VALUES IN (4)",
}


@cache
def _state() -> State:
    return state_from(statement.sql for statement in split(schema()))


def _is_heavy(effect: Effect, state: State) -> bool:
    """Whether a table is read, written anew or indexed as a whole while its writers wait."""
    whole = {*effect.rewrites, *effect.scans, *effect.builds}
    return any(
        lock.mode.blocks_writes and state.assume(lock.relation).kind != "sequence"
        for lock in effect.locks
        if lock.relation in whole
    )


@pytest.mark.parametrize("family", forms())
def test_what_is_heavy_has_a_finding(family: str) -> None:
    state = _state()
    missed = []
    for form in forms()[family]:
        if (
            form.until < 18
            or form.sql in HARMLESS
            or not _is_heavy(predict(form.sql, state), state)
        ):
            continue
        script = read_script(f"SET lock_timeout = '2s';\n{form.sql}", "f.sql")
        if not lint_units([unit_of_script(script, "f.sql")], state, Options()).findings:
            missed.append(form.sql)
    assert missed == []


def test_most_of_the_suite_was_looked_at() -> None:
    heavy = [
        form.sql
        for family in forms().values()
        for form in family
        if form.until >= 18 and _is_heavy(predict(form.sql, _state()), _state())
    ]
    assert len(heavy) > 150
