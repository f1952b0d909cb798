"""Planted defects: each is found and named; and what is in order raises nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from zero_downtime.history import read_history
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project
from zero_downtime.rehearse import Rehearsal, RevisionResult
from zero_downtime.rehearse.budget import Budget


@dataclass(frozen=True)
class Defect:
    """What a revision does, and what a rehearsal must say: its outcome, and words of a reason."""

    up: str
    down: str
    outcome: str
    says: str
    clients: int = 0  # it shows only under traffic


def differs(up: str, down: str, says: str) -> Defect:
    return Defect(up, down, "differs", says)


def seen_by_clients(up: str, down: str, says: str) -> Defect:
    return Defect(up, down, "restores", says, clients=2)


# Statements are joined by semicolons; the tables are those below.
DEFECTS = {
    "empty downgrade": Defect("ALTER TABLE t ADD COLUMN d int", "", "does-nothing", "does nothing"),
    "downgrade of another table": Defect(
        "ALTER TABLE t ADD COLUMN d int", "SELECT 1", "does-nothing", "does nothing"
    ),
    "downgrade raises": Defect(
        "ALTER TABLE t ADD COLUMN d int", "ALTER TABLE t DROP COLUMN e", "raises", "raises"
    ),
    "downgrade drops a constraint by a wrong name": Defect(
        "ALTER TABLE t ADD CONSTRAINT t_b CHECK (b > -1000000000) NOT VALID",
        "ALTER TABLE t DROP CONSTRAINT t_bb",
        "raises",
        "does not exist",
    ),
    "default forgotten": differs(
        "ALTER TABLE t ALTER COLUMN a DROP DEFAULT",
        "SELECT 1; COMMENT ON TABLE t IS 'x'",
        "default",
    ),
    "another default": differs(
        "ALTER TABLE t ALTER COLUMN a SET DEFAULT 'z'",
        "ALTER TABLE t ALTER COLUMN a SET DEFAULT 'b'",
        "default",
    ),
    "comment forgotten": differs(
        "COMMENT ON COLUMN t.a IS 'new'; ALTER TABLE t ADD COLUMN d int",
        "ALTER TABLE t DROP COLUMN d",
        "comment",
    ),
    "grant forgotten": differs(
        "GRANT SELECT ON t TO PUBLIC; ALTER TABLE t ADD COLUMN d int",
        "ALTER TABLE t DROP COLUMN d",
        "left behind",
    ),
    "enum value forgotten": differs(
        "ALTER TYPE colour ADD VALUE 'green'; ALTER TABLE t ADD COLUMN d int",
        "ALTER TABLE t DROP COLUMN d",
        "colour",
    ),
    "enum type left": differs(
        "CREATE TYPE t_kind AS ENUM ('x'); ALTER TABLE t ADD COLUMN d t_kind",
        "ALTER TABLE t DROP COLUMN d",
        "t_kind",
    ),
    "sequence left": differs(
        "CREATE SEQUENCE t_more; ALTER TABLE t ADD COLUMN d int",
        "ALTER TABLE t DROP COLUMN d",
        "t_more",
    ),
    "function left": differs(
        "CREATE FUNCTION t_f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "t_f",
    ),
    "view left": differs(
        "CREATE VIEW t_v AS SELECT id FROM t; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "t_v",
    ),
    "index predicate forgotten": differs(
        "DROP INDEX t_b_idx; CREATE INDEX t_b_idx ON t (b) WHERE b > 0",
        "DROP INDEX t_b_idx; CREATE INDEX t_b_idx ON t (b) WHERE b > 1",
        "t_b_idx",
    ),
    "index not rebuilt": differs(
        "DROP INDEX t_b_idx; ALTER TABLE t ADD d int", "ALTER TABLE t DROP COLUMN d", "t_b_idx"
    ),
    "index on another column": differs(
        "DROP INDEX t_b_idx", "CREATE INDEX t_b_idx ON t (c)", "t_b_idx"
    ),
    "index with another order": differs(
        "DROP INDEX t_b_idx", "CREATE INDEX t_b_idx ON t (b DESC)", "t_b_idx"
    ),
    "unique index comes back plain": differs(
        "DROP INDEX t_u_idx", "CREATE INDEX t_u_idx ON t (id, b)", "t_u_idx"
    ),
    "not null forgotten": differs(
        "ALTER TABLE t ALTER COLUMN a DROP NOT NULL", "COMMENT ON TABLE t IS 'x'", "null"
    ),
    "type comes back wider": differs(
        "ALTER TABLE t ALTER COLUMN c TYPE numeric(10,2)",
        "ALTER TABLE t ALTER COLUMN c TYPE numeric(9,2)",
        "numeric",
    ),
    "check comes back not valid": differs(
        "ALTER TABLE t DROP CONSTRAINT t_check",
        "ALTER TABLE t ADD CONSTRAINT t_check CHECK (b IS NOT NULL OR id > -1) NOT VALID",
        "t_check",
    ),
    "foreign key without its action": differs(
        "ALTER TABLE t DROP CONSTRAINT t_parent",
        "ALTER TABLE t ADD CONSTRAINT t_parent FOREIGN KEY (p) REFERENCES parents",
        "t_parent",
    ),
    "statistics target forgotten": differs(
        "ALTER TABLE t ALTER COLUMN b SET STATISTICS 500; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "b",
    ),
    "storage parameter forgotten": differs(
        "ALTER TABLE t SET (fillfactor = 70); ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "fillfactor",
    ),
    "storage forgotten": differs(
        "ALTER TABLE t ALTER COLUMN a SET STORAGE EXTERNAL; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "a",
    ),
    "row security left on": differs(
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "t",
    ),
    "trigger not made again": differs(
        "DROP TRIGGER t_touch ON t", "COMMENT ON TABLE t IS 'x'", "t_touch"
    ),
    "trigger comes back disabled": differs(
        "ALTER TABLE t DISABLE TRIGGER t_touch; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "t_touch",
    ),
    "replica identity forgotten": differs(
        "ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "t",
    ),
    "table comes back bare": differs(
        "DROP TABLE t", "CREATE TABLE t (id int PRIMARY KEY, a text)", "missing"
    ),
    "column dropped with its values": Defect(
        "ALTER TABLE t DROP COLUMN b",
        "ALTER TABLE t ADD COLUMN b int; CREATE INDEX t_b_idx ON t (b);"
        "CREATE UNIQUE INDEX t_u_idx ON t (id, b);"
        "ALTER TABLE t ADD CONSTRAINT t_check CHECK (b IS NOT NULL OR id > -1)",
        "restores",
        "changed in b",
    ),
    "rows deleted": Defect(
        "DELETE FROM t WHERE id % 2 = 0; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "restores",
        "lost",
    ),
    "rows overwritten": Defect(
        "UPDATE t SET c = 0; ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "restores",
        "changed in c",
    ),
    "precision lost": Defect(
        "ALTER TABLE t ALTER COLUMN c TYPE int USING floor(c)",
        "ALTER TABLE t ALTER COLUMN c TYPE numeric(8,2)",
        "restores",
        "changed in c",
    ),
    "can't go up again": Defect(
        "CREATE TABLE IF NOT EXISTS journal (t text PRIMARY KEY); INSERT INTO journal VALUES ('t');"
        "ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "differs",
        "journal",
    ),
    "type left that can't be made again": Defect(
        "CREATE SEQUENCE IF NOT EXISTS shared_one; ALTER SEQUENCE shared_one INCREMENT 2;"
        "ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "differs",
        "shared_one",
    ),
    "upgrade fails on rows": Defect(
        "ALTER TABLE t ADD COLUMN d int NOT NULL",
        "ALTER TABLE t DROP COLUMN d",
        "restores",
        "fails",
    ),
    "old application can't insert": seen_by_clients(
        "ALTER TABLE t ADD COLUMN d int NOT NULL DEFAULT 1; ALTER TABLE t ALTER d DROP DEFAULT",
        "ALTER TABLE t DROP COLUMN d",
        "23502",
    ),
    "old application broken by a rename": seen_by_clients(
        "ALTER TABLE t RENAME COLUMN a TO aa",
        "ALTER TABLE t RENAME COLUMN aa TO a",
        "42703",
    ),
    "old application broken by a renamed table": seen_by_clients(
        "ALTER TABLE t RENAME TO t_new", "ALTER TABLE t_new RENAME TO t", "42P01"
    ),
    "lock held while the transaction sleeps": seen_by_clients(
        "LOCK TABLE t; SELECT pg_sleep(0.5); ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "waited",
    ),
    "values of an enum that the application writes are renamed": seen_by_clients(
        "ALTER TYPE colour RENAME VALUE 'red' TO 'crimson'",
        "ALTER TYPE colour RENAME VALUE 'crimson' TO 'red'",
        "22P02",
    ),
    "numbers that were given are given again": Defect(
        "SELECT setval('items_id_seq', 1); COMMENT ON TABLE items IS 'x'",
        "COMMENT ON TABLE items IS NULL",
        "restores",
        "23505",
        clients=2,
    ),
    "deadlock, the child locked first": seen_by_clients(
        "LOCK TABLE items IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(0.4);"
        "ALTER TABLE orders ADD d int",
        "ALTER TABLE orders DROP COLUMN d",
        "deadlock with the application in the upgrade: ALTER TABLE orders",
    ),
    "deadlock, the parent locked first": seen_by_clients(
        "LOCK TABLE orders IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(0.4);"
        "ALTER TABLE items ADD d int",
        "ALTER TABLE items DROP COLUMN d",
        "deadlock with the application in the upgrade: ALTER TABLE items",
    ),
    "deadlock on the way back": seen_by_clients(
        "ALTER TABLE orders ADD d int",
        "LOCK TABLE items IN SHARE MODE; SELECT pg_sleep(0.4); ALTER TABLE orders DROP COLUMN d",
        "deadlock with the application in the downgrade: ALTER TABLE orders",
    ),
    "writers locked out for long": seen_by_clients(
        "LOCK TABLE t IN SHARE MODE; SELECT pg_sleep(0.5); ALTER TABLE t ADD d int",
        "ALTER TABLE t DROP COLUMN d",
        "writers waited",
    ),
    "rewrite beyond the budget": Defect(
        "ALTER TABLE t ALTER COLUMN b TYPE bigint",
        "ALTER TABLE t ALTER COLUMN b TYPE int",
        "restores",
        "rewrites",
    ),
}

FINE = {
    "nullable column": ("ALTER TABLE t ADD d int", "ALTER TABLE t DROP d"),
    "column with a default": (
        "ALTER TABLE t ADD d int NOT NULL DEFAULT 1",
        "ALTER TABLE t DROP d",
    ),
    "new table": ("CREATE TABLE t_n (id int PRIMARY KEY)", "DROP TABLE t_n"),
    "new table with a key": (
        "CREATE TABLE t_n (id int PRIMARY KEY, t int REFERENCES t)",
        "DROP TABLE t_n",
    ),
    "new view": ("CREATE VIEW t_v AS SELECT id, a FROM t", "DROP VIEW t_v"),
    "new function": (
        "CREATE FUNCTION t_f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION t_f()",
    ),
    "new sequence": ("CREATE SEQUENCE t_s", "DROP SEQUENCE t_s"),
    "new sequence and default": (
        "CREATE SEQUENCE t_s; ALTER TABLE t ALTER b SET DEFAULT nextval('t_s')",
        "ALTER TABLE t ALTER b DROP DEFAULT; DROP SEQUENCE t_s",
    ),
    "new type": ("CREATE TYPE t_t AS ENUM ('x', 'y')", "DROP TYPE t_t"),
    "new domain": ("CREATE DOMAIN t_d AS int CHECK (VALUE > 0)", "DROP DOMAIN t_d"),
    "comment": ("COMMENT ON TABLE t IS 'x'", "COMMENT ON TABLE t IS NULL"),
    "grant": ("GRANT SELECT ON t TO PUBLIC", "REVOKE SELECT ON t FROM PUBLIC"),
    "default": (
        "ALTER TABLE t ALTER a SET DEFAULT 'z'",
        "ALTER TABLE t ALTER a SET DEFAULT 'a'",
    ),
    "check not valid": (
        "ALTER TABLE t ADD CONSTRAINT t_n CHECK (id > -2000000000) NOT VALID",
        "ALTER TABLE t DROP CONSTRAINT t_n",
    ),
    "index renamed": (
        "ALTER INDEX t_b_idx RENAME TO t_bb_idx",
        "ALTER INDEX t_bb_idx RENAME TO t_b_idx",
    ),
    "constraint renamed": (
        "ALTER TABLE t RENAME CONSTRAINT t_check TO t_checked",
        "ALTER TABLE t RENAME CONSTRAINT t_checked TO t_check",
    ),
    "statistics object": (
        "CREATE STATISTICS t_st ON a, b FROM t",
        "DROP STATISTICS t_st",
    ),
    "statistics target": (
        "ALTER TABLE t ALTER b SET STATISTICS 500",
        "ALTER TABLE t ALTER b SET STATISTICS -1",
    ),
    "row security on and off": (
        "ALTER TABLE t_side ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE t_side DISABLE ROW LEVEL SECURITY",
    ),
    "trigger": (
        "CREATE TRIGGER t_t2 BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()",
        "DROP TRIGGER t_t2 ON t",
    ),
    "fillfactor": ("ALTER TABLE t SET (fillfactor = 70)", "ALTER TABLE t RESET (fillfactor)"),
    "two tables in one transaction": (
        "ALTER TABLE orders ADD d int; ALTER TABLE items ADD d int",
        "ALTER TABLE orders DROP d; ALTER TABLE items DROP d",
    ),
    "schema": ("CREATE SCHEMA t_schema", "DROP SCHEMA t_schema"),
}

UNDER_TRAFFIC = (
    *("nullable column", "new view", "default", "statistics target", "trigger"),
    "two tables in one transaction",
)

TABLES = """
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE TABLE parents (id int PRIMARY KEY);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE internal AS 'suppress_redundant_updates_trigger';
CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL DEFAULT 'a', b int, c numeric(8,2),
  p int CONSTRAINT t_parent REFERENCES parents ON DELETE CASCADE,
  CONSTRAINT t_check CHECK (b IS NOT NULL OR id > -1));
