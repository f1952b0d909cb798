"""What the tests stand on: the project, a server for it, and its revisions rehearsed in order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zero_downtime.history import Revision
from zero_downtime.postgres.server import Server
from zero_downtime.pytest_plugin.collect import find, find_base
from zero_downtime.pytest_plugin.migrations import Migrations
from zero_downtime.rehearse.run import scratch_server


@pytest.fixture(scope="module")
def migration_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The server of the tests: what the project's settings name, else the embedded one.

    Override it with a ``RemoteServer(url)`` to use one that is there, pytest-postgresql's say.
    """
    project = find(request)
    server = scratch_server(project.config.server, project.config.rehearse.rows)
    yield server
    server.close()


@pytest.fixture(scope="module")
def migrations(request: pytest.FixtureRequest, migration_server: Server) -> Iterator[Migrations]:
    """The project's migrations on that server."""
    project = find(request)
    with Migrations(project, migration_server, find_base(request, project)) as found:
        yield found


@pytest.fixture
def revision(request: pytest.FixtureRequest, migrations: Migrations) -> Revision:
    """The revision that a test is about."""
    return migrations.history.revision(str(request.param))
