"""Indexes: built, dropped and rebuilt, beside others that read and write."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("sql", "rules"),
    [
        ("CREATE INDEX ON orders (amount)", ["index-not-concurrent"]),
        ("CREATE UNIQUE INDEX i ON orders (total)", ["index-not-concurrent"]),
        ("CREATE INDEX IF NOT EXISTS i ON orders (total)", ["index-not-concurrent"]),
        ("CREATE INDEX ON events (id)", ["index-not-concurrent"]),
        ("CREATE INDEX ON sales (total)", ["index-not-concurrent"]),
        ("CREATE INDEX CONCURRENTLY ON events (id)", ["concurrent-index-on-partitioned"]),
        ("DROP INDEX orders_note", ["drop-index-not-concurrent"]),
        ("DROP INDEX IF EXISTS orders_note", ["drop-index-not-concurrent"]),
        ("DROP INDEX events_kind", ["drop-index-not-concurrent (warning)"]),
        ("DROP INDEX CONCURRENTLY events_kind", ["concurrent-drop-on-partitioned"]),
        ("DROP INDEX orders_pkey", ["constraint-index-dropped"]),
        ("DROP INDEX CONCURRENTLY orders_pkey", ["constraint-index-dropped"]),
        ("DROP INDEX events_1_kind_idx", ["partition-index-dropped"]),
        ("DROP INDEX CONCURRENTLY orders_code", ["uniqueness-dropped (warning)"]),
        (
            "ALTER TABLE customers DROP CONSTRAINT customers_email_key",
            ["uniqueness-dropped (warning)"],
        ),
        ("REINDEX INDEX orders_note", ["reindex-not-concurrent"]),
        ("REINDEX (VERBOSE) TABLE orders", ["reindex-not-concurrent"]),
        ("REINDEX SCHEMA public", ["reindex-not-concurrent"]),
        ("CREATE INDEX CONCURRENTLY i ON orders (note)", ["duplicate-index (warning)"]),
        ("CREATE INDEX CONCURRENTLY i ON orders (code)", ["duplicate-index (warning)"]),
        ("CREATE INDEX CONCURRENTLY i ON orders (id)", ["duplicate-index (warning)"]),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON orders (code)", ["duplicate-index (warning)"]),
        (
            "DROP INDEX CONCURRENTLY orders_note;"
            "CREATE INDEX CONCURRENTLY orders_note ON orders (note, total)",
            ["replacement-built-too-late (warning)"],
        ),
        (
            "CREATE TABLE t (a jsonb, b json); CREATE INDEX ON t (a); CREATE INDEX ON t (b)",
            ["index-of-unsortable-type (warning)"] * 2,
        ),
    ],
)
def test_a_hazard_of_indexes_is_found_once(sql: str, rules: list[str], found: Found) -> None:
    assert sorted(found(sql)) == sorted(rules)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX CONCURRENTLY i ON orders (amount)",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (amount)",
        "CREATE INDEX IF NOT EXISTS orders_note ON orders (note)",
        "CREATE INDEX CONCURRENTLY i ON orders (note, total)",
        "CREATE INDEX CONCURRENTLY i ON orders (note DESC)",
        "CREATE INDEX CONCURRENTLY i ON orders (note text_pattern_ops)",
        "CREATE INDEX CONCURRENTLY i ON orders (note) WHERE note IS NOT NULL",
        "CREATE INDEX CONCURRENTLY i ON orders (note) INCLUDE (total)",
        "CREATE INDEX CONCURRENTLY i ON orders USING hash (note)",
        "CREATE INDEX CONCURRENTLY i ON orders (lower(note))",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON orders (note)",
        "CREATE INDEX CONCURRENTLY i ON orders (note, total); DROP INDEX CONCURRENTLY orders_note",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON orders (code); DROP INDEX CONCURRENTLY orders_code",
        "DROP INDEX CONCURRENTLY IF EXISTS i; CREATE INDEX CONCURRENTLY i ON orders (total)",
        "CREATE INDEX ON ONLY events (id)",
        "DROP INDEX CONCURRENTLY orders_note",
        "DROP INDEX CONCURRENTLY IF EXISTS nothing",
        "ALTER INDEX orders_note RENAME TO n",
        "ALTER INDEX orders_note SET (fillfactor = 70)",
        "REINDEX TABLE CONCURRENTLY orders",
        "REINDEX INDEX CONCURRENTLY orders_note",
        "CREATE TABLE t (id int PRIMARY KEY, e text UNIQUE); CREATE INDEX ON t (id);"
        "CREATE INDEX ON t (e)",
        "CREATE TABLE t (a jsonb, b int[]); CREATE INDEX ON t USING gin (a);CREATE INDEX ON t (b)",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a); REINDEX TABLE t; DROP INDEX i",
    ],
)
def test_what_lets_everybody_pass_is_no_finding(sql: str, found: Found) -> None:
    assert found(sql) == []


def test_without_a_schema_the_usual_hazards_are_found(unknown: Found) -> None:
    assert unknown("CREATE INDEX i ON t (a)") == ["index-not-concurrent"]
    assert unknown("DROP INDEX i") == ["drop-index-not-concurrent"]
    assert unknown("REINDEX INDEX i") == ["reindex-not-concurrent"]
    assert unknown("REINDEX INDEX CONCURRENTLY i") == []
    assert unknown("REINDEX TABLE t") == ["reindex-not-concurrent"]
    assert unknown("ALTER TABLE t DROP CONSTRAINT t_pkey") == ["uniqueness-dropped (warning)"]
    assert unknown("ALTER TABLE t DROP CONSTRAINT t_check") == []
    assert unknown("DROP INDEX CONCURRENTLY i; CREATE INDEX CONCURRENTLY i ON t (a)") == []
    assert unknown("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", "DROP INDEX CONCURRENTLY i") == [
        "uniqueness-dropped (warning)"
    ]


def test_an_index_whose_parts_are_never_attached_is_told_at_the_end(found: Found) -> None:
    only = "CREATE INDEX i ON ONLY events (id)"
    later = "CREATE TABLE t (id int)"
    parts = (
        "CREATE INDEX CONCURRENTLY i_1 ON events_1 (id);"
        "CREATE INDEX CONCURRENTLY i_2 ON events_rest (id);"
        "ALTER INDEX i ATTACH PARTITION i_1; ALTER INDEX i ATTACH PARTITION i_2"
    )
    assert found(only) == []
    assert found(only, later) == ["index-left-invalid (warning)"]
    assert found(only, parts, later) == []


@pytest.mark.parametrize(
    ("function", "fails"),
    [
        ("LANGUAGE sql IMMUTABLE AS 'SELECT unaccent(t)'", True),
        ("LANGUAGE sql IMMUTABLE AS 'SELECT public.unaccent(t)'", False),
        ("LANGUAGE sql IMMUTABLE AS 'SELECT lower(btrim(t))'", False),
        ("LANGUAGE sql IMMUTABLE SET search_path = public AS 'SELECT unaccent(t)'", False),
        ("LANGUAGE sql IMMUTABLE AS 'SELECT note FROM orders LIMIT 1'", True),
        ("LANGUAGE sql IMMUTABLE RETURN lower(t)", False),
        (
            "LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN (SELECT note FROM orders); END'",
            True,
        ),
        ("LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN substring(t from 2); END'", False),
        ("LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN today(); END'", True),
        ("LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.today(); END'", False),
    ],
)
def test_a_function_in_an_index_has_no_search_path_from_17_on(
    function: str, fails: bool, found: Found
) -> None:
    make = f"CREATE FUNCTION f(t text) RETURNS text {function};"
    sql = f"{make} CREATE INDEX CONCURRENTLY i ON orders (f(code))"
    assert ("index-function-search-path" in found(sql, major=17)) is fails
    assert "index-function-search-path" not in found(sql, major=16)
    view = f"{make} CREATE MATERIALIZED VIEW v AS SELECT f(code) FROM orders"
    assert ("index-function-search-path" in found(view)) is fails
    assert "index-function-search-path" not in found(f"{view} WITH NO DATA")
    refreshed = found(f"{view} WITH NO DATA", "REFRESH MATERIALIZED VIEW v")
    assert ("index-function-search-path" in refreshed) is fails


def test_what_is_off_by_default_can_be_asked_for(found: Found) -> None:
    sql = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (code, total, amount, state)"
    assert found(sql) == []
    assert found(sql, enable=("indexes",)) == [
        "if-not-exists-hides-invalid-index (warning)",
        "wide-index (warning)",
        "index-row-too-large (warning)",
    ]
