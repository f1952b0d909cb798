"""How the tests get into a run: a conftest.py that names a project stands for their module."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from zero_downtime.errors import ZeroDowntimeError
from zero_downtime.project import Project, find_project

_NAMED = re.compile(r"""^zero_downtime_config\s*=\s*["'](.+)["']""", re.MULTILINE)
CONFIG_FILES = ("pyproject.toml", "alembic.ini")

project_file = pytest.StashKey[Path | None]()


class MigrationTests(pytest.Module):
    """The tests of this plugin, standing where the conftest.py stands that asked for them."""

    def _getobj(self) -> ModuleType:
        from zero_downtime.pytest_plugin import tests

        return tests


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark of the tests that run on a server."""
    config.addinivalue_line("markers", "migrations: tests of zero_downtime.pytest_plugin")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The tests, for a conftest.py that names a project."""
    if file_path.name != "conftest.py" or not _NAMED.search(file_path.read_text("utf-8")):
        return None
    tests: MigrationTests = MigrationTests.from_parent(parent, path=file_path)
    tests.stash[project_file] = configured(file_path)
    return tests


def configured(file: Path) -> Path | None:
    """The project's configuration file: the one that a conftest.py names, else the nearest."""
    names: tuple[str, ...] = CONFIG_FILES
    if file.name == "conftest.py" and (named := _NAMED.search(file.read_text("utf-8"))):
        names = (named[1],)
    for folder in file.parents:
        for name in names:
            if (folder / name).is_file():
                return folder / name
    return None


def find(node: pytest.Item | pytest.FixtureRequest) -> Project:
    """The project of a test: named by the conftest.py that stands for it, or found from its file.

    Raises ProjectError.
    """
    item = node.node if isinstance(node, pytest.FixtureRequest) else node
    for each in item.listchain():
        if project_file in each.stash:
            return find_project(each.stash[project_file])
    return find_project(configured(Path(item.path)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each revision, for those that ask for ``revision``."""
    if "revision" not in metafunc.fixturenames or "migrations" not in metafunc.fixturenames:
        return
    from zero_downtime.history import read_history

    try:
        history = read_history(find(metafunc.definition))
    except ZeroDowntimeError as error:
        raise pytest.Collector.CollectError(str(error)) from error
    metafunc.parametrize("revision", [each.id for each in history], indirect=True)
