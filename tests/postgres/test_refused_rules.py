"""What the rules on vectors, functions, policies and publications call refused, the server refuses.

And what they let pass, it takes: each form is linted and run on a server with pgvector.
"""

from __future__ import annotations

import psycopg
import pytest

from zero_downtime.lint import lint_units
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.sql.script import read_script, split
from zero_downtime.sql.state import state_from

SCHEMA = """
CREATE EXTENSION vector;
CREATE FUNCTION steady(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION loose(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE TABLE t (id int PRIMARY KEY, v vector(3), big vector(2001), most vector(2000),
  h halfvec(3), big_h halfvec(4001), free vector, b bit(64), long_b bit(64001), s sparsevec(3),
  f real[], at timestamptz, name text);
INSERT INTO t (id) VALUES (1);
CREATE TABLE bare (id int, name text, other int NOT NULL);
CREATE UNIQUE INDEX bare_name ON bare (name);
CREATE UNIQUE INDEX bare_other ON bare (other);
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
CREATE VIEW seen AS SELECT id FROM t;
"""

REFUSED = {
    "vector-index-operator-class": (
        "CREATE INDEX ON t USING hnsw (v)",
        "CREATE INDEX ON t USING ivfflat (h)",
        "CREATE INDEX ON t USING hnsw (v halfvec_l2_ops)",
        "CREATE INDEX ON t USING hnsw (f vector_l2_ops)",
        "CREATE INDEX ON t USING ivfflat (s sparsevec_l2_ops)",
        "CREATE INDEX ON t USING ivfflat (v vector_l1_ops)",
        "CREATE INDEX ON t USING hnsw ((v::halfvec(3)) vector_l2_ops)",
    ),
    "vector-index-dimensions": (
        "CREATE INDEX ON t USING hnsw (big vector_l2_ops)",
        "CREATE INDEX ON t USING ivfflat (big vector_l2_ops)",
        "CREATE INDEX ON t USING hnsw (big_h halfvec_l2_ops)",
        "CREATE INDEX ON t USING hnsw (long_b bit_hamming_ops)",
    ),
    "vector-index-without-dimensions": (
        "CREATE INDEX ON t USING hnsw (free vector_l2_ops)",
        "CREATE INDEX ON t USING hnsw ((v::halfvec) halfvec_l2_ops)",
        "CREATE INDEX ON t USING hnsw ((binary_quantize(v)) bit_hamming_ops)",
    ),
    "vector-index-form": (
        "CREATE INDEX ON t USING hnsw (v vector_l2_ops, h halfvec_l2_ops)",
        "CREATE UNIQUE INDEX ON t USING hnsw (v vector_l2_ops)",
        "CREATE INDEX ON t USING hnsw (v vector_l2_ops) INCLUDE (id)",
        "CREATE INDEX ON t USING hnsw (v vector_l2_ops DESC)",
    ),
    "vector-index-parameter": (
        "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 1)",
        "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (m = 40)",
        "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (ef_construction = 1001)",
        "CREATE INDEX ON t USING hnsw (v vector_l2_ops) WITH (lists = 10)",
        "CREATE INDEX ON t USING ivfflat (v vector_l2_ops) WITH (lists = 32769)",
    ),
    "vector-too-many-dimensions": ("CREATE TABLE u (v vector(16001))",),
    "vector-default": ("ALTER TABLE t ADD COLUMN w vector(3) DEFAULT '[1,2]'",),
    "vector-extension-name": ("CREATE EXTENSION pgvector",),
    "expression-not-immutable": (
        "CREATE INDEX ON t (id) WHERE at > now()",
        "CREATE INDEX ON t (id) WHERE at > CURRENT_TIMESTAMP",
        "CREATE INDEX ON t (concat(name, 'x'))",
        "CREATE INDEX ON t (loose(id))",
        "CREATE TABLE u (a text, b text GENERATED ALWAYS AS (a || random()) STORED)",
    ),
    "virtual-column-refused": (
        "CREATE TABLE u (a vector(3), b halfvec(3) GENERATED ALWAYS AS (a::halfvec(3)) VIRTUAL)",
        "CREATE TABLE u (a int, b int GENERATED ALWAYS AS (steady(a)) VIRTUAL)",
    ),
    "function-body-not-parsed": ("CREATE FUNCTION n() RETURNS int LANGUAGE sql AS 'SELEC 1'",),
    "function-signature-changed": (
        "CREATE OR REPLACE FUNCTION steady(int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    ),
    "named-twice": (
        "CREATE TABLE u (a int, a text)",
        "UPDATE t SET name = 'a', name = 'b' WHERE id = 1",
        "INSERT INTO t (id, id) VALUES (1, 2)",
    ),
    "not-publishable": (
        "CREATE PUBLICATION p FOR TABLE fleeting",
        "CREATE PUBLICATION p FOR TABLE seen",
    ),
    "replica-identity-refused": ("ALTER TABLE bare REPLICA IDENTITY USING INDEX bare_name",),
}

TAKEN = (
    "CREATE INDEX ON t USING ivfflat (v vector_cosine_ops)",
    "CREATE INDEX ON t USING hnsw (most vector_l2_ops)",
    "CREATE INDEX ON t USING hnsw ((big::halfvec(2001)) halfvec_l2_ops)",
    "CREATE INDEX ON t USING hnsw ((binary_quantize(v)::bit(3)) bit_hamming_ops)",
    "CREATE INDEX ON t USING hnsw (b bit_jaccard_ops) WITH (m = 32, ef_construction = 64)",
    "CREATE INDEX ON t USING hnsw (s sparsevec_l1_ops)",
    "CREATE INDEX ON t USING hnsw ((free::vector(3)) vector_ip_ops) WHERE vector_dims(free) = 3",
    "CREATE INDEX ON t (lower(name))",
    "CREATE INDEX ON t (steady(id))",
    "CREATE TABLE u (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL)",
    "CREATE TABLE u (v sparsevec(20000))",
    "SET hnsw.ef_search = 1000",
    "SET hnsw.iterative_scan = 'strict_order'",
    "CREATE OR REPLACE FUNCTION steady(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a'",
    "CREATE PUBLICATION p FOR TABLE t (id, v)",
    "ALTER TABLE bare REPLICA IDENTITY USING INDEX bare_other",
)


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer) -> str:
    name = server.create_database()
    with server.connect(name) as connection:
        connection.execute(SCHEMA.encode())
    return name


def errors(sql: str) -> set[str]:
    state = state_from(statement.sql for statement in split(SCHEMA))
    report = lint_units([unit_of_script(read_script(sql, "m.sql"), "m.sql")], state)
    return {finding.rule for finding in report.findings if finding.severity == "error"}


def is_taken(server: EmbeddedServer, database: str, sql: str) -> bool:
    try:
        with server.connect(database) as connection, connection.transaction(force_rollback=True):
            connection.execute(sql.encode())
    except psycopg.Error:
        return False
    return True


@pytest.mark.parametrize(
    ("rule", "sql"), [(rule, sql) for rule, forms in REFUSED.items() for sql in forms]
)
def test_what_a_rule_calls_refused_is_refused(
    rule: str, sql: str, server: EmbeddedServer, filled: str
) -> None:
    assert rule in errors(sql)
    assert not is_taken(server, filled, sql)


@pytest.mark.parametrize("sql", TAKEN)
def test_what_is_taken_is_not_called_refused(sql: str, server: EmbeddedServer, filled: str) -> None:
    assert not errors(sql) & set(REFUSED)
    assert is_taken(server, filled, sql)
