"""How lint runs: which rules, how loud, for which server, and what is known beside the SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from zero_downtime.config import Lint, LintPaths, level_of
from zero_downtime.errors import ConfigError
from zero_downtime.lint.registry import check_name, families, family_of, rule_named, rules
from zero_downtime.lint.rule import Rule, Surroundings

if TYPE_CHECKING:
    from zero_downtime.lint.sizes import Sizes

Mapped = Callable[[str, str | None], bool | None]
_LEVELS = ("error", "warning", "off")
_WHERE = "[tool.zero_downtime.lint]"


class Options(Struct, frozen=True):
    """Which rules run, how loud they are, and for which server."""

    major: int = 18
    disable: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)  # rule → error | warning | off
    independent: bool = False  # every unit starts from the state that was given
    enable: tuple[str, ...] = ()  # rules and families that are off by default
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # of rules, by id
    today: date = field(default_factory=date.today)
    mapped: Mapped = lambda table, column: None  # see Surroundings
    paths: tuple[LintPaths, ...] = ()
    root: Path | None = None  # the patterns of ``paths`` begin there
    sizes: Sizes | None = None  # how large the tables are

    @classmethod
    def of(
        cls,
        config: Lint,
        major: int | None = None,
        independent: bool = False,
        root: Path | None = None,
    ) -> Options:
        """The options of a project's settings.

        Raises UnknownRule for a misspelt rule, ConfigError for what a rule can't be told.
        """
        tables: tuple[Lint | LintPaths, ...] = (config, *config.paths)
        for table in tables:
            for name in (*table.disable, *table.enable, *table.severity):
                check_name(name)
            for name, level in table.severity.items():
                if level not in _LEVELS:
                    raise ConfigError(
                        where=f"{_WHERE} severity {name}",
                        reason=f"there is no level {level!r}",
                        advice="The levels are error, warning and off",
                    )
        for name, values in config.rules.items():
            _check_settings(rule_named(name), values)
        return cls(
            major or config.pg,
            config.disable,
            config.severity,
            independent,
            config.enable,
            config.rules,
            paths=config.paths,
            root=root,
        )

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(self.major, self.mapped, self.settings)

    def asks(self, rule: Rule) -> bool:
        """Whether a rule is asked. Disabled ones are: what they find is nobody else's to tell."""
        names = {rule.name(), family_of(rule)}
        tables = (self._everywhere, *self.paths)
        return rule.default or any(names & {*table.enable, *table.severity} for table in tables)

    def levels_in(self, file: str) -> Callable[[str], str]:
        """Tells of a rule's findings in a file whether they are error, warning, on or off."""
        tables = [
            self._everywhere,
            *(table for table in self.paths if self._holds(table.match, file)),
        ]
        return lambda rule: _level(rule, tables)

    @property
    def _everywhere(self) -> LintPaths:
        return LintPaths("*", self.disable, self.enable, dict(self.severity))

    def _holds(self, pattern: str, file: str) -> bool:
        path = Path(file).resolve()
        root = (self.root or Path.cwd()).resolve()
        name = path.relative_to(root) if path.is_relative_to(root) else path
        return fnmatchcase(name.as_posix(), pattern)


def _level(rule: str, tables: list[LintPaths]) -> str:
    family = families().get(rule, "")
    for table in reversed(tables):
        level = level_of(table, rule, family)
        if level is not None:
            return level
    known = rules().get(rule)
    return "on" if known is None or known.default else "off"


def _check_settings(rule: Rule, values: Mapping[str, Any]) -> None:
    where = f"[tool.zero_downtime.lint.rules.{rule.name()}]"
    options = dict(rule.options)
    for name, value in values.items():
        if name not in options:
            known = ", ".join(options)
            raise ConfigError(
                where=where,
                reason=f"there is no setting {name!r}",
                advice=f"The settings of this rule are {known}" if known else "It has none",
            )
        default = options[name]
        number = isinstance(default, float) and isinstance(value, int)
        if type(value) is not type(default) and not number:
            raise ConfigError(
                where=f"{where} {name}",
                reason=f"{value!r} has the wrong type",
                advice=f"The default is {default!r}",
            )
