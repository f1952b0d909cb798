"""``zd diff``."""

from __future__ import annotations

from pathlib import Path

import click

from zero_downtime_cli.options import config_option, format_option, server_option


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--check", is_flag=True, help="Prove on a scratch copy that the plan converges.")
@server_option
@config_option
@format_option("sql", "text", "json")
def diff(
    old: str, new: str, check: bool, server: str | None, config_file: Path | None, shape: str
) -> None:
    """Print the plan that leads from OLD to NEW.

    OLD and NEW: a .sql file, a database URL, "head" (the history) or "schemas" (the declared
    state). Exit 1 when something is not planned or, with --check, the plan does not converge.

    \b
    Example:
      zd diff head schemas --check
    """
    from zero_downtime.generate.diff import diff as run
    from zero_downtime.report import diff as report

    result = run(old, new, config_file, server, check)
    render = {"sql": report.sql, "text": report.text, "json": report.as_json}[shape]
    click.echo(render(result))
    if not result.fine:
        raise SystemExit(1)
