"""The simulated schema follows statements as the server would."""

from __future__ import annotations

import pytest

from zero_downtime.sql.effects import predict
from zero_downtime.sql.forms import forms, schema
from zero_downtime.sql.script import split
from zero_downtime.sql.state import State, state_from


def after(sql: str, complete: bool = True) -> State:
    state = State(complete)
    for statement in split(sql):
        state.apply(statement.sql)
    return state


TABLES = """
CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL UNIQUE);
CREATE TABLE b (id int, a_id bigint REFERENCES a, CONSTRAINT positive CHECK (id > 0));
CREATE INDEX ON b (a_id);
"""


def test_names_that_postgresql_gives() -> None:
    state = after(TABLES)
    assert set(state.relations["public.a"].constraints) == {
        "a_pkey",
        "a_n_key",
        "a_n_not_null",
        "a_id_not_null",
    }
    assert set(state.relations["public.b"].constraints) == {"b_a_id_fkey", "positive"}
    assert set(state.indexes) == {"public.a_pkey", "public.a_n_key", "public.b_a_id_idx"}
    assert state.owned_sequences("public.a") == ["public.a_id_seq"]
    assert state.referencing("public.a") == ["public.b"]


def test_a_second_name_of_a_kind_gets_a_number() -> None:
    state = after(
        TABLES + "ALTER TABLE b ADD FOREIGN KEY (a_id) REFERENCES a; CREATE INDEX ON b (a_id);"
    )
    assert "b_a_id_fkey1" in state.relations["public.b"].constraints
    assert "public.b_a_id_idx1" in state.indexes


def test_a_renamed_table_keeps_its_ties() -> None:
    state = after(TABLES + "ALTER TABLE a RENAME TO z; ALTER TABLE z RENAME COLUMN id TO key;")
    assert state.referencing("public.z") == ["public.b"]
    assert state.owned_sequences("public.z", "key") == ["public.a_id_seq"]
    assert state.indexes["public.a_pkey"].columns == ("key",)
    assert "public.a" not in state.relations


def test_a_renamed_constraint_renames_its_index() -> None:
    state = after(TABLES + "ALTER TABLE a RENAME CONSTRAINT a_n_key TO n_once;")
    assert state.indexes["public.n_once"].constraint == "n_once"
    state = after(TABLES + "ALTER INDEX a_n_key RENAME TO n_once;")
    assert state.relations["public.a"].constraints["n_once"].index == "n_once"


def test_set_schema_takes_sequences_along() -> None:
    state = after(TABLES + "CREATE SCHEMA s; ALTER TABLE a SET SCHEMA s;")
    assert "s.a" in state.relations
    assert state.owned_sequences("s.a") == ["s.a_id_seq"]


def test_dropping_takes_what_hangs_on_it() -> None:
    state = after(TABLES + "CREATE VIEW v AS SELECT * FROM a; DROP TABLE a CASCADE;")
    assert set(state.relations) == {"public.b"}
    assert "b_a_id_fkey" not in state.relations["public.b"].constraints
    assert set(state.indexes) == {"public.b_a_id_idx"}


def test_dropping_a_column_takes_its_index_and_constraint() -> None:
    state = after(TABLES + "ALTER TABLE b DROP COLUMN a_id;")
    assert state.indexes_of("public.b") == []
    assert state.referencing("public.a") == []


def test_search_path_decides_where_things_are_made_and_found() -> None:
    state = after(
        "CREATE SCHEMA s; SET search_path = s, public; CREATE TABLE t (id int);"
        "SELECT set_config('search_path', '', false); ALTER TABLE s.t ADD n int;"
    )
    assert set(state.relations["s.t"].columns) == {"id", "n"}
    assert state.search_path == ()


