"""Downgrades that raise."""

from __future__ import annotations

from zero_downtime.errors import RevisionFailed
from zero_downtime.history import Revision
from zero_downtime.rehearse.result import Rollback
from zero_downtime.replay import check_callable


def uncallable(revision: Revision) -> Rollback | None:
    """What is to be said of a downgrade that nobody can call, because it is not there, say."""
    try:
        check_callable(revision, "downgrade")
    except RevisionFailed as failed:
        return raises(failed)
    return None


def raises(failed: RevisionFailed, rows_checked: int = 0) -> Rollback:
    """The outcome of a downgrade that failed like this."""
    where, reason = str(failed.facts["where"]), str(failed.facts["reason"])
    return Rollback("raises", False, rows_checked=rows_checked, where=where, reason=reason)
