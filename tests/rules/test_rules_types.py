"""Type changes, judged from the old type where it is known and from the new one where it is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = Callable[..., list[str]]

REWRITE = "type-change-rewrite"
DEPENDS = "type-change-rewrite (warning)"


@pytest.mark.parametrize(
    "new",
    [
        *("bigint", "int", "smallint", "boolean", "uuid", "json", "jsonb", "date", "real"),
        *("double precision", "bytea", "char(9)", "xml", "money", "int[]", "text[]"),
        "varchar(9) USING upper(a)",
        "text USING a || 'x'",
        "numeric USING (a * 100)::numeric",
        "bigint USING a::bigint",
        "timestamptz USING to_timestamp(a)",
        "text USING coalesce(a, '')",
    ],
)
def test_the_new_type_alone_can_decide(new: str, unknown: Found) -> None:
    assert unknown(f"ALTER TABLE t ALTER COLUMN a TYPE {new}") == [REWRITE]


@pytest.mark.parametrize(
    "new",
    [
        *("text", "varchar", "varchar(200)", "numeric", "numeric(12,2)", "timestamp"),
        *("timestamptz", "timestamptz(3)", "interval", "inet", "bit varying(9)", "time(3)"),
        *("citext", "positive", "theirs.status", "text USING a::text"),
    ],
)
def test_what_depends_on_the_old_type_is_a_warning_that_says_so(new: str, unknown: Found) -> None:
    assert unknown(f"ALTER TABLE t ALTER COLUMN a TYPE {new}") == [DEPENDS]


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ("orders ALTER amount TYPE smallint", [REWRITE]),
        ("orders ALTER note TYPE varchar(10)", [REWRITE]),
        ("orders ALTER code TYPE varchar(99)", [REWRITE]),
        ("orders ALTER code TYPE char(9)", [REWRITE]),
        ("orders ALTER amount TYPE positive", [REWRITE]),
        ("orders ALTER amount TYPE text", [REWRITE]),
        ("orders ALTER note TYPE text USING upper(note)", [REWRITE]),
        ("orders ALTER placed TYPE timestamptz(1)", [REWRITE, "type-change-loses-data"]),
        ("orders ALTER placed TYPE date", [REWRITE, "type-change-loses-data"]),
        ("orders ALTER placed TYPE timestamp", ["timestamp-by-time-zone"]),
        ("customers ALTER since TYPE timestamptz", ["timestamp-by-time-zone"]),
        ("customers ALTER since TYPE timestamptz(0)", [REWRITE]),
        ("orders ALTER code TYPE uuid", [REWRITE, "type-change-needs-using"]),
        ("orders ALTER code TYPE uuid USING code::uuid", [REWRITE]),
        ("customers ALTER city TYPE varchar(80)", ["type-change-checks-rows"]),
        ("customers ALTER city TYPE text", ["type-change-checks-rows"]),
        ('orders ALTER code TYPE text COLLATE "C"', ["type-change-rebuilds-indexes"]),
        ("events ALTER kind TYPE varchar", ["type-change-rebuilds-indexes"]),
        ("orders ALTER total TYPE numeric(12, 2)", ["type-change-of-used-column"]),
        ("orders ALTER total TYPE text", ["type-change-of-used-column"]),
        ("orders ALTER id TYPE numeric", ["type-change-of-used-column"]),
        ("events ALTER at TYPE timestamp", ["type-change-of-partition-key"]),
        ("events_1 ALTER kind TYPE varchar", ["type-change-of-inherited-column"]),
        ("lines ALTER quantity TYPE bigint", [REWRITE]),
        ("lines ALTER id ADD GENERATED ALWAYS AS IDENTITY", ["sequence-starts-at-one"]),
    ],
)
def test_the_old_type_and_what_hangs_on_the_column_decide(
    change: str, rules: list[str], found: Found
) -> None:
    assert sorted(found(f"ALTER TABLE {change}")) == sorted(rules)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders ALTER note TYPE varchar(21)",
        "ALTER TABLE orders ALTER note TYPE varchar",
        "ALTER TABLE orders ALTER note TYPE text",
        "ALTER TABLE orders ALTER note TYPE text USING note",
        "ALTER TABLE orders ALTER note TYPE text USING note::text",
        "ALTER TABLE orders ALTER code TYPE varchar",
        "ALTER TABLE orders ALTER code TYPE plain",
        "ALTER TABLE orders ALTER label TYPE text",
        "ALTER TABLE orders ALTER rank TYPE int",
        "ALTER TABLE orders ALTER amount TYPE int",
        "ALTER TABLE orders ALTER placed TYPE timestamptz",
        "ALTER TABLE orders ALTER placed TYPE timestamptz(6)",
        'ALTER TABLE scratch_notes ALTER note TYPE text COLLATE "C"',
        "ALTER TABLE lines ALTER quantity TYPE int",
        "ALTER TABLE orders ADD width bit varying(4), ADD wide numeric(6, 2), ADD at time(2),"
        " ADD span interval, ADD place cidr; RESET statement_timeout;"
        "ALTER TABLE orders ALTER width TYPE bit varying(9);"
        "ALTER TABLE orders ALTER wide TYPE numeric(9, 2);"
        "ALTER TABLE orders ALTER wide TYPE numeric;"
        "ALTER TABLE orders ALTER at TYPE time;"
        "ALTER TABLE orders ALTER span TYPE interval(6);"
        "ALTER TABLE orders ALTER place TYPE inet",
        "SET TimeZone = 'UTC'; ALTER TABLE customers ALTER since TYPE timestamptz",
        "CREATE TABLE t (a text, n int); ALTER TABLE t ALTER a TYPE uuid USING a::uuid;"
        "ALTER TABLE t ALTER n TYPE bigint",
    ],
)
def test_a_type_change_that_touches_no_row_is_no_finding(sql: str, found: Found) -> None:
    assert found(sql) == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT setval('lines_id_seq', 1000)", []),
        ("ALTER TABLE lines ALTER id RESTART WITH 1000", []),
        ("SELECT 1", ["sequence-starts-at-one"]),
    ],
)
def test_an_identity_that_is_set_to_its_place_is_no_finding(
    sql: str, expected: list[str], found: Found
) -> None:
    add = "ALTER TABLE lines ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;"
    assert found(add + sql) == expected


def test_a_sequence_for_a_column_with_rows_starts_above_them(found: Found) -> None:
    default = "ALTER TABLE lines ALTER id SET DEFAULT nextval('s')"
    assert found(f"CREATE SEQUENCE s; {default}") == ["sequence-starts-at-one"]
    assert found(f"CREATE SEQUENCE s START 9000; {default}") == []
    assert found("ALTER TABLE lines ALTER id SET DEFAULT nextval('numbers')") == []
    new = "ALTER TABLE lines ADD n bigint; ALTER TABLE lines ALTER n SET DEFAULT nextval('s')"
    assert found(f"CREATE SEQUENCE s; {new}") == []
    identity = "ALTER TABLE lines ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH 900)"
    assert found(identity) == []


def test_the_sequence_of_a_widened_serial_is_looked_at(found: Found) -> None:
    make = "CREATE TABLE t (id serial PRIMARY KEY)"
    widen = "ALTER TABLE t ALTER id TYPE bigint"
    both = [REWRITE, "sequence-left-narrow (warning)"]
    assert sorted(found(make, widen)) == sorted(both)
    assert found(make, f"{widen}; ALTER SEQUENCE t_id_seq AS bigint") == [REWRITE]
    assert found("CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY)", widen) == [REWRITE]
    assert found("CREATE TABLE t (id bigserial)", widen) == []


def test_what_only_the_seen_history_tells_is_a_warning(unknown: Found) -> None:
    made = "CREATE TABLE t (a varchar(9), b text); CREATE VIEW v AS SELECT a FROM t"
    assert unknown(made, "ALTER TABLE t ALTER a TYPE text") == [
        "type-change-of-used-column (warning)"
    ]
    assert sorted(unknown(made, "ALTER TABLE t ALTER b TYPE int")) == [
        "type-change-needs-using (warning)",
        REWRITE,
    ]


def test_a_collation_that_is_not_repeated_is_lost(found: Found) -> None:
    make = 'CREATE TABLE t (v text COLLATE "C"); CREATE INDEX ON t (v)'
    assert found(make, "ALTER TABLE t ALTER v TYPE varchar") == ["type-change-rebuilds-indexes"]
    assert found(make, 'ALTER TABLE t ALTER v TYPE varchar COLLATE "C"') == []
    assert found('CREATE TABLE t (v text COLLATE "C")', "ALTER TABLE t ALTER v TYPE varchar") == []


def test_citext_keeps_the_rows_but_not_the_indexes(found: Found) -> None:
    assert found("ALTER TABLE scratch_notes ALTER note TYPE citext") == []
    assert found("ALTER TABLE orders ALTER code TYPE citext") == ["type-change-rebuilds-indexes"]


def test_a_foreign_table_has_its_rows_elsewhere(unknown: Found) -> None:
    assert unknown("ALTER FOREIGN TABLE t ALTER a TYPE bigint, ALTER b SET NOT NULL") == []
    stored = "ADD c int GENERATED ALWAYS AS (a) STORED, ADD d serial, ADD e float DEFAULT random()"
    assert unknown(f"ALTER FOREIGN TABLE t {stored}, ADD CHECK (a > 0)") == []


@pytest.mark.parametrize(
    ("index", "built"),
    [
        ("(v)", False),
        ("(v DESC)", False),
        ("(id) INCLUDE (v)", False),
        ("(v) WHERE id > 0", True),
        ("(id) WHERE v IS NULL", True),
        ("(lower(v))", True),
        ("(id) WHERE id > 0", False),
    ],
)
def test_an_index_with_a_predicate_or_an_expression_is_never_kept(
    index: str, built: bool, found: Found
) -> None:
    make = f"CREATE TABLE t (id int, v varchar(9)); CREATE INDEX i ON t {index}"
    wanted = ["type-change-rebuilds-indexes"] if built else []
    assert found(make, "ALTER TABLE t ALTER v TYPE varchar(20)") == wanted
    assert found(make, "ALTER TABLE t ALTER v TYPE varchar(9)") == wanted
