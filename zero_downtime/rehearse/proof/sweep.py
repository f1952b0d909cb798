"""The quick proof of many revisions: up, down and up again in one run of env.py.

Digests of the catalog are compared in between, on one database. Whatever is not plainly in order
ends the sweep there: that revision is for the proof on copies, which says what is wrong.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from zero_downtime.catalog.digest import Digester
from zero_downtime.errors import ZeroDowntimeError
from zero_downtime.history import Revision
from zero_downtime.replay import Replay
from zero_downtime.sql.statement import Direction


@dataclass(frozen=True)
class Swept:
    """A revision that can be undone and done again, and how long each way took."""

    revision: Revision
    upgrade: float
    downgrade: float
    digest: str  # of the catalog behind it


def sweep(
    replay: Replay, digester: Digester, revisions: Sequence[Revision], *, strict: bool
) -> list[Swept]:
    """The first of these revisions that are in order.

    Whether the second upgrade of each leads where the first led is asked if ``strict`` only: else
    it remains to compare the database with one where each ran once.
    """
    found: list[Swept] = []
    # Raised by the revision after those found; anything else comes up again with that one.
    with contextlib.suppress(ZeroDowntimeError, psycopg.Error):
        replay.visit(lambda heads: _steps(digester, revisions, found, strict), apart=True)
    return found


def _steps(
    digester: Digester, revisions: Sequence[Revision], found: list[Swept], strict: bool
) -> Iterator[tuple[Revision, Direction]]:
    """Goes on when Alembic has done with a step, which is then committed, or so we ask."""
    before = digester.digest()
    for revision in revisions:
        start = time.monotonic()
        yield revision, "upgrade"
        upgrade = time.monotonic() - start
        if not digester.alone():
            return
        between = digester.digest() if strict else ""
        start = time.monotonic()
        yield revision, "downgrade"
        downgrade = time.monotonic() - start
        if digester.digest() != before:
            return
        yield revision, "upgrade"
        before = digester.digest()
        if strict and before != between:
            return
        found.append(Swept(revision, upgrade, downgrade, before))
