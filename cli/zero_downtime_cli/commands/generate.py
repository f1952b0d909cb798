"""``zd generate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zero_downtime_cli.options import config_option, format_option, progress, server_option

if TYPE_CHECKING:
    from zero_downtime.project import Project


@click.command()
@click.option("-m", "--message", help="What changes, in a few words.")
@click.option("--allow-rewrite", is_flag=True, help="Allow steps that rewrite a table.")
@click.option(
    "--allow-data-loss",
    "data_loss",
    multiple=True,
    metavar="OBJECT",
    help="Allow to drop this table or table.column, as the refusal names it. May be repeated.",
)
@click.option(
    "--rebase",
    "onto",
    is_flag=False,
    flag_value="",
    metavar="[REF]",
    help="With two heads: put the revisions that this git ref does not have behind its head. "
    "Default: the remote's default branch.",
)
@server_option
@config_option
@format_option("text", "json")
def generate(
    message: str | None,
    allow_rewrite: bool,
    data_loss: tuple[str, ...],
    onto: str | None,
    server: str | None,
    config_file: Path | None,
    shape: str,
) -> None:
    """Write the revision that leads from the history to the schema modules.

    The history is replayed and the modules are loaded on a scratch server; the revision is run up
    and down there before it is kept. Nothing to do: nothing is written, exit 0.

    \b
    Example:
      zd generate -m "loyalty points of an account"
      git merge main && zd generate --rebase main
    """
    import gc

    # Modules, models and parse trees stay; to look for circles in them takes a tenth of the time.
    gc.set_threshold(100_000, 50, 100)

    from zero_downtime.generate.generate import Consent
    from zero_downtime.generate.generate import generate as run
    from zero_downtime.project import find_project
    from zero_downtime.report import generate as report

    project = find_project(config_file)
    if onto is not None:
        _rebase(project, onto, server, shape)
        return
    if not message:
        raise click.UsageError("Missing option '-m' / '--message'.")
    consent = Consent(rewrite=allow_rewrite, data_loss=data_loss)
    with progress() as say:
        result = run(project, message, consent, server, say)
    click.echo((report.as_json if shape == "json" else report.text)(result, project.root))
    if not result.fine:
        raise SystemExit(1)


def _rebase(project: Project, onto: str, server: str | None, shape: str) -> None:
    from zero_downtime.generate.rebase import rebase
    from zero_downtime.report import rebase as report

    with progress() as say:
        result = rebase(project, onto or None, server, say)
    click.echo((report.as_json if shape == "json" else report.text)(result, project.root))
