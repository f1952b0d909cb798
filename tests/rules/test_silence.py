"""Where rules speak and where they don't: state, transactions, downgrades, majors, comments."""

from __future__ import annotations

import pytest

from zero_downtime.config import Lint
from zero_downtime.errors import UnknownRule
from zero_downtime.lint import Options, Report, Unit, lint, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script, with_python_suppressions
from zero_downtime.sql.script import read_script, split
from zero_downtime.sql.state import State
from zero_downtime.sql.statement import Direction, Location, Statement

TIMEOUT = "SET lock_timeout = '2s';\n"


def report(sql: str, state: State | None = None, in_transaction: bool = False) -> Report:
    script = read_script(sql, "m.sql", in_transaction)
    return lint_units([unit_of_script(script, "m.sql")], state or example_state())


def found(sql: str, state: State | None = None, in_transaction: bool = False) -> list[str]:
    return [finding.rule for finding in report(sql, state, in_transaction).findings]


def revision(
    upgrade: str, downgrade: str = "", phase: str | None = None, transaction: int | None = 1
) -> Unit:
    """A revision whose statements stand one a line, from line 11 and line 21 on."""

    def statements(text: str, direction: Direction, first: int) -> tuple[Statement, ...]:
        return tuple(
            Statement(s.sql, Location("r.py", first + n), "ab12", direction, transaction)
            for n, s in enumerate(split(text))
        )

    return Unit(
        "r.py",
        statements(upgrade, "upgrade", 11),
        statements(downgrade, "downgrade", 21),
        revision="ab12",
        phase=phase,
    )


def of_revision(*units: Unit, state: State | None = None) -> list[tuple[str, str, str]]:
    result = lint_units(units, state or example_state())
    return [(f.rule, f.severity, f.direction) for f in result.findings]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE boxes (id int, n int); CREATE INDEX ON boxes (n);"
        " ALTER TABLE boxes ADD CHECK (n > 0), ALTER n SET NOT NULL, ALTER n TYPE bigint;"
        " ALTER TABLE boxes RENAME n TO m; DROP TABLE boxes;",
        "CREATE TEMP TABLE boxes (id int); CREATE INDEX ON boxes (id); DROP TABLE boxes;",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS one; CREATE UNIQUE INDEX ON m (one);",
        "COMMENT ON TABLE orders IS 'x'; ALTER TABLE orders ALTER note SET STATISTICS 5;",
        "ALTER TABLE orders SET (fillfactor = 70); ANALYZE orders;",
        "INSERT INTO orders (customer_id, known) VALUES (1, 'k');"
        " UPDATE orders SET note = 'x' WHERE id < 9;",
        "CREATE INDEX ON ONLY events (at); RESET lock_timeout;",
        "ALTER INDEX orders_note RENAME TO orders_note_2;",
        "ALTER TABLE orders ADD CONSTRAINT code_once UNIQUE USING INDEX orders_code;",
        "ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX orders_known;",
        "ALTER TABLE orders ADD COLUMN a int, ADD COLUMN b timestamptz DEFAULT now();",
        "ALTER TABLE orders ADD COLUMN a bigint REFERENCES customers;",
        "ALTER TABLE orders ADD COLUMN a int GENERATED ALWAYS AS (amount * 2) VIRTUAL;",
        "ALTER TABLE orders ALTER known SET NOT NULL;",
        "ALTER TABLE orders ALTER customer_id SET NOT NULL;",
        "ALTER TABLE orders ALTER note TYPE text; ALTER TABLE orders ALTER label TYPE text;",
        "DROP INDEX CONCURRENTLY IF EXISTS nothing_there; DROP TABLE IF EXISTS nothing_there;",
        "CREATE SEQUENCE s; ALTER SEQUENCE s RENAME TO t;",
        "ALTER TYPE mood ADD VALUE 'tired';",
    ],
)
def test_what_harms_nobody_raises_no_error(sql: str) -> None:
    assert found(TIMEOUT + sql) == []


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE orders ADD COLUMN a int CHECK (a > 0)", "check-without-not-valid"),
        ("ALTER TABLE orders ADD COLUMN a text UNIQUE", "constraint-builds-index"),
        ("ALTER TABLE orders ADD PRIMARY KEY (id)", "constraint-builds-index"),
        (
            "ALTER TABLE orders ADD COLUMN a bigint DEFAULT 1 REFERENCES customers",
            "foreign-key-without-not-valid",
        ),
        ("ALTER TABLE orders ADD CONSTRAINT n NOT NULL amount", "set-not-null-scan"),
        ("ALTER TABLE orders SET SCHEMA archive", "rename-table"),
        ("ALTER VIEW busy_orders RENAME TO rush_orders", "rename-table"),
        ("DROP MATERIALIZED VIEW sales", "drop-table"),
        (
            "CREATE TABLE e2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')",
            "default-partition-scan",
        ),
    ],
)
def test_a_hazard_in_another_form_is_found(sql: str, rule: str) -> None:
    assert found(TIMEOUT + sql) == [rule]


