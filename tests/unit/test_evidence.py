"""What declared models map, read from their source; drops that are judged by it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from zero_downtime.lint.models import read_models
from zero_downtime_cli.main import zd

MODELS = """
class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text}

class Stamped:
    made: Mapped[datetime] = mapped_column(server_default=func.now())

class Person(Stamped, Base):
    __tablename__ = "people"
    __table_args__ = (Index("i", "name"), {"schema": "crm"})
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    mail = sa.Column("e_mail", sa.Text)
    photo = deferred(Column(LargeBinary))
    pets: Mapped[list["Pet"]] = relationship(back_populates="owner")

    @declared_attr
    def owner_id(cls):
        return mapped_column(ForeignKey("people.id"))

class Employee(Person):
    salary: Mapped[int | None]

class Pet(Foreign, Base):
    __tablename__ = "pets"
    id = Column(Integer)

class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str
    team: Team | None = Relationship(back_populates="heroes")

tags = Table("tags", metadata, Column("tag", Text), schema="blog")
"""


@pytest.mark.parametrize(
    ("table", "column", "mapped"),
    [
        ("crm.people", None, True),
        ("crm.people", "made", True),
        ("crm.people", "name", True),
        ("crm.people", "e_mail", True),
        ("crm.people", "mail", False),
        ("crm.people", "photo", True),
        ("crm.people", "pets", False),
        ("crm.people", "owner_id", True),
        ("crm.people", "salary", True),
        ("crm.people", "gone", False),
        ("public.people", None, False),
        ("public.pets", "id", True),
        ("public.pets", "any", None),  # its base stands elsewhere
        ("public.hero", "name", True),
        ("public.hero", "id", True),
        ("public.hero", "team", False),
        ("blog.tags", "tag", True),
        ("blog.tags", "other", False),
    ],
)
def test_what_is_mapped(table: str, column: str | None, mapped: bool | None) -> None:
    models = read_models([MODELS])
    assert models is not None
    assert models.maps(table, column) is mapped


@pytest.mark.parametrize(
    "source",
    [
        "class Base:\n    @declared_attr\n    def __tablename__(cls): return cls.__name__\n"
        "class A(Base):\n    id = Column(Integer)\n",
        "t = Table(prefix + 'a', metadata)",
        "class A(Base):\n    __tablename__ = PREFIX + 'a'",
        "def broken(:",
        "metadata.reflect(engine)",
        "metadata = MetaData(schema=settings.schema)",
        "class A(Base):\n    __tablename__ = 'x'\n    __table_args__ = {'schema': SCHEMA}",
        "class A(Base):\n    __tablename__ = 'x'\n    __table_args__ = ARGS",
        "t = Table('x', metadata, schema=SCHEMA)",
    ],
)
def test_a_computed_name_leaves_it_open(source: str) -> None:
    models = read_models([MODELS, source])
    assert models is not None
    assert models.maps("public.a", None) is None
    assert models.maps("crm.people", "gone") is False


def test_a_column_from_a_helper_leaves_its_table_open() -> None:
    models = read_models(["class A(Base):\n    __tablename__ = 'a'\n    x = make_column()\n"])
    assert models is not None
    assert models.maps("public.a", "y") is None


def test_the_schema_of_the_metadata_is_that_of_its_tables() -> None:
    models = read_models(
        ["Base = declarative_base(metadata=MetaData(schema='crm'))\n" + MODEL, "x = MetaData()"]
    )
    assert models is not None
    assert models.maps("crm.people", "name") is True
    assert models.maps("crm.people", "mail") is False
    assert models.maps("crm.others", None) is False


def test_classes_of_one_name_in_several_modules_are_several() -> None:
    one = "class Item(Base):\n    __tablename__ = 'a'\n    x = Column(Text)\n"
    models = read_models([one, one.replace("'a'", "'b'"), "class Base(DeclarativeBase): pass"])
    assert models is not None
    assert [models.maps(f"public.{name}", "x") for name in "abc"] == [True, True, False]


def test_the_store_is_read_to_the_end() -> None:
    folder = Path(__file__).parents[2] / "schemas"
    models = read_models(path.read_text("utf-8") for path in folder.rglob("*.py"))
    assert models is not None
    assert (models.complete, models.open_tables) == (True, frozenset())
    assert models.maps("public.accounts", "locale") is True
    assert models.maps("public.accounts", "nickname") is False


def test_no_models_are_no_evidence() -> None:
    assert read_models(["import os", ""]) is None


DROP = "SET lock_timeout = '1s';\nALTER TABLE people DROP COLUMN mail;\n"
MODEL = "class Person(DeclarativeBase):\n    __tablename__ = 'people'\n    name: Mapped[str]\n"
OLD = MODEL + "    mail: Mapped[str]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "m.sql").write_text(DROP)
    return tmp_path


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.mark.parametrize("settings", ["[tool.zero_downtime]\nschemas = 'models'\n"])
@pytest.mark.parametrize(("at_base", "code"), [(OLD, 1), (MODEL, 0)])
def test_the_models_of_the_base_decide(
    folder: Path, settings: str, at_base: str, code: int
) -> None:
    (folder / "zd.toml").write_text(settings)
    (folder / "models" / "person.py").write_text(at_base)
    git("init", "-b", "trunk")
    git("add", "models")
    git("commit", "-m", "first")
    (folder / "models" / "person.py").write_text(MODEL)
    arguments = ["lint", "m.sql", "--config", "zd.toml", "--diff", "trunk", "--fail-on", "warning"]
    result = CliRunner().invoke(zd, arguments)
    assert result.exit_code == code, result.output
    assert ("declared models still map" in result.stdout) == bool(code)


@pytest.mark.parametrize(("at_base", "code"), [(OLD, 1), (MODEL, 0)])
def test_beside_revisions_the_models_may_stand_anywhere(
    folder: Path, at_base: str, code: int
) -> None:
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = .\n")
    (folder / "versions").mkdir()
    (folder / "env.py").write_text("")
    (folder / "models" / "person.py").write_text(at_base)
    git("init", "-b", "trunk")
    git("add", ".")
    git("commit", "-m", "first")
    statements = "".join(f"    op.execute({line!r})\n" for line in DROP.split("\n") if line)
    (folder / "versions" / "a.py").write_text(
        "from alembic import op\nrevision = 'a'\ndown_revision = None\n"
        f"def upgrade():\n{statements}def downgrade():\n    op.execute('SELECT 1')\n"
    )
    result = CliRunner().invoke(zd, ["lint", "--diff", "trunk"])
    assert result.exit_code == code, result.output
    (folder / "m.sql").write_text(DROP + ";")
    assert CliRunner().invoke(zd, ["lint", "m.sql", "--diff", "trunk"]).exit_code == 1


def test_a_comment_that_the_models_make_superfluous_is_not_told(folder: Path) -> None:
    (folder / "zd.toml").write_text("[tool.zero_downtime]\nschemas = 'models'\n")
    (folder / "models" / "person.py").write_text(MODEL)
    comment = "-- zd: ignore[drop-column] nobody reads it\n"
    arguments = ["lint", "m.sql", "--config", "zd.toml", "--fail-on", "warning"]
    (folder / "m.sql").write_text(DROP.replace("ALTER", comment + "ALTER"))
    assert CliRunner().invoke(zd, arguments).exit_code == 0
    (folder / "m.sql").write_text(comment + "SELECT 1")
    assert "unused-suppression" in CliRunner().invoke(zd, arguments).stdout


@pytest.mark.parametrize(("now", "code"), [(OLD, 1), (MODEL, 0), ("", 1)])
def test_without_a_base_the_schema_modules_decide(folder: Path, now: str, code: int) -> None:
    (folder / "zd.toml").write_text("[tool.zero_downtime]\nschemas = 'models'\n")
    (folder / "models" / "person.py").write_text(now)
    result = CliRunner().invoke(zd, ["lint", "m.sql", "--config", "zd.toml"])
    assert result.exit_code == code, result.output
