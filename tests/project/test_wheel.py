"""What a user gets: the wheel, in an environment with nothing of this repository in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), ROOT],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_two_packages_and_nothing_else_at_its_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {
        "zero_downtime",
        "zero_downtime_cli",
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "zero_downtime/py.typed" in names
    checked = subprocess.run(
        [sys.executable, "-m", "check_wheel_contents", str(wheel)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_an_installed_zd_works_beside_folders_of_our_names(wheel: Path, tmp_path: Path) -> None:
    """The wheel's own files, the dependencies of this environment, a stranger's project."""
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    project = tmp_path / "project"
    for folder in ("cli", "schemas", "migrations", "tests"):
        (project / folder).mkdir(parents=True)
        (project / folder / "__init__.py").write_text("raise SystemExit('a stranger was imported')")
    (project / "change.sql").write_text("CREATE INDEX i ON orders (customer_id);\n")
    code = "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    code += "import zero_downtime; assert sys.path[0] in zero_downtime.__file__; "
    code += "from zero_downtime_cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(site), "lint", "change.sql"],
        capture_output=True,
        text=True,
        cwd=project,
        env={**os.environ, "PYTHONSAFEPATH": "1", "NO_COLOR": "1"},
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "index-not-concurrent" in done.stdout
