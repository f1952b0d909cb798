"""The query "is it done already?": false before, true after, and not fooled by look-alikes."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.upgrade.done import done_query
from zero_downtime.upgrade.done.leftovers import leftover_query

Row = tuple[object, ...]

BASE = """
CREATE TABLE parent (id int PRIMARY KEY, other int UNIQUE);
CREATE TABLE t (id int PRIMARY KEY, a int, b text, c varchar(10) DEFAULT 'x', d int NOT NULL,
  "Odd name" text, parent_id int, CONSTRAINT b_set CHECK (length(b) > 0));
ALTER TABLE t ADD CONSTRAINT a_set CHECK (a > 0) NOT VALID;
CREATE TABLE u (id int PRIMARY KEY, a int, b text);
CREATE INDEX old_index ON t (a);
CREATE UNIQUE INDEX t_d ON t (d);
CREATE VIEW old_view AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW old_matview AS SELECT 1 AS one;
CREATE SEQUENCE old_sequence;
CREATE TYPE mood AS ENUM ('calm', 'busy');
CREATE DOMAIN positive AS int;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION wake() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION one(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TRIGGER old_trigger BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE POLICY old_policy ON t USING (true);
CREATE TABLE p (id int, k int) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE p2 (id int, k int);
CREATE INDEX p_index ON ONLY p (id);
CREATE INDEX p1_index ON p1 (id);
CREATE STATISTICS old_statistics ON a, b FROM t;
ALTER TABLE u ENABLE ROW LEVEL SECURITY;
"""

# A statement, and what looks like its effect without being it.
CASES: list[tuple[str, str]] = [
    ("CREATE INDEX ON_B ON t (b)", "CREATE INDEX on_b ON u (b)"),
    ("CREATE INDEX i ON t (b)", "CREATE INDEX i ON t (a)"),
    ("CREATE INDEX i ON t (b)", "CREATE UNIQUE INDEX i ON t (b)"),
    ("CREATE INDEX i ON t (b)", "CREATE INDEX i ON t (b DESC)"),
    ("CREATE INDEX i ON t (b)", "CREATE INDEX i ON t (b) WHERE a > 1"),
    ("CREATE INDEX i ON t (b)", "CREATE INDEX i ON t (b) INCLUDE (a)"),
    ("CREATE INDEX i ON t (b text_pattern_ops)", "CREATE INDEX i ON t (b)"),
    ("CREATE INDEX i ON t USING hash (b)", "CREATE INDEX i ON t (b)"),
    ("CREATE INDEX i ON t (lower(b), a DESC NULLS LAST)", "CREATE INDEX i ON t (lower(b), a)"),
    ("CREATE INDEX i ON t (a) WHERE b IN ('x', 'y')", "CREATE INDEX i ON t (a) WHERE b IN ('x')"),
    ("CREATE INDEX i ON t (a) WHERE a > 5 AND b IS NULL", "CREATE INDEX i ON t (a) WHERE a >= 5"),
    ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)", "CREATE INDEX i ON u (a)"),
    ('CREATE INDEX "Odd index" ON t ("Odd name")', 'CREATE INDEX "Odd index" ON t (b)'),
    ("CREATE INDEX i ON ONLY p (k)", ""),
    ("DROP INDEX old_index", ""),
    ("DROP INDEX CONCURRENTLY old_index", ""),
    ("ALTER INDEX old_index RENAME TO new_index", "CREATE INDEX new_index ON t (a)"),
    ("ALTER INDEX p_index ATTACH PARTITION p1_index", ""),
    ("ALTER TABLE t ADD COLUMN e int", "ALTER TABLE t ADD COLUMN e bigint"),
    ("ALTER TABLE t ADD COLUMN e numeric(10,2)", "ALTER TABLE t ADD COLUMN e numeric(8,2)"),
    ("ALTER TABLE t ADD COLUMN e timestamptz(3)[]", "ALTER TABLE t ADD COLUMN e timestamptz[]"),
    ("ALTER TABLE t ADD COLUMN e bigserial", "ALTER TABLE u ADD COLUMN e bigserial"),
    ("ALTER TABLE t ADD COLUMN e mood, ADD COLUMN f text", "ALTER TABLE t ADD COLUMN e mood"),
    ("ALTER TABLE t DROP COLUMN a", "ALTER TABLE u DROP COLUMN a"),
    ("ALTER TABLE t RENAME COLUMN a TO z", "ALTER TABLE t ADD COLUMN z int"),
    ("ALTER TABLE t ALTER a SET NOT NULL", ""),
    ("ALTER TABLE t ALTER d DROP NOT NULL", ""),
    ("ALTER TABLE t ALTER a SET DEFAULT 5", "ALTER TABLE t ALTER a SET DEFAULT 6"),
    ("ALTER TABLE t ALTER b SET DEFAULT lower('X')", "ALTER TABLE t ALTER b SET DEFAULT 'X'"),
    ("ALTER TABLE t ALTER c DROP DEFAULT", ""),
    ("ALTER TABLE t ALTER a TYPE bigint", ""),
    ("ALTER TABLE t ALTER c TYPE varchar(20)", "ALTER TABLE t ALTER c TYPE varchar(15)"),
    ('ALTER TABLE t ALTER c TYPE text COLLATE "C"', "ALTER TABLE t ALTER c TYPE text"),
    ("ALTER TABLE t ALTER id ADD GENERATED ALWAYS AS IDENTITY", ""),
    ("ALTER TABLE t ALTER a SET DEFAULT -1", "ALTER TABLE t ALTER a SET DEFAULT 1"),
    (
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > -1 AND a <> - 7) NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1 AND a <> 7) NOT VALID",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1) NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 2)",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1 AND b IN ('x', 'y'))",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 1 AND b IN ('x', 'y')) NOT VALID",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (parent_id) REFERENCES parent NOT VALID",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (parent_id) REFERENCES u",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (parent_id) REFERENCES parent (other)"
        " ON DELETE CASCADE",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (parent_id) REFERENCES parent (other)",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT k UNIQUE USING INDEX t_d",
        "ALTER TABLE u ADD CONSTRAINT k UNIQUE (a)",
    ),
    ("ALTER TABLE t ADD CONSTRAINT k NOT NULL a NOT VALID", ""),
    (
        "ALTER TABLE t ALTER parent_id SET NOT NULL",
        "ALTER TABLE t ADD NOT NULL parent_id NOT VALID",
    ),
    ("ALTER TABLE t VALIDATE CONSTRAINT a_set", ""),
    ("ALTER TABLE t DROP CONSTRAINT b_set", ""),
    ("ALTER TABLE t RENAME CONSTRAINT b_set TO b_said", ""),
    ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", ""),
    ("ALTER TABLE u DISABLE ROW LEVEL SECURITY", ""),
    ("ALTER TABLE t RENAME TO t2", "CREATE TABLE t2 (id int)"),
    ("ALTER TABLE t SET SCHEMA elsewhere", "CREATE TABLE elsewhere.t (id int)"),
    ("CREATE TABLE n (id int, x text)", "CREATE TABLE n (id int)"),
    ("CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3)", "CREATE TABLE p3 (id int, k int)"),
    ("CREATE TABLE n AS SELECT 1 AS one", "CREATE VIEW n AS SELECT 1 AS one"),
    ("DROP TABLE u", ""),
    ("ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (2)", ""),
    ("ALTER TABLE p DETACH PARTITION p1", ""),
    ("CREATE VIEW n AS SELECT 1 AS one", "CREATE TABLE n (one int)"),
    ("DROP VIEW old_view", ""),
    ("CREATE MATERIALIZED VIEW n AS SELECT 1 AS one", "CREATE VIEW n AS SELECT 1 AS one"),
    ("DROP MATERIALIZED VIEW old_matview", ""),
    ("CREATE SEQUENCE n", "CREATE TABLE n (id int)"),
    ("DROP SEQUENCE old_sequence", ""),
    ("CREATE TYPE size AS ENUM ('s', 'm')", "CREATE TYPE size AS ENUM ('m', 's')"),
    ("CREATE DOMAIN size AS int CHECK (VALUE > 0)", "CREATE DOMAIN size AS text"),
    ("CREATE TYPE point3 AS (x int, y int)", ""),
    ("ALTER TYPE mood ADD VALUE 'tired'", ""),
    ("ALTER TYPE mood RENAME VALUE 'calm' TO 'idle'", "ALTER TYPE mood ADD VALUE 'idle'"),
    ("ALTER TYPE mood RENAME TO temper", ""),
    ("DROP TYPE mood", ""),
    ("DROP DOMAIN positive", ""),
    ("CREATE EXTENSION hstore", ""),
    ("CREATE SCHEMA elsewhere2", ""),
    (
        "CREATE TRIGGER n BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch()",
        "CREATE TRIGGER n BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION wake()",
    ),
    ("DROP TRIGGER old_trigger ON t", ""),
    (
        "CREATE POLICY n ON t FOR SELECT USING (true)",
        "CREATE POLICY n ON u FOR SELECT USING (true)",
    ),
    ("DROP POLICY old_policy ON t", ""),
    ("CREATE RULE n AS ON INSERT TO t DO NOTHING", "CREATE RULE n AS ON INSERT TO u DO NOTHING"),
    (
        "CREATE FUNCTION two(a int, OUT b text) LANGUAGE sql AS 'SELECT 1::text'",
        "CREATE FUNCTION two(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
    ("DROP FUNCTION one(int)", ""),
    ("DROP FUNCTION one", ""),
    ("CREATE STATISTICS n ON a, c FROM t", ""),
    ("DROP STATISTICS old_statistics", ""),
    ("COMMENT ON TABLE t IS 'it''s t'", "COMMENT ON TABLE t IS 'another'"),
    ("COMMENT ON COLUMN t.a IS 'a'", "COMMENT ON COLUMN t.b IS 'a'"),
    ("COMMENT ON CONSTRAINT b_set ON t IS 'b'", ""),
]


@pytest.fixture(scope="module")
def template(server: EmbeddedServer) -> Iterator[str]:
    name = server.create_database()
    with server.connect(name) as connection:
        connection.execute("CREATE SCHEMA elsewhere")
        connection.execute(BASE)
    yield name
    server.drop_database(name)


@pytest.fixture(scope="module")
def shared(server: EmbeddedServer, template: str) -> Iterator[psycopg.Connection[Row]]:
    """For what can be rolled back."""
    name = server.create_database(template)
    with server.connect(name) as connection:
        yield connection
    server.drop_database(name)


@pytest.fixture
def connection(server: EmbeddedServer, template: str) -> Iterator[psycopg.Connection[Row]]:
    name = server.create_database(template)
    with server.connect(name) as connection:
        yield connection
    server.drop_database(name)


def _done(connection: psycopg.Connection[Row], sql: str) -> object:
    query = done_query(sql)
    assert query is not None
    assert "%" not in query
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(("sql", "look_alike"), CASES, ids=[case[0] for case in CASES])
def test_the_query_tells_before_from_after(
    request: pytest.FixtureRequest, shared: psycopg.Connection[Row], sql: str, look_alike: str
) -> None:
    if "CONCURRENTLY" in sql:
        _before_and_after(request.getfixturevalue("connection"), sql, look_alike)
        return
    with shared.transaction(force_rollback=True):
        _before_and_after(shared, sql, look_alike)


def _before_and_after(connection: psycopg.Connection[Row], sql: str, look_alike: str) -> None:
    assert _done(connection, sql) is False
    if look_alike:
        with connection.transaction(force_rollback=True):
            connection.execute(look_alike.encode())
            assert _done(connection, sql) is False
    connection.execute(sql.encode())
    assert _done(connection, sql) is True


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE t SET a = 1",
        "CREATE OR REPLACE VIEW old_view AS SELECT 1 AS one",
        "CREATE OR REPLACE FUNCTION one(int) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "REFRESH MATERIALIZED VIEW old_matview",
        "SET lock_timeout = '2s'",
        "ALTER TABLE t ADD CHECK (a > 0)",
        "CREATE INDEX ON t (a)",
        "not even sql",
    ],
)
def test_what_the_text_does_not_tell_is_none(sql: str) -> None:
    assert done_query(sql) is None


def test_an_invalid_index_is_a_leftover_and_not_done(
    connection: psycopg.Connection[Row],
) -> None:
    connection.execute("INSERT INTO u VALUES (1, 7), (2, 7)")
    sql = "CREATE UNIQUE INDEX CONCURRENTLY once ON u (a)"
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(sql)
    assert _done(connection, sql) is False
    query = leftover_query(sql)
    assert query is not None
    leftovers = [str(name) for (name,) in connection.execute(query.encode())]
    assert leftovers == ["public.once"]
    connection.execute(f"DROP INDEX CONCURRENTLY {leftovers[0]}".encode())
    connection.execute("DELETE FROM u WHERE id = 2")
    connection.execute(sql)
    assert _done(connection, sql) is True
    assert connection.execute(query.encode()).fetchall() == []


def test_a_failed_reindex_leaves_an_index_with_its_own_suffix(
    connection: psycopg.Connection[Row],
) -> None:
    connection.execute("INSERT INTO u VALUES (1, 7)")
    connection.execute("CREATE UNIQUE INDEX once ON u (a)")
    connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'once'::regclass")
    connection.execute("ALTER INDEX once RENAME TO once_ccnew1")
    query = leftover_query("REINDEX TABLE CONCURRENTLY u")
    assert query is not None
    assert connection.execute(query.encode()).fetchall() == [("public.once_ccnew1",)]


@pytest.mark.parametrize("sql", ["CREATE INDEX i ON t (a)", "DROP INDEX CONCURRENTLY old_index"])
def test_what_leaves_nothing_behind_has_no_leftover_query(sql: str) -> None:
    assert leftover_query(sql) is None
