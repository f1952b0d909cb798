"""What runs inside a DO block is judged there, and what can't be told is said."""

from __future__ import annotations

from zero_downtime.lint import Report, lint_units
from zero_downtime.lint.docs import example_state
from zero_downtime.lint.unit import unit_of_script
from zero_downtime.sql.script import read_script

BLOCK = """SET lock_timeout = '2s';
DO $$
DECLARE r record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'x') THEN
    ALTER TABLE orders ADD CONSTRAINT x CHECK (amount > 0);
  END IF;
  EXECUTE 'CREATE INDEX ON orders (amount)';
EXCEPTION WHEN OTHERS THEN
  DROP TABLE orders;
END $$;
"""


def report(sql: str) -> Report:
    return lint_units([unit_of_script(read_script(sql, "m.sql"), "m.sql")], example_state())


def found(sql: str) -> list[tuple[str, int]]:
    return [(finding.rule, finding.location.line) for finding in report(sql).findings]


def test_a_finding_stands_at_the_statement_inside() -> None:
    assert found(BLOCK) == [("check-without-not-valid", 6), ("index-not-concurrent", 8)]
    finding = report(BLOCK).findings[0]
    assert (finding.location.column, finding.statement[:12]) == (5, "ALTER TABLE ")


def test_the_state_goes_through_the_block_once() -> None:
    sql = (
        "DO $$ BEGIN CREATE TABLE boxes (id int); END $$; CREATE INDEX ON boxes (id);"
        " DO $$ BEGIN ALTER TABLE boxes ADD n int; ALTER TABLE boxes ALTER n SET NOT NULL;"
        " END $$;"
    )
    assert found(sql) == []


def test_a_block_is_one_transaction() -> None:
    sql = (
        "DO $$ BEGIN\nSET LOCAL lock_timeout = '2s';\nALTER TABLE orders ADD a int;\n"
        "UPDATE orders SET a = 1;\nEND $$;"
    )
    assert found(sql) == [("backfill-with-ddl", 4)]
    assert found(sql.replace("\nUPDATE", "\nCOMMIT;\nUPDATE")) != [("backfill-with-ddl", 4)]


def test_what_may_not_run_in_a_transaction_may_not_in_a_block() -> None:
    sql = "DO $$ BEGIN\nEXECUTE 'CREATE INDEX CONCURRENTLY i ON orders (amount)';\nEND $$;"
    assert found(sql) == [("concurrently-in-transaction", 2)]


def test_a_comment_silences_what_is_inside() -> None:
    ignore = "-- zd: ignore[check-without-not-valid, index-not-concurrent] tiny\nDO"
    result = report(BLOCK.replace("DO", ignore))
    assert (result.findings, result.suppressed) == ((), 2)


def test_a_variable_may_well_name_one_row() -> None:
    sql = (
        "DO $$ DECLARE r record; BEGIN FOR r IN SELECT id FROM scratch_notes LOOP"
        " PERFORM r.id; END LOOP; UPDATE orders SET note = 'x' WHERE id = r.id; END $$;"
    )
    assert found(sql) == []


def test_what_is_put_together_at_run_time_is_noted_and_not_found() -> None:
    result = report("DO $$ BEGIN\nEXECUTE format('DROP TABLE %I', current_user);\nEND $$;")
    assert result.findings == ()
    assert [(n.text.partition(":")[0], n.location.line) for n in result.notes] == [
        ("what EXECUTE runs", 2)
    ]


def test_the_body_of_a_function_does_not_run_when_it_is_made() -> None:
    sql = (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; END $$;"
    )
    assert found(sql) == []


def test_get_diagnostics_in_a_batched_loop_is_no_finding() -> None:
    sql = (
        "DO $$ DECLARE n int; BEGIN LOOP UPDATE orders SET note = 'x' WHERE id IN"
        " (SELECT id FROM orders WHERE note IS NULL LIMIT 1000);"
        " GET DIAGNOSTICS n = ROW_COUNT; EXIT WHEN n = 0; COMMIT; END LOOP; END $$;"
    )
    assert found(sql) == []
