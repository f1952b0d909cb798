"""``zd lint``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zero_downtime_cli.options import colored, config_option, format_option, progress, server_option

if TYPE_CHECKING:
    from zero_downtime.lint.texts import Text


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--schema",
    metavar="FILE|history",
    help="The schema before: a dump or any SQL script, or the project's Alembic history.",
)
@click.option("--diff", metavar="BASE", help="Only files changed since this git ref.")
@click.option(
    "--pg", "major", type=click.IntRange(14, 18), help="Target major. Default: the setting, 18."
)
@click.option(
    "--assume-in-transaction/--no-assume-in-transaction",
    "in_transaction",
    default=False,
    help="Whether a tool wraps every .sql file in a transaction.",
)
@click.option("--independent", is_flag=True, help="Every file starts anew from --schema.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "never"]),
    help="The level that makes the exit code 1. Default: the setting, error.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Findings accepted for now, as --write-baseline wrote them.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Accept all present findings in this file; exit 0.",
)
@click.option(
    "--stats",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Sizes of the tables, as zd stats pull wrote them. Default: the setting stats.",
)
@click.option(
    "--fix", is_flag=True, help="Write into the files what mends a finding and brings no other."
)
@click.option(
    "--show-fixes", is_flag=True, help="Print what --fix would change as a diff; change nothing."
)
@click.option(
    "--propose",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the safe statements for what can't be mended in place as new migrations there.",
)
@click.option("--effects", is_flag=True, help="Show what every statement locks and rewrites.")
@server_option
@config_option
@format_option("text", "json", "sarif", "github", "gitlab", "junit", "markdown")
def lint(
    paths: tuple[Path, ...],
    schema: str | None,
    diff: str | None,
    major: int | None,
    in_transaction: bool,
    independent: bool,
    fail_on: str | None,
    baseline: Path | None,
    write_baseline: Path | None,
    stats: Path | None,
    fix: bool,
    show_fixes: bool,
    propose: Path | None,
    effects: bool,
    server: str | None,
    config_file: Path | None,
    shape: str,
) -> None:
    """Find what a migration locks, rewrites and breaks.

    PATHS are .sql files, folders of them, revision files, or - for standard input; none: the
    project's Alembic history. The .sql files of one folder are one history in name order.

    \b
    Example:
      zd lint migrations/0042_loyalty.sql --schema schema.sql --fail-on warning
    """
    import gc

    from zero_downtime.lint.processes import available_processes
    from zero_downtime.lint.run import (
        Request,
        effects_of_request,
        mend_request,
        project_for,
        write_accepted,
    )
    from zero_downtime.report import lint as report

    request = Request(
        paths=tuple(path for path in paths if str(path) != "-"),
        stdin=_standard_input() if Path("-") in paths else None,
        schema=schema,
        diff=diff,
        major=major,
        in_transaction=in_transaction,
        independent=independent,
        baseline=baseline,
        server=server,
        stats=stats,
        processes=available_processes(),
    )
    # Parse trees and what is made of them come and go without circles, which need not be looked
    # for (0: never); Alembic and SQLAlchemy make some.
    gc.set_threshold(0 if request.only_sql else 100_000, 50, 100)
    project = project_for(request, config_file)
    with progress() as say:
        if effects:
            if shape not in report.EFFECT_SHAPES:
                raise click.UsageError("--effects has the formats text and json.")
            found = effects_of_request(request, project, say)
            click.echo(report.effects_shown(found, shape))
            return
        mended = mend_request(request, project, say, fix, show_fixes, propose)
    click.echo(report.mending_shown(mended), nl=False, err=True)
    if write_baseline:
        write_accepted(mended.report, write_baseline)
        count = len(mended.report.findings)
        said = "1 finding is" if count == 1 else f"{count} findings are"
        click.echo(f"zd: {said} accepted in {write_baseline}", err=True)
        return
    color = colored()
    shown = report.diff(mended) if show_fixes else report.shown(mended.report, shape, color)
    if shown:
        click.echo(shown, color=color)
    if mended.report.fails_on(fail_on or (project.config.lint.fail_on if project else "error")):
        raise SystemExit(1)


def _standard_input() -> Text:
    import sys

    from zero_downtime.lint.texts import decoded

    return decoded(sys.stdin.buffer.read())
