"""Roles and names of databases are the cluster's: copies on one server must not meet in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project
from zero_downtime.rehearse import Options, RehearsalResult, rehearse

Revision = tuple[list[str], list[str]]
Rehearsed = Callable[..., RehearsalResult]

TABLE = (["CREATE TABLE t (id int PRIMARY KEY, a text)"], ["DROP TABLE t"])
READER = ["CREATE ROLE zd_reader", "GRANT SELECT ON t TO zd_reader"]
NO_READER = ["REVOKE ALL ON t FROM zd_reader", "DROP ROLE zd_reader"]
UNLESS_THERE = """DO $$BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'zd_auditor') THEN
        CREATE ROLE zd_auditor;
    END IF;
END$$"""
AS_OWNER = """
    from alembic import context
    from sqlalchemy import create_engine, pool, text

    url = context.config.get_main_option("sqlalchemy.url")
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        connection.execute(text("SET ROLE zd_owner"))
        connection.commit()
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
    """


@pytest.fixture
def rehearsed(make_project: Callable[..., Project], server: EmbeddedServer) -> Iterator[Rehearsed]:
    """Rehearse revisions behind one that makes a table, on a server that is not ours alone."""

    def tried(*revisions: Revision, **env: Any) -> RehearsalResult:
        bodies = [
            tuple("\n".join(f"op.execute({sql!r})" for sql in each) for each in revision)
            for revision in (TABLE, *revisions)
        ]
        project = make_project(*bodies, **env)
        return rehearse(project, Options(server=server.url(), rows=5, clients=2, start="r0"))

    before = roles(server)
    yield tried
    left = roles(server) - before - {"zd_auditor"}
    with psycopg.connect(server.url()) as connection:
        connection.execute("DROP ROLE IF EXISTS zd_auditor")  # made in a block, see below
    assert left == set()


def roles(server: EmbeddedServer) -> set[str]:
    """The server's roles: other tests leave some behind."""
    with psycopg.connect(server.url()) as connection:
        return {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}


def outcomes(result: RehearsalResult) -> list[str]:
    return [each.rollback.outcome if each.rollback else "fails" for each in result.revisions]


def stand_ins(result: RehearsalResult) -> list[str]:
    return [note.split()[2] for note in result.notes if note.startswith("the role ")]


def test_roles_that_revisions_make_and_drop(rehearsed: Rehearsed) -> None:
    result = rehearsed(
        (READER, NO_READER),
        (["CREATE USER zd_writer IN ROLE zd_reader"], ["DROP USER IF EXISTS zd_writer, zd_nobody"]),
        # What a block does is not seen: that role stays on a server that is not ours.
        ([UNLESS_THERE, "GRANT zd_auditor TO zd_writer"], ["REVOKE zd_auditor FROM zd_writer"]),
        (NO_READER, READER),
        (READER, NO_READER),
    )
    assert (result.reasons, stand_ins(result)) == ((), [])
    assert outcomes(result) == ["restores"] * 5
    killed = [crash for each in result.revisions for crash in each.crashes]
    assert len(killed) >= 5 and all(crash.recovered for crash in killed)


def test_roles_that_a_downgrade_does_not_get_rid_of(rehearsed: Rehearsed) -> None:
    result = rehearsed((READER, NO_READER[:1]))
    assert outcomes(result) == ["cannot-repeat"]
    assert 'role "zd_reader" already exists' in result.reasons[0]
    result = rehearsed((READER, NO_READER[1:]))
    assert outcomes(result) == ["raises"]
    assert "privileges for table t" in result.reasons[0]


def test_roles_that_are_elsewhere(rehearsed: Rehearsed) -> None:
    result = rehearsed(
        (["GRANT SELECT ON t TO zd_web"], ["REVOKE SELECT ON t FROM zd_web"]),
        (["ALTER TABLE t OWNER TO zd_dba"], ["ALTER TABLE t OWNER TO CURRENT_USER"]),
        (["SET ROLE zd_chief", "ALTER TABLE t ADD b int", "RESET ROLE"], ["ALTER TABLE t DROP b"]),
    )
    assert result.reasons == ()
    assert stand_ins(result) == ["zd_web", "zd_dba", "zd_chief"]


def test_the_database_by_the_name_that_it_has_elsewhere(rehearsed: Rehearsed) -> None:
    result = rehearsed(
        (["ALTER DATABASE shop SET datestyle = 'ISO'"], ['ALTER DATABASE "shop" RESET datestyle']),
        (READER, NO_READER),
        (
            ["GRANT TEMPORARY ON DATABASE postgres TO zd_reader", "COMMENT ON DATABASE shop IS ''"],
            ["REVOKE TEMPORARY ON DATABASE postgres FROM zd_reader"],
        ),
    )
    assert result.reasons == ()
    assert outcomes(result) == ["restores"] * 3


def test_a_locale_that_is_elsewhere(rehearsed: Rehearsed) -> None:
    result = rehearsed(
        (['ALTER TABLE t ADD b text COLLATE "und-x-icu"'], ["ALTER TABLE t DROP b"]),
        (['CREATE INDEX t_de ON t (a COLLATE "de_DE.utf8")'], ["DROP INDEX t_de"]),
        (['ALTER TABLE t ADD c text COLLATE "my_own"'], ["ALTER TABLE t DROP c"]),
    )
    assert outcomes(result) == ["restores", "restores", "fails"]
    assert 'collation "my_own"' in result.reasons[0]
    stood_in = [note.split()[2] for note in result.notes if '"C" stood in for it' in note]
    assert stood_in == ["und-x-icu", "de_DE.utf8"]


def test_a_role_that_env_py_takes_on(rehearsed: Rehearsed) -> None:
    result = rehearsed((["ALTER TABLE t ADD b int"], ["ALTER TABLE t DROP b"]), env=AS_OWNER)
    assert result.reasons == ()
    assert stand_ins(result) == ["zd_owner"]
