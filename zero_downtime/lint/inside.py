"""The statements that run inside a DO block, judged in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import structs

from zero_downtime.lint.finding import Note
from zero_downtime.sql.bodies import nested, source_of
from zero_downtime.sql.lexer import words_in
from zero_downtime.sql.statement import Statement
from zero_downtime.sql.tree import Node, NotParsed, parse

_AHEAD = 300  # of the statements behind the block, those that its own can look at


class Inside:
    """What one DO block runs, and what of it can't be told."""

    def __init__(self, statements: Sequence[Statement], position: int, node: Node) -> None:
        outer = statements[position]
        found = nested(outer)
        words = words_in(source_of(node) or "")
        number = outer.transaction
        if number is None and "commit" not in words:
            number = -position - 1  # the block is a transaction of its own
        self.notes = [Note(what, place) for what, place in found.unknown]
        self.statements: list[Statement] = [
            structs.replace(each.statement, transaction=number)
            for each in found.statements
            if not each.on_error
        ]
        self._behind = islice(statements, position + 1, position + 1 + _AHEAD)

    def parsed(self) -> Iterator[tuple[Sequence[Statement], int, str, Node]]:
        """Each statement: among which it stands, where, and what it is."""
        among = [*self.statements, *self._behind]
        for position, statement in enumerate(self.statements):
            try:
                kind, node = parse(statement.sql)
            except NotParsed:
                self.notes.append(Note("a statement of the block", statement.location))
                continue
            yield among, position, kind, node
