"""The whole text that a person reads, for every rule's bad example, compared with a file."""

from __future__ import annotations

from pathlib import Path

from zero_downtime.lint import lint_units, rules
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.report.lint import text
from zero_downtime.sql.script import read_script

SNAPSHOT = Path(__file__).parent / "messages.txt"


def test_what_is_printed_for_the_bad_examples() -> None:
    """When this fails the file has been rewritten: read the difference as a user would."""
    state = example_state()
    parts = []
    for name, rule in rules().items():
        file = f"{name}.sql"
        unit = unit_of_script(read_script(rule.bad, file), file)
        parts.append(text(lint_units([unit], state)))
    wanted = "\n\n".join(parts) + "\n"
    found = SNAPSHOT.read_text("utf-8") if SNAPSHOT.exists() else ""
    if found != wanted:
        SNAPSHOT.write_text(wanted, "utf-8")
    assert found == wanted
