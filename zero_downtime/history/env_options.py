"""What env.py tells Alembic, found out without a database."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from zero_downtime import environment
from zero_downtime.project import Project

_options: dict[tuple[str, int], Mapping[str, Any]] = {}


def target_metadata(project: Project, scripts: ScriptDirectory) -> Any:
    """The MetaData that env.py gives to Alembic, for its naming convention; None without one."""
    path = Path(scripts.env_py_location).absolute()
    if not path.is_file() or not _has_metadata(path, path.stat().st_mtime_ns):
        return None
    return _env_options(project, scripts).get("target_metadata")


def version_table(project: Project, scripts: ScriptDirectory) -> tuple[str, str | None]:
    """Name and schema of the table in which env.py has Alembic keep the version."""
    with environment.guest(project):
        path = Path(scripts.env_py_location).absolute()
        # Many say it only where they run online, so what is written there counts as well.
        written: dict[str, Any] = {}
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and node.arg:
                written[node.arg] = node.value.value
        options = {**written, **_env_options(project, scripts)}
        return options.get("version_table", "alembic_version"), options.get("version_table_schema")


def shares_transaction(project: Project) -> bool:
    """Whether env.py certainly leaves all pending revisions in one transaction.

    Alembic does so unless transaction_per_migration is given; what is passed on from elsewhere
    may hold it.
    """
    path = Path(project.scripts().env_py_location)
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return False
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "configure"
    ]
    given = {keyword.arg for call in calls for keyword in call.keywords}
    return bool(calls) and not given & {None, "transaction_per_migration"}


def _env_options(project: Project, scripts: ScriptDirectory) -> Mapping[str, Any]:
    """What env.py tells Alembic when it runs as for ``alembic upgrade --sql``.

    A connection that it tries is refused. Whatever goes wrong there only costs the options.
    """
    path = Path(scripts.env_py_location).absolute()
    key = (str(path), path.stat().st_mtime_ns)
    if key not in _options:
        _options[key] = _read_options(project, scripts)
    return _options[key]


@cache
def _has_metadata(path: Path, changed: int) -> bool:
    """Whether env.py gives metadata at all, so that most projects without need not run it."""
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return False
    given = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == "target_metadata"
    ]
    assigned = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "target_metadata" for t in node.targets)
    ]
    values = assigned or given
    return any(not (isinstance(v, ast.Constant) and v.value is None) for v in values)


class _Refused(BaseException):
    """env.py wanted a connection although it runs offline."""


def _metadata_in(error: BaseException, env_py: str) -> Any:
    """What env.py would have given as target_metadata, had it come that far."""
    path = Path(env_py).absolute()
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if Path(frame.f_code.co_filename).absolute() == path
    ]
    if not frames:
        return None
    given = [
        node.value.id
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword)
        and node.arg == "target_metadata"
        and isinstance(node.value, ast.Name)
    ]
    found = [frames[-1].f_globals.get(name) for name in (*given, "target_metadata")]
    return next((value for value in found if value is not None), None)


def _read_options(project: Project, scripts: ScriptDirectory) -> Mapping[str, Any]:
    config = project.alembic_config()
    config.set_main_option("sqlalchemy.url", "postgresql+psycopg://")
    found: dict[str, Any] = {}

    def refuse(*arguments: Any) -> NoReturn:
        raise _Refused

    options = {"as_sql": True, "fn": lambda revision, context: [], "destination_rev": "heads"}
    sa.event.listen(sa.Engine, "do_connect", refuse)
    try:
        with EnvironmentContext(config, scripts, **options) as context:
            configure = context.configure

            def spy(*arguments: Any, **given: Any) -> None:
                found.update(given)
                configure(*arguments, **{**given, "output_buffer": StringIO()})

            context.configure = spy  # type: ignore[method-assign]
            scripts.run_env()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # what was found until then counts
        found.setdefault("target_metadata", _metadata_in(error, scripts.env_py_location))
    finally:
        sa.event.remove(sa.Engine, "do_connect", refuse)
    return found
