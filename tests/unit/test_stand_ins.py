"""Revisions that import packages which are not installed here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from zero_downtime.errors import HistoryError
from zero_downtime.history import read_history
from zero_downtime.history.rendering import render
from zero_downtime.project import find_project
from zero_downtime_cli.main import zd

REVISION = '''"""a revision"""
import sqlalchemy as sa
from alembic import op
{imports}
revision = "aa"
down_revision = None

def upgrade():
    {upgrade}

def downgrade():
    op.drop_table("t")
'''


def rendered(folder: Path, imports: str, upgrade: str) -> list[str]:
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/m\n")
    (folder / "m" / "versions").mkdir(parents=True)
    (folder / "m" / "env.py").write_text("")
    path = folder / "m" / "versions" / "aa.py"
    path.write_text(REVISION.format(imports=imports, upgrade=upgrade))
    project = find_project(folder / "alembic.ini")
    (revision,) = read_history(project, all_load=False)
    return [statement.sql for statement in render(project, revision, "upgrade")]


@pytest.mark.parametrize(
    ("imports", "given", "shown"),
    [
        ("import lost", "lost.types.Money(3)", '"lost.types.Money"'),
        ("import lost.types", "lost.types.Money", '"lost.types.Money"'),
        ("from lost.types import Money as M", "M(sa.Integer())", '"lost.types.Money"'),
        ("from lost import types", "sa.ARRAY(types.Money())", '"lost.types.Money"[]'),
        ("import lost\nMONEY = lost.Money()", "MONEY", '"lost.Money"'),
    ],
)
def test_a_column_type_is_told_by_its_name(
    tmp_path: Path, imports: str, given: str, shown: str
) -> None:
    upgrade = f"op.add_column('t', sa.Column('price', {given}, nullable=True))"
    assert rendered(tmp_path, imports, upgrade) == [f"ALTER TABLE t ADD COLUMN price {shown}"]
    assert not any(name.partition(".")[0] == "lost" for name in sys.modules)


def test_what_needs_no_answer_of_it_is_told(tmp_path: Path) -> None:
    upgrade = """
    from lost.types import Money
    op.create_table("t", sa.Column("price", Money()))
    op.alter_column("t", "price", existing_type=Money(), nullable=False)
    """.strip()
    create, alter = rendered(tmp_path, "", upgrade)
    assert '"lost.types.Money"' in create
    assert alter == "ALTER TABLE t ALTER COLUMN price SET NOT NULL"


@pytest.mark.parametrize(
    ("upgrade", "said"),
    [
        ("lost.change(op)", r"it calls lost\.change\(\)"),
        ("if lost.is_done(): return", r"it calls lost\.is_done\(\)"),
        ("done = lost.is_done()", r"it calls lost\.is_done\(\)"),
        ("if lost.DONE: return", r"it uses lost\.DONE"),
        ("if lost.KIND == 'x': return", r"it uses lost\.KIND"),
        ("for name in lost.NAMES: op.drop_table(name)", r"it uses lost\.NAMES"),
        ("op.execute(f'DROP TABLE {lost.NAME}')", r"it uses lost\.NAME"),
        ("op.execute(str(lost.name()))", r"it uses lost\.name"),
        ("op.execute('DROP TABLE ' + lost.NAME)", r"it uses lost\.NAME"),
        ("op.execute('DROP TABLE %s' % lost.NAME)", r"it uses lost\.NAME"),
        ("op.execute(list(lost.names())[0])", r"it uses lost\.names"),
        ("with lost.quiet: pass", r"it uses lost\.quiet"),
        (
            "op.add_column('t', sa.Column('a', sa.Text, server_default=lost.NONE))",
            "it uses more than a type of it",
        ),
    ],
)
def test_what_only_the_package_knows_is_refused(tmp_path: Path, upgrade: str, said: str) -> None:
    sentence = (
        rf"aa\.py:9: {said}, and without the package lost nobody knows what that does\. "
        "Install it beside zd, or check prepend_sys_path"
    )
    with pytest.raises(HistoryError, match=sentence):
        rendered(tmp_path, "import lost", upgrade)


@pytest.mark.parametrize(
    ("assigned", "labels"),
    [
        ('branch_labels = ("first", lost.BRANCH)', ("first",)),
        ("branch_labels = (lost.BRANCH,)", ()),
        ("branch_labels = lost.BRANCH", ()),
    ],
)
def test_a_branch_label_of_it_is_given_up(
    tmp_path: Path, assigned: str, labels: tuple[str, ...]
) -> None:
    assert rendered(tmp_path, f"import lost\n{assigned}", "op.execute('SELECT 1')") == ["SELECT 1"]
    (revision,) = read_history(find_project(tmp_path / "alembic.ini"), all_load=False)
    assert revision.labels == labels


def test_a_parent_of_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"aa\.py:4: .* No module named 'lost'"):
        rendered(tmp_path, "import lost\ndepends_on = (lost.PARENT,)", "pass")


def test_a_package_that_is_there_but_does_not_load_is_missing_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lamed").mkdir()
    (tmp_path / "lamed" / "__init__.py").write_text("import lost\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    upgrade = "op.add_column('t', sa.Column('a', lamed.Money()))"
    assert rendered(tmp_path, "import lamed", upgrade) == [
        'ALTER TABLE t ADD COLUMN a "lamed.Money"'
    ]


def test_lint_says_which_revision_it_could_not_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(HistoryError):
        rendered(tmp_path, "import lost", "lost.change(op)")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(zd, ["lint"])
    assert "aa.py:1: not looked into: upgrade: m/versions/aa.py:9: it calls" in result.stdout
    assert "drop-table" in result.stdout
    assert "Not analysed: 1 revision." in result.stdout