def test_an_unknown_old_type_is_a_warning_that_says_so() -> None:
    result = report(TIMEOUT + "ALTER TABLE unseen ALTER a TYPE text", State())
    assert [(f.rule, f.severity) for f in result.findings] == [("type-change-rewrite", "warning")]
    assert "depends" in result.findings[0].message


def test_an_unknown_function_in_a_default_is_a_warning_that_says_so() -> None:
    result = report(TIMEOUT + "ALTER TABLE orders ADD COLUMN a int DEFAULT theirs()")
    assert [(f.rule, f.severity) for f in result.findings] == [("volatile-default", "warning")]
    assert "not known" in result.findings[0].message


def test_timestamptz_is_free_when_the_session_is_in_utc() -> None:
    sql = "SET TimeZone = 'UTC';\nALTER TABLE customers ALTER since TYPE timestamptz;"
    assert found(TIMEOUT + sql) == []


def test_a_validated_check_is_remembered_from_an_earlier_file() -> None:
    first = TIMEOUT + (
        "ALTER TABLE orders ADD CONSTRAINT there CHECK (amount IS NOT NULL) NOT VALID;"
        "ALTER TABLE orders VALIDATE CONSTRAINT there;"
    )
    second = TIMEOUT + "ALTER TABLE orders ALTER amount SET NOT NULL;"
    units = [unit_of_script(read_script(s, f), f) for s, f in ((first, "1"), (second, "2"))]
    assert lint_units(units, example_state()).findings == ()
    alone = lint_units(units, example_state(), Options(independent=True))
    assert [f.rule for f in alone.findings] == ["set-not-null-scan"]


def test_a_table_of_an_earlier_file_is_in_use() -> None:
    files = [
        ("1", "CREATE TABLE boxes (id int)"),
        ("2", TIMEOUT + "CREATE INDEX ON boxes (id)"),
    ]
    units = [unit_of_script(read_script(sql, name), name) for name, sql in files]
    result = lint_units(units)
    assert [(f.rule, f.location.file) for f in result.findings] == [("index-not-concurrent", "2")]


def test_what_a_rolled_back_transaction_made_is_not_there() -> None:
    sql = "BEGIN; CREATE TABLE t2 (id int); ROLLBACK; CREATE TABLE t3 (LIKE t2);"
    state = example_state()
    assert found(sql, state) == ["rolled-back-migration"]
    sql = "BEGIN; DROP TABLE orders; ROLLBACK;" + TIMEOUT + "CREATE INDEX ON orders (amount);"
    assert "index-not-concurrent" in found(sql, state)


def test_the_missing_timeout_is_told_once_a_file() -> None:
    assert found("ALTER TABLE orders ADD a int; ALTER TABLE orders ADD b int") == [
        "no-lock-timeout"
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY i ON orders (amount)",
        "DROP INDEX CONCURRENTLY orders_note",
        "REINDEX TABLE CONCURRENTLY orders",
        "ALTER TABLE readings DETACH PARTITION readings_1 CONCURRENTLY",
        "VACUUM orders",
    ],
)
def test_what_must_run_alone_is_found_in_any_transaction(sql: str) -> None:
    assert found(sql) == []
    assert "concurrently-in-transaction" in found(f"BEGIN; {sql}; COMMIT")
    assert "concurrently-in-transaction" in found(sql, in_transaction=True)


def test_one_transaction_with_both_ends_of_one_foreign_key_is_no_finding() -> None:
    sql = (
        "BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE lines ADD CONSTRAINT f"
        " FOREIGN KEY (customer_id) REFERENCES customers NOT VALID; COMMIT"
    )
    assert found(sql) == []


def test_partitions_count_as_their_parent() -> None:
    sql = (
        "BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE events ADD a int;"
        " ALTER TABLE events_1 ALTER kind SET DEFAULT 'x'; COMMIT"
    )
    assert found(sql) == []


