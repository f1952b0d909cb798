"""Timeouts as they flow through a session: where the rules about them speak and where not."""

from __future__ import annotations

import pytest

from zero_downtime.lint import Options, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import Unit, unit_of_script
from zero_downtime.sql.script import read_script
from zero_downtime.sql.state import State

ADD = "ALTER TABLE orders ADD a int"


def found(sql: str, in_transaction: bool = False, options: Options | None = None) -> list[str]:
    unit = unit_of_script(read_script(sql, "m.sql", in_transaction), "m.sql")
    return [f.rule for f in lint_units([unit], example_state(), options or Options()).findings]


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        (f"SET lock_timeout = '2s'; {ADD}", []),
        (f"SET lock_timeout TO 500; {ADD}", []),
        (f"SET LOCK_TIMEOUT TO 500; {ADD}", []),
        (f"SET lock_timeout = 0; {ADD}", ["disabled-lock-timeout"]),
        (f"SET lock_timeout = '0s'; {ADD}", ["disabled-lock-timeout"]),
        (f"SET lock_timeout = '2s'; RESET lock_timeout; {ADD}", ["disabled-lock-timeout"]),
        (f"SET lock_timeout = '2s'; RESET ALL; {ADD}", ["no-lock-timeout"]),
        (f"SET lock_timeout = '2s'; DISCARD ALL; {ADD}", ["no-lock-timeout"]),
        (f"SET LOCAL lock_timeout = '2s'; {ADD}", ["set-local-without-transaction"]),
        (f"BEGIN; SET LOCAL lock_timeout = '2s'; {ADD}; COMMIT", []),
        (f"BEGIN; SET LOCAL lock_timeout = 9; COMMIT; {ADD}", ["lost-lock-timeout"]),
        (f"BEGIN; SET lock_timeout = 9; COMMIT; {ADD}", []),
        (f"BEGIN; SET lock_timeout = 9; SELECT 1; ROLLBACK; {ADD}", ["lost-lock-timeout"]),
        (f"BEGIN; SAVEPOINT s; SET lock_timeout = 9; ROLLBACK TO s; {ADD}; COMMIT",
         ["no-lock-timeout"]),
        (f"BEGIN; SAVEPOINT s; SET lock_timeout = 9; RELEASE s; {ADD}; COMMIT", []),
        (f"BEGIN; SET lock_timeout = 9; SET LOCAL lock_timeout = 0; COMMIT; {ADD}", []),
        (f"SELECT set_config('lock_timeout', '2s', false); {ADD}", []),
        (f"SELECT set_config('lock_timeout', '2s', true); {ADD}",
         ["set-local-without-transaction"]),
        (f"ALTER ROLE app SET lock_timeout = '2s'; {ADD}",
         ["setting-for-everyone", "no-lock-timeout"]),
        (f"BEGIN; LOCK TABLE orders NOWAIT; {ADD}; COMMIT", ["explicit-lock"]),
        (f"BEGIN; LOCK TABLE orders; {ADD}; COMMIT", ["explicit-lock", "no-lock-timeout"]),
        (f"BEGIN; LOCK TABLE orders IN SHARE MODE NOWAIT; {ADD}; COMMIT",
         ["explicit-lock", "no-lock-timeout"]),
        (f"BEGIN; LOCK TABLE orders NOWAIT; COMMIT; {ADD}", ["explicit-lock", "no-lock-timeout"]),
        (f"SET lock_timeout = '10min'; {ADD}", ["long-lock-timeout"]),
        (f"SET lock_timeout = '30s'; {ADD}", []),
        (f"SET lock_timeout = '10min'; {ADD}; ALTER TABLE orders ADD b int",
         ["long-lock-timeout"]),
        (f"{ADD}; SET lock_timeout = 9; ALTER TABLE orders ADD b int", ["late-lock-timeout"]),
        (f"SELECT 1; SET lock_timeout = 9; {ADD}", []),
        (f"{ADD}; ALTER TABLE orders ADD b int", ["no-lock-timeout"]),
        (f"CREATE TABLE boxes (id int); SET lock_timeout = 9; {ADD}", []),
    ],
)  # fmt: skip
def test_lock_timeout_is_followed_through_the_session(sql: str, rules: list[str]) -> None:
    assert [rule for rule in found(sql) if rule not in ("rolled-back-migration",)] == rules


@pytest.mark.parametrize(
    "sql",
    [
        "SET lock_timeout = '3s'; SET statement_timeout = '30s';"
        " ALTER TABLE orders ADD COLUMN a int;",
        "SET lock_timeout = '5s'; SET statement_timeout = '30s';"
        " ALTER TABLE orders ADD CONSTRAINT c CHECK (amount > 0) NOT VALID;"
        " ALTER TABLE orders VALIDATE CONSTRAINT c;",
        "BEGIN; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '1min';"
        " ALTER TABLE orders ADD COLUMN a int; COMMIT;",
        "SET statement_timeout = 0; SET lock_timeout = '2s';"
        " CREATE INDEX CONCURRENTLY i ON orders (amount); RESET statement_timeout;",
        "SET statement_timeout = '30min'; CREATE INDEX CONCURRENTLY i ON orders (amount);",
        "SET statement_timeout = 0; SET lock_timeout = 0; SET client_encoding = 'UTF8';"
        " SELECT pg_catalog.set_config('search_path', '', false);"
        " CREATE TABLE public.boxes (id int); CREATE INDEX ON public.boxes (id);",
        "SET search_path = archive; SET lock_timeout = 9; ALTER TABLE old_orders ADD a int;",
        "SET session_replication_role = DEFAULT; SET session_replication_role = 'origin';",
        "ALTER ROLE app SET log_statement = 'ddl'; ALTER DATABASE shop SET work_mem = '1GB';",
        "SET statement_timeout = 5000; SELECT 1;",
    ],
)
def test_timeouts_that_protect_are_silent(sql: str) -> None:
    assert found(sql) == []


def test_the_limit_of_a_long_lock_timeout_is_a_setting() -> None:
    options = Options(settings={"long-lock-timeout": {"limit_ms": 1000}})
    assert found(f"SET lock_timeout = '2s'; {ADD}", options=options) == ["long-lock-timeout"]


def test_a_new_table_needs_no_timeout() -> None:
    assert found("CREATE TABLE b (id int); ALTER TABLE b ADD c int; DROP TABLE b") == []


def test_a_setting_does_not_reach_into_the_next_file() -> None:
    first = unit_of_script(read_script("SET lock_timeout = 9; SELECT 1", "1"), "1")
    second = unit_of_script(read_script(ADD, "2"), "2")
    assert [f.rule for f in lint_units([first, second], State()).findings] == ["no-lock-timeout"]


def test_a_set_local_in_a_revision_does_not_leak() -> None:
    script = read_script("SET LOCAL search_path = archive; SELECT 1", "r.py", in_transaction=True)
    unit = Unit("r.py", script.statements, revision="ab12")
    assert lint_units([unit], example_state()).findings == ()