def test_partitions_get_columns_indexes_and_keys_of_their_parent() -> None:
    state = after(
        TABLES + "CREATE TABLE p (id int, k int, a_id bigint REFERENCES a) PARTITION BY LIST (k);"
        "CREATE INDEX p_id ON p (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);"
        "ALTER TABLE p ADD PRIMARY KEY (id, k); CREATE TABLE p2 (id int, k int, a_id bigint);"
        "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2);"
    )
    for child in ("public.p1", "public.p2"):
        relation = state.relations[child]
        assert list(relation.columns) == ["id", "k", "a_id"]
        assert [c.references for c in relation.foreign_keys()] == ["public.a"]
        assert {index.parent for index in state.indexes_of(child)} == {
            "public.p_id",
            "public.p_pkey",
        }
    assert state.descendants("public.p") == ["public.p1", "public.p2"]


def test_a_dump_with_only_parents_is_understood() -> None:
    state = state_from(
        s.sql
        for s in split(
            "CREATE TABLE public.p (id int NOT NULL) PARTITION BY RANGE (id);"
            "CREATE TABLE public.c (id int NOT NULL);"
            "ALTER TABLE ONLY public.p ATTACH PARTITION public.c FOR VALUES FROM (1) TO (2);"
            "CREATE INDEX i ON ONLY public.p USING btree (id);"
            "CREATE INDEX j ON public.c USING btree (id);"
            "ALTER INDEX public.i ATTACH PARTITION public.j;"
        )
    )
    assert state.indexes["public.j"].parent == "public.i"
    assert state.children("public.p") == ["public.c"]


def test_if_not_exists_changes_nothing() -> None:
    state = after(
        TABLES
        + "CREATE TABLE IF NOT EXISTS b (x int); ALTER TABLE b ADD COLUMN IF NOT EXISTS id text;"
        "CREATE INDEX IF NOT EXISTS b_a_id_idx ON b (id);"
    )
    assert str(state.relations["public.b"].columns["id"].type) == "integer"
    assert state.indexes["public.b_a_id_idx"].columns == ("a_id",)


def test_a_copy_goes_its_own_way() -> None:
    state = after(TABLES)
    other = state.copy()
    other.apply("DROP TABLE b")
    assert "public.b" in state.relations
    assert "public.b" not in other.relations


def test_what_is_not_known_is_taken_to_exist_only_in_a_partial_state() -> None:
    assert State().exists("public.t")
    assert not State(complete=True).exists("public.t")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", "not volatile"),
        ("now() - interval '1 day'", "not volatile"),
        ("gen_random_uuid()", "volatile"),
        ("lower(random()::text)", "volatile"),
        ("uuid_generate_v4()", "volatile"),
        ("twice(3)", "not volatile"),
        ("roll()", "volatile"),
        ("inlined()", "not volatile"),
        ("inlined_random()", "volatile"),
        ("endless()", "volatile"),
        ("theirs(1)", "unknown"),
        ("pg_catalog.random()", "volatile"),
    ],
)
def test_volatility_of_a_default(expression: str, expected: str) -> None:
    state = after(
        "CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE FUNCTION roll() RETURNS int LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE FUNCTION inlined() RETURNS timestamptz LANGUAGE sql AS 'SELECT now()';"
        "CREATE FUNCTION inlined_random() RETURNS float LANGUAGE sql AS 'SELECT random()';"
        "CREATE FUNCTION endless() RETURNS float LANGUAGE sql AS 'SELECT endless()';"
        f"CREATE TABLE t (c text DEFAULT {expression})"
    )
    assert state.volatility(state.relations["public.t"].columns["c"].default) == expected


def test_rows_that_alter_table_writes_anew_are_the_transactions_own() -> None:
    """Of every form that rewrites, but where a file is only copied to another place."""
    shop = state_from(statement.sql for statement in split(schema(18)))
    seen = set()
    for form in (form for members in forms().values() for form in members):
        if not form.since <= 18 <= form.until or not form.sql.startswith("ALTER TABLE"):
            continue
        rewrites = predict(form.sql, shop).rewrites
        state = shop.copy()
        state.transaction = 1
        state.apply(form.sql)
        found = [each for key in rewrites if (each := state.relations.get(key)) is not None]
        tables = [each for each in found if each.kind == "table"]
        if tables and "SET TABLESPACE" not in form.sql:
            seen.add(form.sql)
            assert {each.written for each in tables} == {1}, form.sql
    assert len(seen) > 50
