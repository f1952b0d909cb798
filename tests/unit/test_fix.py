"""--fix and --propose: what is written, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from zero_downtime.lint.propose import proposals
from zero_downtime.lint.run import Request, lint_request
from zero_downtime_cli.main import zd

QUIET = "SET lock_timeout = '2s';\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lint(*arguments: str) -> Result:
    result = CliRunner().invoke(zd, ["lint", *arguments])
    assert result.exit_code < 2, result.output
    return result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "CREATE INDEX i ON orders (a) -- why\n;\n-- end",
            "CREATE INDEX CONCURRENTLY i ON orders (a) -- why\n;\n-- end",
        ),
        (
            "\tCREATE INDEX i\r\n\t\tON größe (a);\r\nDROP INDEX j;\r\n",
            "\tCREATE INDEX CONCURRENTLY i\r\n\t\tON größe (a);\r\nDROP INDEX CONCURRENTLY j;\r\n",
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\n"
            "ALTER TABLE t VALIDATE CONSTRAINT c;",
        ),
        (
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
            "ALTER TABLE t ADD CONSTRAINT t_a_not_null NOT NULL a NOT VALID;\n"
            "ALTER TABLE t VALIDATE CONSTRAINT t_a_not_null;",
        ),
        (  # nothing can be mended here
            "BEGIN; CREATE INDEX i ON orders (a); ALTER TABLE t ADD CHECK (a > 0); COMMIT;",
            "BEGIN; CREATE INDEX i ON orders (a); ALTER TABLE t ADD CHECK (a > 0); COMMIT;",
        ),
        (
            "DO $$ BEGIN CREATE INDEX i ON orders (a); END $$;",
            "DO $$ BEGIN CREATE INDEX i ON orders (a); END $$;",
        ),
        (  # one of two
            "BEGIN; CREATE INDEX i ON orders (a); COMMIT;\nCREATE INDEX k ON orders (b);",
            "BEGIN; CREATE INDEX i ON orders (a); COMMIT;\n"
            "CREATE INDEX CONCURRENTLY k ON orders (b);",
        ),
        (
            "CREATE INDEX i ON ${schema}.orders (a);",
            "CREATE INDEX CONCURRENTLY i ON ${schema}.orders (a);",
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_only_the_statement_changes(folder: Path, before: str, after: str, encoding: str) -> None:
    path = folder / "m.sql"
    path.write_bytes((QUIET + before).encode(encoding))
    lint("m.sql", "--show-fixes")
    assert path.read_bytes() == (QUIET + before).encode(encoding)
    lint("m.sql", "--fix")
    assert path.read_bytes() == (QUIET + after).encode(encoding)


def test_a_diff_can_be_looked_at_first(folder: Path) -> None:
    (folder / "m.sql").write_text(QUIET + "CREATE INDEX i ON orders (a);")
    assert lint("m.sql", "--show-fixes").stdout == (
        "--- m.sql\n+++ m.sql\n@@ -1,2 +1,2 @@\n SET lock_timeout = '2s';\n"
        "-CREATE INDEX i ON orders (a);\n\\ No newline at end of file\n"
        "+CREATE INDEX CONCURRENTLY i ON orders (a);\n\\ No newline at end of file\n"
    )


def test_what_is_fixed_is_reported_no_more(folder: Path) -> None:
    (folder / "m.sql").write_text(QUIET + "CREATE INDEX i ON orders (a);\nDROP TABLE t;")
    result = lint("m.sql", "--fix")
    assert result.stderr == "zd: 1 finding fixed in 1 file.\n"
    assert result.exit_code == 1
    assert "index-not-concurrent" not in result.stdout
    assert "drop-table" in result.stdout


def test_what_is_left_alone_is_counted(folder: Path) -> None:
    (folder / "m.sql").write_text(QUIET + "BEGIN; CREATE INDEX i ON orders (a); COMMIT;")
    result = lint("m.sql", "--fix")
    assert "0 findings fixed in 0 files, 1 not, since that would bring other" in result.stderr


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("0042_x.sql", "0042_x_then.sql"),
        ("0042_x.up.sql", "0042_x_then.up.sql"),
        ("V2__x.sql", "V2.1__x_then.sql"),
    ],
)
def test_a_proposal_is_a_file_of_sql_that_has_no_findings(
    folder: Path, name: str, proposed: str
) -> None:
    (folder / name).write_text(
        f"BEGIN;\n{QUIET}CREATE INDEX i ON orders (a);\nALTER TABLE t ADD UNIQUE (a);\nCOMMIT;"
    )
    result = lint(name, "--propose", "new")
    assert result.stderr == f"zd: proposed new/{proposed}\n"
    text = (folder / "new" / proposed).read_text()
    assert text == (
        "-- Each statement commits by itself: no transaction around this file.\n\n"
        f"-- Instead of {name}:3 (index-not-concurrent)\n"
        "CREATE INDEX CONCURRENTLY i ON orders (a);\n\n"
        f"-- Instead of {name}:4 (constraint-builds-index)\n"
        "CREATE UNIQUE INDEX CONCURRENTLY t_a_key ON t (a);\n"
        "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE USING INDEX t_a_key;\n"
    )
    again = CliRunner().invoke(zd, ["lint", name, "--propose", "new"])
    assert again.exit_code == 2
    assert "can't be written (File exists)" in again.stderr


REVISION = """
from alembic import op
revision = "{id}"
down_revision = {down}
def upgrade():
    op.execute("SET lock_timeout = '2s'")
    op.execute("{sql}")
