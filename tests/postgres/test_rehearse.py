"""A rehearsal of a little Alembic project with good and bad revisions."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec import structs

from zero_downtime.errors import HistoryError, InputError, RefusedDatabase, ServerError
from zero_downtime.history import read_history
from zero_downtime.postgres import scratch
from zero_downtime.postgres.server import EmbeddedServer, scratch_database
from zero_downtime.project import Project, find_project
from zero_downtime.rehearse import Options, RehearsalResult, RevisionResult, as_json, rehearse
from zero_downtime.replay import Replay

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
FIRST = (
    """
    op.execute("CREATE TYPE state AS ENUM ('new', 'paid')")
    op.execute("CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
               "email varchar(100) NOT NULL UNIQUE, note text)")
    op.execute("CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
               "customer int NOT NULL REFERENCES customers, state state NOT NULL, "
               "amount int NOT NULL CHECK (amount > 0), memo varchar(50))")
    """,
    """
    op.execute("DROP TABLE orders")
    op.execute("DROP TABLE customers")
    op.execute("DROP TYPE state")
    """,
)


def project(folder: Path, *revisions: tuple[str, ...]) -> Path:
    """An Alembic project; a revision is (upgrade, downgrade) and perhaps module attributes."""
    (folder / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s/migrations\n"
        "sqlalchemy.url = postgresql+psycopg://nobody@nowhere/none\n"
    )
    (folder / "migrations" / "versions").mkdir(parents=True)
    (folder / "migrations" / "env.py").write_text(ENV)
    (folder / "migrations" / "script.py.mako").write_text("")
    for number, (up, down, *attributes) in enumerate(revisions, 1):
        parent = f'"r{number - 1}"' if number > 1 else "None"
        text = f'"""Revision {number}."""\nfrom alembic import op\nimport sqlalchemy as sa\n'
        text += f'revision = "r{number}"\ndown_revision = {parent}\n' + "\n".join(attributes) + "\n"
        for name, body in (("upgrade", up), ("downgrade", down)):
            text += f"def {name}():\n" + textwrap.indent(textwrap.dedent(body).strip(), "    ")
            text += "\n\n"
        (folder / "migrations" / "versions" / f"r{number}.py").write_text(text)
    return folder / "alembic.ini"


def run(folder: Path, *revisions: tuple[str, ...], **options: Any) -> RehearsalResult:
    chosen = {"rows": 200, "clients": 2, "server": URL[0], **options}
    return rehearse(
        find_project(project(folder, *revisions)), Options(**{"crash_points": 0, **chosen})
    )


URL: list[str] = []


@pytest.fixture(autouse=True)
def session_server(server: EmbeddedServer) -> None:
    """Most rehearsals here share one server, as with --server URL."""
    URL[:] = [server.url()]


def last(folder: Path, *revisions: tuple[str, ...], **options: Any) -> RevisionResult:
    """The rehearsal of the last revision alone."""
    result = run(folder, *revisions, start=f"r{len(revisions) - 1}", **options)
    assert [r.revision for r in result.revisions] == [f"r{len(revisions)}"]
    return result.revisions[0]


def test_a_good_history_is_safe(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        FIRST,
        ('op.add_column("orders", sa.Column("paid_at", sa.DateTime))',
         'op.drop_column("orders", "paid_at")'),
        ('with op.get_context().autocommit_block():\n'
         '    op.execute("CREATE INDEX CONCURRENTLY orders_customer ON orders (customer)")',
         'with op.get_context().autocommit_block():\n'
         '    op.execute("DROP INDEX CONCURRENTLY orders_customer")'),
    )  # fmt: skip
    assert result.reasons == ()
    assert result.verdict == "safe"
    assert [r.rollback and r.rollback.outcome for r in result.revisions] == ["restores"] * 3
    assert all(r.predicted_equals_observed for r in result.revisions), result
    assert result.tables == {"public.customers": 200, "public.orders": 200}
    add, index = result.revisions[1].upgrade, result.revisions[2].upgrade
    (lock,) = add.steps[0].locks
    assert (lock.relation, lock.mode) == ("public.orders", "ACCESS EXCLUSIVE")
    assert lock.exact
    assert 0 < lock.seconds < 1
    assert add.steps[0].rewrote == ()
    assert add.reads_before.operations > 10
    assert add.writes_before.operations > 10
    (held,) = index.steps[0].locks
    assert (held.relation, held.mode) == ("public.orders", "SHARE UPDATE EXCLUSIVE")
    drop = result.revisions[1].downgrade
    assert [s.locks[0].mode for s in drop.steps] == ["ACCESS EXCLUSIVE"]
    assert result.revisions[1].rollback is not None
    assert result.revisions[1].rollback.rows_checked == 400


def test_a_rewrite_is_seen(tmp_path: Path) -> None:
    revision = last(
        tmp_path,
        FIRST,
        ('op.alter_column("orders", "amount", type_=sa.BigInteger)',
         'op.alter_column("orders", "amount", type_=sa.Integer)'),
        rows=2000,
    )  # fmt: skip
    (step,) = revision.upgrade.steps
    assert step.rewrote == ("public.orders",)
    assert {(lock.relation, lock.mode) for lock in step.locks} >= {
        ("public.orders", "ACCESS EXCLUSIVE")
    }
    assert step.scanned == ("public.orders",)
    assert step.wal_bytes > 50_000
    assert revision.predicted_equals_observed, step.differences
    assert revision.rollback is not None
    assert revision.rollback.outcome == "restores"


def test_what_rows_decide_is_no_disagreement(tmp_path: Path) -> None:
    months = (
        'op.execute("CREATE TABLE events (at date NOT NULL, what int) PARTITION BY RANGE (at)")\n'
        "for year in (2025, 2026):\n"
        '    op.execute(f"CREATE TABLE events_{year} PARTITION OF events '
        "FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')\")\n"
        'op.execute("CREATE INDEX events_what ON events (what)")\n'
        "op.execute(\"INSERT INTO events SELECT '2025-5-5', i FROM generate_series(1, 20000) i\")",
        'op.drop_table("events")',
    )
    late = (
        'op.execute("CREATE TABLE late (id int REFERENCES customers "'
        '"DEFERRABLE INITIALLY DEFERRED, since timestamp)")',
        'op.drop_table("late")',
    )
    revision = last(
        tmp_path,
        FIRST,
        months,
        late,
        ('op.execute("DELETE FROM customers WHERE id < 0")\n'
         'op.execute("INSERT INTO late SELECT id FROM customers LIMIT 1")\n'
         'op.execute("SET CONSTRAINTS ALL IMMEDIATE")\n'
         'op.execute("ALTER TABLE late ALTER since TYPE timestamptz")\n'
         "op.execute(\"UPDATE events SET what = 1 WHERE at = date '2025-05-04' + 2\")\n"
         "op.execute(\"INSERT INTO events SELECT date '2026-05-04' + 1, 1\")\n"
         'op.execute("UPDATE events SET what = what")\n'
         "with op.get_context().autocommit_block():\n"
         '    op.execute("UPDATE events SET what = what")\n'
         '    op.execute("REINDEX INDEX CONCURRENTLY events_2025_what_idx")\n'
         '    op.execute("ALTER TABLE events DETACH PARTITION events_2025 CONCURRENTLY")',
         "pass"),
        clients=0,
    )  # fmt: skip
    assert revision.predicted_equals_observed, revision.warnings
    first, second, *_ = revision.upgrade.steps
    assert first.locks[0].seconds > first.seconds + second.seconds  # until the transaction ends
    *_, within, alone, reindex, detach = revision.upgrade.steps
    assert alone.wal_bytes < 1.5 * within.wal_bytes  # once, though it was tried before
    assert alone.disk_bytes < 1.5 * within.disk_bytes
    assert reindex.disk_bytes > 100_000  # the new index stood beside the old one
    assert {(lock.relation, lock.mode) for lock in detach.locks} == {
        ("public.events", "SHARE UPDATE EXCLUSIVE"),
        ("public.events_2025", "ACCESS EXCLUSIVE"),
    }


def test_a_stall_makes_it_unsafe(tmp_path: Path) -> None:
    revision = last(
        tmp_path,
        FIRST,
        ('op.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")\n'
         'op.execute("SELECT pg_sleep(0.5)")\n'
         'op.add_column("orders", sa.Column("x", sa.Integer))',
         'op.drop_column("orders", "x")'),
        budget="stall=300ms",
    )  # fmt: skip
    lock, sleep, _ = revision.upgrade.steps
    # How near to the truth these are is tested with clients alone (test_traffic).
    assert sleep.reads.max_ms > 300
    assert sleep.writes.max_ms > 300
    assert lock.locks[0].seconds > 0.3
    said = " ".join(revision.reasons)
    assert re.search(r"readers waited up to [0-9.]+ m?s in the upgrade behind ACCESS", said)
    assert re.search(r"writers waited up to [0-9.]+ m?s in the upgrade behind ACCESS", said)


def test_a_rename_breaks_the_old_application(tmp_path: Path) -> None:
    rename = (
        'op.alter_column("orders", "memo", new_column_name="remark")',
        'op.alter_column("orders", "remark", new_column_name="memo")',
    )
    revision = last(tmp_path, FIRST, rename)
    assert revision.rollback is not None
    assert revision.rollback.tables == ()  # rows that clients changed in it are theirs
    assert {e.sqlstate for e in revision.upgrade.errors} == {"42703"}
    assert any(r.endswith('with 42703: column "memo" does not exist') for r in revision.reasons)


def test_the_new_application_works_beside_the_old_one(tmp_path: Path) -> None:
    trigger = (
        'op.execute("ALTER TABLE customers ADD COLUMN full_name text")\n'
        'op.execute("CREATE FUNCTION sync() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "\n'
        "           \"IF NEW.full_name IS NOT NULL THEN RAISE EXCEPTION 'not yet'; END IF; \"\n"
        '           "RETURN NEW; END $$")\n'
        'op.execute("CREATE TRIGGER sync BEFORE INSERT OR UPDATE ON customers "\n'
        '           "FOR EACH ROW EXECUTE FUNCTION sync()")'
    )
    revision = last(
        tmp_path,
        FIRST,
        (trigger,
         'op.execute("DROP TRIGGER sync ON customers")\nop.execute("DROP FUNCTION sync")\n'
         'op.drop_column("customers", "full_name")'),
    )  # fmt: skip
    (error,) = revision.upgrade.errors
    assert (error.application, error.sqlstate, error.message) == ("new", "P0001", "not yet")
    assert [r for r in revision.reasons if r.startswith("the new application failed ")]


def test_models_tell_what_the_new_application_knows(make_project: Callable[..., Project]) -> None:
    """The model has let go of a column that is still there, NOT NULL and without default."""
    table = 'op.execute("CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL)")'
    plain = make_project(table, ('op.execute("ALTER TABLE people ADD full_name text")',
                                 'op.execute("ALTER TABLE people DROP full_name")'))  # fmt: skip
    (plain.root / "schemas").mkdir()
    (plain.root / "schemas" / "people.sql").write_text(
        "CREATE TABLE people (id int PRIMARY KEY, full_name text);"
    )
    modelled = structs.replace(plain, config=structs.replace(plain.config, schemas="schemas"))
    with role("CREATEDB") as url:  # no superuser, as on the servers that one rents
        options = Options(rows=50, clients=2, server=url, start="r0", crash_points=2)
        (revision,) = rehearse(modelled, options).revisions
    (error,) = revision.upgrade.errors
    assert (error.application, error.sqlstate) == ("new", "23502")
    assert revision.crashes and not any(crash.reason for crash in revision.crashes)
    with role("NOCREATEDB") as url, pytest.raises(ServerError, match="may not make databases"):
        rehearse(plain, replace(options, server=url))


@contextlib.contextmanager
def role(may: str) -> Iterator[str]:
    """The shared server's URL for a new role."""
    with psycopg.connect(URL[0], autocommit=True) as connection:
        connection.execute(f"CREATE ROLE zd_test_maker LOGIN {may}".encode())
        try:
            yield URL[0].replace("//postgres@", "//zd_test_maker@")
        finally:
            connection.execute("DROP ROLE zd_test_maker")


