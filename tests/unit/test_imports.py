"""The picture of imports: no circle anywhere, and a command line that holds no logic."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "cli" / "zero_downtime_cli" / "commands"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = grimp.build_graph("zero_downtime", "zero_downtime_cli", cache_dir=None)
    imports = {
        module: graph.find_modules_directly_imported_by(module)
        # A package's __init__ offers what its modules define: that is no circle.
        for module in graph.modules
    }
    order = list(TopologicalSorter(imports).static_order())  # CycleError names the circle
    assert "zero_downtime.errors" in order


def test_commands_hold_no_logic() -> None:
    """A command parses options, calls the library, renders: no loops, few decisions, no SQL."""
    for path in COMMANDS.glob("*.py"):
        tree = ast.parse(path.read_text())
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.While | ast.For)]
        assert not loops, path
        branches = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
        assert len(branches) <= 6, path
        imported = {
            (node.module or "").split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        } | {
            name.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for name in node.names
        }
        assert not imported & {"psycopg", "sqlalchemy", "alembic", "pglast"}, path
