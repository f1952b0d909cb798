"""False alarms that real projects' migrations raised once, each in its shortest form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from zero_downtime.lint import lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.layouts import arranged
from zero_downtime.lint.unit import Unit, unit_of_script
from zero_downtime.lint.words import short
from zero_downtime.sql.script import read_script
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Location, Statement

TIMEOUT = "SET lock_timeout = '2s';\n"


def errors(*files: str, state: State | None = None) -> list[str]:
    """The rules that find an error, in files that follow each other."""
    return _found(files, "error", state)


def warnings(*files: str) -> list[str]:
    """The rules that warn, in files that follow each other."""
    return _found(files, "warning")


def _found(files: Sequence[str], severity: str, state: State | None = None) -> list[str]:
    units = [
        unit_of_script(read_script(TIMEOUT + sql, f"{n}.sql"), f"{n}.sql")
        for n, sql in enumerate(files)
    ]
    report = lint_units(units, State() if state is None else state)
    return [finding.rule for finding in report.findings if finding.severity == severity]


def test_the_version_of_the_schema_is_one_row() -> None:
    before = "CREATE TABLE feeds (id int); CREATE TABLE app_version (schema_version int);"
    change = (
        "BEGIN; ALTER TABLE feeds ADD COLUMN a int; UPDATE app_version SET schema_version = 7;"
        "COMMIT;"
    )
    assert errors(before, change) == []
    assert errors(before, change.replace("app_version", "feeds")) == ["backfill-with-ddl"]


def test_a_table_that_was_filled_to_replace_another_takes_its_name() -> None:
    sql = (
        "CREATE TABLE rooms_new (id bigint PRIMARY KEY);"
        "INSERT INTO rooms_new SELECT id FROM rooms;"
        "DROP TABLE rooms; ALTER TABLE rooms_new RENAME TO rooms;"
    )
    assert errors("CREATE TABLE rooms (id int);", sql) == []
    assert errors("CREATE TABLE rooms (id int);", "DROP TABLE rooms;") == ["drop-table"]


def test_a_leftover_is_dropped_before_a_table_is_made_from_a_query() -> None:
    sql = "DROP TABLE IF EXISTS to_check; CREATE TABLE to_check AS SELECT id FROM events;"
    assert errors(sql) == []


def test_a_table_of_another_dialect_is_new_all_the_same() -> None:
    sql = "CREATE TABLE users_new (id BIGINT UNSIGNED); ALTER TABLE users_new RENAME TO people;"
    assert errors(sql) == ["sql-syntax-error"]


def test_a_created_table_is_known_although_an_earlier_file_spoke_of_it() -> None:
    assert errors("COMMENT ON TABLE users IS 'x'; CREATE INDEX CONCURRENTLY i ON users (a);") == []
    late = "CREATE TABLE users (a int, b int); CREATE INDEX users_b ON users (b);"
    assert errors("CREATE INDEX CONCURRENTLY users_a ON users (a);", late) == []


def test_an_unknown_sequence_is_no_table_with_a_default() -> None:
    assert errors("DROP SEQUENCE IF EXISTS unseen_id_seq CASCADE;") == []


def test_a_body_with_placeholders_is_not_held_against_the_function() -> None:
    sql = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT id FROM :SCHEMA.jobs $$;"
    assert errors(sql) == []


def test_a_day_comes_before_its_minutes() -> None:
    names = ["20260108_later", "20250326162113_first", "20260107235959_second", "9_earliest"]
    (history,) = arranged(Path(f"m/{name}.sql") for name in names)
    found = [migration.up.stem for migration in history if migration.up]
    assert found == [
        "9_earliest",
        "20250326162113_first",
        "20260107235959_second",
        "20260108_later",
    ]


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("public.orders", "orders"),
        ("public.User_Table", '"User_Table"'),
        ("public.order", '"order"'),
        ("Sales.orders", '"Sales".orders'),
    ],
)
def test_names_in_advice_are_quoted_where_sql_needs_it(key: str, written: str) -> None:
    assert short(key) == written


def test_a_leftover_that_is_not_there_is_not_locked() -> None:
    sql = "BEGIN; DROP TABLE IF EXISTS tmp_ids; UPDATE people SET name = trim(name); COMMIT;"
    assert "backfill-with-ddl" not in errors("CREATE TABLE people (name text);", sql)


def test_a_policy_for_writers_may_look_at_its_own_table() -> None:
    table = "CREATE TABLE roles (who text); ALTER TABLE roles ENABLE ROW LEVEL SECURITY;"
    policy = "CREATE POLICY p ON roles FOR {} (EXISTS (SELECT FROM roles r WHERE r.who = 'a'));"
    assert errors(table + policy.format("INSERT WITH CHECK")) == []
    assert errors(table + policy.format("DELETE USING")) == []
    assert errors(table + policy.format("SELECT USING")) == ["policy-reads-its-table"]


def test_a_service_that_reads_changes_needs_no_column_first() -> None:
    for name, expected in (("supabase_realtime", []), ("to_warehouse", ["subscriber-first"])):
        table = f"CREATE TABLE people (id int PRIMARY KEY); CREATE PUBLICATION {name} FOR TABLE"
        assert warnings(f"{table} people;", "ALTER TABLE people ADD COLUMN n text;") == expected


def test_a_key_that_gets_another_name_in_its_transaction_stays_unique() -> None:
    table = "CREATE TABLE people (id int CONSTRAINT old_key PRIMARY KEY);"
    drop = "ALTER TABLE people DROP CONSTRAINT old_key;"
    again = "ALTER TABLE people ADD CONSTRAINT new_key PRIMARY KEY (id);"
    assert "uniqueness-dropped" not in warnings(table, f"BEGIN; {drop} {again} COMMIT;")
    assert "uniqueness-dropped" in warnings(table, f"{drop} {again}")


def test_a_table_that_another_replaces_under_its_name() -> None:
    sql = (
        "BEGIN; ALTER TABLE queues RENAME TO queues_old; CREATE TABLE queues (id bigint);"
        "INSERT INTO queues SELECT id FROM queues_old LIMIT 9; DROP TABLE queues_old; COMMIT;"
    )
    found = errors("CREATE TABLE queues (id int);", sql)
    assert "rename-table" not in found
    assert "drop-table" not in found
    assert "rename-table" in warnings("CREATE TABLE queues (id int);", sql)


def test_a_downgrade_whose_upgrade_is_not_known_is_no_error() -> None:
    drop = Statement("DROP TABLE agents", Location("r.py", 9), "ab12", "downgrade", 1)
    (finding,) = [
        finding
        for finding in lint_units([Unit("r.py", (), (drop,), revision="ab12")]).findings
        if finding.rule == "drop-table"
    ]
    assert finding.severity == "warning"


def test_the_example_schema_is_not_touched() -> None:
    state = example_state()
    assert errors("CREATE TABLE boxes (id int);", state=state) == []
    assert "public.boxes" not in state.relations
