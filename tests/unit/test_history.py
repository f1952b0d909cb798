"""Reading a history and rendering its revisions, without a server."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from zero_downtime import environment
from zero_downtime.errors import HistoryError, NotRenderable, SeveralDatabases
from zero_downtime.history import History, Revision, read_history
from zero_downtime.history.rendering import parts, render
from zero_downtime.history.seal import edited, generated, sealed
from zero_downtime.project import Project, find_project
from zero_downtime.sql.statement import Direction

PROJECTS = Path(__file__).parent.parent / "projects"
CONFIGURATION = {
    "clinic": "alembic.ini",
    "ledger": "pyproject.toml",
    "telemetry": "alembic.ini",
    "warehouses": "alembic.ini",
}


def stranger(name: str) -> Project:
    return find_project(PROJECTS / name / CONFIGURATION[name])


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project whose env.py must not be run."""
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text("raise AssertionError\n")
    yield find_project(tmp_path / "alembic.ini")


def write(
    project: Project,
    id: str,
    down: str | None = None,
    upgrade: str = "pass",
    downgrade: str = "pass",
    more: str = "",
) -> Path:
    path = project.root / "migrations" / "versions" / f"{id}.py"
    path.write_text(
        f'"""revision {id}"""\n'
        "import sqlalchemy as sa\n"
        "from alembic import context, op\n"
        f"revision = {id!r}\n"
        f"down_revision = {down!r}\n"
        f"{more}\n"
        f"def upgrade():\n{indented(upgrade)}\n"
        f"def downgrade():\n{indented(downgrade)}\n"
    )
    return path


def indented(code: str) -> str:
    return "\n".join(f"    {line}" for line in dedent(code).strip().split("\n"))


def only(project: Project, direction: Direction = "upgrade") -> tuple[Project, Revision, Direction]:
    (revision,) = read_history(project)
    return project, revision, direction


def ids(history: History) -> list[str]:
    return [revision.id for revision in history]


def test_branches_come_before_their_merge() -> None:
    history = read_history(stranger("clinic"))
    order = ids(history)
    assert len(order) == 7
    assert order[:2] == ["1c7e0f2a9b31", "5d90b1c3e7aa"]
    assert set(order[2:4]) == {"8a41f6d2c055", "b7730e91d4f8"}
    assert order[4:] == ["c2e5518f0d6b", "d91c3a7746e0", "e6f0427b8c19"]
    merge = history.revision("c2e5518f0d6b")
    assert set(merge.down) == {"8a41f6d2c055", "b7730e91d4f8"}
    assert [each.id for each in history.ancestors(merge)] == order[:4]


def test_several_version_locations_and_dependencies_between_branches() -> None:
    history = read_history(stranger("ledger"))
    assert sorted(ids(history)) == ["0001", "0002", "0003", "0004", "r001", "r002"]
    assert history.revision("r001").depends_on == ("0001",)
    assert history.revision("r001").labels == ("reporting",)
    assert history.revision("0004").parents == ("0003", "r002")
    # r002 has no child, but 0004 depends on it: a database has one revision in the end.
    assert history.heads == ("0004",)
    head = history.head()
    assert head is not None and head.message == "amounts in cents"
    assert ids(history).index("r002") < ids(history).index("0004")


def test_a_revision_is_named_by_those_behind_it() -> None:
    history = read_history(stranger("clinic"))
    assert history.revision("-1").id == history.revision("head-1").id == "d91c3a7746e0"
    assert history.revision("head-2").id == history.revision("d91c-1").id == "c2e5518f0d6b"
    with pytest.raises(HistoryError, match=r"no one revision is 3 before: 2 .*two branches meet"):
        history.revision("head-3")
    with pytest.raises(HistoryError, match=r"no one revision is 2 before: 1 .*history begins"):
        history.revision("5d90b1c3e7aa-2")


def test_the_phase_is_the_attribute_of_the_module(project: Project) -> None:
    write(project, "aa", more="phase = 'contract'")
    write(project, "bb", "aa")
    assert [revision.phase for revision in read_history(project)] == ["contract", None]


