"""Lint: what a migration locks, rewrites and breaks, found in its text."""

from zero_downtime.lint.engine import lint, lint_units
from zero_downtime.lint.finding import Finding, Report, Severity
from zero_downtime.lint.options import Options
from zero_downtime.lint.registry import rules
from zero_downtime.lint.rule import Rule
from zero_downtime.lint.unit import Unit, units_of

__all__ = [
    "Finding",
    "Options",
    "Report",
    "Rule",
    "Severity",
    "Unit",
    "lint",
    "lint_units",
    "rules",
    "units_of",
]
