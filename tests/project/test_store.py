"""The reference project: every revision up, down and up again, with rows in every table.

pytest-postgresql makes the databases on the embedded server. Each revision has a template of its
own, which is the template before it with one revision and some rows more.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql import factories

from zero_downtime.catalog import Catalog, compare, compare_stable, read_catalog
from zero_downtime.generate.states import declared
from zero_downtime.history import History, Revision, read_history
from zero_downtime.history.seal import edited, generated
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.replay import Replay

ROOT = Path(__file__).parents[2]
PROJECT: Project = find_project(ROOT / "pyproject.toml")
HISTORY: History = read_history(PROJECT)
REVISIONS = tuple(HISTORY)
ROWS = 120  # a table

Rows = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True)
class Base:
    """What pytest-postgresql wants to know of a server that others have started."""

    host: str
    port: int = 5432
    user: str = "postgres"
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str = "template0"


@pytest.fixture(scope="session")
def embedded(server: EmbeddedServer) -> Base:
    """The embedded server as pytest-postgresql sees it."""
    return Base(host=str(server.data))


def url_of(host: object, dbname: object) -> str:
    return f"postgresql://postgres@/{dbname}?host={host}"


def grow(revision: Revision | None) -> Callable[..., None]:
    """A loader for a template: one more revision, then rows in every table."""

    def load(host: str, dbname: str, **_: object) -> None:
        url = url_of(host, dbname)
        if revision is not None:
            Replay(PROJECT, url, history=HISTORY).run(revision, "upgrade")
        with psycopg.connect(url, autocommit=True) as connection:
            Data(connection, skip={"public.alembic_version"}).fill(ROWS)

    return load


# before_0 is empty, before_1 has the first revision … head has them all.
_NAMES = [*(f"before_{n}" for n in range(len(REVISIONS))), "head"]
for _number, _name in enumerate(_NAMES):
    globals()[f"{_name}_template"] = factories.postgresql_noproc(
        depends_on=f"{_NAMES[_number - 1]}_template" if _number else "embedded",
        dbname=f"store_{_name}",
        load=[grow(REVISIONS[_number - 1] if _number else None)],
    )
    globals()[_name] = factories.postgresql(f"{_name}_template", dbname=f"store_{_name}_copy")


def rows_of(connection: psycopg.Connection[tuple[object, ...]]) -> Rows:
    """All rows of all tables, by the columns in the order of their names."""
    tables = connection.execute(
        "SELECT c.oid::regclass::text,"
        " string_agg(quote_ident(a.attname) || '::text', ', ' ORDER BY a.attname)"
        " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version' GROUP BY 1"
    ).fetchall()
    content: Rows = {}
    for table, columns in tables:
        query = f"SELECT {columns} FROM {table}".encode()
        content[str(table)] = sorted(connection.execute(query).fetchall(), key=str)
    return content


def catalog_of(server: EmbeddedServer, connection: psycopg.Connection[object]) -> Catalog:
    return read_catalog(server, connection.info.dbname)


@pytest.mark.parametrize("number", range(len(REVISIONS)), ids=[r.path.stem for r in REVISIONS])
def test_a_revision_goes_up_and_down_and_up(
    number: int, server: EmbeddedServer, request: pytest.FixtureRequest
) -> None:
    connection = request.getfixturevalue(f"before_{number}")
    connection.autocommit = True
    replay = Replay(PROJECT, url_of(server.data, connection.info.dbname), history=HISTORY)
    revision = REVISIONS[number]
    before, rows = catalog_of(server, connection), rows_of(connection)
    assert number == 0 or sum(map(len, rows.values())) > ROWS

    replay.run(revision, "upgrade")
    up = catalog_of(server, connection)
    assert not compare(before, up).equal
    replay.run(revision, "downgrade")

    assert compare(before, catalog_of(server, connection)).describe() == []
    assert rows_of(connection) == rows
    replay.run(revision, "upgrade")
    assert compare(up, catalog_of(server, connection)).describe() == []


def test_every_table_at_head_has_rows(head: psycopg.Connection[tuple[object, ...]]) -> None:
    rows = rows_of(head)
    filled = {table for table, content in rows.items() if content}
    # Of the partitions only those get rows whose months the data happened to hit.
    assert {table for table in rows if not table.startswith("events_")} <= filled
    assert any(table.startswith("events_") for table in filled)


def test_the_modules_are_what_head_says(
    server: EmbeddedServer, head: psycopg.Connection[tuple[object, ...]]
) -> None:
    place, _ = declared(PROJECT, server)
    comparison = compare_stable(server, catalog_of(server, head), place.catalog)
    assert comparison.describe() == []


def test_plain_alembic_reaches_the_same_schema(
    server: EmbeddedServer, database: str, head: psycopg.Connection[tuple[object, ...]]
) -> None:
    def alembic(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "alembic", *arguments],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": server.url(database)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def reached() -> list[str]:
        return compare(catalog_of(server, head), read_catalog(server, database)).describe()

    alembic("upgrade", "head")
    assert reached() == []
    alembic("downgrade", "base")
    with server.connect(database) as connection:
        connection.execute("DROP TABLE alembic_version")  # the script makes it
    subprocess.run(
        [server.bin_dir / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", server.url(database)],
        input=alembic("upgrade", "head", "--sql"),
        check=True,
        capture_output=True,
        text=True,
    )
    assert reached() == []


def test_the_history_is_what_zd_wrote_but_for_the_reviewed_reasons() -> None:
    assert len(REVISIONS) >= 6
    assert all(generated(revision) for revision in REVISIONS)
    changed = [revision for revision in REVISIONS if edited(revision)]
    assert changed
    assert all("# zd: ignore[" in revision.path.read_text() for revision in changed)


def test_prices_of_a_variant_may_not_overlap(
    head: psycopg.Connection[tuple[object, ...]],
) -> None:
    with pytest.raises(psycopg.errors.ExclusionViolation):
        head.execute(
            "INSERT INTO prices (variant_id, currency, amount, valid)"
            " SELECT variant_id, currency, amount, valid FROM prices LIMIT 1"
        )


def test_a_session_sees_the_rows_of_its_tenant_only(
    head: psycopg.Connection[tuple[object, ...]],
) -> None:
    counts = head.execute(
        "SELECT tenant_id, count(*) FROM accounts GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()
    tenant, own = counts[0]
    assert len(counts) > 1
    head.execute("CREATE ROLE store_reader")
    head.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO store_reader")
    head.execute("SET LOCAL ROLE store_reader")
    assert head.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
    head.execute("SELECT set_config('store.tenant_id', %s, true)", [str(tenant)])
    assert head.execute("SELECT count(*) FROM accounts").fetchone() == (own,)
    head.rollback()