def test_a_workload_file_replaces_what_is_made_up(tmp_path: Path) -> None:
    (tmp_path / "workload.toml").write_text(
        "[[statement]]\nsql = 'SELECT email FROM customers WHERE id = $1'\n"
        "[[statement]]\nsql = 'SELECT note FROM customers'\nuntil = 'r2'\n"
        "[[statement]]\nsql = 'SELECT nothing'\n"
    )
    drop = ('op.drop_column("customers", "note")', 'op.add_column("customers", sa.Column("note", '
            'sa.Text))')  # fmt: skip
    rename = ('op.alter_column("customers", "email", new_column_name="mail")',
              'op.alter_column("customers", "mail", new_column_name="email")')  # fmt: skip
    result = run(
        tmp_path, FIRST, drop, rename, start="r1", workload=tmp_path / "workload.toml", rows=50
    )
    dropped, renamed = (each.upgrade.errors for each in result.revisions)
    assert dropped == ()
    assert [error.sqlstate for error in renamed] == ["42703"]
    assert [note for note in result.notes if "SELECT nothing" in note]


def test_clients_that_never_let_it_in_are_told(tmp_path: Path) -> None:
    held = "CASE current_setting('application_name') WHEN 'zd rehearsal client' THEN 60 ELSE 0 END"
    (tmp_path / "workload.toml").write_text(
        f'[[statement]]\nsql = """SELECT pg_sleep({held}) FROM orders LIMIT 1"""\n'
    )
    paid = ('op.add_column("orders", sa.Column("paid", sa.Date))',
            'op.drop_column("orders", "paid")')  # fmt: skip
    plain = find_project(project(tmp_path, FIRST, paid))
    hurried = structs.replace(plain.config.locks, deadline_s=0.3)
    plain = structs.replace(plain, config=structs.replace(plain.config, locks=hurried))
    options = Options(start="r1", rows=20, clients=2, server=URL[0], crash_points=0)
    result = rehearse(plain, replace(options, workload=tmp_path / "workload.toml"))
    (reason,) = result.revisions[0].reasons
    assert "clients never let it get its locks: ALTER TABLE orders" in reason


