"""``zd status``."""

from __future__ import annotations

from pathlib import Path

import click

from zero_downtime_cli.options import config_option, format_option, url_option


@click.command()
@url_option
@config_option
@format_option("text", "json")
def status(url: str | None, config_file: Path | None, shape: str) -> None:
    """Show where a database stands in the history.

    The database is only read. Exit 1 when somebody has to mend something: a revision that no
    file has, several heads, INVALID indexes.

    \b
    Example:
      zd status --url postgresql://reader@db.example/shop
    """
    from zero_downtime.project import find_project
    from zero_downtime.report import upgrade as report
    from zero_downtime.upgrade.status import status as look

    found = look(find_project(config_file), url)
    click.echo((report.status_json if shape == "json" else report.status_text)(found))
    if not found.in_order:
        raise SystemExit(1)
