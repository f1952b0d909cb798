"""What stands in the bodies of functions."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.errors import ParseError
from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.sql.functions import builtin_volatility
from zero_downtime.sql.placeholders import has_placeholders
from zero_downtime.sql.script import split
from zero_downtime.sql.tree import (
    Node,
    NotParsed,
    fields_of,
    functions_in,
    names_of,
    options_of,
    parse,
    tagged,
    text_of,
)


def sql_body(node: Node) -> str | None:
    """The body of a function in the language SQL, when it is a single text."""
    options = options_of(node.get("options"))
    if str(options.get("language", "")).lower() != "sql":
        return None
    for option in node.get("options", ()):
        fields = fields_of(option)
        if fields["defname"] == "as":
            texts = fields["arg"]["List"]["items"]
            return text_of(texts[0]) if len(texts) == 1 else None
    return None


class ImmutableFunctionReadsState(Rule):
    """A function is declared IMMUTABLE and reads tables, settings or the clock."""

    severity = "warning"
    on = ("CreateFunctionStmt",)
    why = (
        "PostgreSQL believes the word: it computes the function once for a whole query or stores"
        " its result in an index, and what is read later has changed. Searches by such an index"
        " miss rows."
    )
    safe = "STABLE, if it reads tables or the clock; IMMUTABLE if the arguments decide alone."
    bad = (
        "CREATE FUNCTION rate(c text) RETURNS bigint LANGUAGE sql IMMUTABLE"
        " AS 'SELECT count(*) FROM orders WHERE code = c';"
    )
    good = (
        "CREATE FUNCTION rate(c text) RETURNS bigint LANGUAGE sql STABLE"
        " AS 'SELECT count(*) FROM orders WHERE code = c';"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if options_of(here.node.get("options")).get("volatility") != "immutable":
            return
        text = sql_body(here.node)
        try:
            tree = parse(text) if text else None
        except NotParsed:
            return
        read = _read(here, {tree[0]: tree[1]}) if tree else None
        if read:
            name = names_of(here.node["funcname"])[-1]
            yield self.found(
                here,
                f"{name} is IMMUTABLE and reads {read}: its result may be kept when that changes.",
                f"ALTER FUNCTION {name} STABLE;",
            )


def _read(here: Here, tree: Node) -> str | None:
    relations = here.state.relations_in(tree)
    if relations:
        return f"the table {relations[0].removeprefix('public.')}"
    for _ in tagged(tree, "SQLValueFunction"):
        return "the clock or the session"
    for name in functions_in(tree):
        if name[-1] in ("now", "current_setting", "statement_timestamp"):
            return f"{name[-1]}()"
        if here.state.function(name) is None and builtin_volatility(name) == "volatile":
            return f"{name[-1]}()"
    return None


class FunctionBodyNotParsed(Rule):
    """The body of an SQL function is no SQL."""

    on = ("CreateFunctionStmt",)
    why = "PostgreSQL reads the body of an SQL function when it is created: the statement fails."
    safe = "Mend the body; check it by hand with psql."
    bad = "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELEC 1';"
    good = "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';"

    def check(self, here: Here) -> Iterator[Finding]:
        text = sql_body(here.node)
        if not text or has_placeholders(text) or _checks_off(here):
            return
        try:
            split(text)
        except ParseError as error:
            reason = str(error).rpartition(": ")[2].rstrip(".")
            yield self.found(
                here, f"This fails: the body is no SQL that PostgreSQL reads ({reason}).", self.safe
            )


def _checks_off(here: Here) -> bool:
    return any(
        seen.kind == "VariableSetStmt" and seen.node.get("name") == "check_function_bodies"
        for seen in here.so_far
    )
