"""Schemas as scratch databases: the history replayed, the modules loaded, a script, a live copy."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from zero_downtime.catalog import Catalog, load_dump, read_catalog
from zero_downtime.config import Ignore
from zero_downtime.history import History, Revision
from zero_downtime.postgres.server import Server
from zero_downtime.postgres.urls import libpq_url
from zero_downtime.project import Project
from zero_downtime.replay import Replay
from zero_downtime.schema.ddl import Rename
from zero_downtime.schema.load import Declared, load_desired


@dataclass(frozen=True)
class Place:
    """A scratch database in some state, and its catalog."""

    database: str
    catalog: Catalog


def replayed(
    project: Project, server: Server, history: History, revisions: Sequence[Revision] | None = None
) -> tuple[Place, list[str]]:
    """The state after these revisions (default: all), and what had to be arranged for env.py."""
    database, notes = _replayed(project, server, history, revisions)
    return Place(database, read_catalog(server, database)), notes


def _replayed(
    project: Project, server: Server, history: History, revisions: Sequence[Revision] | None = None
) -> tuple[str, list[str]]:
    database = server.create_database()
    replay = Replay(project, server.url(database), history=history, copies=True)
    replay.run_all(tuple(history) if revisions is None else revisions, "upgrade")
    return database, replay.notes


def replayed_and_declared(
    project: Project, server: Server, history: History, read: Declared
) -> tuple[Place, Place, list[str]]:
    """Both states, and what had to be arranged for env.py.

    One is read while the other is loaded. The modules come after the history all the same: both
    may make roles, which belong to the whole server.
    """
    database, notes = _replayed(project, server, history)
    with ThreadPoolExecutor(1) as beside:
        current = beside.submit(read_catalog, server, database)
        desired, _ = declared(project, server, read)
        return Place(database, current.result()), desired, notes


def declared(
    project: Project, server: Server, read: Declared | None = None
) -> tuple[Place, tuple[Rename, ...]]:
    """The state that the schema modules declare, and the renames they speak of.

    ``read`` is what they declare, where they were read before.
    """
    database = server.create_database()
    with server.connect(database) as connection:
        loaded = load_desired(project, connection, read)
    return Place(database, read_catalog(server, database)), loaded.renames


def scripted(server: Server, script: str) -> Place:
    """The state that an SQL script builds. Raises ServerError at its first error."""
    database = server.create_database()
    load_dump(server, database, script)
    return Place(database, read_catalog(server, database))


def live(server: Server, url: str, ignore: Ignore) -> Catalog:
    """The catalog of a database that is not ours; it is only read. Raises DatabaseError."""
    return read_catalog(server, "", url=libpq_url(url), ignore=ignore)
