"""The effect of one statement, and how it is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node


class Lock(Struct, frozen=True):
    """A lock on a relation, named ``schema.name`` as pg_class has it (nothing is quoted)."""

    relation: str
    mode: LockMode


class Effect(Struct, frozen=True):
    """What one statement does to relations that exist before it.

    ``locks`` has one entry a relation, its strongest mode, in name order. ``rewrites`` are the
    relations that get a new storage file, ``scans`` those that are read from beginning to end
    (rewritten ones included), ``builds`` those on which an index is built. ``transactional`` is
    False for what can't run in a transaction block. ``unknown`` says what the text does not tell.
    """

    locks: tuple[Lock, ...] = ()
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    transactional: bool = True
    unknown: tuple[str, ...] = ()

    def mode_on(self, relation: str) -> LockMode | None:
        """The lock on a relation, if there is one."""
        return next((lock.mode for lock in self.locks if lock.relation == relation), None)

    @property
    def strongest(self) -> Lock | None:
        """The lock that hurts most."""
        return max(self.locks, key=lambda lock: lock.mode, default=None)


class Prediction:
    """Collects the effects of one statement; what does not exist yet is left out."""

    def __init__(self, state: Known, major: int) -> None:
        self.state = state
        self.major = major
        self.transactional = True
        self.unknown: dict[str, None] = {}
        self.plans_only = False  # EXPLAIN: no trigger fires, no row is moved
        self.running: tuple[str, ...] = ()  # the functions and rules that we are inside of
        self._locks: dict[str, LockMode] = {}
        self._rewrites: dict[str, None] = {}
        self._scans: dict[str, None] = {}
        self._builds: dict[str, None] = {}

    def effect(self) -> Effect:
        return Effect(
            locks=tuple([Lock(key, mode) for key, mode in sorted(self._locks.items())]),
            rewrites=tuple(self._rewrites),
            scans=tuple(self._scans),
            builds=tuple(self._builds),
            transactional=self.transactional,
            unknown=tuple(self.unknown),
        )

    def run(self, kind: str, node: Node) -> None:
        """Collect the effects of a statement inside the statement."""
        handler = HANDLERS.get(kind)
        if handler:
            handler(self, node)

    def leave_out(self, keys: Iterable[str]) -> None:
        """Take back what was said of relations that the statement itself made."""
        for key in keys:
            for found in (self._locks, self._rewrites, self._scans, self._builds):
                found.pop(key, None)

    def relation(self, key: str) -> Relation:
        return self.state.assume(key)

    def lock(self, keys: str | Iterable[str], mode: LockMode) -> None:
        """The statement takes this lock on each of these (unless they can't exist)."""
        for key in (keys,) if isinstance(keys, str) else keys:
            if self.state.exists(key):
                self._locks[key] = max(mode, self._locks.get(key, mode))

    def scan(self, keys: str | Iterable[str]) -> None:
        """The statement reads each of these from beginning to end."""
        for key in (keys,) if isinstance(keys, str) else keys:
            if self.state.exists(key) and self.relation(key).has_storage:
                self._scans[key] = None

    def rewrite(self, keys: str | Iterable[str], reads: bool = True) -> None:
        """The statement gives each of these a new storage file."""
        for key in (keys,) if isinstance(keys, str) else keys:
            if self.state.exists(key) and self.relation(key).has_storage:
                self._rewrites[key] = None
                if reads:
                    self.scan(key)

    def nothing_runs(self) -> None:
        """The statement is planned only: its locks stay, the rest does not happen."""
        self._rewrites, self._scans, self._builds = {}, {}, {}

    def build(self, keys: str | Iterable[str]) -> None:
        """The statement builds an index on each of these, which reads them as well."""
        for key in (keys,) if isinstance(keys, str) else keys:
            if self.state.exists(key) and self.relation(key).has_storage:
                self._builds[key] = None
                self.scan(key)


Handler = Callable[[Prediction, Node], None]
HANDLERS: dict[str, Handler] = {}  # kind of statement → what it does; filled by sql.predict
