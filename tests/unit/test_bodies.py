"""What stands inside DO blocks and functions, with its places."""

from __future__ import annotations

import pytest

from zero_downtime.sql.bodies import nested
from zero_downtime.sql.script import read_script

SCRIPT = """SELECT 1;
  DO $x$
DECLARE t text; n int; prefix constant text := 'ALTER TABLE ';
BEGIN
  ALTER TABLE boxes ADD COLUMN wide int;
  PERFORM f(1), g(2); SELECT count(*) INTO n FROM kegs;
  IF EXISTS (SELECT FROM tins) THEN
    EXECUTE 'DROP TABLE tins';
  END IF;
  EXECUTE prefix || 'boxes' || ' DROP COLUMN wide';
  FOREACH t IN ARRAY ARRAY['a', 'B'] LOOP EXECUTE format('DROP TABLE %I', t); END LOOP;
  FOR t IN SELECT tablename FROM names LOOP EXECUTE format('DROP TABLE %I', t); END LOOP;
EXCEPTION WHEN OTHERS THEN DELETE FROM boxes;
END $x$;
CREATE FUNCTION f() RETURNS SETOF text LANGUAGE plpgsql
  AS 'BEGIN RETURN QUERY SELECT ''é'' FROM kegs; DELETE FROM jars; END';
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$
  UPDATE kegs SET b = 1; SELECT 1 $$;
"""


def test_every_statement_has_its_place_in_the_file() -> None:
    lines = SCRIPT.splitlines()
    found = []
    for statement in read_script(SCRIPT, "a.sql").statements:
        for inner in nested(statement).statements:
            place = inner.statement.location
            assert place.file == "a.sql"
            found.append((inner.statement.sql, lines[place.line - 1][place.column - 1 :]))
    assert [sql for sql, _ in found] == [
        "ALTER TABLE boxes ADD COLUMN wide int",
        "SELECT f(1), g(2)",
        "SELECT count(*)        FROM kegs",
        "DROP TABLE tins",
        "ALTER TABLE boxes DROP COLUMN wide",
        "DROP TABLE a",
        'DROP TABLE "B"',
        "SELECT tablename FROM names",
        "DELETE FROM boxes",
        "SELECT 'é' FROM kegs",
        "DELETE FROM jars",
        "UPDATE kegs SET b = 1",
        "SELECT 1",
    ]
    begins = [text for _, text in found]
    assert begins[0].startswith("ALTER TABLE boxes")
    assert begins[1].startswith("PERFORM f(1), g(2);")
    assert begins[2].startswith("SELECT count(*) INTO n")
    assert begins[3].startswith("DROP TABLE tins'")
    assert begins[4].startswith("  EXECUTE prefix")  # put together: the line is all there is
    assert begins[7].startswith("SELECT tablename")
    assert begins[9].startswith("SELECT ''é''")
    assert begins[10].startswith("DELETE FROM jars;")
    assert begins[11].startswith("UPDATE kegs")


def test_what_may_not_run_is_marked() -> None:
    block = read_script(SCRIPT).statements[1]
    inner = {each.statement.sql: each for each in nested(block).statements}
    assert inner["DROP TABLE tins"].maybe
    assert inner["DROP TABLE tins"].dynamic
    assert inner["DELETE FROM boxes"].on_error
    assert not inner["DROP TABLE a"].maybe


def test_what_the_text_does_not_tell_is_said_with_its_line() -> None:
    block = read_script(SCRIPT, "a.sql").statements[1]
    ((what, place),) = nested(block).unknown
    assert "EXECUTE" in what
    assert place.line == 12


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'a' || 'b'", "ab"),
        ("format('%s %I %L %% %2$s', 'x', 'Y z', 'it''s')", "x \"Y z\" 'it''s' % Y z"),
        ("quote_ident('User')", '"User"'),
        ("concat('a', 'b', 1)", "ab1"),
        ("'a'::text", "a"),
    ],
)
def test_constants_are_put_together(expression: str, text: str) -> None:
    (statement,) = read_script(f"DO $$ BEGIN EXECUTE {expression}; END $$").statements
    (inner,) = nested(statement).statements
    assert inner.statement.sql == text


@pytest.mark.parametrize(
    "expression", ["name", "'a' || name", "format('%s', name)", "format('%5s', 'a')", "f('a')"]
)
def test_what_is_not_constant_is_unknown(expression: str) -> None:
    (statement,) = read_script(f"DO $$ BEGIN EXECUTE {expression}; END $$").statements
    found = nested(statement)
    assert found.statements == ()
    assert len(found.unknown) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ nonsense $$",
        "DO LANGUAGE plpython3u $$ x $$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'lib', 'f'",
    ],
)
def test_a_body_that_can_t_be_read_is_unknown(sql: str) -> None:
    (statement,) = read_script(sql).statements
    found = nested(statement)
    assert found.statements == ()
    assert found.unknown


def test_a_variable_that_is_assigned_is_not_constant() -> None:
    sql = "DO $$ DECLARE t text := 'a'; BEGIN t := f(); EXECUTE 'DROP TABLE ' || t; END $$"
    (statement,) = read_script(sql).statements
    assert nested(statement).unknown
