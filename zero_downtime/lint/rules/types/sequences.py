"""Sequences that no longer fit their column."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Rule, Seen, There, is_new
from zero_downtime.lint.words import short
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.tree import (
    Node,
    fields_of,
    options_of,
    sequence_in,
)

_WIDTH = {"int2": 2, "int4": 4, "int8": 8}


class SequenceLeftNarrow(Rule):
    """A serial column is widened, but its sequence still ends where the old type did."""

    severity = "warning"
    on = ("AT_AlterColumnType",)
    why = (
        "The sequence of a serial column has the type of that serial. ALTER COLUMN TYPE bigint"
        " leaves it an integer sequence, and nextval fails at 2,147,483,647 as before. (Identity"
        " columns take their sequence along.)"
    )
    safe = "ALTER SEQUENCE … AS bigint as well."
    bad = "CREATE TABLE boxes (id serial);\nALTER TABLE boxes ALTER COLUMN id TYPE bigint;"
    good = (
        "CREATE TABLE boxes (id serial);\nALTER TABLE boxes ALTER COLUMN id TYPE bigint;\n"
        "ALTER SEQUENCE boxes_id_seq AS bigint;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for seen in there.of("AlterTableStmt"):
            if "type" not in seen.statement.sql.lower():
                continue
            node = seen.node
            key = there.state.key_of_range(node["relation"])
            for command in map(fields_of, node.get("cmds", ())):
                if command["subtype"] == "AT_AlterColumnType":
                    yield from self._narrow(there, seen, key, command["name"])

    def _narrow(self, there: There, seen: Seen, key: str, name: str) -> Iterator[Finding]:
        table = there.state.relation(key)
        column = table.columns.get(name) if table else None
        if column is None or column.identity:
            return
        for sequence in there.state.owned_sequences(key, name):
            of = there.state.relations[sequence].sequence_type
            if _WIDTH.get(of, 8) < _WIDTH.get(column.type.name, 0):
                yield self.found(
                    seen,
                    f"{name} of {short(key)} is {column.type} now, but its sequence"
                    f" {short(sequence)} still ends at {2 ** (8 * _WIDTH[of] - 1) - 1:,}.",
                    f"ALTER SEQUENCE {short(sequence)} AS {column.type};",
                    key,
                    f"{seen.statement.sql};\nALTER SEQUENCE {short(sequence)} AS {column.type}",
                )


class SequenceStartsAtOne(Rule):
    """A column with rows gets numbers from a sequence that starts at 1."""

    on = ("AT_AddIdentity", "AT_ColumnDefault")
    why = (
        "The rows that are there already have these numbers: the next INSERTs fail on the primary"
        " key, or make duplicates where there is none."
    )
    safe = "START WITH a number above all that are there, or setval in the same transaction."
    bad = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE lines ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;"
    )
    good = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\n"
        "ALTER TABLE lines ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;\n"
        "SELECT setval(pg_get_serial_sequence('lines', 'id'), (SELECT max(id) FROM lines));\n"
        "COMMIT;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        if there.direction == "downgrade":
            return
        for seen in there.of("AlterTableStmt"):
            text = seen.statement.sql.lower()
            if "identity" not in text and "nextval" not in text:
                continue
            node = seen.node
            key = there.state.key_of_range(node["relation"])
            if is_new(there.state, key):
                continue
            for command in map(fields_of, node.get("cmds", ())):
                sequence = _from_one(there, key, command)
                if sequence and not _is_moved(there.seen):
                    name = command["name"]
                    call = f"pg_get_serial_sequence('{short(key)}', '{name}')"
                    yield self.found(
                        seen,
                        f"The rows of {short(key)} keep their {name}, and {sequence} starts at 1:"
                        " new rows get numbers that are taken.",
                        f"SELECT setval({call}, (SELECT max({name}) FROM {short(key)}));"
                        "  -- in the same transaction",
                        key,
                    )


def _from_one(there: There, key: str, command: Node) -> str | None:
    """The sequence that a subcommand gives to a column, when it starts at 1."""
    table = there.state.relation(key)
    column = table.columns.get(command.get("name", "")) if table else None
    if column is not None and column.born == there.state.unit:
        return None  # the old rows have no value in it
    if command["subtype"] == "AT_AddIdentity":
        options = fields_of(command["def"]).get("options", ())
        return None if _starts_higher(options) else "its new sequence"
    if command["subtype"] != "AT_ColumnDefault":
        return None
    name = sequence_in(command.get("def"))
    if name is None:
        return None
    sequence = there.state.relation(there.state.key_of(tuple(name.replace('"', "").split("."))))
    if not isinstance(sequence, Relation) or sequence.born != there.state.unit:
        return None
    for seen in there.of("CreateSeqStmt"):
        node = seen.node
        if node["sequence"]["relname"] == sequence.name:
            return None if _starts_higher(node.get("options", ())) else short(sequence.key)
    return None


def _starts_higher(options: list[Node]) -> bool:
    start = options_of([o for o in options if fields_of(o)["defname"] == "start"]).get("start", 1)
    return start not in (1, "1")


def _is_moved(seen: tuple[Seen, ...]) -> bool:
    """Whether some sequence is set to a place: setval, RESTART WITH."""
    for each in seen:
        if each.kind in ("SelectStmt", "DoStmt", "AlterSeqStmt", "AlterTableStmt"):
            text = each.statement.sql.lower()
            if "setval" in text or "restart" in text:
                return True
    return False
