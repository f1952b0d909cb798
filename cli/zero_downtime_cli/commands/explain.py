"""``zd explain``."""

from __future__ import annotations

from pathlib import Path

import click

from zero_downtime_cli.options import config_option, format_option


@click.command()
@click.argument("rule", required=False)
@config_option
@format_option("text", "json")
def explain(rule: str | None, config_file: Path | None, shape: str) -> None:
    """Explain a lint rule: why, and the safe way. Without RULE: list them all.

    With --config also what that project makes of the rule.

    \b
    Example:
      zd explain index-not-concurrent
    """
    from zero_downtime.lint.custom import load_custom_rules
    from zero_downtime.lint.registry import family_of, rule_named, rules
    from zero_downtime.report import explain as report

    load_custom_rules()
    if rule is None:
        click.echo((report.as_json if shape == "json" else report.list_text)(rules()))
        return
    named = rule_named(rule)
    if shape == "json":
        click.echo(report.as_json({named.name(): named}))
        return
    level = None
    if config_file is not None:
        from zero_downtime.project import find_project

        level = find_project(config_file).config.lint.level_of(named.name(), family_of(named))
    click.echo(report.text(named, level))
