"""The command line as a whole: its verbs, its help, its exit codes, what it imports."""

from __future__ import annotations

import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import psycopg
import pytest
from click.testing import CliRunner

from zero_downtime import __version__, errors
from zero_downtime.project import Project
from zero_downtime_cli.main import SUMMARIES, VERBS, VerbGroup, zd

HEAVY = ("sqlalchemy", "alembic", "pglast", "psycopg", "rich")


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """``zd`` as a process."""
    return subprocess.run(
        [sys.executable, "-c", "from zero_downtime_cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
        check=False,
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_shows_an_example_in_its_help(verb: str) -> None:
    result = CliRunner().invoke(zd, [verb, "--help"])
    assert result.exit_code == 0, result.output
    assert "Example" in result.output
    assert f"zd {verb}" in result.output


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_a_configuration_file(verb: str) -> None:
    module = importlib.import_module(f"zero_downtime_cli.commands.{verb}")
    command = getattr(module, verb)
    assert isinstance(command, click.Command)
    options = {name for parameter in command.params for name in parameter.opts}
    assert "--config" in options


def test_every_verb_has_a_summary_and_every_summary_a_verb() -> None:
    assert tuple(SUMMARIES) == VERBS
    listed = CliRunner().invoke(zd, ["--help"]).output
    assert all(verb in listed for verb in VERBS)


def test_help_and_version_import_nothing_heavy(tmp_path: Path) -> None:
    for option in ("--help", "--version"):
        code = (
            "import sys\n"
            "from zero_downtime_cli.main import zd\n"
            f"zd(['{option}'], standalone_mode=False)\n"
            f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True
        )
        assert done.stderr.strip() == "[]"


def test_what_a_terminal_can_not_show_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    done = run("explain", "constraint-builds-index", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "ADD CONSTRAINT ? USING INDEX" in done.stdout


def test_version(tmp_path: Path) -> None:
    assert run("--version", cwd=tmp_path).stdout.strip() == f"zd, version {__version__}"


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["lint", "--nonsense"], ["status"], ["check"], ["lint", "missing.sql"]],
    ids=" ".join,
)
def test_wrong_use_is_one_sentence_and_exit_code_2(arguments: list[str], tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_an_unreadable_configuration_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.zero_downtime\nschemas = 1\n")
    done = run("status", cwd=tmp_path)
    assert done.returncode == 2
    assert "pyproject.toml" in done.stderr and "line 1" in done.stderr


def test_a_misspelt_setting_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.zero_downtime.locks]\ntimeout = 5\n")
    done = run("status", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no setting 'timeout'" in done.stderr
    assert "timeout-ms" in done.stderr


def test_every_error_has_a_message_of_its_own() -> None:
    classes = [
        each
        for each in vars(errors).values()
        if inspect.isclass(each) and issubclass(each, errors.ZeroDowntimeError)
    ]
    messages = {each: inspect.getdoc(each) for each in classes}
    assert all(messages.values())
    tree = errors.__doc__ or ""
    assert all(each.__name__ in tree for each in classes)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "schemas"), "schemas: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (psycopg.errors.DiskFull("no space"), "no space"),
        (psycopg.OperationalError("server closed the connection"), "closed the connection"),
        (psycopg.errors.QueryCanceled("canceled"), None),
        (psycopg.errors.UndefinedTable("a bug of ours"), None),
        (OSError("a bug of ours"), None),
    ],
)
def test_what_is_wrong_around_us_is_a_sentence_and_a_bug_is_not(
    error: Exception, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(VerbGroup, "get_command", lambda *_: click.Command("x", callback=fail))
    result = CliRunner().invoke(zd, ["x"])
    if said is None:
        assert result.exception is error
    else:
        assert result.exit_code == 2
        assert result.stderr.startswith("zd: ") and said in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("downgrade", ""), ("upgrade", ""), ("rehearse", "--from", "")],
)
def test_a_revision_without_a_name_is_wrong_use(arguments: tuple[str, ...]) -> None:
    result = CliRunner().invoke(zd, arguments)
    assert result.exit_code == 2
    assert "name a revision" in result.stderr


@pytest.mark.parametrize("url", ["mysql://u:secret@host/shop", "nonsense"])
@pytest.mark.parametrize("verb", ["status", "check", "upgrade"])
def test_what_is_no_url_of_postgresql_is_told(
    verb: str, url: str, make_project: Callable[..., Project]
) -> None:
    config = make_project().ini
    result = CliRunner().invoke(zd, [verb, "--config", str(config), "--url", url])
    assert result.exit_code == 2
    assert "this is no URL of PostgreSQL" in result.stderr
    assert "secret" not in result.stderr
