"""The files of a generated revision, run up and down on a copy whose tables hold rows.

Made-up rows know nothing of what is true of production's rows. So when they are in the way of a new
constraint or type, that is a note; what no row at all could meet the planner has refused before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from zero_downtime.catalog import Catalog
from zero_downtime.errors import RevisionFailed
from zero_downtime.generate.states import Place
from zero_downtime.plan import Step
from zero_downtime.postgres.names import qualified
from zero_downtime.postgres.server import Server, scratch_database
from zero_downtime.project import Project
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.replay import Replay

_ROWS = 10  # a table: enough that none is empty
_ABOUT_VALUES = ("22", "23")  # the classes of SQLSTATEs that speak of values and rows


def run_with_rows(
    project: Project,
    server: Server,
    current: Place,
    ids: Sequence[str],
    steps: Iterable[Step],
) -> Iterator[str]:
    """Notes on what the rows are in the way of."""
    with scratch_database(server, template=current.database) as copy:
        replay = Replay(project, server.url(copy), copies=True)
        revisions = [replay.history.revision(name) for name in ids]
        touched = _touched(steps, current.catalog)
        if not touched:
            return
        with server.connect(copy) as connection:
            data = Data(connection)
            data.fill(_ROWS, only=_with_parents(data, touched))
        try:
            replay.run_all(revisions, "upgrade")
        except RevisionFailed as error:
            yield from _note(error)
            return
        try:
            replay.run_all(revisions[::-1], "downgrade")
        except RevisionFailed as error:
            yield from _note(error)


def _touched(steps: Iterable[Step], catalog: Catalog) -> set[str]:
    """The tables of a catalog that the steps name."""
    text = "\n".join(step.sql for step in steps)
    return {name for name in catalog.tables if name in text}


def _with_parents(data: Data, names: set[str]) -> set[str]:
    """These tables and those that their foreign keys lead to, by the names that Data uses."""
    by_oid = {table.oid: table for table in data.tables}
    waiting = [table for table in data.tables if qualified(table.schema, table.name) in names]
    found: dict[int, str] = {}
    while waiting:
        table = waiting.pop()
        if table.oid not in found:
            found[table.oid] = table.qualified
            waiting += [by_oid[key.target] for key in table.foreign_keys if key.target in by_oid]
    return set(found.values())


def _note(error: RevisionFailed) -> Iterator[str]:
    if not str(error.facts["sqlstate"] or "").startswith(_ABOUT_VALUES):
        raise error
    yield (
        f"with made-up rows in the tables the {error.facts['direction']} stops "
        f"({error.facts['reason']}): make sure that your rows meet it, or see zd rehearse"
    )
