"""The generated pages are those in the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_downtime.lint.docs import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", pages())
def test_the_page_is_what_the_code_says(name: str) -> None:
    """When this fails the page has been rewritten: look at the difference and commit it."""
    wanted = pages()[name]()
    path = DOCS / name
    found = path.read_text("utf-8") if path.exists() else ""
    if found != wanted:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted, "utf-8")
    assert found == wanted


def test_there_is_no_page_of_a_family_that_is_gone() -> None:
    there = {f"rules/{path.name}" for path in (DOCS / "rules").iterdir()}
    assert there == {name for name in pages() if name.startswith("rules/")}
