"""docs/lint.md and the command agree."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import get_args

from zero_downtime.config import LintPaths, read_config
from zero_downtime.lint import Options
from zero_downtime.lint.finding import Cause
from zero_downtime.report.lint import SHAPES
from zero_downtime_cli.commands.lint import lint

PAGE = (Path(__file__).parents[2] / "docs" / "lint.md").read_text("utf-8")


def test_every_option_is_explained() -> None:
    options = {name for each in lint.params for name in each.opts if name.startswith("--")}
    common = {"--config", "--help"}
    assert {name for name in options - common if f"`{name}" not in PAGE} == set()


def test_every_shape_is_named() -> None:
    assert [shape for shape in SHAPES if shape not in PAGE] == []


def test_every_cause_is_named() -> None:
    assert [cause for cause in get_args(Cause) if f"*{cause}*" not in PAGE and cause] == []


def test_the_settings_are_settings() -> None:
    (block,) = [part for part in PAGE.split("```") if part.startswith("toml\n[tool.zero_downtime")]
    table = tomllib.loads(block.removeprefix("toml\n"))["tool"]["zero_downtime"]
    config = read_config(table, Path("pyproject.toml")).lint
    assert Options.of(config).major == 16
    assert config.paths == (LintPaths("migrations/legacy/*", ("compatibility",)),)
