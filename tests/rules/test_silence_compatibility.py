"""The running release: where the rules about it speak and where not."""

from __future__ import annotations

import pytest

from zero_downtime.lint import Options, Unit, lint_units
from zero_downtime.lint.docs import example_state, example_units
from zero_downtime.lint.registry import rule_named
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.sql.script import read_script
from zero_downtime.sql.state import State, state_from

TIMEOUT = "SET lock_timeout = '2s'; "


def found(sql: str, state: State | None = None, options: Options | None = None) -> list[str]:
    unit = unit_of_script(read_script(TIMEOUT + sql, "m.sql"), "m.sql")
    report = lint_units([unit], state or example_state(), options or Options())
    return [finding.rule for finding in report.findings]


def revision(upgrade: str, downgrade: str) -> Unit:
    set_it = "SET LOCAL lock_timeout = '2s';\n"
    text = f"{set_it}{upgrade}\n-- downgrade\n{set_it}{downgrade}"
    return example_units(rule_named("no-downgrade"), text, "r.py")[0]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW v AS SELECT 1 AS a; DROP VIEW v; CREATE TYPE t AS ENUM ('a'); DROP TYPE t;",
        "DROP VIEW busy_customers; CREATE VIEW busy_customers AS SELECT id FROM customers;",
        "DROP VIEW IF EXISTS nothing_there; DROP FUNCTION IF EXISTS nothing_there();"
        " DROP SEQUENCE IF EXISTS nothing_there; DROP TYPE IF EXISTS nothing_there;",
        "CREATE SCHEMA s; CREATE TABLE s.t (id int); DROP SCHEMA s CASCADE;",
        "CREATE OR REPLACE VIEW busy_orders AS SELECT id, customer_id, total FROM orders;",
        "ALTER TABLE orders RENAME CONSTRAINT known_given TO known_there;",
        "ALTER INDEX orders_note RENAME TO orders_note_now;",
        "ALTER TRIGGER lines_touch ON lines RENAME TO lines_watch;",
        "ALTER TABLE orders ALTER note SET DEFAULT 'x';",
        "ALTER TABLE orders ALTER note DROP DEFAULT;",
        "ALTER TABLE customers ALTER city DROP DEFAULT, ALTER city SET DEFAULT 'x';",
        "ALTER TABLE orders ADD COLUMN a int DEFAULT 1; ALTER TABLE orders ALTER a DROP DEFAULT;",
        "ALTER TABLE orders ALTER note DROP NOT NULL;",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION f(int);",
        "DROP FUNCTION today(); CREATE FUNCTION today() RETURNS date LANGUAGE sql STABLE"
        " AS 'SELECT now()::date';",
        "DROP TRIGGER lines_touch ON lines; DROP FUNCTION touch();",
        "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int REFERENCES t);"
        " CREATE VIEW v AS SELECT id FROM t; DROP TABLE t CASCADE;",
        "ALTER TYPE mood RENAME TO mood_old; CREATE TYPE mood AS ENUM ('calm', 'busy', 'new');",
        "CREATE SEQUENCE s; ALTER SEQUENCE s RENAME TO t;",
        "CREATE EXTENSION IF NOT EXISTS pg_trgm;",
    ],
)
def test_what_the_running_release_does_not_notice_is_silent(sql: str) -> None:
    assert found(sql) == []


def test_a_materialized_view_that_is_made_again_is_not_lost() -> None:
    state = state_from(["CREATE MATERIALIZED VIEW m AS SELECT 1 AS a"])
    drop = "DROP MATERIALIZED VIEW m; "
    assert found(drop, state) == ["drop-table"]
    assert found(drop + "CREATE MATERIALIZED VIEW m AS SELECT 2 AS a", state) == []
    made = "CREATE MATERIALIZED VIEW m_new AS SELECT 2 AS a; "
    assert found(made + drop + "ALTER MATERIALIZED VIEW m_new RENAME TO m", state) == []


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        ("DROP TABLE lines", ["drop-table"]),
        ("DROP TABLE archive.old_orders CASCADE", ["drop-table"]),
        ("DROP TYPE mood CASCADE", ["drop-cascade"]),
        ("ALTER TABLE customers DROP CONSTRAINT customers_pkey CASCADE", ["drop-cascade"]),
        ("ALTER TABLE orders ALTER total DROP NOT NULL, DROP COLUMN code", ["drop-column"]),
        ("ALTER TYPE mood SET SCHEMA archive", ["rename-type"]),
        ("ALTER FUNCTION today() SET SCHEMA archive", ["rename-function"]),
        ("ALTER SEQUENCE numbers SET SCHEMA archive", ["rename-sequence"]),
        (
            "CREATE OR REPLACE VIEW busy_orders AS SELECT customer_id, id, total FROM orders",
            ["view-replacement-refused"],
        ),
    ],
)
def test_what_the_running_release_notices_is_found(sql: str, rules: list[str]) -> None:
    others = ("other-table-locked", "published-key-dropped", "uniqueness-dropped")
    assert [rule for rule in found(sql) if rule not in others] == rules


def test_a_type_that_was_never_shown_takes_columns_along() -> None:
    assert found("DROP TYPE size CASCADE", State()) == ["drop-cascade"]


@pytest.mark.parametrize(
    ("mapped", "rules"), [(True, ["drop-column"]), (False, []), (None, ["drop-column"])]
)
def test_the_declared_models_decide_about_a_column(mapped: bool | None, rules: list[str]) -> None:
    options = Options(mapped=lambda table, column: mapped)
    assert found("ALTER TABLE orders DROP COLUMN note", options=options) == rules


def test_a_column_that_is_still_mapped_is_found_in_a_contract_phase_too() -> None:
    unit = Unit(
        "m.sql",
        read_script(TIMEOUT + "ALTER TABLE orders DROP COLUMN note", "m.sql").statements,
        phase="contract",
    )
    assert lint_units([unit], example_state()).findings == ()
    still = Options(mapped=lambda table, column: True)
    finding = lint_units([unit], example_state(), still).findings[0]
    assert (finding.rule, finding.severity) == ("drop-column", "error")
    assert "still map" in finding.message


@pytest.mark.parametrize(
    ("upgrade", "downgrade"),
    [
        ("CREATE TYPE size AS ENUM ('s');", "DROP TYPE size;"),
        ("CREATE VIEW v AS SELECT 1 AS a;", "DROP VIEW v;"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "DROP FUNCTION f();"),
        ("CREATE SEQUENCE s;", "DROP SEQUENCE s;"),
        ("CREATE EXTENSION pg_trgm;", "DROP EXTENSION pg_trgm;"),
        (
            "ALTER TABLE orders ALTER note SET DEFAULT 'x';",
            "ALTER TABLE orders ALTER note DROP DEFAULT;",
        ),
        (
            "ALTER TABLE orders ALTER known SET NOT NULL;",
            "ALTER TABLE orders ALTER known DROP NOT NULL;",
        ),
    ],
)
def test_a_downgrade_that_takes_back_what_the_upgrade_gave_is_silent(
    upgrade: str, downgrade: str
) -> None:
    unit = revision(upgrade, downgrade)
    findings = lint_units([unit], example_state()).findings
    assert [f.rule for f in findings if f.direction == "downgrade"] == []


def test_a_downgrade_that_gives_a_types_name_back_is_no_finding_of_its_own() -> None:
    unit = revision("ALTER TYPE mood RENAME TO temper;", "ALTER TYPE temper RENAME TO mood;")
    findings = lint_units([unit], example_state()).findings
    assert [(f.rule, f.direction) for f in findings] == [("rename-type", "upgrade")]
