"""Rules of another distribution, as it lies on sys.path once it is installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zero_downtime.lint.custom import load_custom_rules
from zero_downtime.lint.registry import remove_rules
from zero_downtime_cli.main import zd

RULE = '''
from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule


class NoTablesOnFriday(Rule):
    """A table is made on a Friday."""

    severity = "warning"
    on = ("CreateStmt",)
    options = (("day", "Friday"),)
    why = "Nobody is here on the day after."

    def check(self, here: Here):
        day = self.option(here.around, "day")
        yield self.found(here, f"A table, on a {day}.", "Wait until Monday.")
'''


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder like site-packages, and another one with a project in it."""
    folder = tmp_path / "site"
    info = folder / "acme_rules-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-rules\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[zero_downtime.lint_rules]\nacme = acme_rules\n")
    (folder / "acme_rules").mkdir()
    (folder / "acme_rules" / "__init__.py").write_text("")
    (folder / "acme_rules" / "days.py").write_text(RULE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zd.toml").write_text("")
    (tmp_path / "m.sql").write_text("CREATE TABLE t (a int);")
    yield folder
    for name in [name for name in sys.modules if name.startswith("acme_rules")]:
        del sys.modules[name]
    remove_rules()
    load_custom_rules.cache_clear()


def run(*arguments: str) -> Result:
    remove_rules()
    load_custom_rules.cache_clear()
    return CliRunner().invoke(zd, arguments)


LINT = ("lint", "m.sql", "--config", "zd.toml")


def test_it_is_asked_like_our_own(site: Path) -> None:
    assert "warning[no-tables-on-friday]\n  A table, on a Friday." in run(*LINT).stdout


def test_without_a_project_nobody_looks_for_it(site: Path) -> None:
    assert run("lint", "m.sql").stdout.startswith("1 statement in 1 file: 0 errors, 0 warnings")


def test_its_family_is_the_name_of_the_entry_point(site: Path) -> None:
    (site.parent / "zd.toml").write_text("[tool.zero_downtime.lint]\ndisable = ['acme']")
    assert "friday" not in run(*LINT).stdout
    assert run("explain", "no-tables-on-friday").stdout.startswith(
        "no-tables-on-friday (warning, acme)"
    )


def test_it_has_settings(site: Path) -> None:
    (site.parent / "zd.toml").write_text(
        "[tool.zero_downtime.lint.rules.no-tables-on-friday]\nday = 'Sunday'"
    )
    assert "A table, on a Sunday." in run(*LINT).stdout


def test_it_can_be_silenced(site: Path) -> None:
    (site.parent / "m.sql").write_text(
        "-- zd: ignore[no-tables-on-friday] it is Monday\nCREATE TABLE t (a int);"
    )
    assert "1 silenced" in run(*LINT).stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("class", "clas", "acme_rules: SyntaxError"),
        ("NoTablesOnFriday", "DropTable", "there is a rule drop-table in zero-downtime already"),
        ("    why =", "    because =", "acme_rules holds no rule"),
        ("    on =", "    at =", "no-tables-on-friday does not say with `on`"),
        ('"day")', '"month")', "no-tables-on-friday raised KeyError: 'month'"),
    ],
)
def test_what_is_wrong_with_it_is_one_sentence(site: Path, old: str, new: str, said: str) -> None:
    (site / "acme_rules" / "days.py").write_text(RULE.replace(old, new))
    result = run(*LINT)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"zd: The lint rules of acme-rules can't be used: {said}")
    assert result.stderr.count("\n") == 1
