"""Constraints: what reads rows under lock, what fails, and what is quick and quiet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        ("ALTER TABLE orders ADD CHECK (amount > 0)", ["check-without-not-valid"]),
        ("ALTER TABLE orders ADD a int CHECK (a > 0)", ["check-without-not-valid"]),
        ("ALTER TABLE events ADD CHECK (id > 0)", ["check-without-not-valid"]),
        ("ALTER TABLE orders ADD UNIQUE (amount)", ["constraint-builds-index"]),
        ("ALTER TABLE orders ADD a int UNIQUE", ["constraint-builds-index"]),
        ("ALTER TABLE scratch_notes ADD PRIMARY KEY (id)", ["constraint-builds-index"]),
        ("ALTER TABLE lines ADD EXCLUDE (order_id WITH =)", ["exclusion-builds-index"]),
        ("ALTER TABLE orders ADD UNIQUE USING INDEX orders_note", ["constraint-over-unfit-index"]),
        ("ALTER TABLE lines ALTER quantity SET NOT NULL", ["set-not-null-scan"]),
        ("ALTER TABLE events ALTER kind SET NOT NULL", ["set-not-null-scan"]),
        ("ALTER TABLE orders ADD NOT NULL amount", ["set-not-null-scan"]),
        (
            "ALTER TABLE orders ALTER known SET NOT NULL, DROP CONSTRAINT known_given",
            ["set-not-null-loses-proof"],
        ),
        (
            "ALTER TABLE orders DROP CONSTRAINT known_given, ALTER known SET NOT NULL",
            ["set-not-null-loses-proof"],
        ),
        (
            "ALTER TABLE orders ADD PRIMARY KEY USING INDEX orders_known, DROP CONSTRAINT"
            " known_given",
            ["set-not-null-loses-proof"],
        ),
        (
            "ALTER TABLE orders ADD PRIMARY KEY USING INDEX orders_code",
            ["primary-key-over-nullable-column"],
        ),
        (
            "ALTER TABLE lines ADD FOREIGN KEY (customer_id) REFERENCES customers",
            ["foreign-key-without-not-valid"],
        ),
        (
            "ALTER TABLE lines ADD a bigint DEFAULT 1 REFERENCES customers",
            ["foreign-key-without-not-valid"],
        ),
        ("ALTER DOMAIN positive ADD CHECK (VALUE < 9)", ["domain-constraint-checked"]),
        ("ALTER DOMAIN positive SET NOT NULL", ["domain-constraint-checked"]),
        ("ALTER DOMAIN positive VALIDATE CONSTRAINT positive_check", ["domain-validation"]),
        (
            "ALTER TABLE lines ADD CONSTRAINT c CHECK (id > 0) NOT VALID, VALIDATE CONSTRAINT c",
            ["validation-with-other-subcommands"],
        ),
        ("CREATE TABLE t (a int, b int, PRIMARY KEY (a, b, a))", ["repeated-key-column"]),
        (
            "CREATE TABLE t (id int NOT NULL REFERENCES cache ON DELETE SET NULL)",
            ["set-null-on-not-null-column (warning)"],
        ),
        (
            "ALTER TABLE orders ADD a int NOT NULL DEFAULT 1 CONSTRAINT c REFERENCES cache"
            " ON DELETE SET NULL",
            ["foreign-key-without-not-valid", "set-null-on-not-null-column"],
        ),
        (
            "CREATE TABLE t (id int REFERENCES orders)",
            ["foreign-key-type-mismatch (warning)"],
        ),
        ("CREATE TABLE t (a int CHECK (a > random()))", ["volatile-check (warning)"]),
        (f"CREATE TABLE t_{'x' * 70} (a int)", ["identifier-too-long (warning)"]),
        (f'CREATE TABLE t ("{"ü" * 40}" int)', ["identifier-too-long (warning)"]),
    ],
)
def test_a_constraint_that_harms_is_found_once(sql: str, rules: list[str], found: Found) -> None:
    assert sorted(found(sql)) == sorted(rules)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders ADD CHECK (amount > 0) NOT VALID",
        "ALTER TABLE orders ADD CHECK (amount > 0) NOT ENFORCED",
        "ALTER TABLE lines ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID",
        "ALTER TABLE readings ADD FOREIGN KEY (id) REFERENCES orders NOT VALID",
        "ALTER TABLE lines VALIDATE CONSTRAINT lines_customer",
        "ALTER TABLE lines VALIDATE CONSTRAINT lines_customer, VALIDATE CONSTRAINT"
        " quantity_positive",
        "ALTER TABLE orders ADD CONSTRAINT n NOT NULL amount NOT VALID",
        "ALTER TABLE orders ADD CONSTRAINT n NOT NULL known",
        "ALTER TABLE orders ALTER id SET NOT NULL",
        "ALTER TABLE orders ADD UNIQUE USING INDEX orders_code",
        "CREATE TABLE t (a int); ALTER TABLE t ADD UNIQUE (a), ADD CHECK (a > 0)",
        "CREATE TABLE t (a int); INSERT INTO t VALUES (1); ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE lines DROP CONSTRAINT quantity_positive",
        "ALTER TABLE lines RENAME CONSTRAINT quantity_positive TO q",
        "ALTER TABLE lines ALTER CONSTRAINT lines_order DEFERRABLE",
        "ALTER DOMAIN positive ADD CHECK (VALUE < 9) NOT VALID",
        "ALTER DOMAIN positive DROP CONSTRAINT positive_check",
        "ALTER DOMAIN plain SET DEFAULT 'x'",
        "CREATE DOMAIN d AS int CHECK (VALUE > 0); ALTER DOMAIN d ADD CHECK (VALUE < 9)",
        "CREATE TABLE t (id bigint REFERENCES orders ON DELETE SET NULL)",
        "CREATE TABLE t (a bigint, b bigint NOT NULL, FOREIGN KEY (a) REFERENCES orders"
        " ON DELETE SET NULL (a))",
        "CREATE TABLE t (a int, b text CHECK (length(b) > 2 AND b <> upper(b)))",
        "CREATE TABLE t (at timestamptz CHECK (at <= now()))",
        f"SELECT '{'x' * 90}'",
        f"CREATE TABLE t (a text DEFAULT '{'x' * 90}')",
        f"CREATE TABLE t_{'x' * 61} (a int)",
    ],
)
def test_a_constraint_that_is_quick_is_no_finding(sql: str, found: Found) -> None:
    assert found(sql) == []


def test_a_foreign_key_of_a_partitioned_table_before_18(found: Found) -> None:
    sql = "ALTER TABLE readings ADD CONSTRAINT o FOREIGN KEY (id) REFERENCES orders NOT VALID"
    assert found(sql, major=17) == ["foreign-key-not-valid-on-partitioned"]
    assert found(sql, major=18) == []
    direct = sql.replace(" NOT VALID", "")
    assert found(direct, major=17) == ["foreign-key-without-not-valid"]


def test_a_constraint_that_nobody_validates_is_told_at_the_end_of_the_history(
    found: Found,
) -> None:
    add = "ALTER TABLE orders ADD CONSTRAINT c CHECK (amount > 0) NOT VALID"
    later = "CREATE TABLE t (id int)"
    assert found(add) == []
    assert found(add, later) == ["never-validated-constraint (warning)"]
    assert found(add, later, "ALTER TABLE orders VALIDATE CONSTRAINT c") == []
    assert found(add, "ALTER TABLE orders DROP CONSTRAINT c") == []
    assert found(add.replace("VALID", "ENFORCED"), later) == []


def test_set_not_null_under_an_old_set_null_is_found(found: Found) -> None:
    make = "CREATE TABLE t (id bigint REFERENCES orders ON DELETE SET NULL)"
    proof = "ALTER TABLE t ADD CONSTRAINT n CHECK (id IS NOT NULL) NOT VALID"
    validate = "ALTER TABLE t VALIDATE CONSTRAINT n"
    set_not_null = "ALTER TABLE t ALTER id SET NOT NULL"
    assert found(make, proof, validate, set_not_null) == ["set-null-on-not-null-column"]


@pytest.mark.parametrize(
    ("write", "pending"),
    [
        ("INSERT INTO t VALUES (1, 1)", True),
        ("UPDATE t SET o = 2", True),
        ("UPDATE t SET id = 2", False),
        ("DELETE FROM t", False),
        ("INSERT INTO t VALUES (1, 1); SET CONSTRAINTS ALL IMMEDIATE", False),
        ("SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO t VALUES (1, 1)", False),
        ("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED; DELETE FROM t", False),
        (
            "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;"
            "INSERT INTO t VALUES (1, 1)",
            True,
        ),
    ],
)
def test_rows_that_wait_for_a_deferred_constraint(write: str, pending: bool, found: Found) -> None:
    make = (
        "CREATE TABLE t (id int, o bigint REFERENCES orders DEFERRABLE INITIALLY DEFERRED);"
        "CREATE TABLE u (id int, o bigint REFERENCES orders)"
    )
    alter = f"BEGIN; {write}; ALTER TABLE t ADD a int; COMMIT"
    assert ("pending-trigger-events" in found(make, alter)) == pending
    other = f"BEGIN; {write.replace(' t ', ' u ')}; ALTER TABLE u ADD a int; COMMIT"
    assert "pending-trigger-events" not in found(make, other)


def test_without_a_schema_the_usual_hazards_are_found(unknown: Found) -> None:
    assert unknown("ALTER TABLE t ADD CHECK (a > 0)") == ["check-without-not-valid"]
    assert unknown("ALTER TABLE t ALTER a SET NOT NULL") == ["set-not-null-scan"]
    assert unknown("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u") == [
        "foreign-key-without-not-valid"
    ]
    assert unknown("ALTER TABLE t ADD UNIQUE (a)") == ["constraint-builds-index"]
    assert unknown("ALTER TABLE t ADD UNIQUE USING INDEX i") == []
    assert unknown("ALTER TABLE t ADD PRIMARY KEY USING INDEX i") == []
    assert unknown("ALTER TABLE t VALIDATE CONSTRAINT c") == []
    assert unknown("ALTER DOMAIN d ADD CHECK (VALUE > 0)") == [
        "domain-constraint-checked (warning)"
    ]
    proven = (
        "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"
        "ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL;"
        "ALTER TABLE t DROP CONSTRAINT c"
    )
    assert unknown(proven) == []


def test_what_is_off_by_default_can_be_asked_for(found: Found) -> None:
    key = "CREATE TABLE t (id bigint REFERENCES orders ON DELETE CASCADE)"
    assert found(key) == []
    assert found(key, enable=("foreign-key-without-index", "foreign-key-cascades")) == [
        "foreign-key-without-index (warning)",
        "foreign-key-cascades (warning)",
    ]
    assert found(f"{key}; CREATE INDEX ON t (id)", enable=("foreign-key-without-index",)) == []
