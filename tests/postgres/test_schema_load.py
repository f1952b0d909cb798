"""Schema modules are imported afresh, and what they declare loads into an empty database."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
import warnings
from pathlib import Path

import psycopg
import pytest

from zero_downtime.config import Config
from zero_downtime.errors import SchemaError
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project, find_project
from zero_downtime.schema.load import Declared, declared_statements, load_desired, read_declared

ROOT = Path(__file__).parents[2]

BASE = """
    from sqlalchemy import MetaData
    from sqlalchemy.orm import DeclarativeBase

    class Base(DeclarativeBase):
        metadata = MetaData()
"""

ACCOUNTS = """
    from schemas.base import Base
    from sqlalchemy.orm import Mapped, mapped_column

    class Account(Base):
        __tablename__ = "accounts"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str]
"""


def make(root: Path, schemas: str = "schemas", **files: str) -> Project:
    """A project whose files are given by name, ``base`` for ``schemas/base.py``."""
    for name, text in files.items():
        path = root / "schemas" / (name if "." in name else f"{name}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return Project(root=root, config=Config(schemas=schemas), ini=None, toml=None)


def load(project: Project, server: EmbeddedServer, database: str) -> Declared:
    with server.connect(database) as connection:
        return load_desired(project, connection)


def columns(server: EmbeddedServer, database: str, table: str) -> list[str]:
    with server.connect(database) as connection:
        rows = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "ORDER BY attnum",
            [table],
        )
        return [str(name) for (name,) in rows]


def refusal(project: Project, server: EmbeddedServer, database: str) -> str:
    with pytest.raises(SchemaError) as caught:
        load(project, server, database)
    return str(caught.value)


# the reference project


def test_the_reference_store_loads(server: EmbeddedServer, database: str) -> None:
    declared = load(find_project(ROOT / "pyproject.toml"), server, database)
    assert all(statement.location.file for statement in declared.statements)
    with server.connect(database) as connection:
        (facts,) = connection.execute(
            """
            SELECT json_build_object(
              'tables', (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
                         AND relkind = 'r' AND NOT relispartition),
              'partitions', (SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'),
              'without policy', (SELECT count(*) FROM pg_class c
                  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                  AND NOT relispartition
                  AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)),
              'open partitions', (SELECT count(*) FROM pg_class
                  WHERE relispartition AND relkind = 'r' AND NOT relrowsecurity),
              'exclusions', (SELECT count(*) FROM pg_constraint WHERE contype = 'x'),
              'hnsw', (SELECT count(*) FROM pg_class JOIN pg_am ON pg_am.oid = relam
                       WHERE amname = 'hnsw'),
              'materialized', (SELECT count(*) FROM pg_matviews))
            """
        ).fetchall()
    assert json.loads(json.dumps(facts[0])) == {
        "tables": 19,
        "partitions": 7,
        "without policy": 0,
        "open partitions": 0,
        "exclusions": 1,
        "hnsw": 1,
        "materialized": 1,
    }


def test_every_foreign_key_of_the_store_has_an_index(server: EmbeddedServer, database: str) -> None:
    load(find_project(ROOT / "pyproject.toml"), server, database)
    with server.connect(database) as connection:
        bare = connection.execute(
            """
            SELECT conname FROM pg_constraint
             WHERE contype = 'f' AND NOT EXISTS (
               SELECT FROM pg_index
                WHERE indrelid = conrelid AND indkey[0] = conkey[1])
            """
        ).fetchall()
    assert bare == []


def test_shops_see_their_own_rows_only(server: EmbeddedServer, database: str) -> None:
    load(find_project(ROOT / "pyproject.toml"), server, database)
    with server.connect(database) as connection:
        connection.execute(
            """
            CREATE ROLE store_app_test;
            GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO store_app_test;
            INSERT INTO tenants (slug, name) VALUES ('a', 'A'), ('b', 'B');
            INSERT INTO accounts (tenant_id, email, full_name)
              VALUES (1, 'x@a.test', 'X'), (2, 'y@b.test', 'Y');
            INSERT INTO addresses (account_id, kind, recipient, street, city, country)
              SELECT id, 'shipping', full_name, 'Street', 'City', 'NL' FROM accounts;
            INSERT INTO orders (account_id, shipping_address_id, currency) VALUES
              (1, 1, 'EUR'), (2, 2, 'EUR');
            SET ROLE store_app_test
            """
        )
        try:
            count = "SELECT count(*) FROM orders"
            assert connection.execute(count).fetchone() == (0,)
            connection.execute("SET store.tenant_id = '2'")
            assert connection.execute(count).fetchone() == (1,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(
                    "INSERT INTO orders (account_id, shipping_address_id, currency) "
                    "VALUES (1, 1, 'EUR')"
                )
        finally:
            connection.execute("RESET ROLE; DROP OWNED BY store_app_test; DROP ROLE store_app_test")


def test_the_statements_can_be_had_without_a_server() -> None:
    statements = declared_statements(find_project(ROOT / "pyproject.toml"))
    assert any(sql.startswith("CREATE TABLE orders") for sql in statements)
    assert not any("%%" in sql for sql in statements)


# importing


def test_a_changed_module_is_read_again(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    project = make(tmp_path, base=BASE, accounts=ACCOUNTS)
    assert len(declared_statements(project)) == 1
    make(tmp_path, accounts=ACCOUNTS.replace("email", "login"))  # same length, same second
    load(project, server, database)
    assert columns(server, database, "accounts") == ["id", "login"]


def test_nothing_stays_behind_in_the_interpreter(tmp_path: Path) -> None:
    before = {name for name in sys.modules if name.partition(".")[0] == "schemas"}
    path = list(sys.path)
    read_declared(make(tmp_path, base=BASE, accounts=ACCOUNTS))
    assert {name for name in sys.modules if name.partition(".")[0] == "schemas"} == before
    assert sys.path == path
    assert not list(tmp_path.rglob("__pycache__"))


def test_two_projects_with_folders_of_the_same_name_do_not_mix(tmp_path: Path) -> None:
    first = make(tmp_path / "a", base=BASE, accounts=ACCOUNTS)
    second = make(tmp_path / "b", base=BASE, accounts=ACCOUNTS.replace("email", "phone"))
    for _ in range(2):
        read_declared(find_project(ROOT / "pyproject.toml"))
        assert "email" in declared_statements(first)[0]
        assert "phone" in declared_statements(second)[0]


@pytest.mark.parametrize(
    ("schemas", "files"),
    [
        ("schemas", {"__init__": "", "base": BASE, "accounts": ACCOUNTS}),
        ("schemas", {"base": BASE, "accounts": ACCOUNTS.replace("schemas.base", "base")}),
        ("schemas", {"base": BASE, "accounts": ACCOUNTS.replace("schemas.base", ".base")}),
        ("schemas/accounts.py", {"base": BASE, "accounts": ACCOUNTS}),
        (
            "schemas/accounts.py",
            {"base": BASE, "accounts": ACCOUNTS.replace("schemas.base", ".base")},
        ),
        ("schemas", {"__init__": "", "more/__init__": "", "base": BASE, "more/accounts": ACCOUNTS}),
    ],
    ids=["package", "bare", "relative", "file", "relative file", "nested"],
)
def test_all_common_layouts_import(tmp_path: Path, schemas: str, files: dict[str, str]) -> None:
    statements = declared_statements(make(tmp_path, schemas, **files))
    assert [sql.split("(")[0].strip() for sql in statements] == ["CREATE TABLE accounts"]


def test_modules_outside_the_folder_are_read_again_too(tmp_path: Path) -> None:
    (tmp_path / "database.py").write_text(textwrap.dedent(BASE))
    project = make(tmp_path, accounts=ACCOUNTS.replace("schemas.base", "database"))
    assert read_declared(project) == read_declared(project)


def test_tables_on_an_installed_base_are_read_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "lib", **{"__init__": "", "own": BASE})
    (tmp_path / "lib" / "schemas").rename(tmp_path / "lib" / "installed_base")
    accounts = ACCOUNTS.replace("schemas.base", "installed_base.own")
    links = """
        from installed_base.own import Base
        from sqlalchemy import Column, Integer, Table

        links = Table("links", Base.metadata, Column("id", Integer))
    """
    project = make(tmp_path / "app", accounts=accounts, links=links)
    monkeypatch.syspath_prepend(tmp_path / "lib")
    expected = declared_statements(project)
    assert len(expected) == 2
    monkeypatch.syspath_prepend(project.root / "schemas")
    for name in ("accounts", "links"):  # as an env.py would have done before
        importlib.import_module(name)
    try:
        assert declared_statements(project) == expected
        assert declared_statements(project) == expected
    finally:
        for name in ("accounts", "links", "installed_base", "installed_base.own"):
            del sys.modules[name]


def test_what_a_module_prints_and_warns_stays_out_of_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noisy = "import warnings\nprint('hello')\nwarnings.warn('old')\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_declared(make(tmp_path, noisy=noisy))
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


# refusals


def test_an_import_error_names_file_line_and_cause(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    project = make(
        tmp_path, base=BASE, orders="from schemas.base import Base\n\nprice = Decimal(1)"
    )
    assert refusal(project, server, database) == (
        "schemas/orders.py:3: the schema module does not import "
        "(NameError: name 'Decimal' is not defined). Mend that line"
    )


def test_a_syntax_error_names_file_and_line(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    message = refusal(make(tmp_path, orders="a = 1\nb = (\n"), server, database)
    assert message.startswith("schemas/orders.py:2: the schema module does not import")


def test_a_missing_package_says_where_to_install_it(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    message = refusal(make(tmp_path, orders="import no_such_package"), server, database)
    assert "No module named 'no_such_package'" in message
    assert "Install it where zd runs" in message


def test_a_shadowed_module_names_both_places(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    project = make(tmp_path, "sys.py")
    (tmp_path / "sys.py").write_text("")
    message = refusal(project, server, database)
    assert str(tmp_path / "sys.py") in message
    assert "a built-in module" in message


def test_a_project_without_schema_modules_is_told_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="names no schema modules"):
        read_declared(Project(tmp_path, Config(), None, tmp_path / "pyproject.toml"))
    with pytest.raises(SchemaError, match="no such folder"):
        read_declared(Project(tmp_path, Config(schemas="models"), None, None))


def test_a_wrong_object_names_its_line_and_the_server_s_message(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    views = """
        from zero_downtime.schema import View

        emails = View("emails", "SELECT e_mail FROM accounts")
        shouted = View("shouted", "SELECT upper(e_mail) FROM emails")
    """
    project = make(tmp_path, base=BASE, accounts=ACCOUNTS, views=views)
    assert refusal(project, server, database) == (
        'schemas/views.py:4: view emails can\'t be created: column "e_mail" does not exist. '
        "Declare what it needs, or mend the name"
    )


def test_a_wrong_table_names_its_class(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    wrong = ACCOUNTS + '        __table_args__ = ({"postgresql_tablespace": "fast"},)\n'
    message = refusal(make(tmp_path, base=BASE, accounts=wrong), server, database)
    assert message.startswith("schemas/accounts.py:5: table accounts can't be created: tablespace")


def test_a_vector_without_its_extension_is_told_to_declare_it(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    vectors = """
        from pgvector.sqlalchemy import VECTOR
        from sqlalchemy import Column, MetaData, Table

        table = Table("t", MetaData(), Column("v", VECTOR(3)))
    """
    assert 'Declare the extension: Extension("vector")' in refusal(
        make(tmp_path, vectors=vectors), server, database
    )


def test_a_function_with_a_typo_is_refused_though_others_need_it(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    objects = """
        from zero_downtime.schema import Function, View

        a = View("v", "SELECT f()")
        b = Function("f", "SELECT 1 FROM no_such_table", returns="integer")
    """
    message = refusal(make(tmp_path, objects=objects), server, database)
    assert 'function f can\'t be created: relation "no_such_table" does not exist' in message


def test_a_function_of_a_sql_file_with_a_typo_is_refused_too(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    text = "/* f */ create function f() returns int language sql as 'SELECT 1 FROM nowhere';"
    message = refusal(make(tmp_path, **{"rest.sql": text}), server, database)
    assert 'relation "nowhere" does not exist' in message


# order


def test_objects_load_whatever_their_order(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    objects = """
        from sqlalchemy import Column, DateTime, ForeignKey, Integer, MetaData, Table, Text, text
        from zero_downtime.schema import (
            Extension, Function, Grant, MaterializedView, Partition, Policy, Role,
            RowLevelSecurity, Trigger, View, ViewIndex, attach,
        )

        metadata = MetaData()
        z_view = View("z", "SELECT * FROM y")
        y_view = View("y", "SELECT id, ping(id) FROM shop.a")
        # Each calls the other: only possible unchecked.
        ping = Function("ping", "SELECT public.pong(n - 1) WHERE n > 0", "n integer", "integer")
        pong = Function("pong", "SELECT public.ping(n - 1) WHERE n > 0", "n integer", "integer")
        a = Table(
            "a", metadata, Column("id", Integer, primary_key=True),
            Column("b_id", ForeignKey("shop.b.id", use_alter=True, name="a_b")),
            Column("n", Integer, server_default=text("pong(0)")), schema="shop",
        )
        b = Table(
            "b", metadata, Column("id", Integer, primary_key=True),
            Column("a_id", ForeignKey("shop.a.id")), schema="shop",
        )
        log = Table(
            "log", metadata, Column("at", DateTime, primary_key=True),
            postgresql_partition_by="RANGE (at)",
        )
        attach(
            metadata,
            Grant("SELECT", a, to="zd_test_reader"), Role("zd_test_reader"),
            Policy("all", a, using="true", roles=("zd_test_reader",)), RowLevelSecurity(a),
            Trigger("t", a, when="BEFORE UPDATE", execute="suppress_redundant_updates_trigger"),
            Partition("log_rest", of=log, bound="DEFAULT"),
            MaterializedView("m", "SELECT id FROM z", (ViewIndex("mi", ("id",), unique=True),)),
            Extension("citext"),
        )
    """
    load(make(tmp_path, objects=objects), server, database)
    with server.connect(database) as connection:
        connection.execute("REVOKE SELECT ON shop.a FROM zd_test_reader")
        connection.execute("DROP OWNED BY zd_test_reader; DROP ROLE zd_test_reader")
    assert columns(server, database, "m") == ["id"]
    assert columns(server, database, "shop.a") == ["id", "b_id", "n"]


def test_every_kind_of_object_loads(tmp_path: Path, server: EmbeddedServer, database: str) -> None:
    objects = """
        from sqlalchemy import Column, Integer, MetaData, Table, Text
        from sqlalchemy.dialects.postgresql import DOMAIN, ENUM
        from zero_downtime.schema import (
            DefaultPrivileges, Domain, Enum, Extension, Procedure, Statistics, VectorIndex, attach,
        )

        metadata = MetaData()
        state = Enum("state", ("placed", "it's paid"), comment="of an order")
        checks = {"is_email": "VALUE LIKE '%_@_%'"}
        email = Domain("email", "text", not_null=True, checks=checks, collation="C", comment="e")
        t = Table(
            "t", metadata, Column("id", Integer, primary_key=True), Column("n", Integer),
            Column("state", ENUM("placed", "it's paid", name="state", create_type=False)),
            Column("email", DOMAIN("email", Text, create_type=False)),
        )
        attach(
            metadata,
            DefaultPrivileges("SELECT", on="TABLES", to="PUBLIC", schema="public"),
            Procedure("tidy", "BEGIN DELETE FROM t; END", comment="p"),
            Statistics("t_id_n", t, ("id", "n", "(id + n)"), kinds=("mcv",), comment="s"),
            VectorIndex("ix_v", "items", "v", "vector_l2_ops", {"m": 8}, comment="near"),
            VectorIndex(
                "ix_w", "items", "(v::halfvec(3))", "halfvec_cosine_ops", {"lists": 5},
                using="ivfflat", where="v IS NOT NULL",
            ),
            Extension("vector"),
        )
    """
    folder = make(tmp_path, objects=objects)
    assert folder.schemas is not None
    (folder.schemas / "items.sql").write_text("CREATE TABLE items (v vector(3));")
    load(folder, server, database)
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'items' ORDER BY indexname"
    comments = "SELECT description FROM pg_description WHERE objoid >= 16384 ORDER BY 1"
    with server.connect(database) as connection:
        hnsw, ivfflat = (str(row[0]) for row in connection.execute(indexes))
        said = {row[0] for row in connection.execute(comments)}
    assert "USING hnsw (v vector_l2_ops) WITH (m='8')" in hnsw
    assert "halfvec_cosine_ops) WITH (lists='5') WHERE (v IS NOT NULL)" in ivfflat
    assert {"of an order", "e", "p", "s", "near"} <= said


def test_it_loads_on_a_connection_inside_a_transaction_too(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    objects = """
        from zero_downtime.schema import View

        a = View("a", "SELECT * FROM b")
        b = View("b", "SELECT 1 AS one")
    """
    with psycopg.connect(server.url(database)) as connection:
        load_desired(make(tmp_path, objects=objects), connection)
    assert columns(server, database, "a") == ["one"]


def test_plain_sql_files_take_part(tmp_path: Path, server: EmbeddedServer, database: str) -> None:
    rules = """
        -- what has no class of its own
        CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
        CREATE STATISTICS pairs ON id, email FROM accounts;
    """
    project = make(tmp_path, base=BASE, accounts=ACCOUNTS, **{"rest.sql": rules})
    declared = load(project, server, database)
    assert str(declared.statements[-1].location) == "schemas/rest.sql:4"


def test_a_failing_sql_file_names_its_line(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    project = make(tmp_path, **{"rest.sql": "SELECT 1;\n\nCREATE VIEW v AS SELECT nothing;\n"})
    assert refusal(project, server, database).startswith(
        "schemas/rest.sql:3: CREATE VIEW v AS SELECT … can't be created: "
    )


# renames


def test_declared_renames_are_given_with_their_old_identity(tmp_path: Path) -> None:
    models = """
        from sqlalchemy import CheckConstraint, Column, Index, Integer, MetaData, Table
        from zero_downtime.schema import renamed_from

        table = Table(
            "customers", MetaData(),
            Column("id", Integer, primary_key=True),
            Column("age", Integer, info=renamed_from("years")),
            CheckConstraint("age > 0", name="grown", info=renamed_from("adult")),
            Index("ix_age", "age", info=renamed_from("ix_years")),
            schema="shop", info=renamed_from("clients"),
        )
    """
    renames = read_declared(make(tmp_path, models=models)).renames
    assert [(rename.kind, rename.old, rename.new) for rename in renames] == [
        ("table", "shop.clients", "shop.customers"),
        ("column", "shop.clients.years", "shop.customers.age"),
        ("index", "shop.ix_years", "shop.ix_age"),
        ("constraint", "shop.clients.adult", "shop.customers.grown"),
    ]


def test_names_of_renames_are_quoted_as_a_dump_quotes_them(tmp_path: Path) -> None:
    models = """
        from sqlalchemy import Column, Index, Integer, MetaData, Table
        from zero_downtime.schema import Enum, renamed_from

        kind = Enum("Kind", ("b",), renamed_from={"b": "a"})
        table = Table(
            "Customers", MetaData(),
            Column("order", Integer, primary_key=True, info=renamed_from("Position")),
            Index("IxOrder", "order", info=renamed_from("ix")), info=renamed_from("user"),
        )
    """
    renames = read_declared(make(tmp_path, models=models)).renames
    assert [(rename.old, rename.new) for rename in renames] == [
        ('public."user"', 'public."Customers"'),
        ('public."user"."Position"', 'public."Customers"."order"'),
        ("public.ix", 'public."IxOrder"'),
        ("public.\"Kind\".'a'", "public.\"Kind\".'b'"),
    ]


def test_a_renamed_value_that_the_enum_does_not_have_is_told(tmp_path: Path) -> None:
    made = 'from zero_downtime.schema import Enum\nE = Enum("e", ("b",), renamed_from={"a": "b"})\n'
    with pytest.raises(SchemaError, match=r"models\.py:2: .*enum e names no value of it: 'a'"):
        read_declared(make(tmp_path, models=made))
