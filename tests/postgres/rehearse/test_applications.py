"""What the old and the new application notice, whatever tells what they do."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from msgspec import structs

from zero_downtime.errors import ServerError
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime.rehearse import Options, RehearsalResult, RevisionResult, rehearse


def test_a_rename_breaks_the_old_application(last: Callable[..., RevisionResult]) -> None:
    rename = (
        'op.alter_column("orders", "memo", new_column_name="remark")',
        'op.alter_column("orders", "remark", new_column_name="memo")',
    )
    revision = last(rename)
    assert revision.rollback is not None
    assert revision.rollback.tables == ()  # rows that clients changed in it are theirs
    assert {e.sqlstate for e in revision.upgrade.errors} == {"42703"}
    assert any(r.endswith('with 42703: column "memo" does not exist') for r in revision.reasons)


def test_the_new_application_works_beside_the_old_one(last: Callable[..., RevisionResult]) -> None:
    trigger = (
        'op.execute("ALTER TABLE customers ADD COLUMN full_name text")\n'
        'op.execute("CREATE FUNCTION sync() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "\n'
        "           \"IF NEW.full_name IS NOT NULL THEN RAISE EXCEPTION 'not yet'; END IF; \"\n"
        '           "RETURN NEW; END $$")\n'
        'op.execute("CREATE TRIGGER sync BEFORE INSERT OR UPDATE ON customers "\n'
        '           "FOR EACH ROW EXECUTE FUNCTION sync()")'
    )
    revision = last(
        (
            trigger,
            'op.execute("DROP TRIGGER sync ON customers")\nop.execute("DROP FUNCTION sync")\n'
            'op.drop_column("customers", "full_name")',
        ),
    )
    (error,) = revision.upgrade.errors
    assert (error.application, error.sqlstate, error.message) == ("new", "P0001", "not yet")
    assert [r for r in revision.reasons if r.startswith("the new application failed ")]


def test_models_tell_what_the_new_application_knows(
    make_project: Callable[..., Project], server: EmbeddedServer
) -> None:
    """The model has let go of a column that is still there, NOT NULL and without default."""
    table = 'op.execute("CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL)")'
    plain = make_project(
        table,
        (
            'op.execute("ALTER TABLE people ADD full_name text")',
            'op.execute("ALTER TABLE people DROP full_name")',
        ),
    )
    (plain.root / "schemas").mkdir()
    (plain.root / "schemas" / "people.sql").write_text(
        "CREATE TABLE people (id int PRIMARY KEY, full_name text);"
    )
    modelled = structs.replace(plain, config=structs.replace(plain.config, schemas="schemas"))
    with role(server, "CREATEDB") as url:  # no superuser, as on the servers that one rents
        options = Options(rows=50, clients=2, server=url, start="r0", crash_points=2)
        (revision,) = rehearse(modelled, options).revisions
    (error,) = revision.upgrade.errors
    assert (error.application, error.sqlstate) == ("new", "23502")
    assert revision.crashes and not any(crash.reason for crash in revision.crashes)
    with (
        role(server, "NOCREATEDB") as url,
        pytest.raises(ServerError, match="may not make databases"),
    ):
        rehearse(plain, replace(options, server=url))


@contextlib.contextmanager
def role(server: EmbeddedServer, may: str) -> Iterator[str]:
    """The shared server's URL for a new role."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE zd_test_maker LOGIN {may}".encode())
        try:
            yield server.url().replace("//postgres@", "//zd_test_maker@")
        finally:
            connection.execute("DROP ROLE zd_test_maker")


def test_a_workload_file_replaces_what_is_made_up(
    tmp_path: Path, run: Callable[..., RehearsalResult]
) -> None:
    (tmp_path / "workload.toml").write_text(
        "[[statement]]\nsql = 'SELECT email FROM customers WHERE id = $1'\n"
        "[[statement]]\nsql = 'SELECT note FROM customers'\nuntil = 'r2'\n"
        "[[statement]]\nsql = 'SELECT nothing'\n"
    )
    drop = (
        'op.drop_column("customers", "note")',
        'op.add_column("customers", sa.Column("note", sa.Text))',
    )
    rename = (
        'op.alter_column("customers", "email", new_column_name="mail")',
        'op.alter_column("customers", "mail", new_column_name="email")',
    )
    result = run(drop, rename, start="r1", workload=tmp_path / "workload.toml", rows=50)
    dropped, renamed = (each.upgrade.errors for each in result.revisions)
    assert dropped == ()
    assert [error.sqlstate for error in renamed] == ["42703"]
    assert [note for note in result.notes if "SELECT nothing" in note]


