"""Tests of a project's migrations, for pytest.

In ``conftest.py``::

    pytest_plugins = ["zero_downtime.pytest_plugin"]
    zero_downtime_config = "pyproject.toml"  # or "alembic.ini", beside this file or above it

and every revision has its tests: it goes up, down and up again with rows in the tables, its locks
keep to the budget under traffic, it is lint-clean; the history has one head, and leads to what the
models say. A line ``zero_downtime_diff = "origin/main"`` leaves the tests of single revisions to
those that a branch adds or edits. Without the second line there are only the fixtures, and tests
can be imported by name into a module of one's own; the four that pytest-alembic has are called as
there.
"""

from zero_downtime.pytest_plugin.collect import (
    pytest_collect_file,
    pytest_configure,
    pytest_generate_tests,
    pytest_itemcollected,
    pytest_runtest_call,
    pytest_runtest_setup,
)
from zero_downtime.pytest_plugin.fixtures import (
    migration_server,
    migrations,
    revision,
)
from zero_downtime.pytest_plugin.tests import (
    test_model_definitions_match_ddl,
    test_revision_is_lint_clean,
    test_revision_keeps_to_its_budget,
    test_revision_rolls_back,
    test_single_head_revision,
    test_up_down_consistency,
    test_upgrade,
)

__all__ = [
    "migration_server",
    "migrations",
    "pytest_collect_file",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_itemcollected",
    "pytest_runtest_call",
    "pytest_runtest_setup",
    "revision",
    "test_model_definitions_match_ddl",
    "test_revision_is_lint_clean",
    "test_revision_keeps_to_its_budget",
    "test_revision_rolls_back",
    "test_single_head_revision",
    "test_up_down_consistency",
    "test_upgrade",
]
