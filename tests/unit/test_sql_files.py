"""SQL files of strangers' tools: order, pairs, sections, transactions, encodings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zero_downtime.lint import lint_units
from zero_downtime.lint.sections import sections
from zero_downtime.lint.sql_files import sql_histories
from zero_downtime.lint.texts import decoded
from zero_downtime.sql.script import error_location, read_script
from zero_downtime.sql.tree import NotParsed, parse


def history(folder: Path, *names: str) -> list[list[tuple[str, str | None]]]:
    """Make files of these names; the histories as pairs of what applies and what undoes."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"SELECT '{name}';")
    found = []
    for units in sql_histories([folder]):
        pairs = []
        for unit in units:
            down = unit.downgrade[0].sql[8:-1] if unit.downgrade else None
            pairs.append((unit.upgrade[0].sql[8:-1] if unit.upgrade else "-", down))
        found.append(pairs)
    return found


@pytest.mark.parametrize(
    "names",
    [
        ["V2__b.sql", "V10__a.sql", "R__views.sql"],
        ["V1__z.sql", "V1.1__y.sql", "V1_2__x.sql", "V1.10__w.sql"],
        ["9_b.sql", "10_a.sql"],
        ["001_b.sql", "002_a.sql", "readme.sql"],
        ["20240101_x.sql", "20240102_w.sql"],
        ["a-1.sql", "a1.sql", "a_1.sql"],
        ["1_a/migration.sql", "2_b/migration.sql", "10_c/migration.sql"],
    ],
)
def test_files_come_in_the_order_in_which_people_count(tmp_path: Path, names: list[str]) -> None:
    assert history(tmp_path, *reversed(names)) == [[(name, None) for name in names]]


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("1_x.up.sql", "1_x.down.sql"),
        ("1_x.sql", "1_x.down.sql"),
        ("1_x.sql", "1_x.undo.sql"),
        ("1_x.do.sql", "1_x.undo.sql"),
        ("1_x.sql", "1_x.rollback.sql"),
        ("1-x-up.sql", "1-x-down.sql"),
        ("1_x_up.sql", "1_x_down.sql"),
        ("V2__x.sql", "U2__y.sql"),
        ("1_x/up.sql", "1_x/down.sql"),
        ("1_x/migration.sql", "1_x/down.sql"),
        ("up/1.sql", "down/1.sql"),
        ("deploy/x.sql", "revert/x.sql"),
    ],
)
def test_a_file_that_undoes_another_goes_with_it(tmp_path: Path, up: str, down: str) -> None:
    assert history(tmp_path, up, down) == [[(up, down)]]


def test_what_goes_down_without_an_up_is_a_migration_of_its_own(tmp_path: Path) -> None:
    assert history(tmp_path, "1_slow_down.sql") == [[("1_slow_down.sql", None)]]
    assert history(tmp_path, "2_x.down.sql") == [[("1_slow_down.sql", None), ("-", "2_x.down.sql")]]


def test_a_file_that_undoes_may_have_a_heading_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "1_x.up.sql").write_text("SELECT 1;")
    (tmp_path / "1_x.down.sql").write_text("-- Down Migration\nSELECT 2;")
    ((unit,),) = sql_histories([tmp_path])
    assert [s.sql for s in unit.downgrade] == ["SELECT 2"]


def test_one_file_of_a_pair_brings_the_other_in_silence(tmp_path: Path) -> None:
    history(tmp_path, "1_x.up.sql", "1_x.down.sql")
    down = str(tmp_path / "1_x.down.sql")
    ((unit,),) = sql_histories([Path(down)])
    assert unit.only == down
    assert (len(unit.upgrade), len(unit.downgrade)) == (1, 1)


