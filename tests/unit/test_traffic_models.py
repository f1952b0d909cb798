"""What the models of a commit know, beside those of the checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from zero_downtime.lint.git import Base
from zero_downtime.project import Project
from zero_downtime.rehearse.traffic.models import read_models

MODELS = """
import sqlalchemy as sa
from shared import name
metadata = sa.MetaData()
people = sa.Table("people", metadata, sa.Column("id", sa.Integer, primary_key=True), name())
"""
SHARED = "import sqlalchemy as sa\ndef name(): return sa.Column({0!r}, sa.Text)\n"


def commit(root: Path) -> None:
    for words in ("init -q -b main", "add .", "-c user.name=x -c user.email=x commit -qm x"):
        subprocess.run(["git", *words.split()], cwd=root, check=True)


def test_the_models_of_a_commit(make_project: Callable[..., Project]) -> None:
    plain = make_project("pass")
    project = structs.replace(plain, config=structs.replace(plain.config, schemas="models"))
    models = plain.root / "models"
    models.mkdir()
    (models / "people.py").write_text(MODELS)
    (models / "shared.py").write_text(SHARED.format("nick"))
    (models / "logs.sql").write_text("CREATE TABLE logs (at date) PARTITION BY RANGE (at);")
    commit(plain.root)
    (models / "shared.py").write_text(SHARED.format("name"))
    (models / "logs.sql").unlink()
    found = read_models(project, Base("main", plain.root))
    assert found.new == {"public.people": ["id", "name"]}
    assert found.old == {"public.people": ["id", "nick"], "public.logs": ["at"]}
    assert found.notes == ()
    assert (models / "shared.py").read_text() == SHARED.format("name")
    (models / "shared.py").write_text("import no_such_module")
    commit(plain.root)
    (models / "shared.py").write_text(SHARED.format("name"))
    found = read_models(project, Base("main", plain.root))
    assert (found.old, found.new) == (None, {"public.people": ["id", "name"]})
    (note,) = found.notes
    assert note.startswith("the old application is made up without the models of main (")
    assert "models/shared.py:1: " in note
    assert "No module named 'no_such_module'" in note


def test_without_models_the_catalog_tells(make_project: Callable[..., Project]) -> None:
    project = make_project("pass")
    commit(project.root)
    found = read_models(project, Base("main", project.root))
    assert (found.old, found.new, found.notes) == (None, None, ())
