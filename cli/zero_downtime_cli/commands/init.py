"""``zd init``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="alembic.ini of a project to adopt, when it has another name or place.",
)
def init(folder: Path, config_file: Path | None) -> None:
    """Make a working project here, or adopt an Alembic project.

    An Alembic project keeps all its files where they are; its pyproject.toml gets the table
    [tool.zero_downtime]. No file is overwritten, and running it twice changes nothing.

    \b
    Example:
      zd init shop && cd shop && zd generate -m "first tables"
    """
    from zero_downtime.init import initialise
    from zero_downtime.report.init import text

    click.echo(text(initialise(folder, config_file)))
