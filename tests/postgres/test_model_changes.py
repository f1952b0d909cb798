"""Changes of SQLAlchemy models, of which docs/model-changes.md says what becomes of them.

Every fifth is planned here, all of them by ``make models``; ZERO_DOWNTIME_MODEL_CHANGES=all asks
for all of ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from model_changes import CHANGES, Change, ours
from model_changes.page import stated
from model_changes.stage import BROKEN, MISSED, TABLESPACE
from zero_downtime.postgres.server import EmbeddedServer

BATCH = CHANGES if os.environ.get("ZERO_DOWNTIME_MODEL_CHANGES") else CHANGES[::5]


@pytest.fixture(scope="module")
def tablespace(server: EmbeddedServer) -> Iterator[None]:
    with server.connect() as connection:
        connection.execute(f"CREATE TABLESPACE {TABLESPACE} LOCATION ''")
        yield
        connection.execute(f"DROP TABLESPACE {TABLESPACE}")


def test_the_page_has_all_changes_and_ours_are_neither_missed_nor_broken() -> None:
    page = stated()
    assert list(page) == [change.id for change in CHANGES]
    assert [change for change, (word, _) in page.items() if word in (MISSED, BROKEN)] == []


@pytest.mark.usefixtures("tablespace")
@pytest.mark.parametrize("change", [pytest.param(each, id=each.id) for each in BATCH])
def test_a_change_becomes_what_the_page_says(server: EmbeddedServer, change: Change) -> None:
    verdict = ours.verdict(server, change)
    assert verdict.word == stated()[change.id][0], verdict.why