def test_a_write_to_one_row_is_no_backfill() -> None:
    start = "BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE orders ADD a int;"
    assert found(start + "UPDATE orders SET a = 1 WHERE id = 7; COMMIT") == []
    assert found(start + "UPDATE orders SET a = 1 WHERE amount = 7; COMMIT") == [
        "backfill-with-ddl"
    ]
    assert found(start + "INSERT INTO scratch_notes VALUES (1, 'x'); COMMIT") == []
    assert found(start + "INSERT INTO scratch_notes SELECT id, note FROM orders; COMMIT") == [
        "backfill-with-ddl"
    ]


# Revisions


def test_a_downgrade_that_drops_what_its_upgrade_added_is_no_finding() -> None:
    unit = revision(
        "SET LOCAL lock_timeout = '2s'; ALTER TABLE orders ADD COLUMN gift boolean;"
        "CREATE TABLE boxes (id int); CREATE INDEX boxes_id ON boxes (id);",
        "SET LOCAL lock_timeout = '2s'; DROP INDEX boxes_id; DROP TABLE boxes;"
        "ALTER TABLE orders DROP COLUMN gift;",
    )
    assert of_revision(unit) == []


def test_a_downgrade_that_drops_its_own_index_is_only_a_warning() -> None:
    unit = revision(
        "CREATE INDEX CONCURRENTLY i ON orders (amount)",
        "SET lock_timeout = '2s'; DROP INDEX i",
        transaction=None,
    )
    assert of_revision(unit) == [("drop-index-not-concurrent", "warning", "downgrade")]


def test_a_downgrade_that_drops_more_is_an_error() -> None:
    unit = revision("SELECT 1", "SET lock_timeout = '2s'; ALTER TABLE orders DROP COLUMN note")
    assert of_revision(unit) == [("drop-column", "error", "downgrade")]


def test_a_downgrade_that_gives_a_name_back_is_no_finding_of_its_own() -> None:
    start = "SET LOCAL lock_timeout = '2s'; "
    unit = revision(
        start + "ALTER TABLE orders RENAME note TO remark; ALTER TABLE orders RENAME TO bought",
        start + "ALTER TABLE bought RENAME TO orders; ALTER TABLE orders RENAME remark TO note",
    )
    assert of_revision(unit) == [
        ("rename-column", "error", "upgrade"),
        ("rename-table", "error", "upgrade"),
    ]


def test_the_next_revision_starts_from_the_upgrade_not_from_the_downgrade() -> None:
    first = revision("CREATE TABLE boxes (id int)", "DROP TABLE boxes")
    second = revision("SET LOCAL lock_timeout = 9; CREATE INDEX ON boxes (id)")
    assert of_revision(first, second, state=State(complete=True)) == [
        ("index-not-concurrent", "error", "upgrade")
    ]


def test_contract_is_when_columns_and_tables_go() -> None:
    sql = "SET lock_timeout = '2s'; ALTER TABLE orders DROP COLUMN note; DROP TABLE scratch_notes"
    assert of_revision(revision(sql, transaction=None)) == [
        ("drop-column", "error", "upgrade"),
        ("drop-table", "error", "upgrade"),
    ]
    assert of_revision(revision(sql, phase="contract", transaction=None)) == []


def test_lint_takes_statements_as_they_come() -> None:
    statements = split("CREATE INDEX ON orders (amount)", "a.sql")
    result = lint(statements, example_state(), Lint(severity={"no-lock-timeout": "off"}), 17)
    assert [f.rule for f in result.findings] == ["index-not-concurrent"]
    assert (result.files, result.statements) == (1, 1)


# Settings


def test_a_rule_can_be_made_quieter_or_louder() -> None:
    statements = split(TIMEOUT + "CREATE INDEX ON orders (amount); REFRESH MATERIALIZED VIEW sales")
    config = Lint(disable=("index-not-concurrent",), severity={"refresh-not-concurrent": "error"})
    result = lint(statements, example_state(), config)
    assert [(f.rule, f.severity) for f in result.findings] == [("refresh-not-concurrent", "error")]


def test_a_misspelt_rule_in_the_settings_is_refused() -> None:
    with pytest.raises(UnknownRule, match="index-not-concurrent"):
        lint([], None, Lint(disable=("index-not-concurent",)))


