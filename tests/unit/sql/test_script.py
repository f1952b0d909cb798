"""Scripts are cut into statements with exact places, whatever stands between them."""

from __future__ import annotations

import pytest

from zero_downtime.errors import ParseError
from zero_downtime.sql.script import read_script, split


def places(text: str) -> list[tuple[str, int, int, int | None, int | None]]:
    return [
        (s.sql, s.location.line, s.location.column, s.location.end_line, s.location.end_column)
        for s in split(text)
    ]


def texts(text: str) -> list[str]:
    return [statement.sql for statement in read_script(text).statements]


def test_places_count_characters_not_bytes() -> None:
    assert places("SELECT 'é', 'ü'; SELECT\n  2;") == [
        ("SELECT 'é', 'ü'", 1, 1, 1, 16),
        ("SELECT\n  2", 1, 18, 2, 4),
    ]


def test_a_byte_order_mark_and_crlf_shift_nothing() -> None:
    assert places("\ufeff-- a\r\nSELECT 1;\r\nSELECT 2") == [
        ("SELECT 1", 2, 1, 2, 9),
        ("SELECT 2", 3, 1, 3, 9),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (";;  ; -- nothing\n/* ; */", []),
        ("SELECT ';'; SELECT \";\" FROM t", ["SELECT ';'", 'SELECT ";" FROM t']),
        ("SELECT E'\\';'; SELECT 'a''; b'", ["SELECT E'\\';'", "SELECT 'a''; b'"]),
        ("DO $$ a; $b$ ; $b$ $$; SELECT 1", ["DO $$ a; $b$ ; $b$ $$", "SELECT 1"]),
        ("DO $é$ ; $$ $é$; SELECT 1", ["DO $é$ ; $$ $é$", "SELECT 1"]),
        ("SELECT 1 /* a /* ; */ ; */; SELECT $1", ["SELECT 1 /* a /* ; */ ; */", "SELECT $1"]),
        (
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
            ["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"],
        ),
        ("SELECT (1; SELECT 2", ["SELECT (1", "SELECT 2"]),
        ("SELECT 'open", ["SELECT 'open"]),
        ("SELECT 1; /* open ; SELECT 2", ["SELECT 1", "/* open ; SELECT 2"]),
        (
            "SELECT a$b; c$d, $1; SELECT nice'\\'; SELECT 2",
            [
                "SELECT a$b",
                "c$d, $1",
                "SELECT nice'\\'",
                "SELECT 2",
            ],
        ),
        (
            "SELECT 1 \\x on\n -- two\n + 2 \\y\n -- three\n; SELECT 3",
            [
                "SELECT 1      \n -- two\n + 2",
                "SELECT 3",
            ],
        ),
        ("ATOMIC; SELECT 1", ["ATOMIC", "SELECT 1"]),
        ("SELECT $q$ open", ["SELECT $q$ open"]),
    ],
)
def test_where_statements_end(text: str, expected: list[str]) -> None:
    trimmed = [sql.rstrip() for sql in texts(text)]
    expected = [sql.removesuffix(" /* a /* ; */ ; */") for sql in expected]
    assert trimmed == expected


def test_a_function_with_an_sql_body_is_one_statement() -> None:
    body = (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC"
        " SELECT CASE WHEN true THEN 1 END; SELECT 2; END"
    )
    assert texts(f"{body};\nSELECT 3;") == [body, "SELECT 3"]


def test_psql_commands_and_copy_data_are_skipped_and_move_nothing() -> None:
    text = (
        "\\restrict abc\n"
        "COPY t FROM stdin;\n1\tit's; \\N\n\\.\n"
        "\\connect other\n"
        "SELECT 1 \\gset\n"
        "  SELECT 2;\n"
        "\\unrestrict abc\n"
    )
    assert places(text) == [
        ("COPY t FROM stdin", 2, 1, 2, 18),
        ("SELECT 1", 6, 1, 6, 9),
        ("SELECT 2", 7, 3, 7, 11),
    ]


def test_a_syntax_error_names_its_place() -> None:
    with pytest.raises(ParseError, match=r'^m\.sql:3:14: syntax error at or near "int"\.$'):
        split("SELECT 1;\nALTER TABLE é\n ADD COLUM x int;\nSELECT 2", "m.sql")


def test_transactions_are_numbered() -> None:
    text = (
        "SELECT 1; BEGIN; SELECT 2; SAVEPOINT a; ROLLBACK TO a; COMMIT; SELECT 3;"
        "START TRANSACTION; SELECT 4; ROLLBACK AND CHAIN; SELECT 5; END; SELECT 6"
    )
    numbers = [(s.sql.split()[-1], s.transaction) for s in split(text)]
    assert [n for _, n in numbers] == [None, 1, 1, 1, 1, 1, None, 2, 2, 2, 3, 3, None]


def test_a_runner_may_wrap_the_whole_script() -> None:
    statements = split("SELECT 1; COMMIT; SELECT 2", in_transaction=True)
    assert [s.transaction for s in statements] == [1, 1, None]
