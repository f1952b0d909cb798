"""What linting a plain SQL file imports: its price is its start, so the list is guarded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DEAR = (  # each of these takes longer than to lint a small file
    "alembic",
    "asyncio",
    "difflib",
    "hashlib",
    "importlib.metadata",
    "importlib.resources",
    "pglast.enums.nodes",
    "psycopg",
    "rich",
    "shutil",
    "sqlalchemy",
    "subprocess",
    "xml",
)
ASK = """
import json, sys
from zero_downtime_cli import main
try:
    main()
except SystemExit as done:
    print(json.dumps([done.code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize("shape", ["json", "text"])
def test_a_plain_sql_file_is_linted_without_what_it_does_not_need(
    tmp_path: Path, shape: str
) -> None:
    (tmp_path / "m.sql").write_text("ALTER TABLE orders ADD COLUMN gift boolean;")
    told = subprocess.run(
        [sys.executable, "-c", ASK, "lint", "m.sql", "--format", shape],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    code, loaded = json.loads(told.stderr)
    assert code in (0, 1) and "no-lock-timeout" in told.stdout
    assert not [name for name in DEAR if name in loaded]


def test_pglast_is_whole_for_others() -> None:
    """The parser comes without its package; who imports the package afterwards gets all of it."""
    program = """
from zero_downtime.sql.tree import NotParsed, parse
assert parse("SELECT 1")[0] == "SelectStmt"
import pglast
assert pglast.parse_sql("SELECT 1")[0].stmt.targetList
from pglast import Error, ast, enums, parser
from pglast.stream import RawStream
assert issubclass(parser.ParseError, Error) and ast.SelectStmt and enums.LockClauseStrength
assert RawStream()("select 1") == "SELECT 1"
try:
    pglast.parse_sql("SELEC 1")
except Error:
    print("whole")
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert told.stdout == "whole\n", told.stderr
