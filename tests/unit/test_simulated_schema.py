"""What the simulated schema knows after statements."""

from __future__ import annotations

from zero_downtime.sql.effects import predict
from zero_downtime.sql.state import State


def after(*statements: str) -> State:
    """A complete state that was led through statements."""
    state = State(complete=True)
    for sql in statements:
        state.apply(sql)
    return state


def test_a_savepoint_is_gone_back_to() -> None:
    state = after(
        "CREATE TABLE a (x int)",
        "SAVEPOINT s",
        "ALTER TABLE a ADD COLUMN y int",
        "SET search_path = other",
        "ROLLBACK TO SAVEPOINT s",
        "CREATE TABLE b (x int)",
    )
    assert set(state.relations["public.a"].columns) == {"x"}
    assert "public.b" in state.relations
    state.apply("ROLLBACK TO s")
    assert "public.b" not in state.relations
    state.apply("RELEASE s")
    state.apply("CREATE TABLE c (x int)")
    state.apply("ROLLBACK TO s")
    assert "public.c" in state.relations


def test_savepoints_end_with_their_transaction() -> None:
    state = after("SAVEPOINT s", "CREATE TABLE a (x int)", "COMMIT", "ROLLBACK TO s")
    assert "public.a" in state.relations


def test_what_a_block_runs_is_done() -> None:
    state = after(
        "DO $$ BEGIN CREATE TABLE a (x int); EXECUTE 'CREATE TABLE b (x int)'; END $$",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN ALTER TABLE a ADD y int; END'",
        "CALL p()",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'CREATE TABLE c (x int)'",
        "SELECT f()",
        "PREPARE q AS SELECT 1",
        "EXECUTE q",
    )
    assert {"public.a", "public.b", "public.c"} <= set(state.relations)
    assert set(state.relations["public.a"].columns) == {"x", "y"}


def test_functions_that_call_each_other_come_to_an_end() -> None:
    state = after(
        "CREATE TABLE a (x int)",
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN CALL q(); END'",
        "CREATE PROCEDURE q() LANGUAGE plpgsql AS 'BEGIN CALL p(); DELETE FROM a; END'",
    )
    assert predict("CALL p()", state).mode_on("public.a")
    state.apply("CALL p()")


def test_what_is_not_known_of_a_body_is_told() -> None:
    state = State()
    assert predict("CALL p()", state).unknown
    assert predict("EXECUTE q", state).unknown
    assert predict("DO $$ BEGIN EXECUTE current_setting('a.b'); END $$", state).unknown
    assert not predict("DO $$ BEGIN NULL; END $$", state).unknown


def test_a_new_name_is_known_to_what_hangs_on_it() -> None:
    state = after(
        "CREATE SCHEMA s",
        "CREATE TYPE grade AS ENUM ('a')",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE TABLE t (id int PRIMARY KEY, g grade)",
        "CREATE TRIGGER w BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE STATISTICS st ON id, g FROM t",
        "CREATE PUBLICATION p FOR TABLE t",
        "ALTER TABLE t RENAME TO u",
        "ALTER TABLE u SET SCHEMA s",
        "ALTER TYPE grade RENAME TO rank",
        "ALTER FUNCTION f() RENAME TO g",
        "ALTER SCHEMA s RENAME TO z",
    )
    table = state.relations["z.u"]
    assert table.columns["g"].type.name == "public.rank"
    assert table.triggers["w"].function == "public.g"
    assert state.relations["public.v"].reads == {"z.u"}
    assert dict(state.statistics) == {"public.st": "z.u"}
    assert set(state.publications["p"].tables) == {"z.u"}
    assert predict("DROP TABLE z.u CASCADE", state).mode_on("public.v")


def test_a_schema_falls_with_all_that_is_in_it() -> None:
    state = after(
        "CREATE SCHEMA s",
        "CREATE TYPE s.grade AS ENUM ('a')",
        "CREATE TABLE s.t (id int PRIMARY KEY)",
        "CREATE TABLE u (id int REFERENCES s.t, g s.grade)",
        "CREATE VIEW v AS SELECT id FROM s.t",
        "DROP SCHEMA s CASCADE",
    )
    assert set(state.relations) == {"public.u"}
    assert set(state.relations["public.u"].columns) == {"id"}
    assert not state.relations["public.u"].foreign_keys()
    assert not state.types


def test_a_type_may_have_dots_in_its_name() -> None:
    state = after('CREATE DOMAIN "app.types.Text" AS text', "CREATE TABLE t (a varchar(9))")
    assert predict('ALTER TABLE t ALTER a TYPE "app.types.Text"', state).rewrites == ()
    assert predict("ALTER TABLE t ALTER a TYPE elsewhere", state).rewrites == ("public.t",)


def test_domains_keep_their_constraints() -> None:
    state = after(
        "CREATE DOMAIN d AS int CHECK (VALUE > 0)",
        "ALTER DOMAIN d ADD CONSTRAINT small CHECK (VALUE < 9) NOT VALID",
    )
    constraints = state.types["public.d"].constraints
    assert {name: c.valid for name, c in constraints.items()} == {"d_check": True, "small": False}
    state.apply("ALTER DOMAIN d VALIDATE CONSTRAINT small")
    assert state.types["public.d"].constraints["small"].valid
    state.apply("ALTER DOMAIN d DROP CONSTRAINT small")
    state.apply("ALTER DOMAIN d RENAME CONSTRAINT d_check TO positive")
    assert list(state.types["public.d"].constraints) == ["positive"]
    state.apply("ALTER DOMAIN d DROP CONSTRAINT positive")
    assert not state.types["public.d"].constrained


def test_an_enum_knows_who_added_its_values() -> None:
    state = after("CREATE TYPE mood AS ENUM ('calm')")
    state.transaction = 7
    state.apply("ALTER TYPE mood ADD VALUE 'busy' BEFORE 'calm'")
    assert state.types["public.mood"].values == ("busy", "calm")
    assert state.types["public.mood"].added_in == {"busy": 7}


def test_a_view_has_the_columns_of_its_query() -> None:
    state = after(
        "CREATE TABLE t (id bigint, name text)",
        "CREATE VIEW v AS SELECT t.*, lower(name) AS small FROM t",
        "CREATE TABLE copy AS SELECT id, count(*) FROM t GROUP BY 1",
    )
    assert list(state.relations["public.v"].columns) == ["id", "name", "small"]
    assert state.relations["public.v"].columns["id"].type.name == "int8"
    assert list(state.relations["public.copy"].columns) == ["id", "count"]


def test_what_roles_own_goes_with_them() -> None:
    state = after(
        "CREATE TABLE a (x int)",
        "CREATE TABLE b (x int)",
        "ALTER TABLE a OWNER TO ann",
        "ALTER TABLE b OWNER TO bob",
        "REASSIGN OWNED BY ann TO cat",
        "DROP OWNED BY bob",
    )
    assert {key: relation.owner for key, relation in state.relations.items()} == {"public.a": "cat"}


def test_the_tables_of_roles_are_locked_with_their_sequences() -> None:
    state = after(
        "CREATE TABLE a (x serial)", "CREATE TABLE b (x int)", "ALTER TABLE a OWNER TO ann"
    )
    for sql in ("REASSIGN OWNED BY ann TO bob", "DROP OWNED BY ann"):
        effect = predict(sql, state)
        assert [lock.relation for lock in effect.locks] == ["public.a", "public.a_x_seq"]
        assert effect.strongest and effect.strongest.mode.sql == "ACCESS EXCLUSIVE"
