"""Type changes and function volatility against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from zero_downtime.postgres.server import EmbeddedServer, scratch_database
from zero_downtime.sql.effects import predict
from zero_downtime.sql.functions import builtin_volatility
from zero_downtime.sql.state import State

Row = tuple[object, ...]

TYPES = (
    "text",
    "varchar",
    "varchar(5)",
    "varchar(9)",
    "char(5)",
    "bpchar",
    "int",
    "bigint",
    "smallint",
    "oid",
    "regclass",
    "numeric",
    "numeric(10,2)",
    "numeric(12,2)",
    "numeric(12,3)",
    "timestamp",
    "timestamp(3)",
    "timestamptz",
    "timestamptz(3)",
    "time",
    "time(0)",
    "interval",
    "interval(2)",
    "interval(4)",
    "interval day to second",
    "bit(3)",
    "varbit",
    "varbit(5)",
    "cidr",
    "inet",
    "json",
    "jsonb",
    "xml",
    "text[]",
    "varchar(5)[]",
    "varchar(9)[]",
    "int[]",
    "plain",
    "short",
    "positive",
    "mood",
    "vector",
    "vector(3)",
)


@pytest.fixture(scope="module")
def connection(server: EmbeddedServer) -> Iterator[psycopg.Connection[Row]]:
    with scratch_database(server) as name, server.connect(name) as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'; CREATE EXTENSION vector")
        for sql in DOMAINS:
            connection.execute(sql)
        yield connection


DOMAINS = (
    "CREATE DOMAIN plain AS text",
    "CREATE DOMAIN short AS varchar(5)",
    "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
    "CREATE TYPE mood AS ENUM ('calm')",
)


@pytest.mark.parametrize("old", TYPES)
def test_every_change_to_another_type_is_foretold(
    connection: psycopg.Connection[Row], old: str
) -> None:
    wrong = []
    for new in TYPES:
        alter = f"ALTER TABLE t ALTER COLUMN c TYPE {new}"
        state = State(complete=True)
        for sql in (*DOMAINS, f"CREATE TABLE t (c {old})"):
            state.apply(sql)
        with connection.transaction(force_rollback=True):
            connection.execute(f"CREATE TABLE t (c {old})".encode())
            before = connection.execute("SELECT pg_relation_filenode('t')").fetchone()
            try:
                with connection.transaction():
                    connection.execute(alter.encode())
            except psycopg.Error:
                continue  # there is no such cast
            rewritten = before != connection.execute("SELECT pg_relation_filenode('t')").fetchone()
        if rewritten != bool(predict(alter, state).rewrites):
            wrong.append(f"{old} to {new}: {'rewritten' if rewritten else 'kept'}")
    assert wrong == []


def test_the_list_of_builtin_functions_is_the_servers(
    connection: psycopg.Connection[Row],
) -> None:
    """Functions with internal types can't be called; those of upgrades are nobody's default."""
    rows = connection.execute(
        "SELECT proname::text, bool_or(provolatile = 'v') FROM pg_proc"
        " WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind IN ('f', 'w')"
        " AND prorettype NOT IN ('cstring'::regtype, 'internal'::regtype, 'trigger'::regtype,"
        " 'event_trigger'::regtype, 'language_handler'::regtype, 'index_am_handler'::regtype)"
        " AND NOT 'internal'::regtype = ANY (proargtypes)"
        " AND NOT 'cstring'::regtype = ANY (proargtypes)"
        " AND proname NOT LIKE 'binary_upgrade%' GROUP BY 1"
    ).fetchall()
    assert len(rows) > 1500
    wrong = [
        name
        for name, volatile in rows
        if builtin_volatility((str(name),)) != ("volatile" if volatile else "not volatile")
    ]
    assert wrong == []
