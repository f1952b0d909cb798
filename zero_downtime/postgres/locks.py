"""The table-level lock modes and which of them conflict.

Source: PostgreSQL documentation, section 13.3.1 "Table-Level Locks", table 13.2.
"""

from __future__ import annotations

from enum import IntEnum


class LockMode(IntEnum):
    """A table-level lock mode; a greater value is a stronger mode."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    # Told below from the table of conflicts; read too often to be computed each time.
    sql: str  # the name as PostgreSQL's manual and LOCK TABLE spell it: ``ACCESS EXCLUSIVE``
    blocks_reads: bool  # whether a SELECT (ACCESS SHARE) has to wait
    blocks_writes: bool  # whether INSERT, UPDATE and DELETE (ROW EXCLUSIVE) have to wait

    @property
    def in_pg_locks(self) -> str:
        """The name as the view pg_locks spells it: ``AccessExclusiveLock``."""
        return self.name.title().replace("_", "") + "Lock"

    @classmethod
    def parse(cls, name: str) -> LockMode:
        """Read either spelling. Raises KeyError for anything else."""
        if name.endswith("Lock"):
            return _BY_PG_LOCKS[name]
        return cls[name.upper().replace(" ", "_")]

    def conflicts_with(self, other: LockMode) -> bool:
        """Whether two sessions can't hold these modes on one table at the same time."""
        return other in _CONFLICTS[self]


def _conflicts() -> dict[LockMode, frozenset[LockMode]]:
    m = LockMode
    return {
        m.ACCESS_SHARE: frozenset({m.ACCESS_EXCLUSIVE}),
        m.ROW_SHARE: frozenset({m.EXCLUSIVE, m.ACCESS_EXCLUSIVE}),
        m.ROW_EXCLUSIVE: frozenset(
            {m.SHARE, m.SHARE_ROW_EXCLUSIVE, m.EXCLUSIVE, m.ACCESS_EXCLUSIVE}
        ),
        m.SHARE_UPDATE_EXCLUSIVE: frozenset(mode for mode in m if mode >= m.SHARE_UPDATE_EXCLUSIVE),
        m.SHARE: frozenset(mode for mode in m if mode >= m.ROW_EXCLUSIVE and mode != m.SHARE),
        m.SHARE_ROW_EXCLUSIVE: frozenset(mode for mode in m if mode >= m.ROW_EXCLUSIVE),
        m.EXCLUSIVE: frozenset(mode for mode in m if mode >= m.ROW_SHARE),
        m.ACCESS_EXCLUSIVE: frozenset(m),
    }


_CONFLICTS = _conflicts()
for _mode in LockMode:
    _mode.sql = _mode.name.replace("_", " ")
    _mode.blocks_reads = _mode.conflicts_with(LockMode.ACCESS_SHARE)
    _mode.blocks_writes = _mode.conflicts_with(LockMode.ROW_EXCLUSIVE)
_BY_PG_LOCKS = {mode.in_pg_locks: mode for mode in LockMode}
