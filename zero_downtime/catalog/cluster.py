"""Roles and tablespaces: they belong to the cluster, no dump of a database makes them.

A scratch server gets those that a script names, so that its GRANT, OWNER TO and TABLESPACE work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pglast import parser
from psycopg import sql

from zero_downtime.catalog.facts import without_meta_commands
from zero_downtime.postgres.roles import making
from zero_downtime.postgres.server import Server
from zero_downtime.sql.roles import roles_named
from zero_downtime.sql.tree import tagged


def provide_cluster_objects(server: Server, script: str) -> None:
    """Make the roles and tablespaces that a script names and does not make itself.

    A script that does not parse is left to whoever runs it: the server's message is better.
    """
    try:
        tree = json.loads(parser.parse_sql_json(without_meta_commands(script)))
    except parser.ParseError:
        return
    made = set(_named(tree, "CreateRoleStmt", "role")) | set(
        _named(tree, "CreateTableSpaceStmt", "tablespacename")
    )
    roles = set(roles_named(tree)) - made
    spaces = set(_tablespaces(tree)) - made
    with server.connect() as connection:
        there = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role in sorted(roles - there):
            connection.execute(making(role).encode())
        there = {name for (name,) in connection.execute("SELECT spcname FROM pg_tablespace")}
        for space in sorted(spaces - there):
            # An empty location is a folder inside the data directory; it needs
            # allow_in_place_tablespaces (PostgreSQL docs, 19.17 Developer Options).
            statement = sql.SQL("CREATE TABLESPACE {} LOCATION ''").format(sql.Identifier(space))
            connection.execute(statement)


def _tablespaces(tree: Any) -> Iterator[str]:
    yield from _named(tree, "CreateStmt", "tablespacename")
    yield from _named(tree, "IndexStmt", "tableSpace")
    for node in tagged(tree, "VariableSetStmt"):
        if node.get("name") == "default_tablespace":
            for argument in node.get("args", ()):
                value = argument.get("A_Const", {}).get("sval", {}).get("sval")
                if value:
                    yield value


def _named(tree: Any, kind: str, key: str) -> Iterator[str]:
    for node in tagged(tree, kind):
        if node.get(key):
            yield node[key]
