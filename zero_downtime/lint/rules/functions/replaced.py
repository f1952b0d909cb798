"""Functions that are replaced under what uses them."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import short
from zero_downtime.sql.facts import FunctionFacts
from zero_downtime.sql.state import State
from zero_downtime.sql.tree import functions_in, names_of

_HALF = "CREATE FUNCTION half(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n / 2';\n"


def facts_after(here: Here) -> tuple[FunctionFacts | None, FunctionFacts]:
    """The function of this name before the statement, and what the statement makes."""
    name = names_of(here.node["funcname"])
    before = here.state.function(name)
    after = State()
    after.search_path = here.state.search_path
    after.apply(here.statement.sql)
    return before, next(iter(after.functions.values()))


class FunctionSignatureChanged(Rule):
    """CREATE OR REPLACE FUNCTION changes the result or the parameters' names, which is refused."""

    on = ("CreateFunctionStmt",)
    why = (
        "CREATE OR REPLACE keeps the signature: another result type, other names of the parameters"
        " or fewer defaults are refused, and the statement fails."
    )
    safe = (
        "A function with a new name; or DROP and CREATE in one transaction, when nothing depends on"
        " it."
    )
    bad = (
        _HALF + "CREATE OR REPLACE FUNCTION half(n int) RETURNS numeric LANGUAGE sql IMMUTABLE"
        " AS 'SELECT n / 2.0';"
    )
    good = (
        _HALF + "CREATE OR REPLACE FUNCTION half(n int) RETURNS int LANGUAGE sql IMMUTABLE"
        " AS 'SELECT n >> 1';"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if not here.node.get("replace"):
            return
        before, after = facts_after(here)
        if before is None or _bare(before.arguments) != _bare(after.arguments):
            return
        wrong = _refused(before, after)
        if wrong:
            yield self.found(
                here,
                f"This fails: {short(before.name)} exists with {wrong}, and OR REPLACE does not"
                " change that.",
                f"DROP FUNCTION {short(before.name)}({', '.join(before.arguments)});  -- first, in"
                " the same transaction",
                severity=here.by_schema,
            )


def _refused(before: FunctionFacts, after: FunctionFacts) -> str | None:
    if _bare((before.returns,)) != _bare((after.returns,)) and "," not in before.returns:
        return f"the result {before.returns or 'of a procedure'}"
    for old, new in zip(before.parameters, after.parameters, strict=True):
        if old and old != new:
            return f"the parameter {old}"
    if after.defaults < before.defaults:
        return f"{before.defaults} default values"
    return None


def _bare(types: tuple[str, ...]) -> tuple[str, ...]:
    """Types without their schema, by which the same one may be written or not."""
    return tuple(each.rpartition(".")[2].rpartition(" ")[2] for each in types)


class FunctionBecomesAmbiguous(Rule):
    """A second function of a name takes calls that the first one takes too."""

    severity = "warning"
    on = ("CreateFunctionStmt",)
    why = (
        "CREATE OR REPLACE with one parameter more makes a second function and leaves the first."
        " If the new parameter has a default, a call with the old arguments fits both: it fails"
        ' with "function is not unique".'
    )
    safe = "DROP the old one in the same transaction, or give the new parameter no default."
    bad = (
        _HALF + "CREATE OR REPLACE FUNCTION half(n int, digits int DEFAULT 0) RETURNS int"
        " LANGUAGE sql IMMUTABLE AS 'SELECT n / 2';"
    )
    good = (
        _HALF + "DROP FUNCTION half(int);\nCREATE FUNCTION half(n int, digits int DEFAULT 0)"
        " RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n / 2';"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        before, after = facts_after(here)
        if before is None or before.name != after.name:
            return
        few, many = len(before.arguments), len(after.arguments)
        same_start = _bare(after.arguments[:few]) == _bare(before.arguments)
        if few < many <= few + after.defaults and same_start and not _dropped_later(here):
            yield self.found(
                here,
                f"{short(before.name)}({', '.join(before.arguments)}) stays, and a call with these"
                " arguments fits both: it fails as not unique.",
                f"DROP FUNCTION {short(before.name)}({', '.join(before.arguments)});  -- first, in"
                " the same transaction",
            )


def _dropped_later(here: Here) -> bool:
    return any(
        kind == "DropStmt" and node["removeType"] in ("OBJECT_FUNCTION", "OBJECT_ROUTINE")
        for _, kind, node in here.following("drop")
    )


class FunctionOfStoredValuesReplaced(Rule):
    """A function is replaced whose results are stored: by an index, a generated column, a check."""

    severity = "warning"
    on = ("CreateFunctionStmt",)
    why = (
        "The index, the generated column and the check keep what the old function said: queries by"
        " the index miss rows, and a dump may not load any more. PostgreSQL does not notice."
    )
    safe = (
        "A function with a new name and an index of its own, built concurrently; or REINDEX"
        " CONCURRENTLY (rewrite the column, validate again) right after."
    )
    bad = (
        _HALF + "CREATE TABLE boxes (n int);\nCREATE INDEX boxes_half ON boxes (half(n));\n"
        "CREATE OR REPLACE FUNCTION half(n int) RETURNS int LANGUAGE sql IMMUTABLE"
        " AS 'SELECT n >> 1';"
    )
    good = (
        _HALF + "CREATE TABLE boxes (n int);\nCREATE INDEX boxes_half ON boxes (half(n));\n"
        "CREATE FUNCTION half_2(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n >> 1';"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        name = names_of(here.node["funcname"])
        if not here.node.get("replace") or here.state.function(name) is None:
            return
        user = _user(here, name[-1])
        if user and not any(kind == "ReindexStmt" for _, kind, _ in here.following("reindex")):
            yield self.found(
                here,
                f"{user} keeps what {name[-1]} said before: from here on the two may disagree.",
                self.safe,
            )


def _user(here: Here, function: str) -> str | None:
    for index in here.state.indexes.values():
        if function in index.calls:
            return f"the index {short(index.name)}"
    for relation in here.state.relations.values():
        for column in relation.columns.values():
            if column.generated and _calls(column.default, function):
                return f"the generated column {short(relation.key)}.{column.name}"
        for constraint in relation.constraints.values():
            if constraint.kind == "check" and _calls(constraint.expression, function):
                return f"the check {constraint.name} of {short(relation.key)}"
    return None


def _calls(expression: dict[str, object] | None, function: str) -> bool:
    return any(name[-1] == function for name in functions_in(expression))
