"""What ``alembic revision --autogenerate`` makes of a change, with the options as they come."""

from __future__ import annotations

import contextlib
import shutil
import warnings
from io import StringIO
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config

from model_changes.change import Change
from model_changes.stage import BROKEN, MISSED, RIGHT, Stage, Verdict, staged
from zero_downtime.postgres.server import Server, scratch_database

# What "alembic init" writes, short of what only the command line needs.
_ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

config = context.config
engine = create_engine(config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=config.attributes["metadata"],
        include_schemas=config.attributes["include_schemas"],
    )
    with context.begin_transaction():
        context.run_migrations()
"""
_TEMPLATE = Path(command.__file__).parent / "templates" / "generic" / "script.py.mako"


def verdict(server: Server, change: Change, folder: Path) -> Verdict:
    """Let Alembic write the revision, and run it up and down on a copy with rows."""
    with (
        staged(server, change) as stage,
        scratch_database(server, stage.old.database) as database,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(StringIO()),
    ):
        warnings.simplefilter("ignore")
        return _judged(stage, database, _config(stage, database, folder))


def _config(stage: Stage, database: str, folder: Path) -> Config:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(_ENV)
    shutil.copy(_TEMPLATE, folder)
    config = Config(stdout=StringIO())
    config.set_main_option("script_location", str(folder))
    tables = [*stage.change.old.tables.values(), *stage.change.new.tables.values()]
    config.attributes.update(
        url=stage.server.url(database).replace("postgresql:", "postgresql+psycopg:"),
        metadata=stage.change.new,
        include_schemas=any(table.schema for table in tables),
    )
    return config


def _judged(stage: Stage, database: str, config: Config) -> Verdict:
    try:
        written = _written(config)
    except Exception as error:
        return Verdict(BROKEN, f"autogenerate raises {_said(error)}")
    if not written:
        return Verdict(RIGHT) if stage.change.no_change else Verdict(MISSED, "writes nothing")
    if stage.change.no_change:
        return Verdict(BROKEN, "writes a change where there is none")
    try:
        command.upgrade(config, "head")
    except Exception as error:
        return Verdict(BROKEN, f"the upgrade raises {_said(error)}")
    if left := stage.left(database, stage.new):
        word = MISSED if stage.differences.issuperset(left) else BROKEN
        return Verdict(word, f"after the upgrade: {left[0]}")
    if not stage.keeps(database):
        return Verdict(BROKEN, "the rows are lost")
    try:
        command.downgrade(config, "base")
    except Exception as error:
        return Verdict(BROKEN, f"the downgrade raises {_said(error)}")
    if left := stage.left(database, stage.old):
        return Verdict(BROKEN, f"after the downgrade: {left[0]}")
    return Verdict(RIGHT)


def _written(config: Config) -> bool:
    """Write the revision; whether there is anything in it."""
    empty = True

    def look(context: Any, revision: Any, directives: list[Any]) -> None:
        nonlocal empty
        empty = directives[0].upgrade_ops.is_empty()

    command.revision(config, "a change", autogenerate=True, process_revision_directives=look)
    return not empty


def _said(error: Exception) -> str:
    """The error's first line."""
    original = getattr(error, "orig", None) or error
    line = str(original).strip().split("\n")[0]
    return f"{type(original).__name__}: {line}" if line else type(original).__name__
