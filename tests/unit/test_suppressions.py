"""Comments that silence rules: where they reach, how long, and what is wrong with them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from zero_downtime.lint import Options, lint_units
from zero_downtime.lint.unit import Unit, unit_of_script, with_python_suppressions
from zero_downtime.sql.script import read_script

TABLE = "DROP TABLE notes"


def found(sql: str, today: date = date(2027, 3, 1)) -> list[tuple[str, int]]:
    unit = unit_of_script(read_script("SET lock_timeout = '1s';\n" + sql, "m.sql"), "m.sql")
    report = lint_units([unit], options=Options(today=today))
    return [(finding.rule, finding.location.line) for finding in report.findings]


def test_without_a_comment_it_is_found() -> None:
    assert found(TABLE) == [("drop-table", 2)]


@pytest.mark.parametrize(
    "sql",
    [
        f"-- zd: ignore[drop-table] empty since May\n{TABLE}",
        f"{TABLE} -- zd: ignore[drop-table] empty since May",
        f"/* zd: ignore[drop-table] empty\n since May */ {TABLE}",
        f"-- zd: ignore[compatibility] empty since May\n{TABLE}",
        f"-- zd: ignore[drop-table, until=2027-03-01] empty since May\n{TABLE}",
        f"-- zd: ignore-file[drop-table] empty since May\nSELECT 1;\n{TABLE}",
        f"SELECT 1;\n{TABLE};\n-- zd: ignore-file[compatibility] empty since May",
    ],
)
def test_it_is_silenced(sql: str) -> None:
    assert found(sql) == []


@pytest.mark.parametrize(
    ("comment", "rule"),
    [
        ("zd: ignore[drop-table]", "suppression-without-reason"),
        ("zd: ignore-file[drop-table]", "suppression-without-reason"),
        ("zd: ignore nobody reads it", "malformed-suppression"),
        ("zd: ignore[] nobody reads it", "malformed-suppression"),
        ("zd: ignore[drop-table, until=] nobody reads it", "malformed-suppression"),
        ("zd: ignore[drop-table, until=soon] nobody reads it", "malformed-suppression"),
        ("zd: ignore[drop-table, until=2027-02-30] nobody reads it", "malformed-suppression"),
        ("zd: ignore[drop-table, till=2027-04-01] nobody reads it", "malformed-suppression"),
        ("zd: ignore[drop-table, until=2027-02-28] nobody reads it", "suppression-expired"),
        ("zd: ignore[drop-tabel] nobody reads it", "unused-suppression"),
        ("zd: ignore[locking] nobody reads it", "unused-suppression"),
    ],
)
def test_it_silences_nothing_and_says_so(comment: str, rule: str) -> None:
    assert found(f"-- {comment}\n{TABLE}") == [(rule, 2), ("drop-table", 3)]


def test_a_word_that_only_begins_like_it_is_a_comment_like_any_other() -> None:
    assert found(f"-- zd: ignored by all\n{TABLE}") == [("drop-table", 3)]


def test_a_comment_reaches_over_the_whole_statement_but_not_to_the_next() -> None:
    sql = f"-- zd: ignore[drop-table] empty\nDROP\n  TABLE notes;\n{TABLE}"
    assert found(sql) == [("drop-table", 5)]


def test_in_a_revision(tmp_path: Path) -> None:
    source = "# zd: ignore-file[drop-table] empty\n\ndef upgrade():\n    pass\n"
    script = read_script(f"\n\n\n{TABLE}", "r.py", in_transaction=True)
    unit = with_python_suppressions(Unit("r.py", script.statements, revision="ab12"), source)
    report = lint_units([unit])
    assert report.suppressed == 1
    assert [f.rule for f in report.findings] == ["no-lock-timeout"]
