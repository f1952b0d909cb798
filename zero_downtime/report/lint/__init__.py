"""What ``zd lint`` says, in every shape that people and machines ask for: value → text."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from zero_downtime.lint.finding import Report
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.statement import Statement

if TYPE_CHECKING:
    from zero_downtime.lint.fix import Fixes

# Shape → module here, with a function of that name; imported when it is asked for.
SHAPES = ("text", "json", "sarif", "github", "gitlab", "junit", "markdown")
EFFECT_SHAPES = ("text", "json")


def shown(report: Report, shape: str, color: bool = False) -> str:
    """A report in one of the shapes."""
    if shape == "text":
        from zero_downtime.report.lint.text import text

        return text(report, color)
    render: Callable[[Report], str] = _function(f"{shape}_text" if shape == "json" else shape)
    return render(report)


def effects_shown(effects: Sequence[tuple[Statement, Effect]], shape: str) -> str:
    """The lock model's answers in one of the shapes."""
    render: Callable[[Sequence[tuple[Statement, Effect]]], str] = _function(f"effects_{shape}")
    return render(effects)


def fixes_shown(fixes: Fixes) -> str:
    """What ``--fix`` did, and what it left alone."""
    from zero_downtime.report.lint.words import count

    said = (
        f"zd: {count(len(fixes.applied), 'finding')} fixed in {count(len(fixes.changes), 'file')}"
    )
    if fixes.refused:
        said += f", {len(fixes.refused)} not, since that would bring other findings"
    return f"{said}."


def _function(name: str) -> Callable[..., str]:
    shape = name.removeprefix("effects_").removesuffix("_text")
    module = importlib.import_module(f"{__name__}.{shape}")
    function: Callable[..., str] = getattr(module, name)
    return function
