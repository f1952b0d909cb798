"""The database that an upgrade works on, and who else works on it."""

from __future__ import annotations

from typing import Any

import psycopg

from zero_downtime.errors import DatabaseError
from zero_downtime.postgres import failure
from zero_downtime.postgres.urls import libpq_url, masked
from zero_downtime.project import Project
from zero_downtime.replay import connects_to

# One number for all of zd: an advisory lock belongs to a database anyway.
RUNNER_LOCK = int.from_bytes(b"zd-runs\0", "big", signed=True)


def database_url(project: Project, url: str | None) -> str:
    """The libpq URL to work on: the one given, the setting, or what env.py connects to."""
    return libpq_url(project.url(url) or connects_to(project))


def connect(url: str) -> psycopg.Connection[Any]:
    """A session of zd's own. Raises DatabaseError."""
    try:
        return psycopg.connect(url, autocommit=True, application_name="zd", connect_timeout=10)
    except psycopg.Error as error:
        raise DatabaseError(
            database=masked(url),
            reason=f"the server refuses the connection ({failure.message(error)})",
            advice="Check host, database, user and password",
        ) from error


def runner_of(connection: psycopg.Connection[Any]) -> int | None:
    """The backend that holds the lock of a running zd on this database."""
    row = connection.execute(
        "SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted "
        "AND objsubid = 1 AND (classid::int8 << 32) | objid::int8 = %s AND database = "
        "(SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
        (RUNNER_LOCK,),
    ).fetchone()
    return int(row[0]) if row else None