def test_an_empty_history_has_no_head(project: Project) -> None:
    history = read_history(project)
    assert len(history) == 0 and history.head() is None


def test_two_heads_are_named_where_one_is_needed(project: Project) -> None:
    write(project, "aa")
    write(project, "bb", "aa")
    write(project, "cc", "aa")
    history = read_history(project)
    assert set(history.heads) == {"bb", "cc"}
    with pytest.raises(HistoryError, match=r"2 heads: .*bb\.py.*alembic merge heads"):
        history.head()


def test_a_syntax_error_is_told_with_its_line(project: Project) -> None:
    path = write(project, "aa", upgrade="op.execute(")
    with pytest.raises(HistoryError) as caught:
        read_history(project)
    assert str(caught.value) == (f"{path}:8: a syntax error ('(' was never closed). Mend that line")


def test_an_import_that_fails_is_told_with_its_line(project: Project) -> None:
    path = write(project, "aa", more="import no_such_module")
    with pytest.raises(HistoryError) as caught:
        read_history(project)
    assert str(caught.value) == (
        f"{path}:6: the file does not load, ModuleNotFoundError: "
        "No module named 'no_such_module'. Install it beside zd, or check prepend_sys_path"
    )


def test_a_file_that_fails_to_load_keeps_its_place_where_that_will_do(project: Project) -> None:
    write(project, "aa")
    write(project, "bb", "aa", more="raise ImportError")
    write(project, "cc", "bb", upgrade="op.execute('SELECT 1')")
    history = read_history(project, all_load=False)
    assert [revision.id for revision in history] == ["aa", "bb", "cc"]
    with pytest.raises(HistoryError, match=r"bb\.py:6: the file does not load"):
        render(project, history.revision("bb"), "upgrade")
    assert [each.sql for each in render(project, history.revision("cc"), "upgrade")] == ["SELECT 1"]


def test_revisions_in_folders_that_alembic_does_not_enter_are_told(project: Project) -> None:
    path = write(project, "aa")
    (path.parent / "2023").mkdir()
    path.rename(path.parent / "2023" / "aa.py")
    with pytest.raises(HistoryError, match=r"2023/aa\.py looks like one.*recursive_version_loc"):
        read_history(project)
    ini = project.root / "alembic.ini"
    ini.write_text(ini.read_text() + "recursive_version_locations = true\n")
    assert len(read_history(find_project(ini))) == 1


def test_revisions_in_folders_that_are_not_named_are_told(project: Project) -> None:
    versions = write(project, "aa").parent
    versions.rename(versions.parent / "main_versions")
    with pytest.raises(HistoryError, match=r"main_versions/aa\.py looks like one.*version_loc"):
        read_history(project)


def test_a_missing_parent_is_told_with_its_line(project: Project) -> None:
    path = write(project, "bb", "aa")
    with pytest.raises(HistoryError) as caught:
        read_history(project)
    assert str(caught.value) == (
        f"{path}:5: down_revision names aa, which no file of the history has. "
        "Correct the id, or bring the missing file back"
    )


def test_a_file_without_down_revision_is_refused(project: Project) -> None:
    path = write(project, "aa")
    path.write_text(path.read_text().replace("down_revision = None", ""))
    with pytest.raises(HistoryError, match="no variable named down_revision"):
        read_history(project)


def test_an_id_given_twice_is_refused(project: Project) -> None:
    path = write(project, "aa")
    shutil.copy(path, path.with_name("copy.py"))
    with pytest.raises(HistoryError, match=r"revision aa is also that of .*aa\.py"):
        read_history(project)


def test_a_circle_is_refused(project: Project) -> None:
    write(project, "aa", "bb")
    write(project, "bb", "aa")
    with pytest.raises(HistoryError, match=r"[Cc]ycle"):
        read_history(project)


def test_a_statement_has_the_place_of_the_call(project: Project) -> None:
    path = write(project, "aa", upgrade="x = 1\nop.execute(\n    'SELECT 1'\n)")
    (statement,) = render(*only(project))
    assert statement.sql == "SELECT 1"
    assert (statement.revision, statement.direction, statement.transaction) == ("aa", "upgrade", 0)
    place = statement.location
    assert (place.file, place.line, place.column) == (str(path), 9, 5)
    assert (place.end_line, place.end_column) == (11, 6)


