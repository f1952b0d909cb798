"""What ``zd lint`` says, in every shape that people and machines ask for: value → text."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from zero_downtime.lint.finding import Report
from zero_downtime.sql.effects import Effect
from zero_downtime.sql.statement import Statement

if TYPE_CHECKING:
    from zero_downtime.lint.run import Mended

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


def mending_shown(mended: Mended) -> str:
    """What was fixed and what was proposed, a line each; empty when nothing was to be."""
    from zero_downtime.report.lint.words import count

    lines = []
    if mended.fixes is not None:
        fixes = mended.fixes
        said = f"{count(len(fixes.applied), 'finding')} {'fixed' if mended.written else 'to fix'}"
        said += f" in {count(len(fixes.changes), 'file')}"
        if fixes.refused:
            said += f", {len(fixes.refused)} not, since that would bring other findings"
        lines.append(f"{said}.")
    lines += [f"proposed {path}" for path in mended.proposed]
    return "".join(f"zd: {line}\n" for line in lines)


def diff(mended: Mended) -> str:
    """What fixing would change."""
    changes = mended.fixes.changes if mended.fixes else ()
    return "".join(change.diff() for change in changes).rstrip("\n")


def _function(name: str) -> Callable[..., str]:
    shape = name.removeprefix("effects_").removesuffix("_text")
    module = importlib.import_module(f"{__name__}.{shape}")
    function: Callable[..., str] = getattr(module, name)
    return function
