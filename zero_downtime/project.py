"""A project: where its Alembic environment, its schema modules and its settings are."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from zero_downtime.config import Config, read_config, read_toml
from zero_downtime.errors import ConfigError, ProjectError

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig
    from alembic.script import ScriptDirectory


class Project(Struct, frozen=True):
    """One Alembic project. ``root`` is the folder of its configuration file.

    Of Flask-Migrate's, which is in the script folder, it is the one above.
    """

    root: Path
    config: Config
    ini: Path | None  # alembic.ini
    toml: Path | None  # pyproject.toml, when it holds [tool.alembic] or [tool.zero_downtime]

    @property
    def schemas(self) -> Path | None:
        """The folder (or file) of the declarative schema modules, if the project has one."""
        return self.root / self.config.schemas if self.config.schemas else None

    def alembic_config(self) -> AlembicConfig:
        """Alembic's own view of the project, fresh at each call."""
        from alembic.config import Config as AlembicConfig

        config = AlembicConfig(self.ini, toml_file=self.toml)
        # Alembic logs through [loggers] only from its command line; our output stays ours.
        config.attributes["configure_logger"] = False
        if self.ini is not None and _is_script_folder(self.ini):
            config.set_main_option("script_location", str(self.ini.parent).replace("%", "%%"))
        return config

    def scripts(self) -> ScriptDirectory:
        """Alembic's script directory. Raises ProjectError when there is none."""
        from alembic.script import ScriptDirectory
        from alembic.util import CommandError

        config = self.alembic_config()
        try:
            return ScriptDirectory.from_config(config)
        except CommandError as error:
            raise ProjectError(
                reason=f"Alembic finds no environment ({str(error).rstrip('. ')})",
                advice="Run zd in the folder of alembic.ini or pyproject.toml, or run zd init",
            ) from error
        except Exception as error:  # "package:folder" imports the package
            given = config.get_alembic_option("script_location")
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ProjectError(
                reason=f"script_location is {given}, and that does not load here ({reason})",
                advice="Install the package beside zd, or name its folder with prepend_sys_path",
            ) from error

    def url(self, given: str | None = None) -> str | None:
        """The database URL: ``given``, or the setting ``url`` with ${NAME} filled in, or None."""
        url = given or self.config.url
        if url is None:
            return None
        return _checked(re.sub(r"\$\{(\w+)\}", self._from_environment, url))

    def _from_environment(self, found: re.Match[str]) -> str:
        value = os.environ.get(found[1])
        if value is None:
            raise ConfigError(
                where=f"{self.toml or self.ini} url",
                reason=f"the environment variable {found[1]} is not set",
                advice="Set it, or give --url",
            )
        return value


def _checked(url: str) -> str:
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    from zero_downtime.postgres.urls import libpq_url, masked

    try:
        conninfo_to_dict(libpq_url(url))
    except ProgrammingError as error:
        raise ConfigError(
            where=masked(url),
            reason=f"this is no URL of PostgreSQL ({masked(' '.join(str(error).split()))})",
            advice="Write it as in postgresql://user@host/database",
        ) from error
    return url


def find_project(config_file: Path | None = None) -> Project:
    """The project of a configuration file, or the one of the working directory.

    Order: ``pyproject.toml`` with ``[tool.zero_downtime]`` or ``[tool.alembic]``, then
    ``alembic.ini``, then Flask-Migrate's ``migrations/alembic.ini``.
    Raises ProjectError when there is none, ConfigError when it can't be read.
    """
    if config_file is not None:
        if not config_file.is_file():
            raise ConfigError(
                where=config_file, reason="there is no such file", advice="Check --config"
            )
        if config_file.suffix == ".toml":
            return _from_toml(config_file.resolve(), read_toml(config_file).get("tool", {}))
        return _from_ini(config_file.resolve())
    here = Path.cwd()
    toml = here / "pyproject.toml"
    if toml.is_file():
        tool = read_toml(toml).get("tool", {})
        if "zero_downtime" in tool or "alembic" in tool:
            return _from_toml(toml, tool)
    flask = here / "migrations" / "alembic.ini"
    for ini in (here / "alembic.ini", flask):
        if ini.is_file() and (ini is not flask or _is_script_folder(flask)):
            return _from_ini(ini)
    raise ProjectError(
        reason=f"{here} has no alembic.ini and no pyproject.toml with [tool.alembic]",
        advice="Change to the project's folder, name the file with --config, or run zd init",
    )


def _from_toml(toml: Path, tool: dict[str, Any]) -> Project:
    config = read_config(tool.get("zero_downtime", {}), toml)
    ini = toml.parent / (config.alembic_ini or "alembic.ini")
    return Project(
        root=toml.parent,
        config=config,
        ini=ini if ini.is_file() else None,
        toml=toml,
    )


def _from_ini(ini: Path) -> Project:
    import configparser

    try:
        configparser.ConfigParser(interpolation=None).read_string(ini.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            where=ini, reason=f"can't be read ({reason})", advice="Mend that line"
        ) from error
    root = ini.parent.parent if _is_script_folder(ini) else ini.parent
    return Project(root=root, config=Config(), ini=ini, toml=None)


def _is_script_folder(ini: Path) -> bool:
    """Whether env.py is beside the file and it names no other place, as with Flask-Migrate."""
    if not (ini.parent / "env.py").is_file():
        return False
    text = ini.read_text("utf-8", "replace")
    return re.search(r"^\s*script_location\s*[=:]", text, re.MULTILINE) is None