@pytest.mark.parametrize("kind", ["url", "custom", "plain", "packed"])
def test_rows_may_be_those_of_a_database(tmp_path: Path, server: EmbeddedServer, kind: str) -> None:
    paid = ('op.execute("ALTER TABLE customers ADD CHECK (note IS NULL)")',
            'op.drop_constraint("customers_note_check", "customers")')  # fmt: skip
    plain = find_project(project(tmp_path, FIRST, paid))
    options = Options(rows=50, clients=0, crash_points=0, server=URL[0])
    with scratch_database(server) as there:
        data = source = server.url(there)
        Replay(plain, source).run_all([read_history(plain).revision("r1")], "upgrade")
        with server.connect(there) as connection:
            connection.execute("INSERT INTO customers (email, note) VALUES ('a@b.c', 'hello')")
            connection.execute("CREATE ROLE passing; GRANT SELECT ON customers TO passing")
            if kind != "url":
                data = str(tmp_path / "dump")
                shape = "--compress=gzip" if kind == "packed" else f"--format={kind}"
                program = [str(server.bin_dir / "pg_dump"), shape, f"--file={data}"]
                subprocess.run([*program, source], check=True)
            connection.execute("DROP OWNED BY passing; DROP ROLE passing")  # not in the dump
            connection.execute(
                f"ALTER DATABASE {there} SET default_transaction_read_only = on".encode()
            )
        if kind == "url":
            with pytest.raises(InputError, match="has all of these revisions already"):
                rehearse(plain, replace(options, data=data, end="r1"))
        result = rehearse(plain, replace(options, data=data))
    (revision,) = result.revisions
    assert revision.revision == "r2"
    assert result.tables == {"public.customers": 1, "public.orders": 0}
    (reason,) = revision.reasons
    assert 'check constraint "customers_note_check"' in reason
    assert "hello" not in reason
    assert [note for note in result.notes if note.endswith("at r1")]


