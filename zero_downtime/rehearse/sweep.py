"""The quick proof of many revisions: up, down and up again in one run of env.py.

Digests of the catalog are compared in between, on one database. Whatever is not plainly in order
ends the sweep there: that revision is for the proof on copies, which says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg

from zero_downtime.catalog.digest import Digester
from zero_downtime.errors import RevisionFailed
from zero_downtime.history import Revision
from zero_downtime.replay import Replay
from zero_downtime.sql.statement import Direction


@dataclass(frozen=True)
class Swept:
    """A revision that can be undone and done again, and how long each way took."""

    revision: Revision
    upgrade: float
    downgrade: float


def sweep(replay: Replay, digester: Digester, revisions: Sequence[Revision]) -> list[Swept]:
    """The first of these revisions that are in order. The database is of no use afterwards.

    Raises what is no finding about a revision, as Replay does.
    """
    found: list[Swept] = []
    try:
        replay.visit(lambda heads: _steps(digester, revisions, found), apart=True)
    except (RevisionFailed, psycopg.Error):
        pass  # the revision after those found
    return found


def _steps(
    digester: Digester, revisions: Sequence[Revision], found: list[Swept]
) -> Iterator[tuple[Revision, Direction]]:
    """Goes on when Alembic has done with a step, which is then committed, or so we ask."""
    before = digester.digest()
    for revision in revisions:
        start = time.monotonic()
        yield revision, "upgrade"
        upgrade = time.monotonic() - start
        if not digester.alone():
            return
        after = digester.digest()
        start = time.monotonic()
        yield revision, "downgrade"
        downgrade = time.monotonic() - start
        if digester.digest() != before:
            return
        yield revision, "upgrade"
        if digester.digest() != after:
            return
        found.append(Swept(revision, upgrade, downgrade))
        before = after
