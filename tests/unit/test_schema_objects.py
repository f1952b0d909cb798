"""Each declared object knows its SQL; nothing here needs a server."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import date

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, select

from zero_downtime.schema import (
    Extension,
    Function,
    Grant,
    MaterializedView,
    Partition,
    Policy,
    Role,
    RowLevelSecurity,
    Schema,
    Trigger,
    View,
    ViewIndex,
    attach,
    monthly_partitions,
    renamed_from,
)
from zero_downtime.schema.declaration import attached, old_name, quoted

metadata = MetaData()
orders = Table("orders", metadata, Column("id", Integer), Column("note", Text), schema="shop")


def test_importing_the_package_loads_neither_sqlalchemy_nor_alembic() -> None:
    code = (
        "import sys, zero_downtime.schema; "
        "print({'sqlalchemy', 'alembic', 'pglast', 'psycopg'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_objects_are_frozen_and_equal_by_what_they_say() -> None:
    assert Extension("vector") == Extension("vector")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Extension("vector").name = "hstore"  # type: ignore[misc]


def test_an_object_knows_the_line_that_made_it() -> None:
    extension = Extension("vector")
    assert extension.place.file == __file__
    with open(__file__) as source:
        assert 'extension = Extension("vector")' in source.readlines()[extension.place.line - 1]


def test_names_are_quoted() -> None:
    assert quoted('odd "name"', "shop") == '"shop"."odd ""name"""'


@pytest.mark.parametrize(
    ("item", "sql"),
    [
        (Extension("vector"), ['CREATE EXTENSION IF NOT EXISTS "vector"']),
        (
            Extension("vector", schema="ext", version="0.8.0"),
            ['CREATE EXTENSION IF NOT EXISTS "vector" SCHEMA "ext" VERSION \'0.8.0\''],
        ),
        (
            Schema("shop", comment="the shop's"),
            [
                'CREATE SCHEMA IF NOT EXISTS "shop"',
                "COMMENT ON SCHEMA \"shop\" IS 'the shop''s'",
            ],
        ),
        (
            Function("answer", returns="integer", volatility="immutable", body="SELECT 42"),
            [
                'CREATE OR REPLACE FUNCTION "answer"()\n'
                "RETURNS integer LANGUAGE sql IMMUTABLE\nAS $$SELECT 42$$"
            ],
        ),
        (
            Trigger("t", orders, when="AFTER INSERT", execute="f", arguments=("'a'",)),
            [
                'CREATE TRIGGER "t" AFTER INSERT ON "shop"."orders" '
                "FOR EACH ROW EXECUTE FUNCTION f('a')"
            ],
        ),
        (
            View("v", "SELECT 1 AS one;", options=(("security_invoker", "true"),)),
            ['CREATE VIEW "v" WITH (security_invoker = true) AS\nSELECT 1 AS one'],
        ),
        (
            View("v", "SELECT * FROM t", check_option="local"),
            ['CREATE VIEW "v" AS\nSELECT * FROM t\nWITH LOCAL CHECK OPTION'],
        ),
        (
            MaterializedView("m", "SELECT 1 AS one", indexes=(ViewIndex("i", ("one",), True),)),
            [
                'CREATE MATERIALIZED VIEW "m" AS\nSELECT 1 AS one',
                'CREATE UNIQUE INDEX "i" ON "m" USING btree (one)',
            ],
        ),
        (
            RowLevelSecurity(orders, force=True),
            [
                'ALTER TABLE "shop"."orders" ENABLE ROW LEVEL SECURITY',
                'ALTER TABLE "shop"."orders" FORCE ROW LEVEL SECURITY',
            ],
        ),
        (
            Policy("p", orders, using="true", command="select", permissive=False),
            [
                'CREATE POLICY "p" ON "shop"."orders" AS RESTRICTIVE FOR SELECT '
                "TO PUBLIC USING (true)"
            ],
        ),
        (Grant("SELECT", orders, to="app"), ['GRANT SELECT ON "shop"."orders" TO app']),
        (Grant("USAGE", "SCHEMA shop", to="app"), ["GRANT USAGE ON SCHEMA shop TO app"]),
        (
            Partition("o_rest", of=orders, bound="default"),
            ['CREATE TABLE "o_rest" PARTITION OF "shop"."orders" DEFAULT'],
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_sql_of_an_object(item: Extension, sql: list[str]) -> None:
    assert list(item.statements()) == sql


def test_a_body_with_dollars_is_quoted_by_another_tag() -> None:
    (create,) = Function("f", body="SELECT $$a$$", returns="text").statements()
    assert create.endswith("AS $body$SELECT $$a$$$body$")


def test_a_role_that_exists_already_is_no_error() -> None:
    (create,) = Role("shop_app", login=True).statements()
    assert 'CREATE ROLE "shop_app" LOGIN' in create
    assert "duplicate_object" in create


def test_a_view_takes_a_select() -> None:
    view = View("dear", select(orders.c.id).where(orders.c.note.like("100%")))
    (create,) = view.statements()
    assert "WHERE shop.orders.note LIKE '100%'" in create


def test_monthly_partitions_meet_end_to_start_across_the_year() -> None:
    november, december, january = monthly_partitions(orders, date(2026, 11, 17), 3)
    assert november.name == "orders_2026_11"
    assert november.bound == "FROM ('2026-11-01 00:00:00+00') TO ('2026-12-01 00:00:00+00')"
    assert december.bound == "FROM ('2026-12-01 00:00:00+00') TO ('2027-01-01 00:00:00+00')"
    assert (january.name, january.schema) == ("orders_2027_01", "shop")


def test_a_rename_is_kept_in_info() -> None:
    assert old_name(Column("new", Integer, info=renamed_from("old")).info) == "old"
    assert old_name({}) is None


def test_attached_objects_are_found_again() -> None:
    owner = MetaData()
    attach(owner, Extension("a"))
    attach(owner, Extension("b"))
    assert attached(owner) == (Extension("a"), Extension("b"))
