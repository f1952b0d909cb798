"""One embedded server for the whole run; every test that wants a database gets its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zero_downtime.postgres.server import EmbeddedServer


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """A running PostgreSQL, ended with the test run."""
    server = EmbeddedServer({"wal_level": "logical"})
    yield server
    server.close()


@pytest.fixture
def database(server: EmbeddedServer) -> Iterator[str]:
    """The name of a new, empty database."""
    name = server.create_database()
    yield name
    server.drop_database(name)
