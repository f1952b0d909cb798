"""The settings of the session that runs a unit, as far as they protect others."""

from __future__ import annotations

import re

from zero_downtime.sql.tree import Node, constant, fields_of, names_of

_NOTHING = re.compile(r"[-0\s]*(us|ms|s|min|h|d)?\s*")


class Session:
    """Follows lock_timeout through SET, SET LOCAL, RESET and set_config."""

    def __init__(self) -> None:
        self._session = False
        self._local: bool | None = None
        self.first_without_timeout = True  # no statement so far waited without bound

    @property
    def lock_timeout(self) -> bool:
        """Whether a lock_timeout greater than 0 is in force."""
        return self._session if self._local is None else self._local

    def new_transaction(self) -> None:
        """SET LOCAL ends with its transaction."""
        self._local = None

    def see(self, kind: str, node: Node, transaction: int | None, heavy: bool) -> None:
        """Take note of a statement that was judged; ``heavy``: writers wait for its lock."""
        if heavy and not self.lock_timeout:
            self.first_without_timeout = False
        if kind == "VariableSetStmt":
            self._see_set(node, transaction)
        elif kind == "SelectStmt":
            self._see_set_config(node, transaction)

    def _see_set(self, node: Node, transaction: int | None) -> None:
        if node["kind"] == "VAR_RESET_ALL":
            self._session, self._local = False, None
        elif node.get("name") == "lock_timeout":
            value = [constant(argument) for argument in node.get("args", ())]
            bounded = bool(value) and _bounds(value[0])
            self._set(bounded, bool(node.get("is_local")), transaction)

    def _see_set_config(self, node: Node, transaction: int | None) -> None:
        for target in node.get("targetList", ()):
            call = fields_of(target).get("val", {}).get("FuncCall", {})
            if call and names_of(call["funcname"])[-1] == "set_config":
                name, value, local = ([constant(a) for a in call.get("args", ())] + [None] * 3)[:3]
                if name == "lock_timeout":
                    self._set(_bounds(value), local is True, transaction)

    def _set(self, bounded: bool, local: bool, transaction: int | None) -> None:
        if local and transaction is None:
            return  # outside a transaction SET LOCAL only warns
        if local:
            self._local = bounded
        else:
            self._session, self._local = bounded, None


def _bounds(value: object) -> bool:
    return value is not None and not _NOTHING.fullmatch(str(value))
