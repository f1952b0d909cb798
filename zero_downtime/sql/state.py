"""A simulated schema that is carried through statements, so that each is judged in its place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zero_downtime.sql.apply import apply_node
from zero_downtime.sql.directory import Directory
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import parse


class State(Known):
    """What is known of a schema after the statements applied so far.

    Started empty it is partial: a table that was never created here is taken to exist with
    unknown columns. Read from a dump it is ``complete``: what it does not know does not exist.
    """

    def __init__(self, complete: bool = False) -> None:
        super().__init__(complete)
        self._settings: dict[str, Any] = {}

    def copy(self) -> State:
        """An independent state with the same content; facts are immutable and shared."""
        other = State(self.complete)
        for name, value in vars(self).items():
            setattr(other, name, value.copy() if isinstance(value, Directory) else value)
        return other

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
        """An independent state with the content at the mark."""
        other = self.copy()
        other.rewind()
        return other

    def apply(self, sql: str) -> None:
        """Carry the state through one statement. Raises NotParsed."""
        apply_node(self, *parse(sql))


def state_from(statements: Iterable[str]) -> State:
    """A complete state: what a dump (or any script that builds the schema) leaves behind."""
    state = State(complete=True)
    for sql in statements:
        state.apply(sql)
    state.new_session()
    state.unit += 1
    return state
