"""A change of models on a server: the database before it, with rows, and as it should be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import MetaData

from model_changes.change import Change
from zero_downtime.catalog import compare_stable, read_catalog
from zero_downtime.generate.states import Place
from zero_downtime.postgres.server import EmbeddedServer, Server, scratch_database
from zero_downtime.rehearse.rows.data import Data
from zero_downtime.schema.ddl import statements

RIGHT, MISSED, BROKEN, REFUSED = "right", "missed", "broken", "refused"
TABLESPACE = "zd_far"
_ROWS = 2


@dataclass(frozen=True)
class Verdict:
    """What became of a change.

    *Right*: the revision leads to the models and back, and no row is lost. *Missed*: nothing of
    it, or not all of it, is in the revision, and nobody says so. *Broken*: it fails, or leads
    elsewhere. *Refused*: there is no revision, and the reason is given.
    """

    word: str
    why: str = ""


@dataclass(frozen=True)
class Stage:
    """The old database, with rows, and the new one."""

    server: Server
    change: Change
    old: Place
    new: Place
    differences: frozenset[str]  # between the two

    def left(self, database: str, target: Place) -> list[str]:
        """What is left between a database and one of the two."""
        reached = read_catalog(self.server, database)
        return list(compare_stable(self.server, reached, target.catalog).describe())

    def keeps(self, database: str) -> bool:
        """Whether the values of the old tables are in the new ones."""
        if not self.change.keeps:
            return True
        with self.server.connect(database) as connection:
            row = connection.execute(self.change.keeps.encode()).fetchone()
        return row is not None and bool(row[0])


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server of its own, with the tablespace that some changes name."""
    with contextlib.closing(EmbeddedServer()) as server:
        with server.connect() as connection:
            connection.execute(f"CREATE TABLESPACE {TABLESPACE} LOCATION ''")
        yield server


@contextlib.contextmanager
def staged(server: Server, change: Change) -> Iterator[Stage]:
    """The two databases, dropped at the end."""
    with scratch_database(server) as old, scratch_database(server) as new:
        for database, metadata in ((old, change.old), (new, change.new)):
            with server.connect(database) as connection:
                for sql in filter(None, (change.before, *_ddl(metadata))):
                    connection.execute(sql.encode())
        with server.connect(old) as connection:
            if change.rows is not None:
                connection.execute(change.rows.encode())
            else:
                Data(connection).fill(_ROWS)
        first, second = (Place(each, read_catalog(server, each)) for each in (old, new))
        compared = compare_stable(server, first.catalog, second.catalog)
        differences = frozenset(compared.describe())
        assert bool(differences) != change.no_change, (change.id, differences)
        yield Stage(server, change, first, second, differences)


def _ddl(metadata: MetaData) -> list[str]:
    return [made.sql for made in statements([], [metadata], [])]
