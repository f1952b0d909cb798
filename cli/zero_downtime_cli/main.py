"""The entry point: a lazy group of verbs, and errors turned into exit codes."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
from typing import NoReturn

import click

from zero_downtime import __version__
from zero_downtime.errors import ZeroDowntimeError

VERBS = (
    "init",
    "generate",
    "diff",
    "lint",
    "explain",
    "rehearse",
    "stats",
    "upgrade",
    "downgrade",
    "status",
    "check",
)


class VerbGroup(click.Group):
    """Imports a verb's module only when that verb is used, so that ``zd --help`` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"zero_downtime_cli.commands.{cmd_name}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands, in the order in which a change meets them"):
            formatter.write_dl([(verb, SUMMARIES[verb]) for verb in VERBS])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ZeroDowntimeError as error:
            raise Refusal(str(error)) from error
        except Exception as error:
            said = _surroundings(error)
            if said is None:
                raise
            raise Refusal(said) from error


def _surroundings(error: Exception) -> str | None:
    """What was wrong around us: a file, a folder, room, a server that went away; else None."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"{error.filename or 'a file'} can't be written ({error.strerror}). Make room"
        return f"{error.filename}: {error.strerror}" if error.filename else None
    from zero_downtime.postgres import failure

    if not failure.gave_up(error):
        return None
    return (
        f"the server can't go on ({failure.message(error)}). If it is a scratch server, see that "
        "there is room where it stands: TMPDIR names another place"
    )


# Kept here so that --help imports no verb; a test holds them against the commands' own help.
SUMMARIES = {
    "init": "Make a working project here, or adopt an Alembic project.",
    "generate": "Write the revision that leads from the history to the schema modules.",
    "diff": "Print the plan that leads from one schema to another.",
    "lint": "Find what a migration locks, rewrites and breaks.",
    "explain": "Explain a lint rule: why, and the safe way.",
    "rehearse": "Run the migrations and their rollbacks on a real server under traffic.",
    "stats": "Take the sizes of production's tables, for lint and rehearse to reckon with.",
    "upgrade": "Apply revisions to a database without making clients wait.",
    "downgrade": "Undo revisions on a database without making clients wait.",
    "status": "Show where a database stands in the history.",
    "check": "Find drift: database against head, schema modules against head.",
}


class Refusal(click.ClickException):
    """Wrong use or broken input: one sentence on stderr, exit code 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(f"zd: {self.message}", err=True)


@click.group(cls=VerbGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zd")
def zd() -> None:
    """Schema changes that no client notices, that can be undone, and that were proven before.

    \b
    Example:
      zd generate -m "loyalty points" && zd rehearse && zd upgrade
    """


def main() -> None:
    """Run ``zd``; 0 is fine, 1 is findings, 2 is wrong use or broken input."""
    # Ending politely lets a scratch server be stopped and its folder be removed.
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal of Latin-1 has no check mark
        sys.stdout.reconfigure(errors="replace")
    try:
        code = zd.main(prog_name="zd", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("zd: interrupted", err=True)
        code = 128 + signal.SIGINT
    except BrokenPipeError:
        # Who reads our output has seen enough; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _terminate(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)
