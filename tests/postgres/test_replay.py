"""Strangers' projects run against databases of our choice, on a real server."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest
import sqlalchemy as sa

from zero_downtime.errors import (
    DatabaseError,
    EnvironmentFailed,
    ExtensionMissing,
    HistoryError,
    RevisionFailed,
    SeveralDatabases,
)
from zero_downtime.history import read_history
from zero_downtime.history.rendering import render
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime.replay import (
    Execution,
    Replay,
    RunAgain,
    capture,
    capture_history,
    connects_to,
    migrate,
    sqlalchemy_url,
)
from zero_downtime.sql.statement import Statement

PROJECTS = Path(__file__).parent.parent / "projects"
CONFIGURATION = {
    "clinic": "alembic.ini",
    "ledger": "pyproject.toml",
    "telemetry": "alembic.ini",
    "warehouses": "alembic.ini",
}
PLAIN_ENV = """
    import os
    from alembic import context
    from sqlalchemy import create_engine, pool

    engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
    """


def stranger(name: str) -> Project:
    return find_project(PROJECTS / name / CONFIGURATION[name])


def value(server: EmbeddedServer, database: str, query: str) -> object:
    with server.connect(database) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def tables(server: EmbeddedServer, database: str) -> int:
    return int(
        str(
            value(
                server,
                database,
                "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'telemetry') "
                "AND tablename !~ 'version'",
            )
        )
    )


@pytest.mark.parametrize(
    ("name", "target", "count"),
    [("clinic", "d91c3a7746e0", 4), ("ledger", "heads", 3), ("telemetry", "head", 2)],
)
@pytest.mark.parametrize("seen", [True, False], ids=["statement by statement", "in one go"])
def test_a_project_goes_up_and_down(
    server: EmbeddedServer, database: str, name: str, target: str, count: int, seen: bool
) -> None:
    project, url = stranger(name), server.url(database)
    statements: list[Statement] = []

    def around(statement: Statement, execute: Execution) -> None:
        statements.append(statement)
        execute()

    migrate(project, url, target, "upgrade", around if seen else None)
    assert tables(server, database) == count
    replay = Replay(project, url)
    assert replay.plan(target, "upgrade") == []
    migrate(project, url, "base", "downgrade", around if seen else None)
    assert tables(server, database) == 0
    migrate(project, url, target, "upgrade")
    assert tables(server, database) == count
    assert {each.direction for each in statements} == ({"upgrade", "downgrade"} if seen else set())
    assert not any("version" in each.sql for each in statements)


def test_what_env_py_needs_is_stood_in_for_and_told(
    server: EmbeddedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    notes: list[str] = []
    migrate(stranger("clinic"), server.url(database), "d91c3a7746e0", notes=notes)
    told = "the environment variable DATABASE_URL is not set: env.py got the database's URL"
    assert told in notes
    assert "DATABASE_URL" not in os.environ


def test_env_py_is_led_away_from_where_its_own_settings_point(
    server: EmbeddedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = server.create_database()
    monkeypatch.setenv("DATABASE_URL", server.url(other))
    migrate(stranger("clinic"), server.url(database), "d91c3a7746e0")
    assert tables(server, database) == 4
    assert tables(server, other) == 0
    server.drop_database(other)


def test_options_of_the_engine_that_do_not_say_where_are_kept(
    server: EmbeddedServer, database: str
) -> None:
    names: list[object] = []

    def around(statement: Statement, execute: Execution) -> None:
        names.append(execute.value("SHOW application_name"))
        execute()

    migrate(stranger("ledger"), server.url(database), "0001", around=around)
    assert set(names) == {"ledger-migrations"}


def test_our_output_and_logging_stay_ours(
    server: EmbeddedServer, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    handlers, path = list(logging.getLogger().handlers), list(sys.path)
    here, said = Path.cwd(), list[str]()
    migrate(stranger("telemetry"), server.url(database), say=said.append)
    assert "migrating telemetry" in said
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers
    assert (sys.path, Path.cwd()) == (path, here)
    engine = sa.create_engine(sqlalchemy_url(server.url()), poolclass=sa.NullPool)
    with engine.connect() as connection:  # nobody leads it elsewhere any more
        assert connection.scalar(sa.text("SELECT current_database()")) == "postgres"


def test_statements_carry_file_line_and_transaction(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project(
        """
        op.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (100 % 7)")
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY i ON t (a)")
            op.execute("UPDATE t SET a = 1; UPDATE t SET a = 2")
        op.get_bind().execute(sa.text("UPDATE t SET a = :a"), {"a": 5})
        sa.inspect(op.get_bind()).get_columns("t")
        """
    )
    seen: list[Statement] = []

    def around(statement: Statement, execute: Execution) -> None:
        seen.append(statement)
        execute()

    migrate(project, server.url(database), around=around)
    assert [(each.sql, each.location.line, each.transaction) for each in seen] == [
        ("CREATE TABLE t (a int)", 6, 0),
        ("INSERT INTO t VALUES (100 % 7)", 6, 0),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", 8, None),
        # A server runs several statements of one text in one transaction.
        ("UPDATE t SET a = 1", 9, 1),
        ("UPDATE t SET a = 2", 9, 1),
        ("UPDATE t SET a = 5", 10, 2),
    ]
    assert seen[0].location.file.endswith("migrations/versions/r0.py")
    assert value(server, database, "SELECT a FROM t") == 5


def test_what_was_rendered_is_what_runs(server: EmbeddedServer) -> None:
    for name in ("clinic", "telemetry"):
        project = stranger(name)
        captured = capture_history(project, server)
        for revision in read_history(project):
            offline = [
                (each.location, each.transaction) for each in render(project, revision, "upgrade")
            ]
            online = [(each.location, each.transaction) for each in captured[revision.id]]
            if revision.id != "1c7e0f2a9b31":  # bulk_insert: one statement a row online
                assert online == offline


def test_a_revision_that_reads_is_captured_on_a_scratch_database(server: EmbeddedServer) -> None:
    project = stranger("ledger")
    revision = read_history(project).revision("0002")
    before = value(server, "postgres", "SELECT count(*) FROM pg_database")
    assert [each.sql for each in capture(project, server, revision)] == [
        "ALTER TABLE account ADD COLUMN kind VARCHAR(16)",
        "SELECT id, tags FROM account WHERE kind IS NULL",
        "ALTER TABLE account ALTER COLUMN kind SET NOT NULL",
    ]
    assert [each.sql for each in capture(project, server, revision, "downgrade")] == [
        "ALTER TABLE account DROP COLUMN kind"
    ]
    assert value(server, "postgres", "SELECT count(*) FROM pg_database") == before


def test_captured_rows_of_executemany_are_all_there(server: EmbeddedServer) -> None:
    project = stranger("clinic")
    revision = read_history(project).revision("1c7e0f2a9b31")
    rows = [each.sql for each in capture(project, server, revision) if "INSERT" in each.sql]
    assert len(rows) == 3 and "'Ear, nose & throat (children''s)'" in rows[2]


def test_an_error_of_a_revision_is_one_sentence_with_its_place(
    server: EmbeddedServer, database: str
) -> None:
    project, url = stranger("clinic"), server.url(database)
    migrate(project, url)
    with pytest.raises(RevisionFailed) as caught:
        migrate(project, url, "-1", "downgrade")
    assert str(caught.value).endswith(
        "e6f0427b8c19_fees_with_broken_downgrade.py:26: the downgrade of revision e6f0427b8c19 "
        'failed (column "price" of relation "appointments" does not exist), at: '
        "ALTER TABLE appointments DROP COLUMN price."
    )
    assert caught.value.facts["sqlstate"] == "42703"
    # The transaction was rolled back: the check is still there.
    assert value(
        server, database, "SELECT count(*) FROM pg_constraint WHERE conname = 'fee_not_negative'"
    )


def test_an_error_of_python_has_its_line(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project("x = 1\nraise ValueError('no such tenant')")
    with pytest.raises(RevisionFailed, match=r"r0\.py:7: .*\(ValueError: no such tenant\)"):
        migrate(project, server.url(database))


def test_a_missing_extension_is_told_with_the_way_out(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project("op.execute('CREATE EXTENSION postgis')")
    with pytest.raises(ExtensionMissing, match=r"r0\.py:6: .*extension postgis.*--server BIN_DIR"):
        migrate(project, server.url(database))


def test_a_failing_revision_leaves_those_before_it(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project("op.execute('CREATE TABLE a ()')", "op.execute('CREATE TABLE a ()')")
    with pytest.raises(RevisionFailed):
        migrate(project, server.url(database))
    assert Replay(project, server.url(database)).heads() == ("r0",)


def test_run_again_starts_the_revision_anew(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project(
        """
        op.execute("CREATE TABLE a ()")
        try:
            op.execute("CREATE TABLE b ()")
        except Exception:  # must not hide our wish from us
            pass
        """
    )
    seen: list[str] = []

    def around(statement: Statement, execute: Execution) -> None:
        seen.append(statement.sql)
        if statement.sql == "CREATE TABLE b ()" and len(seen) < 5:
            raise RunAgain
        execute()

    migrate(project, server.url(database), around=around)
    assert seen == ["CREATE TABLE a ()", "CREATE TABLE b ()"] * 3
    assert tables(server, database) == 2


def test_looking_at_a_database_writes_nothing(server: EmbeddedServer, database: str) -> None:
    assert Replay(stranger("telemetry"), server.url(database)).heads() == ()
    assert value(server, database, "SELECT count(*) FROM pg_class WHERE relname ~ '^alembic'") == 0


def test_a_pool_that_outlives_a_run_does_not_lead_to_the_old_database(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project(
        "op.execute('CREATE TABLE a ()')",
        env="""
        from alembic import context
        from app_with_a_pool import engine

        with engine.connect() as connection:
            context.configure(connection=connection)
            with context.begin_transaction():
                context.run_migrations()
        """,
    )
    (project.root / "app_with_a_pool.py").write_text(
        "import sqlalchemy\nengine = sqlalchemy.create_engine('postgresql+psycopg://nowhere/x')\n"
    )
    ini = project.root / "alembic.ini"
    ini.write_text(ini.read_text() + "prepend_sys_path = .\n")
    other = server.create_database()
    migrate(project, server.url(other))
    migrate(project, server.url(database))
    assert (tables(server, other), tables(server, database)) == (1, 1)
    assert (
        value(
            server,
            "postgres",
            f"SELECT count(*) FROM pg_stat_activity WHERE datname IN ('{other}', '{database}')",
        )
        == 0
    )
    server.drop_database(other)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg2"])
def test_psycopg_stands_in_for_a_driver_that_is_not_installed(
    server: EmbeddedServer,
    database: str,
    make_project: Callable[..., Project],
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
) -> None:
    monkeypatch.setitem(sys.modules, driver, None)
    monkeypatch.setenv("DATABASE_URL", f"postgresql+{driver}://nobody@nowhere/x")
    only_there = 'connect_args={"keepalives": 1}, executemany_mode="values_plus_batch"'
    env = PLAIN_ENV.replace("pool.NullPool", f"pool.NullPool, {only_there}")
    if driver == "asyncpg":
        env = (PROJECTS / "telemetry" / "migrations" / "env.py").read_text()
        env = env.replace("from telemetry.models import Base", "import os").replace(
            "target_metadata = Base.metadata",
            "target_metadata = None\n"
            'config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])',
        )
    body = """
        name = op.get_bind().exec_driver_sql("SELECT format('%I', 'a')").scalar()
        op.execute(f"CREATE TABLE {name} (b text DEFAULT '100%')")
        """
    project, notes = make_project(body, env=env), list[str]()
    migrate(project, server.url(database), notes=notes)
    assert "'100%'" in str(value(server, database, "SELECT pg_get_expr(adbin, 0) FROM pg_attrdef"))
    assert notes == [f"{driver} is not installed here: psycopg stood in for it"]
    assert tables(server, database) == 1


UNTYPED = """
    op.execute("CREATE TYPE mood AS ENUM ('calm')")
    op.execute("CREATE TABLE t (i int, m mood, j jsonb, at date, a text[], n int[])")
    columns = [sa.column(name, sa.String) for name in ("i", "m", "j", "at")]
    row = {"i": "1", "m": "calm", "j": "{}", "at": "2026-01-01"}
    op.bulk_insert(sa.table("t", *columns, sa.column("a"), sa.column("n")), [
        {**row, "a": ["it's", "100%"], "n": [1, None]}, {**row, "i": None, "a": [], "n": []}])
    bind = op.get_bind()
    found = bind.execute(sa.text("SELECT i FROM t WHERE i IN :some AND n = :n"),
        {"some": (1, 2), "n": [1, None]}).scalar()
    assert found == 1, found
    """


STOOD_IN = "psycopg2 is not installed here: psycopg stood in for it"


@pytest.mark.parametrize(
    ("needs", "url", "note"),
    [
        ("", "postgresql+psycopg2://nobody@nowhere/x", STOOD_IN),
        ("psycopg2-binary==2.9", "postgresql://nobody@nowhere/x", STOOD_IN),
        ("", "sqlite://", "does not run here (it connects to sqlite"),
    ],
)
def test_values_have_no_types_where_psycopg2_is_meant(
    server: EmbeddedServer,
    database: str,
    make_project: Callable[..., Project],
    monkeypatch: pytest.MonkeyPatch,
    needs: str,
    url: str,
    note: str,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setenv("DATABASE_URL", url)
    project, notes = make_project(UNTYPED, env=PLAIN_ENV), list[str]()
    (project.root / "requirements.txt").write_text(needs)
    migrate(project, server.url(database), notes=notes)
    assert value(server, database, "SELECT count(*) FROM t") == 2
    assert len(notes) == 1 and note in notes[0]


def test_values_have_types_where_psycopg_is_meant(
    server: EmbeddedServer,
    database: str,
    make_project: Callable[..., Project],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@nowhere/x")
    project = make_project(UNTYPED, env=PLAIN_ENV)
    (project.root / "requirements.txt").write_text("psycopg[binary]\npsycopg2")
    with pytest.raises(RevisionFailed, match="type character varying"):
        migrate(project, server.url(database))


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ("import no_such_app", "1 does not run here (ModuleNotFoundError: No module named"),
        (
            "print('use our command')\nraise SystemExit(1)",
            "2 does not run here (SystemExit: 1, use",
        ),
        ("assert not __name__", "1 does not run here (AssertionError: assert not __name__)"),
    ],
)
def test_an_env_py_that_can_not_run_is_gone_without_and_told(
    server: EmbeddedServer,
    database: str,
    make_project: Callable[..., Project],
    env: str,
    reason: str,
) -> None:
    project = make_project("op.execute('CREATE TABLE a ()')", env=env)
    notes: list[str] = []
    migrate(project, server.url(database), notes=notes)
    assert len(notes) == 1
    assert f"migrations/env.py:{reason}" in notes[0]
    assert tables(server, database) == 1


def test_x_arguments_stand_in_the_settings(
    server: EmbeddedServer,
    database: str,
    make_project: Callable[..., Project],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = dedent(PLAIN_ENV) + "assert context.get_x_argument(True)['tenant'] == 'acme'\n"
    project = make_project("op.execute('CREATE TABLE a ()')", env=env)
    (project.root / "pyproject.toml").write_text('[tool.zero_downtime]\nx = ["tenant=acme"]\n')
    monkeypatch.setenv("DATABASE_URL", server.url(database))
    migrate(find_project(project.root / "pyproject.toml"), server.url(database))
    assert tables(server, database) == 1


def test_the_driver_warns_nobody_of_an_error_that_is_told(
    server: EmbeddedServer,
    database: str,
    make_project: Callable[..., Project],
    caplog: pytest.LogCaptureFixture,
) -> None:
    project = make_project(
        "op.execute('CREATE TABLE a (id int PRIMARY KEY)')\n"
        "op.bulk_insert(sa.table('a', sa.column('id')), [{'id': 1}] * 300)"
    )
    with pytest.raises(RevisionFailed, match="duplicate key"):
        migrate(project, server.url(database), around=lambda statement, execute: execute())
    assert not caplog.records


FLASK = """
    import flask
    if not flask.active:
        raise RuntimeError("Working outside of application context.")
    """
FLASK_PACKAGE = """
    import contextlib, os
    active = []
    def load_dotenv(): pass
    class ScriptInfo:
        def __init__(self, name): self.name = name
        def load_app(self):
            if self.name != "shop": raise LookupError("set FLASK_APP")
            import sqlalchemy as sa
            with sa.create_engine(os.environ["DATABASE_URL"]).connect() as connection:
                connection.execute(sa.text("SELECT 1"))
            return self
        @contextlib.contextmanager
        def app_context(self):
            active.append(self)
            yield
            active.remove(self)
    """


@pytest.mark.parametrize(
    ("name", "noted"),
    [("shop", []), (None, [r"env\.py:1 does not run .*LookupError: set FLASK_APP"])],
)
def test_flask_migrate_runs_within_its_application(
    server: EmbeddedServer,
    database: str,
    make_project: Callable[..., Project],
    monkeypatch: pytest.MonkeyPatch,
    name: str | None,
    noted: list[str],
) -> None:
    env = dedent(FLASK) + dedent(PLAIN_ENV)
    project = make_project("op.execute('CREATE TABLE a ()')", env=env)
    package = project.root / "flask"
    package.mkdir()
    (package / "__init__.py").write_text(dedent(FLASK_PACKAGE))
    (package / "cli.py").write_text("from flask import ScriptInfo, load_dotenv\n")
    (project.root / "alembic.ini").write_text("[alembic]\n")
    (project.root / "alembic.ini").rename(project.root / "migrations" / "alembic.ini")
    monkeypatch.chdir(project.root)
    monkeypatch.syspath_prepend(str(project.root))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@nowhere/x")
    for module in ("flask", "flask.cli"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    if name is None:
        monkeypatch.delenv("FLASK_APP", raising=False)
    else:
        monkeypatch.setenv("FLASK_APP", name)
    notes: list[str] = []
    migrate(find_project(), server.url(database), notes=notes)
    assert tables(server, database) == 1
    assert len(notes) == len(noted)
    assert all(re.search(each, note) for each, note in zip(noted, notes, strict=True))


def test_for_a_database_that_matters_env_py_must_run(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project("pass", env="import no_such_app\n")
    with pytest.raises(EnvironmentFailed, match=r"env\.py:1: .*No module named 'no_such_app'"):
        Replay(project, server.url(database), strict=True).heads()


def test_an_env_py_for_another_database_is_gone_without_and_told(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    env = PLAIN_ENV.replace('os.environ["DATABASE_URL"]', '"sqlite://"')
    project, notes = make_project("op.execute('CREATE TABLE a ()')", env=env), list[str]()
    migrate(project, server.url(database), notes=notes)
    assert "it connects to sqlite, not to PostgreSQL" in notes[0]
    assert tables(server, database) == 1
    with pytest.raises(EnvironmentFailed, match="it connects to sqlite"):
        Replay(project, server.url(database), strict=True).heads()


def test_an_autocommit_block_in_a_transaction_of_env_py_is_explained(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project(
        "with op.get_context().autocommit_block():\n    op.execute('SELECT 1')",
        env=PLAIN_ENV.replace("engine.connect()", "engine.begin()"),
    )
    with pytest.raises(RevisionFailed, match=r"r0\.py:6: .*\(autocommit_block\(\) needs a trans"):
        migrate(project, server.url(database))


def test_a_syntax_error_in_env_py_is_never_gone_without(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    project = make_project("pass", env="x = 1\nimport (\n")
    with pytest.raises(EnvironmentFailed, match=r"env\.py:2: .*SyntaxError"):
        migrate(project, server.url(database))


def test_settings_that_name_their_variable_in_a_message_are_understood(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    check = 'if "APP_DB_DSN" not in os.environ: raise RuntimeError("please set APP_DB_DSN")\n'
    env = dedent(PLAIN_ENV).replace("engine =", check + "engine =", 1)
    project = make_project(
        "op.execute('CREATE TABLE a ()')", env=env.replace("DATABASE_URL", "APP_DB_DSN")
    )
    migrate(project, server.url(database))
    assert tables(server, database) == 1


def test_several_databases_in_one_env_py_are_refused_before_anything_ran(
    server: EmbeddedServer, database: str
) -> None:
    with pytest.raises(SeveralDatabases, match=r"env\.py: .*run_migrations\(engine_name\)"):
        migrate(stranger("warehouses"), server.url(database))
    assert tables(server, database) == 0


def test_a_server_that_refuses_is_one_sentence(make_project: Callable[..., Project]) -> None:
    with pytest.raises(DatabaseError, match=r"^postgresql://u:\*\*\*@localhost:1/x: the server"):
        migrate(make_project("pass"), "postgresql://u:secret@localhost:1/x")


def test_an_unknown_target_is_one_sentence(server: EmbeddedServer, database: str) -> None:
    with pytest.raises(HistoryError, match=r"Can't locate revision identified by 'nope'"):
        migrate(stranger("clinic"), server.url(database), "nope")


def test_where_env_py_connects_to_is_found_without_connecting(
    make_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connects_to(stranger("ledger")) == "postgresql://ledger:ledger@localhost:5432/ledger"
    assert connects_to(stranger("telemetry")) == (
        "postgresql://telemetry:telemetry@db.internal/telemetry"
    )
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@/shop?host=/var/run&options=-cjit%3Doff")
    assert connects_to(make_project("pass")) == "postgresql://u@/shop?host=%2Fvar%2Frun"
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(EnvironmentFailed, match="'DATABASE_URL'"):
        connects_to(make_project("pass"))


def test_a_password_survives_the_way_through_a_url(
    server: EmbeddedServer, database: str, make_project: Callable[..., Project]
) -> None:
    with server.connect(database) as connection:
        connection.execute("CREATE ROLE odd LOGIN PASSWORD 'p@ss:w/%rd'")
        connection.execute(f'GRANT CREATE ON DATABASE "{database}" TO odd')
        connection.execute("GRANT CREATE ON SCHEMA public TO odd")
    try:
        project = make_project("op.execute('CREATE SCHEMA s')")
        url = server.url(database).replace("postgres@", "odd:p%40ss%3Aw%2F%25rd@")
        migrate(project, url)
        assert (
            value(
                server,
                database,
                "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 's'",
            )
            == "odd"
        )
    finally:
        with server.connect(database) as connection:
            connection.execute("DROP OWNED BY odd CASCADE")
            connection.execute("DROP ROLE odd")


def test_psycopg_errors_keep_their_state() -> None:
    from zero_downtime.postgres.failure import sqlstate

    error = sa.exc.DBAPIError("SELECT 1", {}, psycopg.errors.LockNotAvailable("no"))
    assert sqlstate(error) == "55P03"
