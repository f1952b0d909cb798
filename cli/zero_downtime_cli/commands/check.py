"""``zd check``."""

from __future__ import annotations

from pathlib import Path

import click

from zero_downtime_cli.options import (
    config_option,
    format_option,
    progress,
    server_option,
    url_option,
)


@click.command()
@url_option
@server_option
@config_option
@format_option("text", "json")
def check(url: str | None, server: str | None, config_file: Path | None, shape: str) -> None:
    """Find drift: is the database what head says, are the schema modules what head says?

    Without --url the schema modules are compared; a project that has none is compared with the
    database that its env.py connects to. The database is only read. Exit 1 when something
    differs, with the objects that do.

    \b
    Example:
      zd check --url postgresql://reader@db.example/shop
    """
    from zero_downtime.check import check as run
    from zero_downtime.project import find_project
    from zero_downtime.report import check as report

    project = find_project(config_file)
    with progress() as say:
        checked = run(project, project.url(url), server, say)
    click.echo((report.as_json if shape == "json" else report.text)(checked))
    if not checked.clean:
        raise SystemExit(1)
