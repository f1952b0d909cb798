"""Every form of the lock suite that reads or writes whole tables under lock is found by a rule."""

from __future__ import annotations

from functools import cache

import pytest

from zero_downtime.lint import Options, lint_units, rules
from zero_downtime.lint.registry import family_of
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


# Where nothing is known of the schema these take for granted what mostly is: a table with rows and
# indexes, a column that may be NULL, an old type that is not the new one.
TAKEN_FOR_GRANTED = {
    "set-not-null-scan",
    "type-change-rewrite",
    "sequence-starts-at-one",
    "generated-expression-replaced",
    "constraint-builds-index",
    "index-not-concurrent",
    "drop-index-not-concurrent",
    "reindex-not-concurrent",
    "persistence-change",
    "cluster-table",
    "vacuum-full",
}
OWN = ("locking", "rewrites", "constraints", "indexes", "types")


@pytest.mark.parametrize("family", forms())
def test_without_a_schema_nothing_light_is_an_error_that_only_guesses(family: str) -> None:
    state = _state()
    guessed = []
    for form in forms()[family]:
        if form.until < 18 or _is_heavy(predict(form.sql, state), state):
            continue
        script = read_script(f"SET lock_timeout = '2s';\n{form.sql}", "f.sql")
        known = {
            finding.rule
            for finding in lint_units([unit_of_script(script, "f.sql")], state).findings
        }
        for finding in lint_units([unit_of_script(script, "f.sql")], State()).findings:
            if finding.severity == "warning" or finding.rule in known | TAKEN_FOR_GRANTED:
                continue
            if family_of(rules()[finding.rule]) in OWN:
                guessed.append((form.sql, finding.rule))
    assert guessed == []
