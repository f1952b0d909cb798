"""What a judge of statements remembers of those before: of the unit and of its open transaction."""

from __future__ import annotations

from msgspec import structs

from zero_downtime.lint.rule import Here, Seen
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.apply_tables import RELATION_KINDS
from zero_downtime.sql.effects import Effect

_DATA = frozenset(("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt"))
_ENOUGH = 100
_NO_TABLES: frozenset[str] = frozenset()


class Memory:
    """The statements seen so far, of the unit and of the open transaction."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self._alone: dict[tuple[str, Effect], int] = {}  # how often outside a transaction
        self._together: dict[tuple[str, Effect], int] = {}  # and in the open one
        self.earlier: list[Seen] = []
        self.holding: list[Seen] = []  # those that make writers wait
        self._first = 0

    def new_transaction(self) -> None:
        self._first = len(self.seen)
        self.earlier = []
        self.holding = []
        if self._together:
            self._together = {}

    def keep(self, here: Here, heavy: bool) -> None:
        """Remember a statement; of data changes that differ in their values only the first."""
        if here.kind in _DATA:
            alike = self._alone if here.statement.transaction is None else self._together
            of_its_kind = (here.kind, here.effect)
            alike[of_its_kind] = alike.get(of_its_kind, 0) + 1
            if alike[of_its_kind] > _ENOUGH:
                return
        if heavy and _may_be_nothing(here):
            heavy = False
        tables = here.locked_tables if heavy else _NO_TABLES
        seen = Seen(here.statement, here.kind, here.effect, here.locks, tables)
        self.seen.append(seen)
        self.earlier.append(seen)
        if heavy:
            self.holding.append(seen)

    def follow(self, here: Here) -> None:
        """What the transaction locked under a name that changes is locked under the new one."""
        self.earlier[:] = [_followed(each, here) for each in self.earlier]
        self.holding[:] = [_followed(each, here) for each in self.holding]
        self.seen[self._first :] = self.earlier


_LOOKED_AT = 50


def may_wait(here: Here) -> bool:
    """Whether a statement queues: not with NOWAIT, nor for what its transaction holds."""
    if here.kind == "LockStmt" and here.node.get("nowait"):
        return False
    held: dict[str, LockMode] = {}
    for seen in here.holding[:_LOOKED_AT]:
        for key, mode in seen.locks.items():
            held[key] = max(mode, held.get(key, mode))
    heavy = ((key, mode) for key, mode in here.locks.items() if mode.blocks_writes)
    return any(key not in held or held[key] < mode for key, mode in heavy)


def _may_be_nothing(here: Here) -> bool:
    """DROP … IF EXISTS of what was never seen: most likely there is none, and nothing is locked."""
    return (
        here.kind == "DropStmt"
        and bool(here.node.get("missing_ok"))
        and not any(here.state.relation(key) for key in here.locks)
    )


def _followed(seen: Seen, here: Here) -> Seen:
    """What was locked under a name that the statement changes is locked under the new one."""
    if here.kind == "RenameStmt" and here.node["renameType"] in RELATION_KINDS:
        old = here.table()
        new = f"{here.relation(old).schema}.{here.node['newname']}"
    elif here.kind == "AlterObjectSchemaStmt" and here.node["objectType"] in RELATION_KINDS:
        old = here.table()
        new = f"{here.node['newschema']}.{here.node['relation']['relname']}"
    else:
        return seen
    return structs.replace(
        seen,
        locks={new if key == old else key: mode for key, mode in seen.locks.items()},
        tables=frozenset(new if key == old else key for key in seen.tables),
    )