GOOSE = "-- +goose Up\nCREATE TABLE t (a int);\nSELECT 1;\n-- +goose Down\nDROP TABLE t;\n"


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        (GOOSE, [(2, 1), (3, 1)], [(5, 1)]),
        ("-- +goose NO TRANSACTION\n" + GOOSE, [(3, None), (4, None)], [(6, None)]),
        (
            "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql"
            " AS $$ SELECT 1; SELECT 2 $$;\n-- +goose StatementEnd\n",
            [(3, 1)],
            [],
        ),
        ("-- migrate:up\nSELECT 1\n-- migrate:down\nSELECT 2", [(2, 1)], [(4, 1)]),
        ("-- migrate:up transaction:false\nSELECT 1\n-- migrate:down", [(2, None)], []),
        ("-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 2;", [(2, 1)], [(4, 1)]),
        ("-- +migrate Up notransaction\nSELECT 1;", [(2, None)], []),
        ("-- Up Migration\nSELECT 1;\n\n-- Down Migration\nSELECT 2;", [(2, 1)], [(5, 1)]),
        ("-- +micrate Up\nSELECT 1;\n-- +micrate Down\nSELECT 2;", [(2, None)], [(4, None)]),
        ("-- rambler up\nSELECT 1;\n-- rambler down\nSELECT 2;", [(2, None)], [(4, None)]),
        ("# --- !Ups\nSELECT 1;\n# --- !Downs\nSELECT 2;", [(2, None)], [(4, None)]),
        (
            "-- // words\nSELECT 1;\n \t-- //@UNDO\nSELECT 2;\n-- //\nSELECT 3;",
            [(2, None)],
            [(4, None), (6, None)],
        ),
        ("  -- +goose Up\nSELECT 1;\n  -- +goose Down\nSELECT 2;", [(2, 1)], [(4, 1)]),
        (
            "SELECT 1;\n---- create above / drop below ----\nSELECT 2;",
            [(1, None)],
            [(3, None)],
        ),
        ("-- === UP ===\nSELECT 1;\n-- === DOWN ===\nSELECT 2;", [(2, None)], [(4, None)]),
        ("-- up\nSELECT 1;", [(2, None)], []),  # nothing goes down: a comment like any other
        ("SELECT 1;\n-- Down Migration\nSELECT 2;", [(1, None)], [(3, None)]),
        ("-- no\n-- down migration exists.\nSELECT 1;", [(3, None)], []),
        ("-- DOWN Migration (Rollback)\n-- SELECT 1;", [], []),
        ("-- set it up\nSELECT 1;\n-- go down\nSELECT 2;", [(2, None), (4, None)], []),
        (
            "--liquibase formatted sql\n--changeset a:1\nSELECT 1;\nSELECT 2;\n"
            "--changeset a:2 runInTransaction:false\nSELECT 3;\n--changeset a:3\nSELECT 4;\n"
            "--rollback SELECT 5;",
            [(3, 1), (4, 1), (6, None), (8, 2)],
            [],
        ),
        ("-- no-transaction\nSELECT 1;", [(2, None)], []),
        ("BEGIN; SELECT 1; COMMIT;\nSELECT 2;", [(1, 1), (1, 1), (1, 1), (2, None)], []),
    ],
)
def test_sections(
    tmp_path: Path,
    text: str,
    up: list[tuple[int, int | None]],
    down: list[tuple[int, int | None]],
) -> None:
    (tmp_path / "m.sql").write_text(text)
    ((unit,),) = sql_histories([tmp_path])
    assert [(s.location.line, s.transaction) for s in unit.upgrade] == up
    assert [(s.location.line, s.transaction) for s in unit.downgrade] == down
    assert all(s.direction == "downgrade" for s in unit.downgrade)
    for statement in (*unit.upgrade, *unit.downgrade):
        parse(statement.sql)


def test_a_mark_counts_more_than_what_the_command_line_assumes(tmp_path: Path) -> None:
    (tmp_path / "m.sql").write_text("-- no-transaction\nSELECT 1;")
    ((unit,),) = sql_histories([tmp_path], in_transaction=True)
    assert unit.upgrade[0].transaction is None


@pytest.mark.parametrize(
    ("name", "sql", "number"),
    [
        ("V1__x.sql", "SELECT 1", 1),
        ("V1__x.sql", "CREATE INDEX CONCURRENTLY ON t (a)", None),
        ("R__x.sql", "SELECT 1", 1),
        ("v1__x.sql", "SELECT 1", None),
        ("20260101000000_x/migration.sql", "SELECT 1", 1),
        ("20260101000000_x/migration.sql", "DROP INDEX CONCURRENTLY i", None),
        ("x/migration.sql", "SELECT 1", None),
    ],
)
def test_flyway_and_prisma_run_a_file_in_a_transaction_where_they_can(
    tmp_path: Path, name: str, sql: str, number: int | None
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(sql)
    ((unit,),) = sql_histories([tmp_path])
    assert unit.upgrade[0].transaction == number


def test_drizzles_breakpoints_are_comments(tmp_path: Path) -> None:
    (tmp_path / "m.sql").write_text("SELECT 1;\n--> statement-breakpoint\nSELECT 2;")
    ((unit,),) = sql_histories([tmp_path])
    assert [s.sql for s in unit.upgrade] == ["SELECT 1", "SELECT 2"]
    assert len(sections("SELECT 1;")) == 1


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("SELECT 'é'".encode(), "utf-8"),
        ("\ufeffSELECT 'é'".encode(), "utf-8"),
        ("\ufeffSELECT 'é'".encode("utf-16-le"), "utf-16-le"),
        ("\ufeffSELECT 'é'".encode("utf-16-be"), "utf-16-be"),
        ("SELECT 'é'".encode("utf-16-le"), "utf-16-le"),
        ("SELECT 'é'".encode("latin-1"), "latin-1"),
        (b"", "utf-8"),
    ],
)
def test_any_encoding_is_read_and_can_be_written_back(content: bytes, encoding: str) -> None:
    found = decoded(content)
    assert found.text == ("SELECT 'é'" if content else "")
    assert found.encoding == encoding
    assert found.encode(found.text) == content
    assert (found.note is not None) == (encoding == "latin-1")


