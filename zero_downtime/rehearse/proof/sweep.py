"""The quick proof of many revisions: up, down and up again in as few runs of env.py as that takes.

Digests of the catalog are compared in between, on one database. A downgrade that raises, or asks
nothing of the server, is found here too. Whatever else is not in order ends the sweep: that
revision is for the proof on copies, which says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from types import ModuleType

import psycopg

from zero_downtime.catalog.digest import Digester
from zero_downtime.errors import RevisionFailed, ZeroDowntimeError
from zero_downtime.history import Revision
from zero_downtime.rehearse.proof.refusal import raises, uncallable
from zero_downtime.rehearse.result import Rollback
from zero_downtime.replay import Replay
from zero_downtime.sql.statement import Direction, Statement


@dataclass(frozen=True)
class Swept:
    """A revision whose way back is known, and how long each way took."""

    revision: Revision
    upgrade: float
    downgrade: float
    digest: str  # of the catalog behind it
    rollback: Rollback


def sweep(
    replay: Replay, digester: Digester, revisions: Sequence[Revision], *, strict: bool
) -> list[Swept]:
    """The first of these revisions, as far as it is plain what their downgrades do.

    Whether the second upgrade of each leads where the first led is asked if ``strict`` only: else
    it remains to compare the database with one where each ran once.
    """
    walk = _Walk(digester, revisions, strict)
    while not walk.done:
        try:
            replay.visit(lambda heads: walk.steps(), issued=walk.issued, apart=True)
            break
        except RevisionFailed as failed:
            if not walk.raised(failed):
                break
        except (ZeroDowntimeError, psycopg.Error):
            # Raised by the revision after those found; anything else comes up again with that one.
            break
    return walk.found


class _Walk:
    """Where a sweep is, over all its runs of env.py."""

    def __init__(self, digester: Digester, revisions: Sequence[Revision], strict: bool) -> None:
        self.found: list[Swept] = []
        self.issued: list[Statement] = []
        self._digester = digester
        self._revisions = revisions
        self._strict = strict
        self._upgrade = 0.0  # seconds
        self._between = ""  # the digest behind the upgrade, if strict
        self._undoing: Revision | None = None

    @property
    def done(self) -> bool:
        """Whether no revision is left."""
        return len(self.found) == len(self._revisions)

    def steps(self) -> Iterator[tuple[Revision, Direction]]:
        """Goes on when Alembic has done with a step, which is then committed, or so we ask."""
        left = self._revisions[len(self.found) :]
        # With the first step Alembic's own table may come: that is no revision's doing.
        yield _only_noted(left[0]), "upgrade"
        yield _only_noted(left[0]), "downgrade"
        before = self._digester.digest()
        for revision in left:
            start = time.monotonic()
            yield revision, "upgrade"
            self._upgrade = time.monotonic() - start
            if not self._digester.alone():
                return
            self._between = self._digester.digest() if self._strict else ""
            if (rollback := uncallable(revision)) is not None:
                before = self._between or self._digester.digest()
                self._add(revision, 0.0, before, rollback)
                continue
            self.issued.clear()
            self._undoing = revision
            start = time.monotonic()
            yield revision, "downgrade"
            downgrade = time.monotonic() - start
            self._undoing = None
            if self._digester.digest() == before:
                yield revision, "upgrade"
                before = self._digester.digest()
                if self._strict and before != self._between:
                    return
                self._add(revision, downgrade, before, Rollback("restores", True))
            elif self.issued:
                return
            else:
                where = f"{revision.file}:{revision.line_of('downgrade')}"
                yield _only_noted(revision), "upgrade"
                before = self._digester.digest()
                self._add(revision, downgrade, before, Rollback("does-nothing", False, where=where))

    def raised(self, failed: RevisionFailed) -> bool:
        """Whether it was a downgrade, and left things as they were: then one can go on."""
        revision, self._undoing = self._undoing, None
        if revision is None or failed.facts["direction"] != "downgrade":
            return False
        digest = self._digester.digest()
        if not self._digester.alone() or (self._strict and digest != self._between):
            return False
        self._add(revision, 0.0, digest, raises(failed))
        return True

    def _add(
        self,
        revision: Revision,
        downgrade: float,
        digest: str,
        rollback: Rollback,
    ) -> None:
        self.found.append(Swept(revision, self._upgrade, downgrade, digest, rollback))


def _only_noted(revision: Revision) -> Revision:
    """The revision without its functions: Alembic notes down whether the database has it."""
    script = copy(revision.script)
    script.module = ModuleType("noted")
    script.module.__dict__.update(upgrade=_nothing, downgrade=_nothing)
    return replace(revision, script=script)


def _nothing() -> None:
    """What is asked of the server."""