def test_batch_operations_have_their_own_lines(project: Project) -> None:
    write(
        project,
        "aa",
        upgrade="""
            with op.batch_alter_table("t") as batch:
                batch.add_column(sa.Column("a", sa.Integer))
                batch.drop_column("b")
            """,
    )
    assert [(each.location.line, each.sql) for each in render(*only(project))] == [
        (9, "ALTER TABLE t ADD COLUMN a INTEGER"),
        (10, "ALTER TABLE t DROP COLUMN b"),
    ]


def test_a_text_of_several_statements_is_split(project: Project) -> None:
    write(
        project,
        "aa",
        upgrade='op.execute("""\n-- first;\nUPDATE t SET a = \';\';\n\nSELECT 100 % 7;\n""")',
    )
    assert [each.sql for each in render(*only(project))] == [
        "-- first;\n    UPDATE t SET a = ';'",
        "SELECT 100 % 7",
    ]


def test_values_are_rendered_as_literals(project: Project) -> None:
    write(
        project,
        "aa",
        upgrade="""
            import datetime
            t = op.create_table("t", sa.Column("a", sa.Text), sa.Column("j", sa.JSON))
            op.bulk_insert(t, [{"a": "o'x%", "j": {"k": 1}}, {"a": None, "j": [True]}])
            op.execute(sa.text("UPDATE t SET a = :a").bindparams(a="100%"))
            op.get_bind().execute(
                sa.text("UPDATE t SET d = :d WHERE a IN :names").bindparams(
                    sa.bindparam("names", expanding=True)
                ),
                {"d": datetime.date(2024, 2, 29), "names": ["x", "y"]},
            )
            op.execute(sa.text("DELETE FROM t WHERE a IN :a").bindparams(a=("x", "y")))
            """,
    )
    assert [each.sql for each in render(*only(project))] == [
        "CREATE TABLE t (\n    a TEXT,\n    j JSON\n)",
        "INSERT INTO t (a, j) VALUES ('o''x%', '{\"k\": 1}'::JSON), (NULL, '[true]'::JSON)",
        "UPDATE t SET a = '100%'",
        "UPDATE t SET d = '2024-02-29'::date WHERE a IN ('x', 'y')",
        "DELETE FROM t WHERE a IN ('x', 'y')",
    ]


def test_autocommit_blocks_separate_transactions(project: Project) -> None:
    write(
        project,
        "aa",
        upgrade="""
            op.execute("SELECT 1")
            with op.get_context().autocommit_block():
                op.create_index("i", "t", ["a"], postgresql_concurrently=True)
            op.execute("SELECT 2")
            op.execute("SELECT 3")
            """,
    )
    assert [(each.transaction, each.sql) for each in render(*only(project))] == [
        (0, "SELECT 1"),
        (None, "CREATE INDEX CONCURRENTLY i ON t (a)"),
        (1, "SELECT 2"),
        (1, "SELECT 3"),
    ]


def test_the_naming_convention_of_env_py_is_used() -> None:
    project = stranger("telemetry")
    revision = read_history(project).revision("b7c9d0f13a52")
    assert any(
        "ADD CONSTRAINT fk_reading_device_id_device" in each.sql
        for each in render(project, revision, "upgrade")
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("sa.inspect(op.get_bind()).get_columns('t')", "it inspects the database"),
        ("op.get_bind().execute(sa.text('SELECT 1')).scalar()", "it reads from the database"),
        ("[r for r in op.get_bind().execute(sa.text('SELECT 1'))]", "it reads from the database"),
        ("context.is_offline_mode()", "it asks whether it runs offline"),
        ("sa.Table('t', sa.MetaData(), autoload_with=op.get_bind())", "it inspects the database"),
        ("raise NotImplementedError('no way back')", "NotImplementedError: no way back"),
        (
            "try:\n    op.get_bind().scalar(sa.text('SELECT 1'))\nexcept Exception:\n    pass",
            "it reads from the database",
        ),
    ],
)
def test_a_revision_that_needs_a_database_is_not_rendered(
    project: Project, code: str, reason: str
) -> None:
    path = write(project, "aa", upgrade=code)
    with pytest.raises(NotRenderable) as caught:
        render(*only(project))
    line = 9 if code.startswith("try") else 8
    assert str(caught.value) == (
        f"{path}:{line}: this revision has no SQL without a database ({reason})."
    )


