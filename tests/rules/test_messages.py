"""The whole text that a person reads, for every rule's bad example, compared with files."""

from __future__ import annotations

from pathlib import Path

import pytest

from zero_downtime.lint import Options, lint_units, rules
from zero_downtime.lint.docs import example_state, example_units
from zero_downtime.lint.registry import family_of
from zero_downtime.report.lint.text import text

SNAPSHOTS = Path(__file__).parent / "messages"
FAMILIES = sorted({family_of(rule) for rule in rules().values()})


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_printed_for_the_bad_examples(family: str) -> None:
    """When this fails the file has been rewritten: read the difference as a user would."""
    state = example_state()
    parts = []
    for name, rule in rules().items():
        if family_of(rule) == family:
            file = f"{name}.sql"
            units = example_units(rule, rule.bad, file)
            parts.append(text(lint_units(units, state, Options(rule.majors[1], enable=(name,)))))
    wanted = "\n\n".join(parts) + "\n"
    snapshot = SNAPSHOTS / f"{family}.txt"
    found = snapshot.read_text("utf-8") if snapshot.exists() else ""
    if found != wanted:
        snapshot.parent.mkdir(exist_ok=True)
        snapshot.write_text(wanted, "utf-8")
    assert found == wanted
