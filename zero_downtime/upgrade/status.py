"""Where a database stands in the history."""

from __future__ import annotations

from dataclasses import dataclass

from zero_downtime.history import Revision
from zero_downtime.history.seal import edited
from zero_downtime.postgres.urls import masked
from zero_downtime.project import Project
from zero_downtime.replay import Replay
from zero_downtime.upgrade.connection import connect, database_url, runner_of
from zero_downtime.upgrade.runner import held_back

# Indexes that a build is making right now are not leftovers.
_INVALID = """
SELECT n.nspname || '.' || c.relname, t.relname
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p
                  WHERE p.index_relid = i.indexrelid)
ORDER BY 1
"""


@dataclass(frozen=True)
class Status:
    """What there is to say about a database and the history that it follows."""

    database: str  # the URL, password hidden
    current: tuple[Revision, ...]
    unknown: tuple[str, ...]  # revisions in the version table that no file has
    pending: tuple[Revision, ...]
    held_back: tuple[Revision, ...]  # the pending ones from the first contract revision on
    heads: tuple[Revision, ...]
    edited: tuple[Revision, ...]  # written by zd generate, changed by hand since
    invalid_indexes: tuple[str, ...]
    runner: int | None  # the backend of another zd that is migrating it now

    @property
    def in_order(self) -> bool:
        """Nothing that somebody has to mend."""
        return not self.unknown and not self.invalid_indexes and len(self.heads) < 2


def status(project: Project, url: str | None = None) -> Status:
    """Look at a database. Nothing is written. Raises what upgrade raises."""
    found = database_url(project, url)
    with connect(found) as connection:
        invalid = tuple(row[0] for row in connection.execute(_INVALID))
        runner = runner_of(connection)
    replay = Replay(project, found, strict=True)
    history = replay.history
    known = {revision.id: revision for revision in history}
    ids = replay.heads()
    current = [known[each] for each in ids if each in known]
    applied = {each.id for head in current for each in (head, *history.ancestors(head))}
    pending = [revision for revision in history if revision.id not in applied]
    return Status(
        database=masked(found),
        current=tuple(current),
        unknown=tuple(each for each in ids if each not in known),
        pending=tuple(pending),
        held_back=held_back(pending, contract=False)[1],
        heads=tuple(known[head] for head in history.heads),
        edited=tuple(revision for revision in history if edited(revision)),
        invalid_indexes=invalid,
        runner=runner,
    )
