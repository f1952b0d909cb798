"""Values that an enum gets, and how they are used."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.facts import TypeFacts
from zero_downtime.sql.tree import Node, constant, fields_of, names_of, tagged

# What only keeps text, or speaks of something else.
_NOT_EVALUATED = ("AlterEnumStmt", "CommentStmt", "VariableSetStmt", "DoStmt", "CreateFunctionStmt")


class EnumValueUsedEarly(Rule):
    """A new value of an enum is used in the transaction that adds it."""

    on = ("AlterEnumStmt",)
    why = (
        "PostgreSQL refuses it with “unsafe use of new value”: the value does not count before the"
        " transaction that adds it has committed. The migration stops there. (A type that is made"
        " in the same transaction is excepted, from PostgreSQL 17 on also for values added later.)"
    )
    safe = (
        "Add the value in a revision (file, transaction) of its own, before the one that uses it."
    )
    bad = (
        "BEGIN;\nALTER TYPE mood ADD VALUE 'tired';\n"
        "UPDATE orders SET state = 'tired' WHERE id = 1;\nCOMMIT;"
    )
    good = "ALTER TYPE mood ADD VALUE 'tired';\nUPDATE orders SET state = 'tired' WHERE id = 1;"

    def check(self, here: Here) -> Iterator[Finding]:
        if "oldVal" in here.node or here.statement.transaction is None:
            return
        facts = _enum(here)
        same = facts is not None and facts.born_in == here.statement.transaction
        if same and facts and facts.born == here.state.unit and here.major >= 17:
            return
        value = here.node["newVal"]
        for statement, kind, node in here.following(value, limit=None):
            if statement.transaction != here.statement.transaction:
                return
            if kind not in _NOT_EVALUATED and _uses(here, kind, node, value):
                yield self.found(
                    here,
                    f"Line {statement.location.line} uses '{value}' in the transaction that adds"
                    " it: PostgreSQL refuses that (“unsafe use of new value”) and the migration"
                    " stops.",
                    f"{here.statement.sql};  {here.by_itself}"
                    if here.statement.revision
                    else "COMMIT between the two.",
                )
                return


def _uses(here: Here, kind: str, node: Node, value: str) -> bool:
    """Whether a statement evaluates the value as one of the enum, as far as columns tell."""
    texts = [each["sval"].get("sval") for each in tagged(node, "A_Const") if "sval" in each]
    if value not in texts:
        return False
    if kind != "UpdateStmt":
        return True
    relation = here.relation(here.state.key_of_range(node["relation"]))
    facts = _enum(here)
    for target in node.get("targetList", ()):
        column = relation.columns.get(fields_of(target).get("name", ""))
        if constant(fields_of(target).get("val")) == value:
            return column is None or facts is None or column.type.name == facts.name
    return True


def _enum(here: Here) -> TypeFacts | None:
    return here.state.types.get(here.state.type_key(names_of(here.node["typeName"])) or "")


class EnumValueThere(Rule):
    """A value is added to an enum that has it already."""

    on = ("AlterEnumStmt",)
    why = "ADD VALUE without IF NOT EXISTS fails on a value that is there: the migration stops."
    safe = "ADD VALUE IF NOT EXISTS."
    bad = "ALTER TYPE mood ADD VALUE 'busy';"
    good = "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'busy';"

    def check(self, here: Here) -> Iterator[Finding]:
        facts = _enum(here)
        if facts is None or here.node.get("skipIfNewValExists"):
            return
        value = here.node["newVal"]
        if value in facts.values:
            yield self.found(
                here,
                f"{short(facts.name)} has the value '{value}' already: this fails, and the"
                " migration stops.",
                f"ALTER TYPE {short(facts.name)} ADD VALUE IF NOT EXISTS '{value}';",
            )


class RenameEnumValue(Rule):
    """A value of an enum in use gets another name."""

    on = ("AlterEnumStmt",)
    why = (
        "The running release still writes and compares the old name, which is no value any more:"
        " its queries fail. There is no moment at which both names work."
    )
    safe = "Add the new value, let the application write it, change the rows in batches."
    bad = "ALTER TYPE mood RENAME VALUE 'calm' TO 'idle';"
    good = "ALTER TYPE mood ADD VALUE 'idle' AFTER 'calm';"

    def check(self, here: Here) -> Iterator[Finding]:
        if "oldVal" not in here.node:
            return
        name = ".".join(names_of(here.node["typeName"]))
        old, new = here.node["oldVal"], here.node["newVal"]
        facts = _enum(here)
        if facts and facts.born == here.state.unit:
            return
        for kind, node in here.upgrade:
            if kind == "AlterEnumStmt" and (node.get("oldVal"), node.get("newVal")) == (new, old):
                return
        yield self.found(
            here,
            f"The running release still says '{old}', which is no value of {name} from here on:"
            " its queries fail.",
            f"ALTER TYPE {name} ADD VALUE '{new}' AFTER '{old}';\n"
            f"then let the application write '{new}', and change the rows in batches.",
        )


class EnumValueWithoutPlace(Rule):
    """A value is added at the end of an enum, since nothing says where it belongs."""

    severity = "warning"
    default = False
    on = ("AlterEnumStmt",)
    why = (
        "Enums sort by the order of their values, not by their names. A value without BEFORE or"
        " AFTER becomes the greatest, and its place can't be changed later."
    )
    safe = "Say BEFORE or AFTER which value."
    bad = "ALTER TYPE mood ADD VALUE 'tired';"
    good = "ALTER TYPE mood ADD VALUE 'tired' AFTER 'calm';"

    def check(self, here: Here) -> Iterator[Finding]:
        if "oldVal" in here.node or "newValNeighbor" in here.node:
            return
        value = here.node["newVal"]
        yield self.found(
            here,
            f"'{value}' becomes the greatest value of {'.'.join(names_of(here.node['typeName']))},"
            " and its place can't be changed later.",
            f"{here.statement.sql} AFTER '…';",
        )
