"""Settings: the table [tool.zero_downtime] of pyproject.toml, read into typed values.

Everything has a default; a stranger's project without the table works as it is. An unknown key
or a wrong type is refused with its place, so that a misspelt setting can't be lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from msgspec import Struct

from zero_downtime.errors import ConfigError


class Ignore(Struct, frozen=True):
    """What a comparison with a live database leaves out, as shell patterns (``*``, ``?``).

    The defaults are what managed providers and monitoring add by themselves.
    """

    schemas: tuple[str, ...] = ("cron", "google_vacuum_mgmt", "pg_toast*", "rds_tools")
    tables: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("rds*", "cloudsql*", "azure_*", "pg_*", "google*")
    extensions: tuple[str, ...] = ("plpgsql", "pg_stat_statements", "pg_cron", "aws_*", "google_*")
    owners: bool = True
    privileges: bool = False


class Locks(Struct, frozen=True):
    """The lock policy: look for holders first, then ask for a short time, then try again."""

    look_first_ms: int = 100  # holders older than this are waited for before we queue at all
    timeout_ms: int = 100  # how long one request may sit in the queue
    retry_ms: int = 200  # mean pause between two requests; the real one is drawn around it
    deadline_s: float = 300.0  # after this we give up


class LintPaths(Struct, frozen=True):
    """What holds for some files only: ``[[tool.zero_downtime.lint.paths]]``."""

    match: str = ""  # a shell pattern of paths below the folder of the settings
    disable: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()
    severity: dict[str, str] = {}


class Lint(Struct, frozen=True):
    """Which rules run and how loud they are. Where a rule is named a family may be."""

    disable: tuple[str, ...] = ()
    enable: tuple[str, ...] = ()  # what is off by default
    severity: dict[str, str] = {}  # rule → error | warning | off
    fail_on: str = "error"
    pg: int = 18
    paths: tuple[LintPaths, ...] = ()  # the last that matches counts first
    rules: dict[str, dict[str, Any]] = {}  # the rules' own settings
    stats: str | None = None  # what zd stats pull wrote
    tiny_rows: int = 0  # tables up to this size have no findings about their size
    tiny_bytes: int = 0
    mb_per_second: float = 50.0  # what a read or write of a whole table is assumed to manage

    def level_of(self, rule: str, family: str = "") -> str | None:
        """What the project makes of a rule: error, warning, on or off; None: nothing."""
        return level_of(self, rule, family)


def level_of(table: Lint | LintPaths, rule: str, family: str) -> str | None:
    """What one table says of a rule; its own name counts more than its family's."""
    for name in (rule, family):
        if name in table.disable:
            return "off"
        if name in table.severity:
            return table.severity[name]
        if name in table.enable:
            return "on"
    return None


class Rehearse(Struct, frozen=True):
    """How large and how busy a rehearsal is."""

    rows: int = 1000  # per table
    clients: int = 4
    seed: int = 1
    stall_ms: float = 1000.0  # a client may wait this long at most for the verdict "safe"
    forecast_rows: int = 90_000  # the largest of the three sizes at which a heavy step is timed
    crash_points: int | None = None  # moments in a revision to kill its upgrade at; None: all,
    crash_seconds: float = 30.0  # but no more in the whole rehearsal than this time allows
    budget: str = ""  # "lock=ACCESS EXCLUSIVE:100ms, rewrite=none": see rehearse.budget
    values: dict[str, list[str]] = {}  # by table.column: to choose from
    workload: str | None = None  # a file of statements that clients send: see rehearse.statements
    tolerate: tuple[str, ...] = ()  # SQLSTATEs that the application is known to get over


class Config(Struct, frozen=True):
    """All settings of a project."""

    schemas: str | None = None  # folder or module of the declarative schema modules
    url: str | None = None  # default for --url; ${NAME} is read from the environment
    server: str = "embedded"  # where rehearsal and scratch servers come from
    alembic_ini: str | None = None  # default: alembic.ini beside pyproject.toml, if there is one
    x: tuple[str, ...] = ()  # what alembic's option -x gives to env.py, each "name=value"
    ignore: Ignore = Ignore()
    locks: Locks = Locks()
    lint: Lint = Lint()
    rehearse: Rehearse = Rehearse()


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises ConfigError when it can't be read."""
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(
            where=path, reason=f"can't be read ({error.strerror})", advice="Check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            where=path, reason=f"is not valid TOML ({error})", advice="Mend that line"
        ) from error


def read_config(table: dict[str, Any], path: Path) -> Config:
    """The settings in a ``[tool.zero_downtime]`` table. Raises ConfigError."""
    config = _read(Config, table, f"{path} [tool.zero_downtime]")
    assert isinstance(config, Config)
    return config


def _read(kind: type[Any], table: dict[str, Any], where: str) -> Any:
    hints = get_type_hints(kind)
    known = {name.replace("_", "-"): name for name in kind.__struct_fields__}
    values = {}
    for key, value in table.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            from difflib import get_close_matches

            near = get_close_matches(key.replace("_", "-"), known, n=1)
            raise ConfigError(
                where=where,
                reason=f"there is no setting {key!r}",
                advice=f"Did you mean {known[near[0]] if '_' in key else near[0]}?"
                if near
                else f"The settings here are {', '.join(sorted(known.values()))}",
            )
        values[name] = _value(hints[name], value, f"{where} {key}")
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    if _is_table(hint):
        if isinstance(value, dict):
            return _read(hint, value, where)
    elif get_origin(hint) is tuple and _is_table(kind := get_args(hint)[0]):
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return tuple(_read(kind, item, where) for item in value)
    elif get_origin(hint) is tuple:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
    elif get_origin(hint) is dict:
        inner = get_args(hint)[1]
        if isinstance(value, dict):
            if get_origin(inner) is list:
                return {key: list(_texts(each, f"{where}.{key}")) for key, each in value.items()}
            return value
    elif hint is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
    elif hint in (int, bool, str):
        if type(value) is hint:
            return value
    elif isinstance(value, str):  # str | None
        return value
    raise ConfigError(
        where=where,
        reason=f"{value!r} has the wrong type",
        advice=f"It takes {_said(hint)}",
    )


def _texts(value: Any, where: str) -> Iterator[str]:
    """A list of values as the server reads them."""
    if not isinstance(value, list) or not value:
        raise ConfigError(where=where, reason=f"{value!r} has no values", advice="It takes a list")
    for each in value:
        yield str(each).lower() if isinstance(each, bool) else str(each)


def _is_table(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Struct)


def _said(hint: Any) -> str:
    if get_origin(hint) is tuple:
        tables = _is_table(get_args(hint)[0])
        return "a list of tables, each under [[…]]" if tables else "a list of strings"
    if get_origin(hint) is dict or _is_table(hint):
        return "a table"
    return {int: "a whole number", float: "a number", bool: "true or false"}.get(hint, "a string")
