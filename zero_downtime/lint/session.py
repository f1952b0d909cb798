"""The settings of the session that runs a unit, followed through SET, transactions, savepoints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import Node, constant, fields_of, names_of

_TIME = re.compile(r"\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*(us|ms|s|min|h|d)?\s*", re.IGNORECASE)
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_TOUCHING = frozenset(("VariableSetStmt", "SelectStmt", "DiscardStmt", "TransactionStmt"))
_NAMES = {"time zone": "timezone"}


class Setting(Struct, frozen=True):
    """A setting as one statement left it; ``value`` None: the server's default again."""

    name: str
    value: str | None
    statement: Statement
    local: bool = False

    @property
    def milliseconds(self) -> float | None:
        """A timeout's value; 0 switches it off, None is the server's default."""
        found = _TIME.fullmatch(self.value or "")
        if not found:
            return None
        return max(0.0, float(found[1]) * _MILLISECONDS[(found[2] or "ms").lower()])

    @property
    def has_unit(self) -> bool:
        found = _TIME.fullmatch(self.value or "")
        return bool(found and found[2])


class Bound(Struct, frozen=True):
    """What bounds a wait for a lock: lock_timeout, or why there is none.

    ``without`` is None when there is one; else it was "never" set, is "off" (0, or reset), was
    "lost" with its transaction, or "no effect": SET LOCAL outside a transaction.
    """

    without: Literal["never", "off", "lost", "no effect"] | None = "never"
    setting: Setting | None = None


class Session:
    """What SET, RESET, DISCARD and set_config leave behind, and what a transaction takes away.

    ALTER ROLE, DATABASE and SYSTEM … SET speak of later sessions: nothing of them is in force.
    """

    def __init__(self) -> None:
        self._session: dict[str, Setting] = {}
        self._local: dict[str, Setting] = {}
        self._before: dict[str, Setting] = {}  # of the session, when the transaction began
        self._savepoints: list[tuple[str, dict[str, Setting], dict[str, Setting]]] = []
        self._lost: dict[str, Setting] = {}  # gone with a transaction
        self._void: dict[str, Setting] = {}  # SET LOCAL outside a transaction
        self._waited: set[Bound] = set()  # what bounded the waits so far
        self._waited_last: Bound | None = None
        self._transaction: int | None = None
        self._bound: Bound | None = None  # computed when it is asked for
        self.savepoints = 0  # how many the transaction has made

    def setting(self, name: str) -> Setting | None:
        """A setting in force that some statement made; None: nobody touched it."""
        return self._local.get(name) or self._session.get(name)

    def milliseconds(self, name: str) -> float | None:
        """A timeout in force: 0 is off, None not known (the server's default)."""
        found = self.setting(name)
        return found.milliseconds if found else None

    def kept(self) -> Iterator[Setting]:
        """What outlives the transaction: later statements of the connection inherit it."""
        return (setting for setting in self._session.values() if setting.value is not None)

    @property
    def bound(self) -> Bound:
        """What bounds a wait for a lock at this point."""
        if self._bound is None:
            self._bound = self._find_bound()
        return self._bound

    def _find_bound(self) -> Bound:
        name = "lock_timeout"
        now = self.setting(name)
        if now is not None and now.milliseconds:
            return Bound(None, now)
        if now is not None:
            return Bound("off", now)
        if name in self._lost:
            return Bound("lost", self._lost[name])
        if name in self._void:
            return Bound("no effect", self._void[name])
        return Bound()

    def is_first_wait(self, bound: Bound) -> bool:
        """Whether no statement so far waited for a heavy lock under this bound."""
        return bound is not self._waited_last and bound not in self._waited

    @property
    def waited_without(self) -> bool:
        """Whether a statement so far waited for a heavy lock and nothing bounded that."""
        return any(bound.without for bound in self._waited)

    def enter(self, transaction: int | None) -> None:
        """The next statement runs in this transaction (None: in one of its own)."""
        if transaction != self._transaction or transaction is None:
            if self._local or self._savepoints or self._transaction is not None:
                self._end(keep=True)
            self._transaction = transaction
            self._before = self._session

    def see(self, statement: Statement, kind: str, node: Node, heavy: bool) -> None:
        """Take note of a statement that was judged; ``heavy``: writers wait for its lock."""
        if heavy and self.bound is not self._waited_last:
            self._waited_last = self.bound
            self._waited.add(self.bound)
        if kind in _TOUCHING:
            self._bound = None
        if kind == "VariableSetStmt":
            self._see_set(statement, node)
        elif kind == "SelectStmt":
            self._see_set_config(statement, node)
        elif kind == "DiscardStmt" and node.get("target") == "DISCARD_ALL":
            self._session, self._local = {}, {}
        elif kind == "TransactionStmt":
            self._see_transaction(node)

    def _see_set(self, statement: Statement, node: Node) -> None:
        if node["kind"] == "VAR_RESET_ALL":
            self._session, self._local = {}, {}
            return
        name = node.get("name", "").lower()
        name = _NAMES.get(name, name)
        values = [constant(argument) for argument in node.get("args", ())]
        value = None
        if node["kind"] == "VAR_SET_VALUE":
            value = ", ".join(str(each) for each in values)
        self._set(Setting(name, value, statement, bool(node.get("is_local"))))

    def _see_set_config(self, statement: Statement, node: Node) -> None:
        for name, value, local in set_configs(node):
            self._set(Setting(name, value, statement, local))

    def _see_transaction(self, node: Node) -> None:
        kind, name = node["kind"], node.get("savepoint_name", "")
        if kind == "TRANS_STMT_SAVEPOINT":
            self._savepoints.append((name, self._session, self._local))
            self.savepoints += 1
        elif kind == "TRANS_STMT_ROLLBACK_TO":
            for at, (found, session, local) in enumerate(self._savepoints):
                if found == name:
                    self._session, self._local = session, local
                    self._savepoints = self._savepoints[: at + 1]
                    break
        elif kind == "TRANS_STMT_ROLLBACK":
            self._end(keep=False)
        elif kind in ("TRANS_STMT_COMMIT", "TRANS_STMT_PREPARE"):
            self._end(keep=True)

    def _end(self, keep: bool) -> None:
        """A transaction ends: SET LOCAL with it, and all that was set when it is rolled back."""
        if not keep:
            gone = {n: s for n, s in self._session.items() if self._before.get(n) != s}
            self._lost = {**self._lost, **gone}
            self._session = self._before
            self._bound = None
        if self._local:
            self._bound = None
            self._lost = {**self._lost, **self._local}
        self._local, self._savepoints, self._before = {}, [], self._session
        self.savepoints = 0

    def _set(self, setting: Setting) -> None:
        if setting.local and self._transaction is None:
            self._void = {**self._void, setting.name: setting}  # PostgreSQL only warns
        elif setting.local:
            self._local = {**self._local, setting.name: setting}
        else:
            self._session = {**self._session, setting.name: setting}
            self._local = {n: s for n, s in self._local.items() if n != setting.name}


def set_configs(select: Node) -> Iterator[tuple[str, str | None, bool]]:
    """Name, value and is_local of the calls of set_config in a SELECT."""
    for target in select.get("targetList", ()):
        call = fields_of(target).get("val", {}).get("FuncCall", {})
        if call and names_of(call["funcname"])[-1] == "set_config":
            name, value, local = ([constant(a) for a in call.get("args", ())] + [None] * 3)[:3]
            if name is not None:
                yield str(name).lower(), None if value is None else str(value), local is True
