"""Numbers that are handed out twice."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, Seen, There
from zero_downtime.lint.words import short
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.tree import constant, fields_of, functions_in, names_of, sequence_in


class SequenceRestarted(Rule):
    """A sequence in use starts again from its beginning."""

    severity = "warning"
    on = ("AlterSeqStmt", "SelectStmt", "AT_SetIdentity")
    why = (
        "It hands out numbers again that rows already have: inserts of the running release fail as"
        " duplicates, or, without a unique index, two rows share a number."
    )
    safe = "setval() to the greatest number that is in the table."
    bad = "SET lock_timeout = '2s';\nALTER SEQUENCE numbers RESTART;"
    good = "SELECT setval('orders_id_seq', (SELECT max(id) FROM orders));"

    def check(self, here: Here) -> Iterator[Finding]:
        key = self._restarted(here)
        if key is None or here.is_new(key) or not here.state.exists(key):
            return
        if any(seen.kind in ("TruncateStmt", "DeleteStmt") for seen in here.so_far):
            return
        yield self.found(
            here,
            f"{short(key)} hands out numbers again that rows may already have: inserts of the"
            " running release then fail as duplicates.",
            _set_to_greatest(here, key),
            key,
        )

    def _restarted(self, here: Here) -> str | None:
        if here.kind == "AlterSeqStmt":
            if _from_start(here.node.get("options", ())):
                return here.state.key_of_range(here.node["sequence"])
            return None
        if here.kind == "AlterTableStmt":
            for command in here.commands("AT_SetIdentity"):
                if _from_start(fields_of(command["def"]).get("items", ())):
                    return here.table()
            return None
        for target in here.node.get("targetList", ()):
            value = fields_of(target).get("val", {})
            name = sequence_in(value)
            if name is None or names_of(fields_of(value)["funcname"])[-1] != "setval":
                continue
            arguments = fields_of(value).get("args", ())
            number = constant(arguments[1]) if len(arguments) > 1 else None
            if isinstance(number, int) and not isinstance(number, bool) and number <= 1:
                return here.state.key_of(tuple(name.replace('"', "").split(".")))
        return None


def _set_to_greatest(here: Here, key: str) -> str:
    owner = here.relation(key).owned_by
    table, column = (short(owner[0]), owner[1]) if owner else ("…", "…")
    return f"SELECT setval('{short(key)}', (SELECT max({column}) FROM {table}));"


def _from_start(options: object) -> bool:
    for item in options if isinstance(options, list) else ():
        fields = fields_of(item)
        if fields["defname"] == "restart":
            value = constant(fields.get("arg"))
            return value is None or (isinstance(value, int) and value <= 1)
    return False


class SequenceNotMoved(Rule):
    """Rows get numbers of their own in a column that a sequence fills."""

    severity = "warning"
    on = ("InsertStmt",)
    why = (
        "The sequence does not notice numbers that are given: it hands out the same ones later, and"
        " inserts of the application fail as duplicates."
    )
    safe = "Leave the column out, or setval() the sequence to the greatest number afterwards."
    bad = "INSERT INTO orders (id, customer_id, known) VALUES (900, 1, 'k');"
    good = (
        "INSERT INTO orders (id, customer_id, known) VALUES (900, 1, 'k');\n"
        "SELECT setval('orders_id_seq', (SELECT max(id) FROM orders));"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        if there.direction == "downgrade" or next(there.of("InsertStmt"), None) is None:
            return
        if _moves_sequence(there):
            return
        told: set[str] = set()
        for seen, node in reversed(list(there.trees("InsertStmt"))):
            key = there.state.key_of_range(node["relation"])
            relation = there.before.relation(key)
            if relation is None or key in told:
                continue
            column = _numbered(relation)
            names = [fields_of(item).get("name") for item in node.get("cols", ())]
            if column is None or column not in names:
                continue
            rows = fields_of(node.get("selectStmt", {})).get("valuesLists", ())
            at = names.index(column)
            values = [fields_of(row)["items"] for row in rows]
            if any(len(row) > at and isinstance(constant(row[at]), int) for row in values):
                told.add(key)
                yield self.found(
                    seen,
                    f"The sequence of {short(key)}.{column} does not notice these numbers and will"
                    " hand them out again: inserts of the application then fail as duplicates.",
                    f"SELECT setval(pg_get_serial_sequence('{short(key)}', '{column}'),"
                    f" (SELECT max({column}) FROM {short(key)}));",
                    key,
                )


def _numbered(relation: Relation) -> str | None:
    for column in relation.columns.values():
        if column.identity or any(n[-1] == "nextval" for n in functions_in(column.default)):
            return column.name
    return None


def _moves_sequence(there: There) -> bool:
    if next(there.of("AlterSeqStmt", "DoStmt"), None) is not None:
        return True
    if any(_restarts_identity(seen) for seen in there.of("AlterTableStmt")):
        return True
    return any("setval" in seen.statement.sql.lower() for seen in there.of("SelectStmt"))


def _restarts_identity(seen: Seen) -> bool:
    return "RESTART" in seen.statement.sql.upper()