def test_the_advice_follows_the_major() -> None:
    statements = split(TIMEOUT + "ALTER TABLE orders ALTER amount SET NOT NULL")
    newer = lint(statements, example_state(), major=18).findings[0].safe
    older = lint(statements, example_state(), major=17).findings[0].safe
    assert "NOT NULL amount NOT VALID" in newer
    assert "CHECK (amount IS NOT NULL) NOT VALID" in older


# Comments


@pytest.mark.parametrize(
    "sql",
    [
        "-- zd: ignore[index-not-concurrent] small\nCREATE INDEX ON orders (amount);",
        "/* zd: ignore[index-not-concurrent] small */ CREATE INDEX ON orders (amount);",
        "CREATE INDEX ON orders (amount); -- zd: ignore[index-not-concurrent] small",
        "CREATE INDEX ON orders -- zd: ignore[index-not-concurrent] small\n (amount);",
        "-- zd: ignore[index-not-concurrent, drop-table] small\n\n-- more words\n"
        "CREATE INDEX ON orders (amount);\n"
        "-- zd: ignore[drop-table] unused\nDROP TABLE scratch_notes;",
    ],
)
def test_a_comment_with_a_reason_silences_its_statement(sql: str) -> None:
    result = report(TIMEOUT + sql)
    assert result.findings == ()
    assert result.suppressed >= 1


def test_a_comment_silences_no_other_statement() -> None:
    sql = (
        "-- zd: ignore[index-not-concurrent] small\nCREATE INDEX ON orders (amount);\n"
        "CREATE INDEX ON orders (total);"
    )
    assert found(TIMEOUT + sql) == ["index-not-concurrent"]


def test_a_comment_naming_no_rule_that_exists_says_so() -> None:
    result = report("-- zd: ignore[no-such-rule] because\nSELECT 1;")
    assert [f.message for f in result.findings] == ["There is no rule no-such-rule."]


@pytest.mark.parametrize(
    "source",
    [
        'def upgrade():\n    # zd: ignore[index-not-concurrent] small\n    op.execute("…")\n',
        'def upgrade():\n    op.execute("…")  # zd: ignore[index-not-concurrent] small\n\n',
        "def upgrade():\n    op.create_index(\n        'i',\n"
        "    )  # zd: ignore[index-not-concurrent] small\n",
    ],
)
def test_a_comment_in_a_revision_silences_the_call(source: str) -> None:
    line = next(n for n, text in enumerate(source.split("\n"), 1) if "op." in text)
    statements = (
        Statement("SET LOCAL lock_timeout = 9", Location("r.py", 1), "ab12", transaction=1),
        Statement("CREATE INDEX ON orders (amount)", Location("r.py", line), "ab12", transaction=1),
    )
    unit = with_python_suppressions(Unit("r.py", statements, revision="ab12"), source)
    result = lint_units([unit], example_state())
    assert result.findings == ()
    assert result.suppressed == 1


def test_one_broken_statement_does_not_hide_the_others() -> None:
    result = report(TIMEOUT + "CREATE INDEX ON orders (amount);\nselec 1;\nDROP INDEX orders_note;")
    assert [(f.rule, f.location.line) for f in result.findings] == [
        ("index-not-concurrent", 2),
        ("sql-syntax-error", 3),
        ("drop-index-not-concurrent", 4),
    ]


def test_what_can_not_be_looked_into_is_noted() -> None:
    result = report("DO $$ BEGIN EXECUTE current_setting('app.ddl'); END $$;")
    assert [note.text for note in result.notes] == [
        "what EXECUTE runs: its text is put together when it runs"
    ]


def test_a_table_that_a_file_creates_is_new_whatever_the_files_before_say() -> None:
    def of(create: str) -> list[str]:
        script = read_script(f"{TIMEOUT}{create}; CREATE INDEX ON orders (a)", "m.sql")
        first = unit_of_script(read_script("CREATE TABLE orders (a int)", "a.sql"), "a.sql")
        units = [first, unit_of_script(script, "m.sql")]
        return [finding.rule for finding in lint_units(units, State()).findings]

    assert of("CREATE TABLE orders (a int, b int)") == []
    assert of("CREATE TABLE orders AS SELECT 1 AS a") == []
    assert of("CREATE TABLE IF NOT EXISTS orders (a int)") == ["index-not-concurrent"]
    assert of("CREATE TABLE IF NOT EXISTS orders AS SELECT 1 AS a") == ["index-not-concurrent"]