def test_clients_that_never_let_it_in_are_told(
    tmp_path: Path, project: Callable[..., Path], first: tuple[str, ...], server: EmbeddedServer
) -> None:
    held = "CASE current_setting('application_name') WHEN 'zd rehearsal client' THEN 60 ELSE 0 END"
    (tmp_path / "workload.toml").write_text(
        f'[[statement]]\nsql = """SELECT pg_sleep({held}) FROM orders LIMIT 1"""\n'
    )
    paid = (
        'op.add_column("orders", sa.Column("paid", sa.Date))',
        'op.drop_column("orders", "paid")',
    )
    plain = find_project(project(first, paid))
    hurried = structs.replace(plain.config.locks, deadline_s=0.3)
    plain = structs.replace(plain, config=structs.replace(plain.config, locks=hurried))
    options = Options(start="r1", rows=20, clients=2, server=server.url(), crash_points=0)
    result = rehearse(plain, replace(options, workload=tmp_path / "workload.toml"))
    (reason,) = result.revisions[0].reasons
    assert "clients never let it get its locks: ALTER TABLE orders" in reason


def test_a_contract_revision_may_drop_what_nobody_uses_any_more(
    last: Callable[..., RevisionResult],
) -> None:
    drop = (
        'op.drop_column("customers", "note")',
        'op.add_column("customers", sa.Column("note", sa.Text))',
    )
    revision = last((*drop, 'phase = "contract"'))
    assert revision.upgrade.errors == ()
    assert revision.rollback is not None
    assert revision.rollback.catalog_equal
    assert revision.rollback.rows_changed > 100
    assert [t.table for t in revision.rollback.tables] == ["public.customers"]
    assert any("rows of public.customers are changed" in reason for reason in revision.reasons)


def test_a_not_null_column_without_default_breaks_inserts(
    last: Callable[..., RevisionResult],
) -> None:
    revision = last(
        (
            'op.execute("ALTER TABLE orders ADD COLUMN k int NOT NULL DEFAULT 1")\n'
            'op.execute("ALTER TABLE orders ALTER COLUMN k DROP DEFAULT")',
            'op.drop_column("orders", "k")',
        ),
    )
    assert [e.sqlstate for e in revision.upgrade.errors] == ["23502"]


def test_an_error_that_the_application_gets_over_is_told_and_tolerated(
    project: Callable[..., Path], first: tuple[str, ...], server: EmbeddedServer
) -> None:
    wider = (
        "op.execute('ALTER TABLE orders ALTER COLUMN memo TYPE varchar(80)')",
        "op.execute('ALTER TABLE orders ALTER COLUMN memo TYPE varchar(50)')",
    )
    plain = find_project(project(first, wider))
    options = Options(rows=200, clients=2, server=server.url(), start="r1")
    strict = rehearse(plain, options)
    assert any("0A000" in reason for reason in strict.revisions[0].reasons)

    settings = structs.replace(plain.config.rehearse, tolerate=("0A000",))
    lenient = rehearse(
        structs.replace(plain, config=structs.replace(plain.config, rehearse=settings)), options
    )
    (revision,) = lenient.revisions
    assert not any("0A000" in reason for reason in revision.reasons)
    assert any(warning.startswith("tolerated: ") for warning in revision.warnings)


def test_the_old_application_is_what_its_models_were(
    make_project: Callable[..., Project], server: EmbeddedServer, env_py: str
) -> None:
    """A column that they had let go of may be dropped, one that they still knew may not."""
    table = "CREATE TABLE people (id int PRIMARY KEY, name text, nick text, memo text)"
    drops = [
        tuple(f"op.execute('ALTER TABLE people {what} {name}')" for what in ("DROP", "ADD"))
        for name in ("memo", "nick")
    ]
    env = env_py.replace("configure(", "configure(target_metadata=metadata, ")
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
    options = Options(diff="main", rows=50, clients=2, server=server.url(), crash_points=0)
    result = rehearse(store, options)
    assert not [note for note in result.notes if "models" in note]
    memo, nick = (revision.upgrade.errors for revision in result.revisions)
    assert memo == ()
    assert {error.sqlstate for error in nick} == {"42703"}
    assert {error.application for error in nick} == {"old"}
