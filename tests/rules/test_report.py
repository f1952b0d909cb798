"""The shapes of a report: JSON by the promise, the others as their readers want them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from zero_downtime.lint import Report, lint_units
from zero_downtime.lint.baseline import baseline_text, without_accepted
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.report import lint as shapes
from zero_downtime.sql.effects import predict
from zero_downtime.sql.script import read_script, split

SQL = """-- größe
CREATE INDEX orders_amount
  ON orders (amount);
SET lock_timeout = '2s';
REFRESH MATERIALIZED VIEW sales;
DO $$ BEGIN EXECUTE current_setting('a.b'); END $$;
"""


@pytest.fixture(scope="module")
def report() -> Report:
    return lint_units([unit_of_script(read_script(SQL, "a,b.sql"), "a,b.sql")], example_state())


def test_json_is_what_the_design_promises(report: Report) -> None:
    value = json.loads(shapes.as_json(report))
    assert set(value) == {"version", "findings", "summary"}
    assert value["version"] == 1
    assert value["summary"] == {"files": 1, "statements": 4, "errors": 2, "warnings": 1}
    finding = value["findings"][0]
    assert finding.pop("message").startswith("CREATE INDEX reads all of orders")
    assert finding == {
        "rule": "index-not-concurrent",
        "severity": "error",
        "file": "a,b.sql",
        "line": 2,
        "column": 1,
        "end_line": 3,
        "end_column": 21,
        "statement": "CREATE INDEX orders_amount\n  ON orders (amount)",
        "revision": None,
        "direction": "upgrade",
        "relation": "public.orders",
        "lock": "SHARE",
        "rewrites": False,
        "scans": True,
        "fix": "CREATE INDEX CONCURRENTLY orders_amount\n  ON orders (amount)",
    }


def test_effects_are_listed_for_every_statement() -> None:
    state = example_state()
    pairs = [
        (statement, predict(statement.sql, state))
        for statement in split("SET x.y = 1;\nTRUNCATE lines;\nVACUUM lines", "e.sql")
    ]
    value = json.loads(shapes.effects_json(pairs))
    assert value == {
        "version": 1,
        "statements": [
            {
                "file": "e.sql",
                "line": 1,
                "statement": "SET x.y = 1",
                "locks": [],
                "rewrites": [],
                "scans": [],
                "transactional": True,
            },
            {
                "file": "e.sql",
                "line": 2,
                "statement": "TRUNCATE lines",
                "locks": [{"relation": "public.lines", "mode": "ACCESS EXCLUSIVE"}],
                "rewrites": ["public.lines"],
                "scans": [],
                "transactional": True,
            },
            {
                "file": "e.sql",
                "line": 3,
                "statement": "VACUUM lines",
                "locks": [{"relation": "public.lines", "mode": "SHARE UPDATE EXCLUSIVE"}],
                "rewrites": [],
                "scans": [],
                "transactional": False,
            },
        ],
    }
    assert "ACCESS EXCLUSIVE" in shapes.effects_text(pairs)


def test_text_is_plain_unless_colour_is_wanted(report: Report) -> None:
    assert "\x1b" not in shapes.text(report)
    assert "\x1b[31m" in shapes.text(report, color=True)
    assert shapes.text(report).endswith(
        "4 statements in 1 file: 2 errors, 1 warning, 1 not looked into."
    )


def test_sarif_names_its_rules_and_places(report: Report) -> None:
    run = json.loads(shapes.sarif(report))["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {
        "index-not-concurrent",
        "late-lock-timeout",
        "refresh-not-concurrent",
    }
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 21}
    assert run["results"][0]["level"] == "error"


def test_github_escapes_what_would_end_a_property(report: Report) -> None:
    first = shapes.github(report).split("\n")[0]
    assert first.startswith("::error file=a%2Cb.sql,line=2,endLine=3,title=index-not-concurrent::")
    assert "%0A" in first


def test_gitlab_fingerprints_differ(report: Report) -> None:
    entries = json.loads(shapes.gitlab(report))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 3
    assert entries[0]["location"] == {"path": "a,b.sql", "lines": {"begin": 2, "end": 3}}
    assert json.loads(shapes.gitlab(Report(()))) == []


def test_junit_is_xml_with_a_failure_for_each_finding(report: Report) -> None:
    suite = ElementTree.fromstring(shapes.junit(report))[0]
    assert suite.get("failures") == "3"
    assert len(suite.findall("testcase/failure")) == 3
    clean = ElementTree.fromstring(shapes.junit(Report(())))[0]
    assert (clean.get("tests"), clean.get("failures")) == ("1", "0")


def test_markdown_fences_are_longer_than_those_in_the_statement() -> None:
    sql = "SET lock_timeout = 9; ALTER TABLE orders ADD gift text DEFAULT roll('```');"
    found = lint_units([unit_of_script(read_script(sql, "m.sql"), "m.sql")], example_state())
    assert "\n````sql\n" in shapes.markdown(found)


def test_a_baseline_accepts_each_finding_once(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(baseline_text(report), "utf-8")
    assert without_accepted(report, path).findings == ()
    assert without_accepted(report, path).baselined == 3
    assert len(without_accepted(Report(report.findings * 2), path).findings) == 3
