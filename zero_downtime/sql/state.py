"""A simulated schema that is carried through statements, so that each is judged in its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zero_downtime.sql.apply import apply_node
from zero_downtime.sql.directory import Directory
from zero_downtime.sql.known import Known
from zero_downtime.sql.script import ends_in_rollback
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import parse


class State(Known):
    """What is known of a schema after the statements applied so far.

    Started empty it is partial: a table that was never created here is taken to exist with
    unknown columns. Read from a dump it is ``complete``: what it does not know does not exist.
    """

    def __init__(self, complete: bool = False) -> None:
        super().__init__(complete)
        self._settings: dict[str, Any] = {}

    def mark(self) -> None:
        """Make the present content the one that :meth:`rewind` goes back to."""
        self._settings = {}
        for name, value in vars(self).items():
            if isinstance(value, Directory):
                value.mark()
            elif name != "_settings":
                self._settings[name] = value

    def rewind(self) -> None:
        """Take back all that happened since :meth:`mark`, at the cost of what happened."""
        for value in list(vars(self).values()):
            if isinstance(value, Directory):
                value.rewind()
        vars(self).update(self._settings)

    def at_mark(self) -> State:
        """The content at the mark; only to be read, and only until this state changes."""
        other = State.__new__(State)
        vars(other).update(self._settings)
        for name, value in vars(self).items():
            if isinstance(value, Directory):
                setattr(other, name, value.at_mark())
        return other

    def apply(self, sql: str) -> None:
        """Carry the state through one statement. Raises NotParsed."""
        apply_node(self, *parse(sql))


class Transactions:
    """The transactions of a script: what one did is taken back when it is rolled back."""

    def __init__(self, state: State, statements: Iterable[Statement]) -> None:
        self.state = state
        self._before: State | None = None
        self._rolled_back = {
            each.transaction
            for each in statements
            if each.transaction is not None and ends_in_rollback(each)
        }

    def enter(self, number: int | None) -> bool:
        """The next statement runs in this transaction; whether that is another one."""
        if number == self.state.transaction and number is not None:
            return False
        self._leave()
        if number in self._rolled_back:
            self._before = self.state.copy()
        self.state.transaction = number
        return True

    def end(self) -> None:
        """The script is at its end."""
        self._leave()
        self.state.transaction = None

    def _leave(self) -> None:
        if self._before is not None:
            vars(self.state).update(vars(self._before))
            self._before = None


def state_from(statements: Iterable[str]) -> State:
    """A complete state: what a dump (or any script that builds the schema) leaves behind."""
    state = State(complete=True)
    for sql in statements:
        state.apply(sql)
    state.new_session()
    state.unit += 1
    return state
