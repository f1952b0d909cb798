"""``zd generate``: what it writes, when it refuses, and that broken input leaves nothing behind."""

from __future__ import annotations

import ast
import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import psycopg
import pytest
from alembic import command
from click.testing import CliRunner, Result
from pglast import parser

from zero_downtime.catalog import compare_stable, load_dump, read_catalog
from zero_downtime.generate.revision_file import Draft, revision_text
from zero_downtime.history import read_history
from zero_downtime.plan import Phase, Step
from zero_downtime.postgres import scratch
from zero_downtime.postgres.server import EmbeddedServer, scratch_database
from zero_downtime.project import find_project
from zero_downtime_cli.main import zd

ENV = Path(__file__).parents[2] / "migrations" / "env.py"
SETTINGS = """
[tool.alembic]
script_location = "%(here)s/migrations"

[tool.zero_downtime]
schemas = "schemas"
"""
ORDERS = """
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    note varchar(20),
    total numeric(10,2) NOT NULL DEFAULT 0
);
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project without revisions whose schema modules are ``schemas/shop.sql``; we are in it."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "schemas").mkdir()
    shutil.copy(ENV, tmp_path / "migrations")
    (tmp_path / "schemas" / "shop.sql").write_text(ORDERS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Generate:
    """Runs the verb on the session's server, in the working directory."""

    def __init__(self, server: EmbeddedServer) -> None:
        self._url = server.url()

    def __call__(self, *arguments: str) -> Result:
        result = CliRunner().invoke(
            zd, ["generate", "-m", "a change", "--server", self._url, *arguments]
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception  # not a 1 that looks like one of ours
        return result

    def written(self, *arguments: str) -> list[Path]:
        result = self("--format", "json", *arguments)
        assert result.exit_code in (0, 1), result.output  # 1: lint has something to say
        said = json.loads(result.stdout)
        assert said["written"] and not said["refused"] and not said["not_planned"], said
        return [Path(each["file"]) for each in said["written"]]


@pytest.fixture
def generate(server: EmbeddedServer) -> Generate:
    return Generate(server)


def declare(shop: Path, script: str) -> None:
    (shop / "schemas" / "shop.sql").write_text(dedent(script))


def revisions(shop: Path) -> list[str]:
    return sorted(path.name for path in (shop / "migrations" / "versions").glob("*.py"))


# What it writes.


def test_an_empty_history_gets_its_first_revision(shop: Path, generate: Generate) -> None:
    (path,) = generate.written()
    module = ast.parse(path.read_text())
    assigned = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert assigned["down_revision"] is None
    assert assigned["phase"] == "expand"
    assert "CREATE TABLE public.orders (" in path.read_text()


def test_the_second_run_writes_nothing(shop: Path, generate: Generate) -> None:
    generate.written()
    before = revisions(shop)
    result = generate()
    assert result.exit_code == 0
    assert result.stdout.startswith("Nothing to do")
    assert revisions(shop) == before


def test_exchanges_commit_one_by_one(shop: Path, generate: Generate) -> None:
    tables = "CREATE TABLE a (id serial PRIMARY KEY); CREATE TABLE b (id serial PRIMARY KEY);"
    declare(shop, tables)
    generate.written()
    declare(shop, tables.replace("serial", "integer GENERATED ALWAYS AS IDENTITY"))
    (path,) = generate.written()
    first, border, second = path.read_text().partition("autocommit_block():\n        pass\n")
    assert border and "public.a" in first and "public.b" not in first
    assert "ALTER TABLE public.b " in second.partition("def downgrade")[0]


def test_plain_alembic_goes_up_to_the_modules_and_down_again(
    shop: Path, generate: Generate, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate.written()
    more = "CREATE INDEX ON orders (note); CREATE VIEW notes AS SELECT note FROM orders;"
    declare(shop, ORDERS.replace("note varchar(20)", "note text NOT NULL DEFAULT ''") + more)
    assert len(generate.written()) == 1
    with scratch_database(server) as database, scratch_database(server) as wanted:
        empty = read_catalog(server, database)
        load_dump(server, wanted, (shop / "schemas" / "shop.sql").read_text())
        monkeypatch.setenv("DATABASE_URL", server.url(database))
        config = find_project().alembic_config()
        command.upgrade(config, "head")
        reached, declared = read_catalog(server, database), read_catalog(server, wanted)
        assert compare_stable(server, reached, declared).equal
        command.downgrade(config, "base")
        assert compare_stable(server, read_catalog(server, database), empty).equal


def test_a_long_plan_is_cut_where_the_phase_changes(shop: Path, generate: Generate) -> None:
    generate.written()
    declare(shop, ORDERS.replace("note varchar(20),", "remark text,"))
    paths = generate.written("--allow-data-loss", "public.orders.note")
    history = read_history(find_project())
    assert [history.revision(_id(path)).phase for path in paths] == ["expand", "contract"]
    assert "ADD COLUMN remark" in paths[0].read_text()
    assert "DROP COLUMN note" in paths[1].read_text()
    assert "The way down can't bring back column public.orders.note" in paths[1].read_text()


def _id(path: Path) -> str:
    return str(next(
        ast.literal_eval(node.value)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "revision"
    ))  # fmt: skip


def test_another_column_order_is_noted_and_nothing_is_written(
    shop: Path, generate: Generate
) -> None:
    declare(shop, "CREATE TABLE t (a integer, b text);")
    generate.written()
    declare(shop, "CREATE TABLE t (b text, a integer);")
    result = generate()
    assert result.exit_code == 0
    assert "note: table public.t: the columns stand in another order" in result.stdout
    assert len(revisions(shop)) == 1


# Renames are declared.

MODELS = """
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
    from zero_downtime.schema import renamed_from

    class Base(DeclarativeBase):
        pass

    class Delivery(Base):
        __tablename__ = "deliveries"
        __table_args__ = {"info": renamed_from("shipments")}
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str] = mapped_column(info=renamed_from("number"), index=True)
    """


def test_a_declared_rename_keeps_the_rows(
    shop: Path, generate: Generate, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "schemas" / "shop.sql").unlink()
    models = shop / "schemas" / "models.py"
    models.write_text(
        dedent(MODELS)
        .replace('"deliveries"', '"shipments"')
        .replace('    __table_args__ = {"info": renamed_from("shipments")}\n', "")
        .replace("    code: ", "    number: ")
        .replace('info=renamed_from("number"), ', "")
    )
    generate.written()
    with scratch_database(server) as database:
        monkeypatch.setenv("DATABASE_URL", server.url(database))
        command.upgrade(find_project().alembic_config(), "head")
        with server.connect(database) as connection:
            connection.execute("INSERT INTO shipments (number) VALUES ('x1')")
        models.write_text(dedent(MODELS))
        paths = generate.written()
        assert all("DROP" not in path.read_text() for path in paths)
        command.upgrade(find_project().alembic_config(), "head")
        with server.connect(database) as connection:
            rows = connection.execute("SELECT id, code FROM deliveries").fetchall()
        assert rows == [(1, "x1")]
        command.downgrade(find_project().alembic_config(), "-" + str(len(paths)))
        with server.connect(database) as connection:
            assert connection.execute("SELECT number FROM shipments").fetchall() == [("x1",)]
    assert generate().stdout.startswith("Nothing to do")


def test_a_declared_rename_of_an_enum_value_keeps_it(shop: Path, generate: Generate) -> None:
    (shop / "schemas" / "shop.sql").unlink()
    module = shop / "schemas" / "types.py"
    made = "from zero_downtime.schema import Enum\nstate = Enum('state', ('new', {}))\n"
    module.write_text(made.format("'it''s paid'".replace("''", "\\'")))
    generate.written()
    renamed = "'settled'), renamed_from={'settled': \"it's paid\"}"
    module.write_text(made.format(renamed).replace("}))", "})"))
    (path,) = generate.written()
    assert "RENAME VALUE 'it''s paid' TO 'settled'" in path.read_text()
    assert "RENAME VALUE 'settled' TO 'it''s paid'" in path.read_text()
    assert generate().stdout.startswith("Nothing to do")


def test_a_rename_that_is_not_declared_is_never_guessed(shop: Path, generate: Generate) -> None:
    generate.written()
    declare(shop, ORDERS.replace("note ", "remark "))
    result = generate()
    assert result.exit_code == 1
    assert "column public.orders.note would lose its values" in result.stdout
    assert 'if it is called remark now, declare that: info=renamed_from("note")' in result.stdout


# A generated revision that was edited is respected.


def test_an_edited_revision_counts_as_it_is(shop: Path, generate: Generate) -> None:
    (path,) = generate.written()
    path.write_text(
        path.read_text().replace("note character varying(20)", "note character varying(30)")
    )
    declare(shop, ORDERS.replace("varchar(20)", "varchar(40)"))
    edited = path.read_text()
    (new,) = generate.written()
    assert "TYPE character varying(40)" in new.read_text()
    assert "TYPE character varying(30)" in new.read_text().partition("def downgrade")[2]
    assert path.read_text() == edited


# Refusals: exit 1, the reason, nothing written.

REFUSALS = {
    "rewrite": (
        ORDERS.replace("varchar(20)", "integer"),
        "rewrites public.orders while nobody can read it: allow it with --allow-rewrite",
    ),
    "lost column": (
        ORDERS.replace("note varchar(20),", ""),
        "column public.orders.note would lose its values: allow it with "
        "--allow-data-loss public.orders.note",
    ),
    "lost table": (
        "CREATE TABLE other (x integer);",
        "table public.orders would lose its rows: allow it with --allow-data-loss public.orders",
    ),
    "required column without default": (
        ORDERS.replace("note varchar(20),", "note varchar(20), code text NOT NULL,"),
        "a required column without default can't be added to a table that holds rows",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_may_hurt_is_refused_with_the_option_that_allows_it(
    shop: Path, generate: Generate, refusal: str
) -> None:
    generate.written()
    script, words = REFUSALS[refusal]
    declare(shop, script)
    result = generate()
    assert result.exit_code == 1, result.output
    assert words in " ".join(result.stdout.split())
    assert result.stdout.rstrip().endswith("Nothing was written.")
    assert len(revisions(shop)) == 1
    refused = json.loads(generate("--format", "json").stdout)["refused"]
    assert any(words in each for each in refused)


def test_what_was_allowed_is_written(shop: Path, generate: Generate) -> None:
    generate.written()
    declare(shop, REFUSALS["rewrite"][0])
    assert len(generate.written("--allow-rewrite")) == 1
    declare(shop, REFUSALS["rewrite"][0].replace("note ", "code text NOT NULL, note "))
    first, second = generate.written("--allow-data-loss", "public.orders.code")
    assert "ADD COLUMN code" in first.read_text() and "NOT NULL" in second.read_text()
    assert "can't bring back" not in first.read_text() + second.read_text()
    declare(shop, REFUSALS["lost table"][0])
    assert len(generate.written("--allow-data-loss", "public.orders")) >= 1
    assert generate().stdout.startswith("Nothing to do")


def test_what_has_no_plan_is_said_and_nothing_is_written(shop: Path, generate: Generate) -> None:
    declare(shop, "CREATE TABLE t (x integer) PARTITION BY LIST (x); CREATE TABLE u (y integer);")
    generate.written()
    declare(shop, "CREATE TABLE t (x integer) PARTITION BY RANGE (x);"
                  "CREATE TABLE u (y integer, z integer);")  # fmt: skip
    result = generate()
    assert result.exit_code == 1
    assert "not planned: table public.t: PostgreSQL can't alter it in place" in result.stdout
    assert len(revisions(shop)) == 1
    said = json.loads(generate("--format", "json").stdout)
    assert said["written"] == [] and said["not_planned"][0]["object"] == "table public.t"


def test_a_step_that_the_server_refuses_is_not_planned(shop: Path, generate: Generate) -> None:
    declare(shop, "CREATE TABLE t (x integer);")
    generate.written()
    declare(shop, "CREATE TABLE t (x point);")
    result = generate("--allow-rewrite")
    assert result.exit_code == 1
    assert "not planned: column public.t.x: the scratch server refuses" in result.stdout
    assert "cannot cast type integer to point" in result.stdout
    assert len(revisions(shop)) == 1


def test_no_way_down_is_said(shop: Path, generate: Generate) -> None:
    declare(shop, "CREATE TABLE p (x integer); CREATE TABLE c () INHERITS (p);")
    generate.written()
    declare(shop, "CREATE TABLE p (x integer); CREATE TABLE c (x integer);")
    result = generate()
    assert result.exit_code == 1
    assert "not planned: column public.c.x: the way down: " in result.stdout
    assert len(revisions(shop)) == 1


# Broken input: exit 2, one sentence, nothing left behind.


@pytest.fixture
def own_scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for scratch folders that no other run uses."""
    folder = Path(tempfile.mkdtemp(prefix="zdt-", dir=scratch.base(in_memory=True).parent))
    folder.chmod(0o755)
    monkeypatch.setattr(scratch, "base", lambda in_memory=False: folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _no_import(shop: Path) -> str:
    (shop / "schemas" / "models.py").write_text("import sqlalchemy\nimport not_there\n")
    return "not_there"


def _broken_module(shop: Path) -> str:
    (shop / "schemas" / "models.py").write_text("x = (1,\n")
    return "models.py"


def _broken_sql(shop: Path) -> str:
    declare(shop, "CREATE TABLE t (x integre);")
    return "integre"


def _two_heads(shop: Path) -> str:
    for name in ("one", "two"):
        (shop / "migrations" / "versions" / f"{name}.py").write_text(
            f"revision = '{name}'\ndown_revision = None\ndef upgrade(): pass\n"
            "def downgrade(): pass\n"
        )
    return "heads"


def _broken_revision(shop: Path) -> str:
    (shop / "migrations" / "versions" / "bad.py").write_text(
        "revision = 'bad'\ndown_revision = None\ndef upgrade(:\n"
    )
    return "bad.py"


def _failing_revision(shop: Path) -> str:
    (shop / "migrations" / "versions" / "bad.py").write_text(
        "from alembic import op\nrevision = 'bad'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('DROP TABLE nothing')\ndef downgrade(): pass\n"
    )
    return "nothing"


def _no_schemas(shop: Path) -> str:
    shutil.rmtree(shop / "schemas")
    return "schemas"


@pytest.mark.parametrize(
    "broken",
    [_no_import, _broken_module, _broken_sql, _two_heads, _broken_revision, _failing_revision,
     _no_schemas],
    ids=lambda function: function.__name__.strip("_").replace("_", " "),
)  # fmt: skip
def test_broken_input_is_one_sentence_and_leaves_nothing(
    shop: Path, own_scratch: Path, broken: object
) -> None:
    assert callable(broken)
    words = broken(shop)
    before = snapshot(shop)
    result = CliRunner().invoke(zd, ["generate", "-m", "a change"])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("zd: ") and result.stderr.count("\n") == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert snapshot(shop) == before
    assert list(own_scratch.glob("s-*")) == []


def test_a_run_that_writes_leaves_no_scratch_either(shop: Path, own_scratch: Path) -> None:
    result = CliRunner().invoke(zd, ["generate", "-m", "a change"])
    assert result.exit_code == 0, result.output
    assert list(own_scratch.glob("s-*")) == []


def test_a_server_named_by_url_keeps_no_database_of_ours(
    shop: Path, generate: Generate, server: EmbeddedServer
) -> None:
    query = "SELECT datname FROM pg_database ORDER BY 1"
    with server.connect() as connection:
        before = connection.execute(query).fetchall()
        generate.written()
        assert connection.execute(query).fetchall() == before


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


# The text of a revision says exactly what its steps say.

VALUES = {
    "colon": ":name and a::b and ::c: d:e :1 {:x}",
    "backslash and colon": r"\:name \\:name \n \\ C:\temp:x",
    "colon and dollar": ":$1 :a$b :$ $:x:",
    "percent": "100% %s %(name)s %% %",
    "backslash": "a\\b\\\\c\\",
    "double quote": 'say "hi"',
    "triple quotes": 'a """b""" \'\'\'c\'\'\' """',
    "line breaks": "one\n    two\n\n  three\n",
    "non-ASCII": "ä ß 日本 🐘 \u00a0",
    "semicolon and comment": "a; -- b\n/* c */",
    "dollar quotes": "$$ $a$ $1 ${x}",
    "braces": "{0} {name} %{x}",
    "long": "x y " * 60,
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_alembic_executes_what_the_step_says(
    shop: Path,
    server: EmbeddedServer,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    value: str,
) -> None:
    quoted = "'" + value.replace("'", "''") + "'"
    statements = [
        f"INSERT INTO said (query, value) VALUES (current_query(), {literal})"
        for literal in (quoted, f"$q${value}$q$")
    ]
    steps = tuple(
        Step(sql, "x", "a reason", alone=alone) for alone in (True, False) for sql in statements
    )
    path = shop / "migrations" / "versions" / "x.py"
    now = dt.datetime.now(dt.UTC)
    path.write_text(revision_text(Draft("x", None, "a message", Phase.EXPAND, steps, steps), now))
    monkeypatch.setenv("DATABASE_URL", server.url(said))
    config = find_project().alembic_config()
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    with server.connect(said) as connection:
        rows = connection.execute("DELETE FROM said RETURNING query, value").fetchall()
    assert [row[1] for row in rows] == [value] * 8
    assert [tokens(str(row[0])) for row in rows] == [tokens(sql) for sql in statements] * 4


@pytest.fixture(scope="module")
def said(server: EmbeddedServer) -> Iterator[str]:
    """A database with a table that keeps what was executed."""
    name = server.create_database()
    with server.connect(name) as connection:
        connection.execute("CREATE TABLE said (query text, value text)")
    yield name
    server.drop_database(name)


def tokens(sql: str) -> list[str]:
    return [sql[token.start : token.end + 1] for token in parser.scan(sql)]


def test_a_long_statement_is_broken_between_its_tokens() -> None:
    columns = ", ".join(f"column_{number}" for number in range(30))
    sql = f"CREATE INDEX CONCURRENTLY orders_all ON public.orders USING btree ({columns})"
    steps = (Step(sql, "index public.orders_all"),)
    text = revision_text(
        Draft("x", None, "m", Phase.EXPAND, steps, ()), dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    )
    assert max(len(line) for line in text.split("\n")) <= 100
    module = ast.parse(text)
    texts = [node.value for node in ast.walk(module) if isinstance(node, ast.Constant)]
    assert any(isinstance(each, str) and tokens(each) == tokens(sql) for each in texts)


def test_the_statements_of_a_shared_transaction_are_rolled_back_together(
    shop: Path, server: EmbeddedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (
        Step("CREATE TABLE one (x integer)", "table one", alone=False),
        Step("CREATE TABLE two (x integer); SELECT 1/0", "table two", alone=False),
    )
    path = shop / "migrations" / "versions" / "x.py"
    now = dt.datetime.now(dt.UTC)
    path.write_text(revision_text(Draft("x", None, "m", Phase.EXPAND, steps, ()), now))
    monkeypatch.setenv("DATABASE_URL", server.url(database))
    with pytest.raises(Exception, match="division by zero"):
        command.upgrade(find_project().alembic_config(), "head")
    with server.connect(database) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM one")


# Rows in the tables


def test_rows_that_may_not_meet_a_new_constraint_are_a_note(shop: Path, generate: Generate) -> None:
    generate.written()
    module = shop / "schemas" / "shop.sql"
    module.write_text(ORDERS + "ALTER TABLE orders ADD CHECK (total = 123456);")
    result = generate()
    assert "note: with made-up rows in the tables the upgrade stops (" in result.stdout
    assert "Wrote " in result.stdout
