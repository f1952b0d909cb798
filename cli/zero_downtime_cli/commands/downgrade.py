"""``zd downgrade``."""

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


# -1 is a revision, not an option.
@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("revision", default="-1", type=RevisionName())
@url_option
@click.option("--sql", "as_sql", is_flag=True, help="Print the SQL instead of running it.")
@deadline_option
@config_option
@format_option("text", "json")
def downgrade(
    revision: str,
    url: str | None,
    as_sql: bool,
    deadline: float | None,
    config_file: Path | None,
    shape: str,
) -> None:
    """Undo revisions on a database without making clients wait.

    Goes down to REVISION: an id, base, or a number of steps (default: -1). With --sql and no URL
    the script starts from the head.

    \b
    Example:
      zd downgrade -1 --url postgresql://deploy@db.example/shop
    """
    from zero_downtime.project import find_project
    from zero_downtime.report import upgrade as report
    from zero_downtime.upgrade.runner import downgrade as run
    from zero_downtime.upgrade.runner import locks_of
    from zero_downtime.upgrade.script import downgrade_script

    project = find_project(config_file)
    locks = locks_of(project, deadline)
    if as_sql:
        click.echo(downgrade_script(project, project.url(url), revision, locks=locks), nl=False)
        return
    tell, say = tell_events(report.event_line)
    result = run(project, url, revision, locks=locks, tell=tell, say=say)
    click.echo((report.as_json if shape == "json" else report.text)(result))
