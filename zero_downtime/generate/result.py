"""What generate and diff give back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zero_downtime.plan import NotPlanned, Phase, Step

if TYPE_CHECKING:
    from zero_downtime.lint.finding import Finding


@dataclass(frozen=True)
class Written:
    """A revision file that was written and proven."""

    id: str
    path: Path
    phase: Phase
    upgrade: tuple[Step, ...]
    downgrade: tuple[Step, ...]
    lost: tuple[str, ...] = ()  # what the way down can't bring back


@dataclass(frozen=True)
class Generated:
    """The outcome of ``zd generate``: files, or the reasons why none was written."""

    written: tuple[Written, ...] = ()
    not_planned: tuple[NotPlanned, ...] = ()
    refused: tuple[str, ...] = ()  # a step that needs a consent, with the option that gives it
    noted: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()  # what lint says about the files
    notes: tuple[str, ...] = ()

    @property
    def fine(self) -> bool:
        """Everything was planned and allowed, and lint finds no error in the way up."""
        errors = any(
            finding.severity == "error" and finding.direction == "upgrade"
            for finding in self.findings
        )
        return not (self.not_planned or self.refused or errors)

    @property
    def nothing_to_do(self) -> bool:
        """The schema modules are what the history says."""
        return not (self.written or self.not_planned or self.refused)
