"""A rehearsal as one page that needs nothing else: timelines of steps, locks and waits."""

from __future__ import annotations

from pathlib import Path

from zero_downtime.rehearse.result import RehearsalResult


def html(result: RehearsalResult) -> str:
    """A page in HTML with its style and its drawings in it. All text in it is escaped."""
    from mako.template import Template

    page = Template(
        filename=str(Path(__file__).with_name("page.mako")),
        default_filters=["h"],
        strict_undefined=True,
    )
    return str(page.render(result=result)).lstrip()
