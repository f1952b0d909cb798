"""``zd stats``."""

from __future__ import annotations

from pathlib import Path

import click

from zero_downtime_cli.options import config_option, format_option, url_option


@click.group()
@config_option
@click.pass_context
def stats(context: click.Context, config_file: Path | None) -> None:
    """Take the sizes of production's tables, for lint and rehearse to reckon with.

    \b
    Example:
      zd stats pull --url postgresql://reader@db.example/shop -o stats.json
    """
    context.obj = config_file


@stats.command()
@url_option
@config_option
@click.pass_obj
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. Default: the setting lint.stats, else standard output.",
)
@click.option(
    "--statements",
    type=click.IntRange(0),
    default=0,
    help="Note so many of the most frequent statements of pg_stat_statements as well, their"
    " texts without values: zd rehearse --workload FILE has clients send them.",
)
def pull(
    given: Path | None,
    url: str | None,
    config_file: Path | None,
    output: Path | None,
    statements: int,
) -> None:
    """Read rows, bytes and writes per second of every table; no value of any row.

    \b
    Example:
      zd stats pull --url postgresql://reader@db.example/shop -o stats.json
    """
    from zero_downtime.errors import ProjectError
    from zero_downtime.project import find_project
    from zero_downtime.stats import as_json, pull, write_stats
    from zero_downtime.upgrade.connection import database_url

    config_file = config_file or given
    try:
        project = find_project(config_file)
    except ProjectError:
        if config_file is not None:
            raise
        project = None
    url = database_url(project, url) if project is not None else url
    if url is None:
        raise click.UsageError("Give the database with --url.")
    found = pull(url, statements)
    if bare := found.bare():
        click.echo(
            f"zd: of {len(bare)} relations the columns' figures are missing ({bare[0]}"
            f"{', …' if len(bare) > 1 else ''}): the server shows them to roles with SELECT"
            " (pg_read_all_data has it), once they are analyzed",
            err=True,
        )
    if statements and not found.statements:
        click.echo(
            "zd: no statement was found that may be shown: the role needs pg_read_all_stats",
            err=True,
        )
    if output is None and project is not None and project.config.lint.stats:
        output = project.root / project.config.lint.stats
    if output is None:
        click.echo(as_json(found), nl=False)
        return
    write_stats(found, output)
    click.echo(f"zd: {len(found.relations)} relations written to {output}", err=True)


@stats.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="stats.json")
@format_option("text", "json")
def show(file: Path, shape: str) -> None:
    """Show a file of zd stats pull, the largest tables first.

    \b
    Example:
      zd stats show stats.json
    """
    from zero_downtime.report.stats import text
    from zero_downtime.stats import as_json, read_stats

    found = read_stats(file)
    click.echo(as_json(found) if shape == "json" else text(found), nl=shape == "text")
