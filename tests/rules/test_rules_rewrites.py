"""What writes a table anew, and what only looks like it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        ("ALTER TABLE orders ADD COLUMN a serial", ["serial-column"]),
        ("ALTER TABLE orders ADD COLUMN a smallserial", ["serial-column"]),
        ("ALTER TABLE orders ADD a int GENERATED ALWAYS AS IDENTITY", ["identity-column"]),
        ("ALTER TABLE orders ADD COLUMN a int DEFAULT dice()", ["volatile-default"]),
        ("ALTER TABLE orders ADD COLUMN a float DEFAULT random() * 2", ["volatile-default"]),
        ("ALTER TABLE orders ADD a int DEFAULT nextval('numbers')", ["volatile-default"]),
        ("ALTER TABLE orders ADD a timestamptz DEFAULT clock_timestamp()", ["volatile-default"]),
        ("ALTER TABLE events ADD a uuid DEFAULT gen_random_uuid()", ["volatile-default"]),
        ("ALTER TABLE orders ADD a int DEFAULT theirs()", ["volatile-default (warning)"]),
        ("ALTER TABLE orders ADD COLUMN a positive", ["constrained-domain-column"]),
        ("ALTER TABLE orders ADD COLUMN a positive DEFAULT 1", ["constrained-domain-column"]),
        (
            "CREATE DOMAIN given AS text NOT NULL; ALTER TABLE orders ADD a given DEFAULT 'x'",
            ["constrained-domain-column"],
        ),
        ("ALTER TABLE cache SET LOGGED", ["persistence-change"]),
        ("ALTER TABLE scratch_notes SET UNLOGGED", ["persistence-change"]),
        ("ALTER TABLE orders SET TABLESPACE fast", ["tablespace-move"]),
        ("ALTER INDEX orders_note SET TABLESPACE fast", ["tablespace-move"]),
        ("ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE fast", ["tablespace-move"]),
        ("ALTER TABLE orders SET ACCESS METHOD columnar", ["table-rewrite"]),
        ("VACUUM FULL orders", ["vacuum-full"]),
        ("VACUUM (FULL, ANALYZE) orders", ["vacuum-full"]),
        ("VACUUM FULL", ["vacuum-full"]),
        ("CLUSTER orders USING orders_note", ["cluster-table"]),
        ("CLUSTER", ["cluster-table"]),
    ],
)
def test_what_writes_a_table_anew_is_found_once(sql: str, rules: list[str], found: Found) -> None:
    assert found(sql) == rules


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders ADD a int DEFAULT 7",
        "ALTER TABLE orders ADD a int DEFAULT 3 * 4",
        "ALTER TABLE orders ADD a jsonb NOT NULL DEFAULT '{}'::jsonb",
        "ALTER TABLE orders ADD a text[] NOT NULL DEFAULT ARRAY[]::text[]",
        "ALTER TABLE orders ADD a mood NOT NULL DEFAULT 'busy'",
        "ALTER TABLE orders ADD a timestamptz NOT NULL DEFAULT now()",
        "ALTER TABLE orders ADD a timestamptz DEFAULT CURRENT_TIMESTAMP",
        "ALTER TABLE orders ADD a date DEFAULT CURRENT_DATE",
        "ALTER TABLE orders ADD a timestamp DEFAULT (now() AT TIME ZONE 'utc')",
        "ALTER TABLE orders ADD a text DEFAULT current_setting('app.tenant', true)",
        "ALTER TABLE orders ADD a date DEFAULT today()",
        "ALTER TABLE orders ADD a timestamptz DEFAULT now() + interval '1 day'",
        "ALTER TABLE orders ADD a plain",
        "ALTER TABLE orders ADD a text STORAGE EXTERNAL",
        "ALTER TABLE orders ADD IF NOT EXISTS note uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE orders ADD a int GENERATED ALWAYS AS (amount + 1) VIRTUAL",
        "ALTER TABLE archive.old_orders SET LOGGED",
        "ALTER TABLE orders SET TABLESPACE pg_default",
        "ALTER TABLE orders SET ACCESS METHOD heap",
        "ALTER TABLE orders ALTER code SET STORAGE EXTERNAL",
        "ALTER TABLE orders ALTER code SET COMPRESSION lz4",
        "VACUUM (FULL false) orders",
        "VACUUM ANALYZE orders",
        "CREATE UNLOGGED TABLE t (id serial); ALTER TABLE t SET LOGGED;"
        "ALTER TABLE t ADD a uuid DEFAULT gen_random_uuid(), ADD b positive",
        "CREATE TEMP TABLE t (id int); ALTER TABLE t ADD a serial, ADD b float DEFAULT random()",
    ],
)
def test_what_touches_no_row_is_no_finding(sql: str, found: Found) -> None:
    assert found(sql) == []


def test_a_rewrite_of_a_partitioned_table_is_told_once(found: Found) -> None:
    assert found("ALTER TABLE events ADD a serial") == ["serial-column"]
    assert found("ALTER TABLE events ALTER id TYPE int") == ["type-change-rewrite"]


def test_without_a_schema_the_text_tells_the_same(unknown: Found) -> None:
    assert unknown("ALTER TABLE t ADD a bigserial") == ["serial-column"]
    assert unknown("ALTER TABLE t ADD a uuid DEFAULT uuid_generate_v4()") == ["volatile-default"]
    assert unknown("ALTER TABLE t ADD a text DEFAULT md5('x')") == []
    assert unknown("ALTER TABLE t SET UNLOGGED") == ["persistence-change"]
