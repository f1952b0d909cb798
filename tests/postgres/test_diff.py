"""``zd diff``: the plan between two schemas, its marks, and its promised JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from zero_downtime.catalog import compare_stable, load_dump, read_catalog
from zero_downtime.postgres.locks import LockMode
from zero_downtime.postgres.server import EmbeddedServer, scratch_database
from zero_downtime_cli.main import zd

OLD = """
CREATE TABLE orders (id bigint PRIMARY KEY, note varchar(20), total integer);
CREATE VIEW totals AS SELECT id, total FROM orders;
"""

Diff = Callable[..., Result]


@pytest.fixture
def diff(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Diff:
    """Runs the verb on two scripts, or on sources as they are given when they name one."""
    monkeypatch.chdir(tmp_path)

    def run(old: str, new: str, *arguments: str) -> Result:
        sources = []
        for name, given in (("old.sql", old), ("new.sql", new)):
            if "://" in given or given in ("head", "schemas") or given.endswith(".sql"):
                sources.append(given)
                continue
            (tmp_path / name).write_text(given, "utf-8")
            sources.append(name)
        return CliRunner().invoke(zd, ["diff", *sources, "--server", server.url(), *arguments])

    return run


def as_json(result: Result) -> dict[str, Any]:
    value = json.loads(result.stdout)
    assert isinstance(value, dict)
    return value


def test_the_json_has_the_promised_shape(diff: Diff) -> None:
    new = OLD.replace("total integer", "total bigint, placed date NOT NULL DEFAULT now()")
    said = as_json(diff(OLD, new.replace("note varchar(20), ", ""), "--format", "json"))
    assert list(said) == [
        "version", "steps", "not_planned", "noted", "loses_data", "converged"
    ]  # fmt: skip
    assert said["version"] == 1 and said["converged"] is None
    for step in said["steps"]:
        assert list(step) == [
            "sql", "phase", "transactional", "lock", "relation", "hazards", "undo"
        ]  # fmt: skip
        assert isinstance(step["sql"], str) and not step["sql"].endswith(";")
        assert step["phase"] in ("expand", "backfill", "contract")
        assert isinstance(step["transactional"], bool)
        assert step["lock"] is None or LockMode.parse(step["lock"]).sql == step["lock"]
        assert step["relation"] is None or step["relation"].startswith("public.")
        assert all(isinstance(hazard, str) for hazard in step["hazards"])
        assert step["undo"] is None or isinstance(step["undo"], str)
    assert said["loses_data"] == [{"object": "column public.orders.note", "reason": "its values"}]
    (rewrite,) = (step for step in said["steps"] if " TYPE bigint" in step["sql"])
    assert rewrite["lock"] == "ACCESS EXCLUSIVE" and rewrite["relation"] == "public.orders"
    assert rewrite["hazards"] != []
    (drop,) = (step for step in said["steps"] if "DROP COLUMN" in step["sql"])
    assert drop["phase"] == "contract"
    assert drop["undo"].startswith("ALTER TABLE public.orders ADD COLUMN note")


@pytest.mark.parametrize("options", [(), ("--check",)])
def test_nothing_to_do(diff: Diff, options: tuple[str, ...]) -> None:
    result = diff(OLD, OLD, "--format", "json", *options)
    assert result.exit_code == 0
    said = as_json(result)
    assert said["steps"] == said["not_planned"] == said["noted"] == said["loses_data"] == []
    assert said["converged"] is (True if options else None)
    assert diff(OLD, OLD).stdout == "-- nothing to do\n"
    assert diff(OLD, OLD, "--format", "text").stdout == "Nothing to do.\n"


def test_a_concurrent_step_is_marked(diff: Diff) -> None:
    result = diff(OLD, f"{OLD} CREATE INDEX i ON orders (note);", "--format", "json", "--check")
    said = as_json(result)
    assert result.exit_code == 0 and said["converged"] is True
    (step,) = said["steps"]
    assert step == {
        "sql": "CREATE INDEX CONCURRENTLY i ON public.orders USING btree (note)",
        "phase": "expand",
        "transactional": False,
        "lock": "SHARE UPDATE EXCLUSIVE",
        "relation": "public.orders",
        "hazards": [],
        "undo": "DROP INDEX CONCURRENTLY public.i",
    }


def test_another_column_order_is_noted(diff: Diff) -> None:
    result = diff(
        "CREATE TABLE t (a integer, b text)", "CREATE TABLE t (b text, a integer)",
        "--format", "json", "--check",
    )  # fmt: skip
    said = as_json(result)
    assert result.exit_code == 0
    assert said["steps"] == [] and said["converged"] is True
    assert said["noted"] == [
        {"object": "table public.t", "note": "the columns stand in another order"}
    ]


def test_what_has_no_plan_is_said_and_the_exit_code_too(diff: Diff) -> None:
    old = "CREATE TABLE t (x integer) PARTITION BY LIST (x); CREATE TABLE u (y integer);"
    new = "CREATE TABLE t (x integer) PARTITION BY RANGE (x); CREATE TABLE u (y integer, z text);"
    result = diff(old, new, "--format", "json", "--check")
    assert result.exit_code == 1
    said = as_json(result)
    assert said["converged"] is False
    (left,) = said["not_planned"]
    assert left["object"] == "table public.t" and "can't alter it in place" in left["reason"]
    assert [step["sql"] for step in said["steps"]] == ["ALTER TABLE public.u ADD COLUMN z text"]
    assert "-- not planned: table public.t: " in diff(old, new).stdout


def test_a_step_that_the_server_refuses_is_not_planned(diff: Diff) -> None:
    sources = ("CREATE TABLE t (x integer);", "CREATE TABLE t (x point);")
    for options, converged in (((), None), (("--check",), False)):
        result = diff(*sources, "--format", "json", *options)
        assert result.exit_code == 1
        said = as_json(result)
        assert said["converged"] is converged
        (left,) = said["not_planned"]
        assert left["object"] == "column public.t.x"
        assert "cannot cast type integer to point" in left["reason"]


def test_the_sql_runs_as_a_script(diff: Diff, server: EmbeddedServer, tmp_path: Path) -> None:
    new = """
        CREATE TYPE state AS ENUM ('open', 'paid');
        CREATE TABLE orders (id bigint PRIMARY KEY, note text NOT NULL DEFAULT 'a; b',
            total bigint, state state NOT NULL DEFAULT 'open', CHECK (total > 0));
        CREATE UNIQUE INDEX orders_note ON orders (note);
        CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN '; -- $1'; END $$;
        CREATE VIEW totals AS SELECT total, id FROM orders;
        COMMENT ON VIEW totals IS 'it''s; new'"""
    script = diff(OLD, new).stdout
    with scratch_database(server) as database, scratch_database(server) as wanted:
        load_dump(server, database, OLD)
        load_dump(server, wanted, new)
        subprocess.run(
            [str(server.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1",
             server.url(database)],
            input=script, text=True, check=True, capture_output=True,
        )  # fmt: skip
        assert compare_stable(
            server, read_catalog(server, database), read_catalog(server, wanted)
        ).equal


def test_the_undo_of_a_step_leads_back(diff: Diff, server: EmbeddedServer) -> None:
    new = OLD.replace("SELECT id, total FROM", "SELECT id, total, note FROM")
    (step,) = as_json(diff(OLD, new, "--format", "json"))["steps"]
    assert step["sql"].startswith("CREATE OR REPLACE VIEW public.totals")
    with scratch_database(server) as database:
        load_dump(server, database, OLD)
        before = read_catalog(server, database)
        load_dump(server, database, step["sql"])
        load_dump(server, database, step["undo"])  # which no CREATE OR REPLACE can do
        assert compare_stable(server, before, read_catalog(server, database)).equal


def test_a_live_database_is_a_source(diff: Diff, server: EmbeddedServer, database: str) -> None:
    load_dump(server, database, OLD)
    load_dump(server, database, "GRANT SELECT ON orders TO pg_monitor")  # ignored: a pg_* role
    url = server.url(database)
    result = diff(url, OLD, "--check")
    assert (result.exit_code, result.stdout) == (0, "-- nothing to do\n")
    result = diff(url, OLD + "CREATE TABLE more (x integer);", "--check", "--format", "json")
    assert result.exit_code == 0 and as_json(result)["converged"] is True
    assert diff(url.replace("postgresql:", "postgresql+psycopg:"), OLD).exit_code == 0


def test_a_live_database_is_only_read(diff: Diff, server: EmbeddedServer, database: str) -> None:
    load_dump(server, database, OLD)
    with server.connect() as connection:
        connection.execute(
            f'ALTER DATABASE "{database}" SET default_transaction_read_only = on'.encode()
        )
    assert diff(server.url(database), OLD).exit_code == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("missing.sql", "missing.sql: can't be read (No such file or directory)"),
        ("nonsense.sql", 'syntax error at or near "nonsense"'),
        ("postgresql://me:secret@127.0.0.1:1/x", "postgresql://me:***@127.0.0.1:1/x"),
    ],
    ids=["missing", "broken", "refused"],
)
def test_a_source_that_can_not_be_read_is_one_sentence(
    diff: Diff, tmp_path: Path, source: str, words: str
) -> None:
    (tmp_path / "nonsense.sql").write_text("nonsense")
    result = diff(source, OLD)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr and "secret" not in result.stderr
    assert result.stderr.startswith("zd: ") and result.stderr.count("\n") == 1


def test_something_that_is_no_source_is_one_sentence(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(zd, ["diff", "nothing", "more", "--server", server.url()])
    assert result.exit_code == 2
    assert "Give a .sql file, a database URL, schemas or head" in result.stderr
    result = CliRunner().invoke(zd, ["diff", "head", "schemas", "--server", server.url()])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


def test_exchanges_commit_one_by_one(diff: Diff) -> None:
    old = "CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id serial PRIMARY KEY);"
    new = old.replace("serial", "integer GENERATED ALWAYS AS IDENTITY")
    parts = diff(old, new).stdout.split("BEGIN;\n")[1:]
    assert [part.count("COMMIT;") for part in parts] == [1, 1]
    assert "public.b" not in parts[0] and "public.a" not in parts[1]