def test_results_that_nobody_looks_at_need_no_database(project: Project) -> None:
    write(
        project,
        "aa",
        upgrade="""
            bind = op.get_bind()
            if bind.dialect.name == "postgresql":
                bind.execute(sa.text("UPDATE t SET a = 1"))
            sa.Enum("x", "y", name="e").create(bind, checkfirst=True)
            """,
    )
    assert [each.sql for each in render(*only(project))] == [
        "UPDATE t SET a = 1",
        "CREATE TYPE e AS ENUM ('x', 'y')",
    ]


def test_a_revision_for_several_databases_is_refused() -> None:
    project = stranger("warehouses")
    (revision,) = read_history(project)
    with pytest.raises(SeveralDatabases, match=r"3f1d_shelves\.py:10: .*upgrade\(\) takes engine"):
        render(project, revision, "upgrade")


def test_modules_of_two_projects_with_the_same_names_do_not_mix(tmp_path: Path) -> None:
    for name in ("one", "two"):
        root = tmp_path / name
        (root / "migrations" / "versions").mkdir(parents=True)
        (root / "alembic.ini").write_text(
            "[alembic]\nscript_location = migrations\nprepend_sys_path = .\n"
        )
        (root / "settings_of_test.py").write_text(f"TABLE = {name!r}\n")
        project = find_project(root / "alembic.ini")
        write(project, "aa", upgrade="op.drop_table(TABLE)", more="from settings_of_test import *")
    before = list(sys.path)
    for name in ("one", "two", "one"):
        (statement,) = render(*only(find_project(tmp_path / name / "alembic.ini")))
        assert statement.sql == f"DROP TABLE {name}"
    assert sys.path == before


def test_a_folder_named_like_an_installed_package_does_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, root = tmp_path / "site", tmp_path / "root"
    for folder in (site, root):
        (folder / "package_of_test").mkdir(parents=True)
        (folder / "package_of_test" / "__init__.py").write_text(f"WHERE = {folder.name!r}\n")
    (root / "migrations" / "versions").mkdir(parents=True)
    ini = root / "alembic.ini"
    ini.write_text("[alembic]\nscript_location = migrations\nprepend_sys_path = .\n")
    project = find_project(ini)
    write(
        project,
        "aa",
        upgrade="op.drop_table(package_of_test.WHERE)",
        more="import package_of_test",
    )
    monkeypatch.syspath_prepend(str(site))
    loaded = importlib.import_module("package_of_test")
    # The sources of another project, loaded before: not meant.
    (statement,) = render(*only(project))
    assert statement.sql == "DROP TABLE root"
    assert sys.modules["package_of_test"] is loaded
    # An installed package, which is loaded already: it stays, as it would under alembic.
    (site / "package_of_test-1.dist-info").mkdir()
    environment._installations.cache_clear()
    (statement,) = render(*only(project))
    assert statement.sql == "DROP TABLE site"
    del sys.modules["package_of_test"]


def test_a_generated_revision_knows_whether_it_was_edited(project: Project) -> None:
    path = write(project, "aa")
    (revision,) = read_history(project)
    assert not generated(revision) and not edited(revision)
    path.write_text(sealed(path.read_text()))
    assert generated(revision) and not edited(revision)
    assert sealed(path.read_text()) == path.read_text()
    path.write_text(path.read_text().replace("pass", "return"))
    assert generated(revision) and edited(revision)


def test_a_text_that_does_not_parse_stays_whole() -> None:
    assert parts("SELECT 1; SELEC 2;") == ["SELECT 1; SELEC 2;"]
    assert parts("-- nothing") == []
