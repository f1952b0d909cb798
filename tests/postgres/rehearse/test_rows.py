"""Rows that a rehearsal is given, makes, or that are in its way."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from zero_downtime.errors import InputError
from zero_downtime.history import read_history
from zero_downtime.postgres.server import EmbeddedServer, scratch_database
from zero_downtime.project import find_project
from zero_downtime.rehearse import Options, RehearsalResult, RevisionResult, rehearse
from zero_downtime.replay import Replay


@pytest.mark.parametrize("kind", ["url", "custom", "plain", "packed"])
def test_rows_may_be_those_of_a_database(
    tmp_path: Path,
    server: EmbeddedServer,
    kind: str,
    project: Callable[..., Path],
    first: tuple[str, ...],
) -> None:
    paid = (
        'op.execute("ALTER TABLE customers ADD CHECK (note IS NULL)")',
        'op.drop_constraint("customers_note_check", "customers")',
    )
    plain = find_project(project(first, paid))
    options = Options(rows=50, clients=0, crash_points=0, server=server.url())
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


def test_data_that_is_of_no_use_is_told(
    tmp_path: Path, project: Callable[..., Path], first: tuple[str, ...], server: EmbeddedServer
) -> None:
    plain = find_project(project(first))
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
            rehearse(
                plain, Options(rows=0, clients=0, server=server.url(), data=str(tmp_path / data))
            )


def test_a_history_that_begins_on_tables_made_elsewhere(
    tmp_path: Path, project: Callable[..., Path], server: EmbeddedServer
) -> None:
    plain = find_project(
        project(
            ('op.add_column("made", sa.Column("note", sa.Text))', 'op.drop_column("made", "note")'),
            (
                'op.add_column("made", sa.Column("k", sa.Integer, nullable=False))',
                'op.drop_column("made", "k")',
            ),
        )
    )
    options = Options(start="base", rows=20, clients=0, crash_points=0, server=server.url())
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


def test_an_upgrade_that_rows_are_in_the_way_of(run: Callable[..., RehearsalResult]) -> None:
    result = run(
        (
            'op.add_column("orders", sa.Column("k", sa.Integer, nullable=False))',
            'op.drop_column("orders", "k")',
        ),
        ('op.add_column("orders", sa.Column("l", sa.Integer))', 'op.drop_column("orders", "l")'),
    )
    bad = result.revisions[1]
    assert bad.reasons[0].startswith("the upgrade fails on tables with rows (")
    assert "contains null values" in bad.reasons[0]
    assert bad.rollback is not None
    assert bad.rollback.outcome == "restores"
    assert bad.warnings == ("the rollback was proven on empty tables",)
    assert result.revisions[2].safe
    assert result.verdict == "unsafe"


def test_rows_that_a_new_constraint_demands_are_made(last: Callable[..., RevisionResult]) -> None:
    revision = last(
        (
            'op.create_check_constraint("small", "orders", "amount < 20")\n'
            'op.create_unique_constraint("one", "customers", ["note"])\n'
            'op.alter_column("orders", "memo", nullable=False)',
            'op.alter_column("orders", "memo", nullable=True)\n'
            'op.drop_constraint("one", "customers")\n'
            'op.drop_constraint("small", "orders")',
        ),
    )
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


def test_clients_do_not_spoil_a_constraint_that_the_rows_meet(
    run: Callable[..., RehearsalResult],
) -> None:
    result = run(
        (
            "op.execute(\"ALTER TABLE orders ADD COLUMN lang text DEFAULT 'en'\")",
            'op.drop_column("orders", "lang")',
        ),
        (
            f'op.execute("""{UNTIL_A_CLIENT_WROTE_NULL}""")\n'
            'op.alter_column("orders", "lang", nullable=False)',
            'op.alter_column("orders", "lang", nullable=True)',
        ),
        start="r1",
    )
    revision = result.revisions[1]
    assert revision.reasons == ()
    assert revision.warnings[0].startswith("while clients wrote synthetic values the upgrade")


def test_synthetic_values_that_a_new_constraint_minds_are_only_a_warning(
    last: Callable[..., RevisionResult],
) -> None:
    revision = last(
        (
            'op.execute("ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 3) NOT VALID")',
            'op.drop_constraint("small", "orders")',
        ),
    )
    assert revision.reasons == ()
    assert any("were refused" in warning and "23514" in warning for warning in revision.warnings)
