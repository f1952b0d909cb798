"""The examples of docs/schema-modules.md, as one project, load on a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zero_downtime.config import read_config, read_toml
from zero_downtime.errors import SchemaError
from zero_downtime.postgres.server import EmbeddedServer
from zero_downtime.project import Project
from zero_downtime.schema.load import load_desired

PAGE = Path(__file__).parents[2] / "docs" / "schema-modules.md"


def blocks() -> dict[str, str]:
    """The code blocks by the file name in their first line."""
    found = re.findall(r"```(?:python|sql|toml)\n(?:#|--) (\S+)\n(.*?)```", PAGE.read_text(), re.S)
    return dict(found)


def project(folder: Path, files: dict[str, str]) -> Project:
    (folder / "schemas").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    toml = folder / "pyproject.toml"
    config = read_config(read_toml(toml)["tool"]["zero_downtime"], toml)
    return Project(folder, config, None, toml)


def test_all_examples_of_the_page_load_together(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    files = blocks()
    assert len(files) == len(re.findall(r"```(?:python|sql|toml)\n", PAGE.read_text()))
    with server.connect(database) as connection:
        try:
            declared = load_desired(project(tmp_path, files), connection)
            (count,) = connection.execute(
                "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relname IN ('orders', 'unpaid', 'orders_by_day', 'events_2027_03', "
                "'events_default', 'orders_placed', 'orders_paid', 'parcels')"
            ).fetchone() or (0,)
        finally:
            connection.execute("DROP OWNED BY docs_shop_app; DROP ROLE docs_shop_app")
    assert count == 8
    assert [(rename.old, rename.new) for rename in declared.renames] == [
        ("public.shipments", "public.parcels"),
        ("public.shipments.tracking_number", "public.parcels.tracking_code"),
        ("public.carrier.'truck'", "public.carrier.'road'"),
    ]
    assert {statement.location.file for statement in declared.statements} == {
        name for name in files if name not in {"pyproject.toml", "schemas/base.py"}
    }


def test_the_page_s_error_is_what_zd_says(
    tmp_path: Path, server: EmbeddedServer, database: str
) -> None:
    files = {
        name: text.replace("placed_at::date", "placd_at::date")
        for name, text in blocks().items()
        if name != "schemas/security.py"
    }
    with server.connect(database) as connection, pytest.raises(SchemaError) as caught:
        load_desired(project(tmp_path, files), connection)
    assert f"\nzd: {caught.value}\n" in PAGE.read_text()
