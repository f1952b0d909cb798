"""Several processes find what one finds, in the same order."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from zero_downtime.lint import processes
from zero_downtime.lint.options import Options
from zero_downtime.lint.processes import lint_histories, shares
from zero_downtime.lint.registry import rules
from zero_downtime.lint.sql_files import sql_histories
from zero_downtime.lint.unit import Unit
from zero_downtime.report.lint.json import json_text

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> list[list[Unit]]:
    """The examples of all rules as files of three folders."""
    root = tmp_path_factory.mktemp("histories")
    for number, rule in enumerate(rules().values()):
        folder = root / str(number % 3)
        folder.mkdir(exist_ok=True)
        made = f"DO $$ BEGIN CREATE TABLE made_{number} (id int); END $$;\n"
        made += f"CREATE TABLE unread_{number} (id int) WITH NOTHING OF THAT;\n"
        used = f"ALTER TABLE made_{number - 3} ADD CHECK (id > 0);\n"
        used += f"ALTER TABLE unread_{number - 3} ADD CHECK (id > 0);\n"
        (folder / f"{number:03}.sql").write_text(f"{rule.bad}\n;{made}{used}")
    return sql_histories([root])


@pytest.mark.parametrize("independent", [False, True])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_the_result_is_that_of_one_process(
    histories: list[list[Unit]], count: int, independent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_WORTH", 1)
    options = Options(independent=independent)
    assert len(shares(histories, independent, count)) == count
    alone = lint_histories(histories, None, options)
    assert len(alone.findings) > 50
    together = lint_histories(histories, None, options, count)
    assert together == alone and json_text(together) == json_text(alone)


def test_shares_hold_every_unit_once(histories: list[list[Unit]]) -> None:
    units = sum(map(len, histories))
    for count in range(1, 5):
        found = shares(histories * 9, False, count)
        assert [n for first, last in found for n in range(first, last)] == list(range(9 * units))


def test_a_process_that_dies_is_stood_in_for(
    histories: list[list[Unit]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_WORTH", 1)
    monkeypatch.setattr(processes, "_answer", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    alone = lint_histories(histories, None, Options())
    assert lint_histories(histories, None, Options(), 2) == alone


def test_no_process_is_left(
    histories: list[list[Unit]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processes, "_WORTH", 1)
    lint_histories(histories, None, Options(), 3)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
