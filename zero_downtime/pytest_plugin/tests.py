"""The tests themselves. The first four are called as those of pytest-alembic."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from zero_downtime.history import Revision
from zero_downtime.pytest_plugin.migrations import Migrations
from zero_downtime.rehearse.judge import crash_reasons, rollback_reasons, run_reasons


def _refuse(lines: Iterable[str]) -> None:
    """Fail with these lines, if there are any: what is wrong is in the project, not in here."""
    said = "\n".join(lines)
    if said:
        pytest.fail(said, pytrace=False)


def test_single_head_revision(migrations: Migrations) -> None:
    """Two heads mean that two branches were merged without merging their migrations."""
    heads = migrations.history.heads
    _refuse([f"the history has {len(heads)} heads: {', '.join(heads)}"] if len(heads) > 1 else [])


def test_upgrade(migrations: Migrations) -> None:
    """All revisions apply, one after the other, to an empty database."""
    migrations.upgrade()


def test_model_definitions_match_ddl(migrations: Migrations) -> None:
    """The models say what the last revision leads to."""
    differences = migrations.differences_from_models()
    if differences is None:
        pytest.skip("the project has neither schema modules nor a target_metadata")
    _refuse(["models and migrations differ:", *differences] if differences else [])


def test_up_down_consistency(migrations: Migrations) -> None:
    """All revisions go up, down to nothing, and up again."""
    migrations.up_down_up()


def test_revision_rolls_back(migrations: Migrations, revision: Revision) -> None:
    """Up, down and up again with rows in the tables: catalog equal, no row lost or changed."""
    result = migrations.rehearsed(revision)
    if result is None:
        pytest.skip("a revision before it can't be applied")
    if result.rollback is None:
        _refuse(result.reasons)
    else:
        reasons, _ = rollback_reasons(result.rollback, result.phase)
        _refuse([*reasons, *crash_reasons(result.crashes)])


def test_revision_keeps_to_its_budget(migrations: Migrations, revision: Revision) -> None:
    """Under traffic nobody waits too long, no lock is held too long, no client gets an error."""
    result = migrations.rehearsed(revision)
    if result is None or result.rollback is None:
        pytest.skip("it can't be applied")
    tolerated = migrations.project.config.rehearse.tolerate
    _refuse(
        [
            *run_reasons(result.upgrade, "upgrade", migrations.budget, tolerated),
            *run_reasons(result.downgrade, "downgrade", migrations.budget, tolerated),
        ]
    )


def test_revision_is_lint_clean(migrations: Migrations, revision: Revision) -> None:
    """Lint finds nothing at or above the level at which the project fails."""
    _refuse(
        f"{f.location.file}:{f.location.line}: {f.rule}: {f.message}"
        for f in migrations.findings(revision)
    )
