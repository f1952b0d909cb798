"""Options that several verbs share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class RevisionName(click.types.StringParamType):
    """A revision as Alembic takes it: an id, the beginning of one, a label, a number of steps."""

    name = "rev"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.strip():
            self.fail("it is empty: name a revision", param, ctx)
        return value


def config_option(command: Command) -> Command:
    """``--config FILE``, passed on as ``config_file``."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="pyproject.toml (or another .toml) or alembic.ini. Default: the one in this folder.",
    )(command)


def url_option(command: Command) -> Command:
    """``--url URL``."""
    return click.option(
        "--url", help="Database URL. Default: the setting url, else what env.py connects to."
    )(command)


def server_option(command: Command) -> Command:
    """``--server embedded|BIN_DIR|URL``."""
    return click.option(
        "--server",
        help="Scratch server: embedded, the bin directory of a PostgreSQL, or a URL. "
        "Default: the setting server, else embedded.",
    )(command)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """``--format``, one of these; the first is the default. Passed on as ``shape``."""

    def add(command: Command) -> Command:
        return click.option(
            "--format",
            "shape",
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            help="Shape of the result on stdout.",
        )(command)

    return add


def deadline_option(command: Command) -> Command:
    """``--deadline SECONDS``."""
    return click.option(
        "--deadline",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Give up on a lock after waiting so long. Default: the setting locks.deadline-s, 300.",
    )(command)


def tell_events(
    line_of: Callable[[Any], str | None],
) -> tuple[Callable[[Any], None], Callable[[str], None]]:
    """Functions that put on stderr what happens, and what the project's own code prints."""

    def tell(event: Any) -> None:
        line = line_of(event)
        if line is not None:
            click.echo(line, err=True)

    def say(line: str) -> None:
        click.echo(f"  | {line}", err=True)

    return tell, say


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done: one changing line on a terminal, else nothing."""
    import os
    import sys

    shown = (
        sys.stderr.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    )

    def say(line: str) -> None:
        if shown:
            click.echo(f"\r\x1b[K{line} …", nl=False, err=True)

    try:
        yield say
    finally:
        if shown:
            click.echo("\r\x1b[K", nl=False, err=True)


def colored() -> bool:
    """Whether stdout is a terminal that takes colour."""
    import os
    import sys

    wanted = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return sys.stdout.isatty() and wanted


def terminal_width() -> int:
    """How many columns a line may have."""
    import shutil

    return min(shutil.get_terminal_size((100, 40)).columns, 120)
