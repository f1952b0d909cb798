"""A simulated schema that is carried through statements, so that each is judged in its place."""

from __future__ import annotations

from collections.abc import Iterable

from zero_downtime.sql.apply import apply_node
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import parse


class State(Known):
    """What is known of a schema after the statements applied so far.

    Started empty it is partial: a table that was never created here is taken to exist with
    unknown columns. Read from a dump it is ``complete``: what it does not know does not exist.
    """

    def copy(self) -> State:
        """An independent state with the same content; cheap, since facts are immutable."""
        other = State(self.complete)
        for name, value in vars(self).items():
            setattr(other, name, dict(value) if isinstance(value, dict) else value)
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
