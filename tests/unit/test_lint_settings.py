"""The settings of lint: levels by rule, family and path, the rules' own settings, misspellings."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zero_downtime_cli.main import zd

DROP = "SET lock_timeout = '1s';\nDROP TABLE notes;\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("m/legacy/1.sql", "m/new/2.sql"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(DROP)
    return tmp_path


def lint(folder: Path, settings: str, *arguments: str) -> Result:
    (folder / "zd.toml").write_text(settings)
    return CliRunner().invoke(zd, ["lint", "m", "--config", "zd.toml", *arguments])


def levels(result: Result) -> list[str]:
    """What was said of the old file and of the new one."""
    assert result.exit_code < 2, result.stderr
    heads = [line for line in result.stdout.split("\n") if line.startswith("m/")]
    return [f"{head.split('/')[1]} {head.split()[1]}" for head in heads]


LINT = "[tool.zero_downtime.lint]\n"
PATHS = "[[tool.zero_downtime.lint.paths]]\nmatch = 'm/legacy/*'\n"
BOTH = ["legacy error[drop-table]", "new error[drop-table]"]
WARNED = ["legacy warning[drop-table]", "new warning[drop-table]"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", BOTH),
        (LINT + "disable = ['drop-table']", []),
        (LINT + "disable = ['compatibility']", []),
        (LINT + "severity = {drop-table = 'off'}", []),
        (LINT + "severity = {drop-table = 'warning'}", WARNED),
        (LINT + "severity = {compatibility = 'warning'}", WARNED),
        (LINT + "severity = {compatibility = 'off', drop-table = 'warning'}", WARNED),
        (PATHS + "disable = ['drop-table']", BOTH[1:]),
        (PATHS + "severity = {compatibility = 'warning'}", [WARNED[0], BOTH[1]]),
        (LINT + "disable = ['drop-table']\n" + PATHS + "enable = ['drop-table']", BOTH[:1]),
        (PATHS + "disable = ['drop-table']\n" + PATHS + "enable = ['drop-table']", BOTH),
    ],
)
def test_levels(folder: Path, settings: str, expected: list[str]) -> None:
    assert levels(lint(folder, settings)) == expected


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (LINT + "disabel = ['drop-table']", "there is no setting 'disabel'. Did you mean disable?"),
        (LINT + "disable = ['drop-tabel']", "There is no rule drop-tabel. Did you mean drop-table"),
        (LINT + "enable = ['stile']", "Did you mean style"),
        (LINT + "severity = {drop-table = 'loud'}", "there is no level 'loud'. The levels are"),
        (PATHS + "severity = {drop-table = 'loud'}", "there is no level 'loud'. The levels are"),
        (LINT + "paths = ['m']", "It takes a list of tables, each under [[…]]"),
        (LINT + "paths = [{mach = 'm'}]", "there is no setting 'mach'. Did you mean match?"),
        (LINT + "rules = {long-lock-timeout = {limit_ms = 'x'}}", "The default is 30000"),
        (
            LINT + "rules = {long-lock-timeout = {limit = 1}}",
            "settings of this rule are limit_ms",
        ),
        (LINT + "rules = {drop-table = {limit = 1}}", "there is no setting 'limit'. It has none"),
    ],
)
def test_a_misspelling_is_one_sentence(folder: Path, settings: str, said: str) -> None:
    result = lint(folder, settings)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_rules_own_settings(folder: Path) -> None:
    (folder / "m/new/2.sql").write_text(
        "SET lock_timeout = '40s'; ALTER TABLE notes ADD COLUMN c int;"
    )
    arguments = ("--fail-on", "warning")
    assert "long-lock-timeout" in lint(folder, "", *arguments).stdout
    settings = LINT + "rules = {long-lock-timeout = {limit_ms = 50000}}"
    assert "long-lock-timeout" not in lint(folder, settings, *arguments).stdout