def downgrade():
    pass
"""


def test_a_proposed_revision_continues_the_history(folder: Path) -> None:
    from zero_downtime.project import find_project

    (folder / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
    versions = folder / "m" / "versions"
    versions.mkdir(parents=True)
    (folder / "m" / "env.py").write_text("")
    bad = "CREATE INDEX i ON orders (a) WHERE b = 'x:y'"
    for name, down, sql in (
        ("a1", None, bad),
        ("b2", "a1", "ALTER TABLE orders ADD CONSTRAINT k CHECK (a > 0)"),
    ):
        text = REVISION.format(id=name, down=repr(down), sql=sql)
        (versions / f"{name}.py").write_text(text)
    lint("--propose", str(versions))
    project = find_project()
    report = lint_request(Request(), project)
    made = [f for f in report.findings if f.revision not in ("a1", "b2")]
    assert {(f.rule, f.severity) for f in made if f.severity == "error"} <= {
        ("duplicate-index", "error")
    }
    from zero_downtime.history import read_history
    from zero_downtime.history.rendering import render

    history = read_history(project)
    first, second = list(history)[2:]
    assert (first.down, second.down, history.heads) == (("b2",), (first.id,), (second.id,))
    assert [(s.sql, s.transaction) for s in render(project, first, "upgrade")] == [
        ("CREATE INDEX CONCURRENTLY i ON orders (a) WHERE b = 'x:y'", None)
    ]
    assert [s.sql for s in render(project, first, "downgrade")] == [
        "DROP INDEX CONCURRENTLY IF EXISTS i"
    ]
    assert [s.sql for s in render(project, second, "upgrade")] == [
        "ALTER TABLE orders ADD CONSTRAINT k CHECK (a > 0) NOT VALID",
        "ALTER TABLE orders VALIDATE CONSTRAINT k",
    ]
    assert proposals(()) == []


@pytest.mark.parametrize(
    ("call", "fixed"),
    [
        (
            "with op.get_context().autocommit_block():\n        "
            "op.execute('CREATE INDEX i ON orders (a)')",
            "with op.get_context().autocommit_block():\n        "
            "op.execute('CREATE INDEX CONCURRENTLY i ON orders (a)')",
        ),
        (  # in its transaction that would fail
            "op.execute('CREATE INDEX i ON orders (a)')",
            "op.execute('CREATE INDEX i ON orders (a)')",
        ),
        (  # no literal
            "with op.get_context().autocommit_block():\n        "
            "op.create_index('i', 'orders', ['a'])",
            "with op.get_context().autocommit_block():\n        "
            "op.create_index('i', 'orders', ['a'])",
        ),
        (
            'op.execute("""\n        SET statement_timeout = 30;  -- short\n    """)',
            'op.execute("""\n        SET statement_timeout = \'30s\';  -- short\n    """)',
        ),
        (  # the quotes would end the literal
            "op.execute('SET statement_timeout = 30')",
            "op.execute('SET statement_timeout = 30')",
        ),
        (  # not as it stands
            "op.execute('SET statement_timeout '\n        '= 30')",
            "op.execute('SET statement_timeout '\n        '= 30')",
        ),
    ],
)
def test_a_literal_of_a_revision(folder: Path, call: str, fixed: str) -> None:
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
    versions = folder / "m" / "versions"
    versions.mkdir(parents=True)
    (folder / "m" / "env.py").write_text("")
    template = REVISION.format(id="a1", down=None, sql="SELECT 1").replace(
        'op.execute("SELECT 1")', "{}"
    )
    path = versions / "a1.py"
    path.write_text(template.format(call))
    lint("--fix")
    assert path.read_text() == template.format(fixed)
