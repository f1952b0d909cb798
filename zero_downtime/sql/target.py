"""One subcommand of ALTER TABLE with the table it is for."""

from __future__ import annotations

from msgspec import Struct

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.tree import (
    Node,
    fields_of,
)


class Target(Struct, frozen=True):
    """One subcommand with the table it is for."""

    key: str
    command: Node
    mode: LockMode
    only: bool
    dropped: frozenset[str]  # constraints that the same statement drops
    added: frozenset[str] = frozenset()  # columns that it adds, NULL in all rows
    undefaulted: frozenset[str] = frozenset()  # columns whose default it drops

    @property
    def definition(self) -> Node:
        return fields_of(self.command["def"])

    def tables(self, p: Prediction) -> list[str]:
        return [self.key] if self.only else p.state.tree(self.key)
