"""How the tests get into a run: a conftest.py that names a project stands for their module."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from zero_downtime.errors import ConfigError, ZeroDowntimeError
from zero_downtime.lint.git import Base
from zero_downtime.project import Project, find_project

_NAMED = re.compile(r"""^zero_downtime_config\s*=\s*["'](.+)["']""", re.MULTILINE)
_DIFF = re.compile(r"""^zero_downtime_diff\s*=\s*["'](.+)["']""", re.MULTILINE)
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
    if file_path.name != "conftest.py" or _named(file_path) is None:
        return None
    tests: MigrationTests = MigrationTests.from_parent(parent, path=file_path)
    with _told(pytest.Collector.CollectError):
        tests.stash[project_file] = configured(file_path)
    return tests


def _named(file: Path) -> re.Match[str] | None:
    return _NAMED.search(file.read_text("utf-8")) if file.name == "conftest.py" else None


def configured(file: Path) -> Path | None:
    """The project's configuration file: the one that a conftest.py names, else the nearest.

    Raises ConfigError when the one that is named is not there.
    """
    named = _named(file)
    for folder in file.parents:
        for name in (named[1],) if named else CONFIG_FILES:
            if (folder / name).is_file():
                return folder / name
    if named is None:
        return None
    raise ConfigError(
        where=f"{file}:{named.string.count(chr(10), 0, named.start()) + 1}",
        reason=f"zero_downtime_config names {named[1]}, but neither this folder nor one above it "
        "has such a file",
        advice="Name the alembic.ini or pyproject.toml of the project, as seen from here",
    )


def find(node: pytest.Item | pytest.FixtureRequest) -> Project:
    """The project of a test: named by the conftest.py that stands for it, or found from its file.

    Raises ConfigError or ProjectError.
    """
    item = node.node if isinstance(node, pytest.FixtureRequest) else node
    for each in item.listchain():
        if project_file in each.stash:
            return find_project(each.stash[project_file])
    return find_project(configured(Path(item.path)))


def find_base(node: pytest.Item | pytest.FixtureRequest, project: Project) -> Base | None:
    """The commit since which revisions are tested: the nearest conftest.py that names a git ref.

    Raises InputError when git does not know it.
    """
    item = node.node if isinstance(node, pytest.FixtureRequest) else node
    for folder in Path(item.path).parents:
        file = folder / "conftest.py"
        if file.is_file() and (named := _DIFF.search(file.read_text("utf-8"))):
            return Base(named[1], project.root, option="zero_downtime_diff =")
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each revision, for those that ask for ``revision``."""
    if "revision" not in metafunc.fixturenames or "migrations" not in metafunc.fixturenames:
        return
    from zero_downtime.history import read_history
    from zero_downtime.rehearse.run import Options, chosen

    with _told(pytest.Collector.CollectError):
        project = find(metafunc.definition)
        _, tested = chosen(
            read_history(project), Options(), find_base(metafunc.definition, project)
        )
    metafunc.parametrize("revision", [each.id for each in tested], indirect=True)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that run on a server, wherever they were imported."""
    if _is_ours(item):
        item.add_marker("migrations")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """What is wrong in the project, or with the server, is told in a sentence."""
    with _told(_failed) if _is_ours(item) else contextlib.nullcontext():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """What is wrong in the project, or with the server, is told in a sentence."""
    with _told(_failed) if _is_ours(item) else contextlib.nullcontext():
        yield


def _is_ours(item: pytest.Item) -> bool:
    return "migration_server" in getattr(item, "fixturenames", ())


def _failed(reason: str) -> BaseException:
    return pytest.fail.Exception(reason, pytrace=False)


@contextlib.contextmanager
def _told(failure: Callable[[str], BaseException]) -> Iterator[None]:
    """A traceback through our code says nothing more of a project than the error's message."""
    try:
        yield
    except ZeroDowntimeError as error:
        raise failure(str(error)) from None
