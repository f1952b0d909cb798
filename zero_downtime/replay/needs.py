"""What an env.py needs and does not find here: environment variables, a driver.

What it has shown once to lack is there in every later run. One that does not run at all is done
without, where no database of anybody's depends on it.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from zero_downtime.replay.drivers import DRIVERS, standing_in

_MOST_VARIABLES = 50
_FLASK_APP = "FLASK_APP"  # which nobody can make up


@dataclass
class Needs:
    """What was arranged for one env.py. ``notes`` says it in sentences."""

    notes: list[str] = field(default_factory=list)
    stand_ins: set[str] = field(default_factory=set)  # drivers that psycopg answers for
    lacks_psycopg2: bool = False  # the project names it: postgresql:// means it there
    without_env: bool = False  # env.py does not run here: the revisions run without it
    _flask: bool = False  # env.py runs within a Flask application
    _invented: dict[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def met(self) -> Iterator[None]:
        """A run of env.py with all that is known to be needed."""
        drivers = set(self.stand_ins)
        if self.lacks_psycopg2 or self.without_env:
            drivers.add("psycopg2")
        with _variables(self._invented), standing_in(drivers), contextlib.ExitStack() as stack:
            if self._flask and not self.without_env:
                stack.enter_context(_flask_application())
            yield

    def stands_in_for(self, driver: str) -> None:
        """Say once that psycopg answers for a driver."""
        if driver not in self.stand_ins:
            self.stand_ins.add(driver)
            self.notes.append(f"{driver} is not installed here: psycopg stood in for it")

    def learn(self, error: BaseException, url: str | None) -> bool:
        """Provide what env.py lacked; False when that is nothing we can provide."""
        if isinstance(error, ModuleNotFoundError) and error.name in DRIVERS:
            if error.name in self.stand_ins:
                return False
            self.stands_in_for(error.name)
            return True
        if isinstance(error, SyntaxError) or self.without_env:
            return False
        if isinstance(error, RuntimeError) and "application context" in str(error):
            # Flask-Migrate's env.py, which "flask db" runs within the application.
            first, self._flask = not self._flask, True
            return first and "flask" in sys.modules
        if url is None:
            return False
        there = {*os.environ, *self._invented, _FLASK_APP}
        names = [name for name in _variables_in(error) if name not in there]
        for name in names:
            self._invented[name] = _invented_value(name, url)
            given = "the database's URL" if self._invented[name] == url else "a made-up value"
            self.notes.append(f"the environment variable {name} is not set: env.py got {given}")
        return bool(names) and len(self._invented) < _MOST_VARIABLES


@contextlib.contextmanager
def _flask_application() -> Iterator[None]:
    """The application that the command flask would find, by FLASK_APP or by its file's name."""
    from flask.cli import ScriptInfo, load_dotenv  # type: ignore[import-not-found]

    load_dotenv()
    with ScriptInfo(os.environ.get(_FLASK_APP)).load_app().app_context():
        yield


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)


def _variables_in(error: BaseException) -> list[str]:
    """The environment variables that an error is about, as settings libraries report them."""
    if isinstance(error, KeyError) and error.args:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None and trace.tb_frame.f_code.co_filename == os.__file__:
            return [str(error.args[0])]
    problems = getattr(error, "errors", None)
    if callable(problems):  # pydantic's ValidationError
        with contextlib.suppress(Exception):
            missing = [each["loc"] for each in problems() if each["type"] == "missing"]
            return ["_".join(map(str, loc)).upper() for loc in missing]
    return re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", str(error))


_SORTS = (
    ("PORT", "5432"),
    ("HOST", "localhost"),
    ("SERVER", "localhost"),
    ("USER", "postgres"),
    ("USERNAME", "postgres"),
    ("PASSWORD", "postgres"),
    ("PASS", "postgres"),
    ("NAME", "postgres"),
    ("SCHEMA", "public"),
)


def _invented_value(name: str, url: str) -> str:
    """The URL, or what looks right for a variable that is plainly a part of one."""
    last = name.upper().removeprefix("PG").rsplit("_", 1)[-1]
    if name.upper() in ("PGDATABASE", "DB", "POSTGRES_DB"):
        return "postgres"
    return dict(_SORTS).get(last, url)
