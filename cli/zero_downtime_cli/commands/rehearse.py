"""``zd rehearse``."""

from __future__ import annotations

from pathlib import Path

import click

from zero_downtime_cli.options import (
    RevisionName,
    colored,
    config_option,
    format_option,
    progress,
    server_option,
    terminal_width,
)


@click.command()
@click.option(
    "--from",
    "start",
    type=RevisionName(),
    metavar="REV",
    help="Rehearse what comes after this revision; head-3: the last three.",
)
@click.option(
    "--to",
    "end",
    type=RevisionName(),
    metavar="REV",
    help="The last revision to rehearse. Default: heads.",
)
@click.option("--diff", metavar="BASE", help="Only what changed since this git ref.")
@click.option("--rows", type=click.IntRange(0), help="Rows in each table. Default: the setting.")
@click.option(
    "--clients", type=click.IntRange(0), help="Readers and writers; 0: no traffic. Default: 4."
)
@click.option(
    "--crash-points",
    type=click.IntRange(0),
    help="Kill the upgrade of each revision at so many moments at most. Default: at all.",
)
@click.option(
    "--crash-seconds",
    type=click.FloatRange(0),
    help="Time for kills; of a long history it allows a sample. Default: 30.",
)
@click.option(
    "--stats",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Sizes of production's tables, as zd stats pull wrote them: heavy steps are forecast.",
)
@click.option(
    "--data",
    metavar="DUMP|URL",
    help="Begin with the rows of a dump, or of a database, which is only read;"
    " with --from base, with its tables.",
)
@click.option(
    "--workload",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Statements that clients send (TOML), or what zd stats pull --statements wrote.",
)
@click.option(
    "--budget",
    metavar="LIMITS",
    help="Limits beyond which a revision is unsafe, such as"
    ' "stall=200ms, lock=ACCESS EXCLUSIVE:100ms, rewrite=none".',
)
@click.option(
    "--quick", is_flag=True, help="Only whether every downgrade restores the catalog, fast."
)
@click.option("--fresh", is_flag=True, help="Replay earlier revisions, kept base or not.")
@click.option("--i-know", is_flag=True, help="With --server URL: the URL may name any database.")
@server_option
@config_option
@format_option("text", "json", "markdown", "junit", "html")
def rehearse(
    start: str | None,
    end: str | None,
    diff: str | None,
    rows: int | None,
    clients: int | None,
    crash_points: int | None,
    crash_seconds: float | None,
    quick: bool,
    fresh: bool,
    stats: Path | None,
    data: str | None,
    workload: Path | None,
    budget: str | None,
    i_know: bool,
    server: str | None,
    config_file: Path | None,
    shape: str,
) -> None:
    """Run the migrations and their rollbacks on a real server under traffic.

    Every table is filled with synthetic rows. Each revision then runs up, down and up again on a
    copy, with catalog and rows compared, and once more while readers and writers are at work.
    Exit 1 when something speaks against a revision.

    \b
    Example:
      zd rehearse --from 3f2a9c --rows 10000 --format html > rehearsal.html
    """
    from zero_downtime.project import find_project
    from zero_downtime.rehearse import Options
    from zero_downtime.rehearse import rehearse as run
    from zero_downtime.report import rehearse as report

    project = find_project(config_file)
    options = Options(
        start,
        end,
        diff,
        rows,
        clients,
        server,
        i_know,
        budget,
        crash_points,
        crash_seconds,
        quick,
        stats,
        data,
        fresh,
        workload,
    )
    with progress() as say:
        result = run(project, options, say)
    if shape == "text":
        color, width = colored(), terminal_width()
        click.echo(report.text(result, width, color), color=color)
    else:
        click.echo(report.SHAPES[shape](result))
    if result.verdict != "safe":
        raise SystemExit(1)