def test_data_that_is_of_no_use_is_told(tmp_path: Path) -> None:
    plain = find_project(project(tmp_path, FIRST))
    (tmp_path / "dump.sql").write_text("CREATE TABLE t (a int);")
    (tmp_path / "bad.sql").write_text("CREATE TABLE t (a geometri);")
    (tmp_path / "lacks.sql").write_text("CREATE EXTENSION postgis; CREATE TABLE t (a geometry);")
    (tmp_path / "other.sql").write_text(
        "CREATE TABLE t (a text);\nCOPY t FROM stdin;\nDROP DATABASE x;\n\\.\n\n"
        "DROP DATABASE shop;\n"
    )
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 3)
    for data, said in (
        ("dump.sql", "Say --from base if the history begins on these tables"),
        ("bad.sql", 'can\'t be restored (type "geometri" does not exist)'),
        ("lacks.sql", "The server lacks postgis"),
        ("other.sql", "other.sql:6: leads to a database of its own (DROP DATABASE shop;)"),
        ("noise", "is no dump"),
        ("none", "is not there"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            rehearse(plain, Options(rows=0, clients=0, server=URL[0], data=str(tmp_path / data)))


def test_a_history_that_begins_on_tables_made_elsewhere(tmp_path: Path) -> None:
    plain = find_project(
        project(
            tmp_path,
            ('op.add_column("made", sa.Column("note", sa.Text))', 'op.drop_column("made", "note")'),
            (
                'op.add_column("made", sa.Column("k", sa.Integer, nullable=False))',
                'op.drop_column("made", "k")',
            ),
        )
    )
    options = Options(start="base", rows=20, clients=0, crash_points=0, server=URL[0])
    (failed,) = rehearse(plain, options).revisions
    assert "Give a dump of them with --data, and --from base" in failed.reasons[0]
    (tmp_path / "made.sql").write_text("CREATE TABLE made (id int PRIMARY KEY);")
    result = rehearse(plain, replace(options, data=str(tmp_path / "made.sql")))
    assert result.tables == {"public.made": 20}
    assert [r.rollback and r.rollback.outcome for r in result.revisions] == ["restores"] * 2
    assert result.revisions[0].safe
    assert "contains null values" in result.revisions[1].reasons[0]
    assert result.notes[0].startswith("the history begins on what is in ")
    (tmp_path / "made.sql").write_text(
        "CREATE TABLE made (id int PRIMARY KEY, note text);"
        "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('r1')"
    )
    with pytest.raises(InputError, match="is at r1, not before the first revision"):
        rehearse(plain, replace(options, data=str(tmp_path / "made.sql")))


def test_a_branch_that_fails_behind_another_is_proven_without_it(tmp_path: Path) -> None:
    make = ('op.execute("CREATE TABLE t (a int)")', 'op.execute("DROP TABLE t")')
    ini = project(tmp_path, make)
    versions = tmp_path / "migrations" / "versions"
    (versions / "s1.py").write_text((versions / "r1.py").read_text().replace('"r1"', '"s1"'))
    result = rehearse(find_project(ini), Options(rows=0, clients=0, server=URL[0]))
    first, second = result.revisions
    assert first.safe
    behind = f"the upgrade fails behind {first.revision}, which it does not build on ("
    assert [reason.partition("(")[0] + "(" for reason in second.reasons] == [behind]
    assert 'relation "t" already exists' in second.reasons[0]
    assert second.rollback is not None
    assert second.rollback.outcome == "restores"


def test_a_contract_revision_may_drop_what_nobody_uses_any_more(tmp_path: Path) -> None:
    drop = ('op.drop_column("customers", "note")', 'op.add_column("customers", sa.Column("note", sa.Text))')  # fmt: skip  # noqa: E501
    revision = last(tmp_path, FIRST, (*drop, 'phase = "contract"'))
    assert revision.upgrade.errors == ()
    assert revision.rollback is not None
    assert revision.rollback.catalog_equal
    assert revision.rollback.rows_changed > 100
    assert [t.table for t in revision.rollback.tables] == ["public.customers"]
    assert any("rows of public.customers are changed" in reason for reason in revision.reasons)


def test_a_column_that_does_not_come_back_is_named(tmp_path: Path) -> None:
    drop = ('op.drop_column("customers", "note")', 'op.execute("COMMENT ON TABLE customers IS NULL")')  # fmt: skip  # noqa: E501
    revision = last(tmp_path, FIRST, drop, clients=0)
    assert any("are changed in note by going up" in reason for reason in revision.reasons)


def test_a_not_null_column_without_default_breaks_inserts(tmp_path: Path) -> None:
    revision = last(
        tmp_path,
        FIRST,
        ('op.execute("ALTER TABLE orders ADD COLUMN k int NOT NULL DEFAULT 1")\n'
         'op.execute("ALTER TABLE orders ALTER COLUMN k DROP DEFAULT")',
         'op.drop_column("orders", "k")'),
    )  # fmt: skip
    assert [e.sqlstate for e in revision.upgrade.errors] == ["23502"]


def test_an_upgrade_that_rows_are_in_the_way_of(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        FIRST,
        ('op.add_column("orders", sa.Column("k", sa.Integer, nullable=False))',
         'op.drop_column("orders", "k")'),
        ('op.add_column("orders", sa.Column("l", sa.Integer))', 'op.drop_column("orders", "l")'),
    )  # fmt: skip
    bad = result.revisions[1]
    assert bad.reasons[0].startswith("the upgrade fails on tables with rows (")
    assert "contains null values" in bad.reasons[0]
    assert bad.rollback is not None
    assert bad.rollback.outcome == "restores"
    assert bad.warnings == ("the rollback was proven on empty tables",)
    assert result.revisions[2].safe
    assert result.verdict == "unsafe"


def test_rows_that_a_new_constraint_demands_are_made(tmp_path: Path) -> None:
    revision = last(
        tmp_path,
        FIRST,
        ('op.create_check_constraint("small", "orders", "amount < 20")\n'
         'op.create_unique_constraint("one", "customers", ["note"])\n'
         'op.alter_column("orders", "memo", nullable=False)',
         'op.alter_column("orders", "memo", nullable=True)\n'
         'op.drop_constraint("one", "customers")\n'
         'op.drop_constraint("small", "orders")'),
    )  # fmt: skip
    assert revision.rollback is not None
    assert revision.rollback.outcome == "restores"
    assert revision.warnings[0].startswith("on rows that do not fit yet the upgrade fails (")
    assert revision.reasons == ()


# Where there are clients: nobody waits on the quiet copy. Clients that wrote a hundred and
# fifty rows without NULL write none.
UNTIL_A_CLIENT_WROTE_NULL = """DO $$ BEGIN
    FOR i IN 1..400 LOOP
        EXIT WHEN EXISTS (SELECT FROM orders WHERE lang IS NULL)
            OR (SELECT count(DISTINCT xmin::text) > 150 FROM orders)
            OR (SELECT count(*) < 4 FROM pg_stat_activity WHERE datname = current_database());
        PERFORM pg_sleep(0.05);
    END LOOP;
END $$"""


def test_clients_do_not_spoil_a_constraint_that_the_rows_meet(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        FIRST,
        ('op.execute("ALTER TABLE orders ADD COLUMN lang text DEFAULT \'en\'")',
         'op.drop_column("orders", "lang")'),
        (f'op.execute("""{UNTIL_A_CLIENT_WROTE_NULL}""")\n'
         'op.alter_column("orders", "lang", nullable=False)',
         'op.alter_column("orders", "lang", nullable=True)'),
        start="r1",
    )  # fmt: skip
    revision = result.revisions[1]
    assert revision.reasons == ()
    assert revision.warnings[0].startswith("while clients wrote synthetic values the upgrade")


def test_synthetic_values_that_a_new_constraint_minds_are_only_a_warning(tmp_path: Path) -> None:
    revision = last(
        tmp_path,
        FIRST,
        ('op.execute("ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 3) NOT VALID")',
         'op.drop_constraint("small", "orders")'),
    )  # fmt: skip
    assert revision.reasons == ()
    assert any("were refused" in warning and "23514" in warning for warning in revision.warnings)


@pytest.mark.parametrize(
    ("up", "down", "outcome", "said"),
    [
        (
            'op.execute("ALTER TABLE orders ALTER COLUMN memo SET DEFAULT \'x\'")',
            'op.execute("ALTER TABLE orders ALTER COLUMN memo SET DEFAULT \'y\'")',
            "differs",
            "the downgrade does not restore the catalog (left behind: default",
        ),
        ('op.create_index("i", "orders", ["amount"])', "pass", "does-nothing", "does nothing"),
        (
            'op.create_index("i", "orders", ["amount"])',
            'raise NotImplementedError("one way")',
            "raises",
            "r2.py:11: the downgrade raises (NotImplementedError: one way)",
        ),
        (
            'op.create_index("i", "orders", ["amount"])',
            'op.drop_index("wrong")',
            "raises",
            'r2.py:11: the downgrade raises (index "wrong" does not exist)',
        ),
        (
            "op.execute(\"INSERT INTO customers (id, email) OVERRIDING SYSTEM VALUE "
            "VALUES (-1, 'a')\")",
            'op.execute("SELECT 1")',
            "cannot-repeat",
            "the upgrade can't be repeated after the downgrade (duplicate key value",
        ),
        ('op.execute("DELETE FROM orders WHERE id % 4 = 0")', "pass", "does-nothing", "50 rows"),
        (
            "op.execute(\"UPDATE orders SET memo = 'z' WHERE id % 4 = 0\")",
            'op.execute("SELECT 1")',
            "restores",
            "50 rows of public.orders are changed in memo by going up and down",
        ),
        ("op.execute(\"SELECT 1\")", "pass", "restores", ""),
    ],
)  # fmt: skip
def test_what_a_downgrade_does(tmp_path: Path, up: str, down: str, outcome: str, said: str) -> None:
    revision = last(tmp_path, FIRST, (up, down))
    assert revision.rollback is not None
    assert revision.rollback.outcome == outcome
    if said:
        assert any(said in reason for reason in revision.reasons), revision.reasons
    else:
        assert revision.safe


def test_one_broken_downgrade_hides_no_other(tmp_path: Path) -> None:
    result = run(
        tmp_path,
        FIRST,
        ('op.create_index("i", "orders", ["amount"])', "pass"),
        ('op.create_index("j", "orders", ["memo"])', "raise RuntimeError('no')"),
        ('op.create_index("k", "orders", ["state"])', 'op.drop_index("k")'),
    )
    outcomes = [r.rollback.outcome for r in result.revisions if r.rollback]
    assert outcomes == ["restores", "does-nothing", "raises", "restores"]


def test_rows_written_since_that_do_not_fit_are_told(tmp_path: Path) -> None:
    revision = last(
        tmp_path,
        FIRST,
        ('op.alter_column("orders", "memo", type_=sa.String(200))',
         'op.alter_column("orders", "memo", type_=sa.String(50))'),
    )  # fmt: skip
    assert revision.rollback is not None
    assert revision.rollback.outcome == "restores"
    assert any(
        "with rows written under the new schema the downgrade fails: value too long" in warning
        for warning in revision.warnings
    )


def test_branches_and_merges(tmp_path: Path) -> None:
    ini = project(
        tmp_path, FIRST, ('op.create_index("i", "orders", ["amount"])', 'op.drop_index("i")')
    )
    versions = tmp_path / "migrations" / "versions"
    other = (versions / "r2.py").read_text().replace('"r2"', '"b2"').replace('"i"', '"j"')
    (versions / "b2.py").write_text(other)
    (versions / "m3.py").write_text(
        'revision = "m3"\ndown_revision = ("r2", "b2")\n'
        "def upgrade():\n    pass\ndef downgrade():\n    pass\n"
    )
    result = rehearse(find_project(ini), Options(rows=20, clients=2, server=URL[0]))
    assert {r.revision: r.rollback and r.rollback.outcome for r in result.revisions} == {
        "r1": "restores",
        "r2": "restores",
        "b2": "restores",
        "m3": "restores",
    }


def test_from_and_to(tmp_path: Path) -> None:
    steps = [
        (f'op.create_index("i{n}", "orders", ["amount"])', f'op.drop_index("i{n}")')
        for n in range(3)
    ]
    ini = project(tmp_path, FIRST, *steps)
    result = rehearse(
        find_project(ini), Options(start="r1", end="r3", rows=20, clients=2, server=URL[0])
    )
    assert [r.revision for r in result.revisions] == ["r2", "r3"]
    with pytest.raises(HistoryError, match="no revision comes after it"):
        rehearse(find_project(ini), Options(start="r4"))


def test_an_application_database_is_refused(tmp_path: Path) -> None:
    ini = project(tmp_path, FIRST)
    with pytest.raises(RefusedDatabase, match="shop was not made by zd"):
        rehearse(find_project(ini), Options(server="postgresql://x@127.0.0.1:1/shop"))


def test_the_json_has_the_promised_shape(tmp_path: Path) -> None:
    result = run(tmp_path, FIRST, start="base")
    shape = json.loads(json.dumps(as_json(result)))
    assert shape["version"] == 1
    assert shape["server"].startswith("18.")
    (revision,) = shape["revisions"]
    assert {
        "revision", "phase", "upgrade", "downgrade", "rollback", "predicted_equals_observed"
    } <= revision.keys()  # fmt: skip
    step = revision["upgrade"]["steps"][0]
    assert {"sql", "seconds", "locks", "rewrote", "reads", "writes", "wal_bytes"} <= step.keys()
    assert {"p50_ms", "p99_ms", "max_ms"} <= step["reads"].keys()
    assert revision["rollback"]["outcome"] == "restores"
    assert {"catalog_equal", "differences", "rows_checked", "rows_lost", "rows_changed"} <= (
        revision["rollback"].keys()
    )
    assert shape["verdict"] == "safe"
    assert shape["reasons"] == []


def test_the_costs_of_each_step_are_measured(tmp_path: Path) -> None:
    """On a server of our own, whose log tells waits and temporary files."""
    result = run(
        tmp_path,
        FIRST,
        ('op.execute("LOCK TABLE orders IN SHARE MODE")\n'
         'op.execute("SELECT pg_sleep(0.1)")\n'
         'op.execute("UPDATE orders SET memo = memo")\n'
         'op.execute("SET LOCAL work_mem = \'64kB\'")\n'
         'op.execute("CREATE TABLE sorted AS SELECT g, md5(g::text) AS t "\n'
         '           "FROM generate_series(1, 9000) g ORDER BY t")',
         'op.drop_table("sorted")'),
        start="r1",
        server="embedded",
    )  # fmt: skip
    lock, sleep, update, _, sort = result.revisions[0].upgrade.steps
    assert result.waits_logged_ms == 10
    waited = next(wait for wait in lock.waits if wait.waiter == "client")
    assert (waited.relation, waited.mode) == ("public.orders", "ROW EXCLUSIVE")
    assert waited.longest > 0.05
    assert sleep.waits == ()  # it was the lock that they waited for
    assert sleep.horizon_seconds > 0.05
    assert (update.dead_rows, update.temp_bytes) == (200, 0)
    assert sort.temp_bytes is not None
    assert sort.temp_bytes > 300_000
    assert sort.disk_bytes > 600_000
    assert sort.horizon_seconds > sleep.horizon_seconds
    shape = json.loads(json.dumps(as_json(result)))["revisions"][0]["upgrade"]["steps"]
    assert shape[0]["waits"][0]["relation"] == "public.orders"
    assert shape[4]["temp_bytes"] == sort.temp_bytes


def test_an_error_that_the_application_gets_over_is_told_and_tolerated(tmp_path: Path) -> None:
    wider = (
        "op.execute('ALTER TABLE orders ALTER COLUMN memo TYPE varchar(80)')",
        "op.execute('ALTER TABLE orders ALTER COLUMN memo TYPE varchar(50)')",
    )
    plain = find_project(project(tmp_path, FIRST, wider))
    options = Options(rows=200, clients=2, server=URL[0], start="r1")
    strict = rehearse(plain, options)
    assert any("0A000" in reason for reason in strict.revisions[0].reasons)

    settings = structs.replace(plain.config.rehearse, tolerate=("0A000",))
    lenient = rehearse(
        structs.replace(plain, config=structs.replace(plain.config, rehearse=settings)), options
    )
    (revision,) = lenient.revisions
    assert not any("0A000" in reason for reason in revision.reasons)
    assert any(warning.startswith("tolerated: ") for warning in revision.warnings)


def leftovers() -> set[Path]:
    places = {scratch.base(), scratch.base(in_memory=True)}
    return {folder for place in places for folder in place.glob("s-*")}


def test_nothing_is_left_behind(tmp_path: Path, server: EmbeddedServer) -> None:
    threads = threading.active_count()
    with server.connect() as connection:
        databases = connection.execute("SELECT datname FROM pg_database").fetchall()
        run(tmp_path, FIRST)
        assert connection.execute("SELECT datname FROM pg_database").fetchall() == databases
    assert threading.active_count() == threads


SLOW = 'op.execute("SELECT pg_sleep(60)")'
STUBBORN = """
while True:
    try:
        op.execute("SELECT pg_sleep(0.01)")
    except BaseException:
        pass
"""


@pytest.mark.parametrize(("number", "body"), [(signal.SIGINT, SLOW), (signal.SIGTERM, STUBBORN)])
def test_who_is_told_to_end_leaves_nothing_behind(
    tmp_path: Path, mind_interrupts: Callable[[], None], number: signal.Signals, body: str
) -> None:
    begun = tmp_path / "begun"
    project(tmp_path, FIRST, (f'open("{begun}", "w").close()\n{body}', "pass"))
    root = Path(__file__).parents[2]
    before = leftovers()
    command = subprocess.Popen(
        [sys.executable, "-c", "import zero_downtime_cli as z; z.main()", "rehearse", "--rows=50"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}:{root}/cli"},
        preexec_fn=mind_interrupts,
    )
    deadline = time.monotonic() + 240
    while not begun.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # in the midst of pg_sleep
    ours = {p for p in leftovers() - before if f"/proc/{command.pid}" in _holders(p)}
    assert len(ours) == 1
    (postmaster,) = [int((p / "data" / "postmaster.pid").read_text().split()[0]) for p in ours]
    command.send_signal(number)
    out, err = command.communicate(timeout=120)
    assert command.returncode == 128 + number
    assert out == ""
    assert body != SLOW or err.strip().splitlines()[-1] == "zd: interrupted"
    assert "Traceback" not in err
    assert not any(folder.exists() for folder in ours)
    assert not _runs(postmaster)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _holders(folder: Path) -> set[str]:
    """The processes (as /proc/PID) that have a scratch folder's lock file open."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == folder / "owner.lock":
                found.add(str(link.parents[1]))
        except OSError:
            continue
    return found


def test_only_what_changed_since_a_ref_is_rehearsed(make_project: Callable[..., Project]) -> None:
    """The rest is replayed: what follows a revision that was edited is rehearsed with it."""
    table = "op.execute('CREATE TABLE {0} (id int)')", "op.execute('DROP TABLE {0}')"

    def revisions(*names: str) -> list[tuple[str, str]]:
        return [(table[0].format(name), table[1].format(name)) for name in names]

    root = make_project(*revisions("a", "b", "c")).root

    def git(*words: str) -> None:
        who = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
        subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)

    def rehearsed() -> list[str]:
        options = Options(diff="main", rows=2, clients=0, crash_points=0)
        return [each.revision for each in rehearse(store, options).revisions]

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "three")
    store = make_project(*revisions("a", "b", "c", "d"))
    assert rehearsed() == ["r3"]
    make_project(*revisions("a", "bb", "c", "d"))
    assert rehearsed() == ["r1", "r2", "r3"]
    git("add", ".")
    git("commit", "-qm", "all")
    assert rehearsed() == []


def test_the_old_application_is_what_its_models_were(make_project: Callable[..., Project]) -> None:
    """A column that they had let go of may be dropped, one that they still knew may not."""
    table = "CREATE TABLE people (id int PRIMARY KEY, name text, nick text, memo text)"
    drops = [
        tuple(f"op.execute('ALTER TABLE people {what} {name}')" for what in ("DROP", "ADD"))
        for name in ("memo", "nick")
    ]
    env = ENV.replace("configure(", "configure(target_metadata=metadata, ")
    env = f"import sys\nsys.path.insert(0, '.')\nfrom models import metadata\n{env}"

    def declare(root: Path, *columns: str) -> None:
        listed = ", ".join(f"sa.Column({name!r}, sa.Text)" for name in columns)
        (root / "models.py").write_text(
            "import sqlalchemy as sa\nmetadata = sa.MetaData()\n"
            f"sa.Table('people', metadata, sa.Column('id', sa.Integer, primary_key=True), {listed})"
        )

    root = make_project(f"op.execute({table!r})", env=env).root
    declare(root, "name", "nick")
    for words in ("init -b main", "add .", "-c user.name=x -c user.email=x commit -m first"):
        subprocess.run(["git", *words.split()], cwd=root, check=True, capture_output=True)
    declare(root, "name")
    store = make_project(
        f"op.execute({table!r})",
        *((up, down.replace("')", " text')")) for up, down in drops),
        env=env,
    )
    options = Options(diff="main", rows=50, clients=2, server=URL[0], crash_points=0)
    result = rehearse(store, options)
    assert not [note for note in result.notes if "models" in note]
    memo, nick = (revision.upgrade.errors for revision in result.revisions)
    assert memo == ()
    assert {error.sqlstate for error in nick} == {"42703"}
    assert {error.application for error in nick} == {"old"}


def test_a_revision_that_begins_transactions_itself(make_project: Callable[..., Project]) -> None:
    """What it holds locked keeps nobody of the rehearsal waiting for good."""
    up = """
    with op.get_context().autocommit_block():
        op.execute("BEGIN")
        op.execute("LOCK TABLE boxes IN ACCESS EXCLUSIVE MODE NOWAIT")
        op.execute("ALTER TABLE boxes ADD COLUMN size int")
        op.execute("COMMIT")
    """
    down = "op.execute('ALTER TABLE boxes DROP COLUMN size')"
    table = "op.execute('CREATE TABLE boxes (id int)')", "op.execute('DROP TABLE boxes')"
    store = make_project(table, (up, down))
    options = Options(start="r0", rows=5, clients=2, crash_points=9)
    result = rehearse(store, options).revisions[0]
    assert result.reasons == ()
    assert result.rollback is not None
    assert result.rollback.outcome == "restores"
