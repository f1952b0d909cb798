"""Statements that a server of an older major version does not know."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Found = Callable[..., list[str]]


@pytest.mark.parametrize(
    ("sql", "since"),
    [
        ("CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a) VIRTUAL)", 18),
        ("CREATE TABLE t (a int CHECK (a > 0) NOT ENFORCED)", 18),
        ("CREATE TABLE t (a int, CONSTRAINT n NOT NULL a)", 18),
        ("CREATE TABLE t (a int, b tstzrange, UNIQUE (a, b WITHOUT OVERLAPS))", 18),
        ("ALTER TABLE orders ADD CONSTRAINT n NOT NULL amount NOT VALID", 18),
        ("ALTER TABLE orders ADD CONSTRAINT n CHECK (amount > 0) NOT ENFORCED", 18),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON orders (amount) NULLS NOT DISTINCT", 15),
        ("ALTER TABLE orders SET ACCESS METHOD heap", 15),
        ("CREATE TABLE t (a int NOT NULL CHECK (a > 0), b int UNIQUE, PRIMARY KEY (a))", 14),
        ("CREATE TABLE t (a bigint REFERENCES orders ON DELETE SET NULL)", 14),
    ],
)
def test_only_an_older_server_stops_there(sql: str, since: int, found: Found) -> None:
    for major in (14, 15, 16, 17, 18):
        assert found(sql, major=major) == (["newer-than-server"] if major < since else [])
