"""Whole migration files as they come, with no schema and no settings: each has its verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_downtime.lint import Report
from zero_downtime.lint.run import Request, lint_request

FOLDER = Path(__file__).parent / "migrations"


def _files(verdict: str) -> list[Path]:
    return sorted((FOLDER / verdict).glob("*.sql"))


def _lint(path: Path) -> Report:
    return lint_request(Request(paths=(path,)), None)


@pytest.mark.parametrize("path", _files("dangerous"), ids=lambda path: path.stem)
def test_a_dangerous_migration_is_refused(path: Path) -> None:
    assert _lint(path).errors >= 1


@pytest.mark.parametrize("path", _files("risky"), ids=lambda path: path.stem)
def test_a_risky_migration_is_warned_of(path: Path) -> None:
    report = _lint(path)
    assert report.warnings >= 1
    assert report.errors == 0


@pytest.mark.parametrize("path", _files("safe"), ids=lambda path: path.stem)
def test_a_safe_migration_is_passed_over_in_silence(path: Path) -> None:
    assert [(f.rule, f.message) for f in _lint(path).findings] == []
