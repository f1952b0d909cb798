"""``zd upgrade``."""

from __future__ import annotations

from pathlib import Path

import click

from zero_downtime_cli.options import (
    RevisionName,
    config_option,
    deadline_option,
    format_option,
    tell_events,
    url_option,
)


@click.command()
@click.argument("revision", required=False, type=RevisionName())
@url_option
@click.option("--contract", is_flag=True, help="Run contract revisions too.")
@click.option("--sql", "as_sql", is_flag=True, help="Print the SQL instead of running it.")
@deadline_option
@config_option
@format_option("text", "json")
def upgrade(
    revision: str | None,
    url: str | None,
    contract: bool,
    as_sql: bool,
    deadline: float | None,
    config_file: Path | None,
    shape: str,
) -> None:
    """Apply revisions to a database without making clients wait.

    Goes up to REVISION (default: head), but stops before a contract revision unless --contract
    is given. Killed in the middle, it is simply run again. With --sql and no URL the script
    starts from an empty database.

    \b
    Example:
      zd upgrade --url postgresql://deploy@db.example/shop
    """
    from zero_downtime.project import find_project
    from zero_downtime.report import upgrade as report
    from zero_downtime.upgrade.runner import locks_of
    from zero_downtime.upgrade.runner import upgrade as run
    from zero_downtime.upgrade.script import upgrade_script

    project = find_project(config_file)
    locks = locks_of(project, deadline)
    if as_sql:
        script = upgrade_script(project, project.url(url), revision, contract=contract, locks=locks)
        click.echo(script, nl=False)
        return
    tell, say = tell_events(report.event_line)
    result = run(project, url, revision, contract=contract, locks=locks, tell=tell, say=say)
    click.echo((report.as_json if shape == "json" else report.text)(result))