def test_a_nul_byte_does_not_end_the_statement() -> None:
    with pytest.raises(NotParsed):
        parse(decoded(b"SELECT 1;\0 not SQL").text)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_places_under_every_line_end(end: str) -> None:
    text = f"-- größe{end}SELECT 1;{end}\tSELECT{end}  2 3;{end}"
    script = read_script(text)
    places = [s.location for s in script.statements]
    assert [(p.line, p.column, p.end_line, p.end_column) for p in places] == [
        (2, 1, 2, 9),
        (3, 2, 4, 6),
    ]
    with pytest.raises(NotParsed) as error:
        parse(script.statements[1].sql)
    place = error_location(script.statements[1], error.value)
    assert (place.line, place.column) == (4, 5)


def test_what_psql_would_include_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.sql").write_text(
        "\\set ON_ERROR_STOP on\n\\i 'a b.sql'\nSELECT 1 \\gexec\n\\ir x.sql\nSELECT 2;"
    )
    ((unit,),) = sql_histories([tmp_path])
    assert [(note.location.line, note.cause) for note in unit.notes] == [
        (2, "psql command"),
        (3, "psql command"),
        (4, "psql command"),
    ]
    assert len(unit.upgrade) == 2


@pytest.mark.parametrize(
    ("sql", "relation"),
    [
        ("ALTER TABLE ${schema}.t ADD c int", "${schema}.t"),
        ("ALTER TABLE {{ schema }}.t_{{ n }} ADD c int", "{{ schema }}.t_{{ n }}"),
        ("ALTER TABLE @extschema@.t ADD c int", "@extschema@.t"),
        ("ALTER TABLE :schema.t ADD c int DEFAULT :'value'", ":schema.t"),
        ('ALTER TABLE :"table" ADD c int', "public.table"),
        ("{% if x %}\nALTER TABLE t ADD c int\n{% endif %}", "public.t"),
        ("ALTER TABLE <%= name %> ADD c int", "public.<%= name %>"),
        ("ALTER TABLE %(name)s ADD c int", "public.%(name)s"),
    ],
)
def test_placeholders_stand_in_as_names(tmp_path: Path, sql: str, relation: str) -> None:
    (tmp_path / "m.sql").write_text(sql)
    (units,) = sql_histories([tmp_path])
    report = lint_units(units)
    assert [(f.rule, f.relation) for f in report.findings] == [("no-lock-timeout", relation)]
    (finding,) = report.findings
    shown = re.sub("{%.*?%}", "", sql).strip()
    assert finding.statement == re.sub(""":(?=['"])""", " ", shown)
    assert finding.location.line == (2 if "{%" in sql else 1)
    assert [(note.cause, report.unparsed) for note in report.notes] == [("", 0)]


@pytest.mark.parametrize(
    ("sql", "unparsed", "causes"),
    [
        ("{{ macro('a') }} TABLE t;\nSELECT 1;", 1, {"placeholder": 1}),
        ("selec 1;\nSELECT 1;", 1, {"syntax error": 1}),
        ("INSERT INTO t VALUES ('{\"a\": \"b\"}', ':x', '{{ x }}');", 0, {}),
        ("SELECT '{1,2}'::int[], a[1:b], a @> b;", 0, {}),
        ("DO $$ BEGIN EXECUTE f(); END $$;", 0, {"dynamic SQL": 1}),
    ],
)
def test_what_is_not_analysed_is_told_with_its_cause(
    tmp_path: Path, sql: str, unparsed: int, causes: dict[str, int]
) -> None:
    (tmp_path / "m.sql").write_text(sql)
    (units,) = sql_histories([tmp_path])
    report = lint_units(units)
    assert (report.unparsed, report.not_analysed) == (unparsed, causes)
    assert report.statements == sql.count(";\n") + 1
