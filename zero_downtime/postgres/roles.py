"""Roles that are made on a scratch server for the time being, and dropped when nobody has a use.

They bear a comment that says so, for a server that is not ours alone.
"""

from __future__ import annotations

import contextlib
from typing import Any

import psycopg
from psycopg import sql

from zero_downtime.postgres.literals import literal
from zero_downtime.postgres.names import quoted

_MADE = "made by zero-downtime on a scratch server"

# Two sessions may race to make one; who may not make roles leaves the error to the statement.
_MAKE = """DO $do$BEGIN EXECUTE {create}; EXECUTE {mark};
EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL; END$do$"""


def making(role: str, options: str = "") -> str:
    """The statement that makes a role, if it is not there and the session may."""
    create = f"CREATE ROLE {quoted(role)} {options}"
    return _MAKE.format(create=literal(create), mark=literal(marking(role)))


def marking(role: str) -> str:
    """The statement that says of a role that it was made."""
    return f"COMMENT ON ROLE {quoted(role)} IS {literal(_MADE)}"


def drop_made(connection: psycopg.Connection[Any]) -> None:
    """Drop the roles that were made on this server and that no database names any more."""
    query = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = %s"
    for (role,) in connection.execute(query, [_MADE]).fetchall():
        with contextlib.suppress(psycopg.Error):
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
