"""Every rule finds its bad example and is silent about its good one."""

from __future__ import annotations

import re

import pytest

from zero_downtime.lint import Options, Report, Rule, lint_units, rules
from zero_downtime.lint.docs import example_state, example_units
from zero_downtime.sql.state import State

RULES = list(rules().values())


@pytest.fixture(scope="module")
def state() -> State:
    return example_state()


def _lint(sql: str, state: State, rule: Rule) -> Report:
    units = example_units(rule, sql, "example.sql")
    return lint_units(units, state, Options(major=rule.majors[1], enable=(rule.name(),)))


@pytest.mark.parametrize("rule", RULES, ids=[rule.name() for rule in RULES])
def test_the_bad_example_is_found_and_nothing_else_in_it(rule: Rule, state: State) -> None:
    report = _lint(rule.bad, state, rule)
    own = [finding for finding in report.findings if finding.rule == rule.name()]
    others = [finding.rule for finding in report.findings if finding.rule != rule.name()]
    assert len(own) == 1
    assert sorted(others) == sorted(rule.also)
    finding = own[0]
    assert finding.severity == rule.severity
    assert (finding.message.endswith(".") and len(finding.message) > 40) or rule.bad.startswith(
        "--"
    )
    assert finding.safe


@pytest.mark.parametrize("rule", RULES, ids=[rule.name() for rule in RULES])
def test_the_good_example_has_no_finding_at_all(rule: Rule, state: State) -> None:
    assert [(f.rule, f.message) for f in _lint(rule.good, state, rule).findings] == []


@pytest.mark.parametrize("rule", RULES, ids=[rule.name() for rule in RULES])
def test_a_fix_is_a_statement_without_the_hazard(rule: Rule, state: State) -> None:
    for finding in _lint(rule.bad, state, rule).findings:
        if finding.fix:
            fixed = f"SET lock_timeout = '1s';\n{finding.fix};"
            assert finding.rule not in {f.rule for f in _lint(fixed, state, rule).findings}


@pytest.mark.parametrize("rule", RULES, ids=[rule.name() for rule in RULES])
def test_a_rule_says_what_it_finds_and_why(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.name())
    assert rule.hazard().endswith(".")
    assert len(rule.why) > 40
    assert rule.safe


def test_ids_are_unique_and_the_fifteen_hazards_are_there() -> None:
    assert len({rule.name() for rule in RULES}) == len(RULES)
    assert {
        "index-not-concurrent",
        "drop-index-not-concurrent",
        "foreign-key-without-not-valid",
        "check-without-not-valid",
        "set-not-null-scan",
        "type-change-rewrite",
        "volatile-default",
        "stored-generated-column",
        "constraint-builds-index",
        "validation-in-same-transaction",
        "rename-column",
        "rename-table",
        "drop-column",
        "drop-table",
        "several-tables-locked",
        "backfill-with-ddl",
        "no-lock-timeout",
        "concurrently-in-transaction",
    } <= set(rules())
