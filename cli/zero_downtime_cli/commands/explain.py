"""``zd explain``."""

from __future__ import annotations

import click

from zero_downtime_cli.options import format_option


@click.command()
@click.argument("rule", required=False)
@format_option("text", "json")
def explain(rule: str | None, shape: str) -> None:
    """Explain a lint rule: why, and the safe way. Without RULE: list them all.

    \b
    Example:
      zd explain index-not-concurrent
    """
    from zero_downtime.lint.registry import rule_named, rules
    from zero_downtime.report import explain as report

    if rule is None:
        click.echo((report.as_json if shape == "json" else report.list_text)(rules()))
        return
    named = rule_named(rule)
    click.echo(report.as_json({named.name(): named}) if shape == "json" else report.text(named))