CREATE INDEX t_b_idx ON t (b);
CREATE UNIQUE INDEX t_u_idx ON t (id, b);
CREATE TRIGGER t_touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE t_side (id int);
CREATE TABLE orders (id serial PRIMARY KEY, shade colour NOT NULL DEFAULT 'red', total int);
CREATE TABLE items (id serial PRIMARY KEY, order_id int NOT NULL REFERENCES orders, n int)
"""


def _calls(script: str) -> str:
    """The body of a revision: a call for each statement."""
    parts = [part.strip() for part in script.split(";") if part.strip()]
    return "\n".join(f"op.execute({part!r})" for part in parts) or "pass"


@pytest.fixture
def tried(
    make_project: Callable[..., Project], server: EmbeddedServer
) -> Callable[..., RevisionResult]:
    """Rehearse a revision behind the one that makes the tables."""

    def rehearsed(up: str, down: str, clients: int = 0) -> RevisionResult:
        project = make_project(_calls(TABLES), (_calls(up), _calls(down)))
        history = read_history(project)
        budget = Budget(stall_ms=300, rewrites=False)
        with Rehearsal(project, history, server, budget, 12, clients, 0) as rehearsal:
            first, second = history
            rehearsal.begin([first])
            return rehearsal.rehearse(second)

    return rehearsed


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found_and_named(tried: Callable[..., RevisionResult], name: str) -> None:
    defect = DEFECTS[name]
    result = tried(defect.up, defect.down, defect.clients)
    outcome = result.rollback.outcome if result.rollback else ""
    differences = result.rollback.differences if result.rollback else ()
    said = "\n".join([*result.reasons, *differences])
    assert (outcome, result.safe) == (defect.outcome, False), said
    assert defect.says in said


@pytest.mark.parametrize("name", FINE)
def test_what_is_in_order_raises_nothing(tried: Callable[..., RevisionResult], name: str) -> None:
    result = tried(*FINE[name])
    assert result.reasons == ()
    assert result.rollback is not None
    assert (result.rollback.outcome, result.rollback.grade) == ("restores", "equal")
    assert result.predicted_equals_observed


def test_what_is_in_order_raises_nothing_under_traffic(
    tried: Callable[..., RevisionResult],
) -> None:
    up, down = (";".join(FINE[name][way] for name in UNDER_TRAFFIC) for way in (0, 1))
    assert tried(up, down, clients=4).reasons == ()


def test_there_are_enough_of_both() -> None:
    assert len(DEFECTS) >= 40
    assert len(FINE) >= 20
