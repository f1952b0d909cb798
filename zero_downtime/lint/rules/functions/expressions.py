"""Functions where PostgreSQL demands immutable ones, and virtual columns."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.vectors.vector import new_definitions
from zero_downtime.sql.functions import builtin_volatility
from zero_downtime.sql.tree import Node, fields_of, functions_in, tagged

# Not volatile, and yet never immutable: no overload of these is (pg_proc of PostgreSQL 18).
_STABLE = frozenset(
    {
        *("array_to_json", "array_to_string", "concat", "concat_ws", "current_database"),
        *("current_schema", "current_setting", "format", "json_build_array", "json_build_object"),
        *("jsonb_build_array", "jsonb_build_object", "now", "row_to_json", "statement_timestamp"),
        *("to_char", "to_date", "to_json", "to_jsonb", "transaction_timestamp", "version"),
    }
)


def not_immutable(here: Here, expression: Node | None) -> str | None:
    """A function (or CURRENT_…) in an expression that is certainly not immutable."""
    for _ in tagged(expression, "SQLValueFunction"):
        return "CURRENT_TIMESTAMP and its like"
    for name in functions_in(expression):
        known = here.state.function(name)
        builtin = known is None and (len(name) == 1 or name[0] == "pg_catalog")
        if (known is not None and not known.immutable) or (
            builtin and (name[-1] in _STABLE or builtin_volatility(name) == "volatile")
        ):
            return f"{name[-1]}()"
    return None


class ExpressionNotImmutable(Rule):
    """An index or a generated column uses a function that is not immutable."""

    on = ("IndexStmt", "CreateStmt", "AT_AddColumn")
    why = (
        "What is stored must not depend on when, where and by whom it is computed: PostgreSQL"
        " refuses now(), CURRENT_DATE, random(), concat(), to_char() and functions that are not"
        " declared IMMUTABLE there; the statement fails."
    )
    safe = (
        "|| instead of concat; a fixed date in a partial index; a column that a trigger fills; or a"
        " function of your own that is IMMUTABLE and truly is."
    )
    bad = "CREATE INDEX CONCURRENTLY orders_recent ON orders (id) WHERE placed > now();"
    good = "CREATE INDEX CONCURRENTLY orders_recent ON orders (id) WHERE placed > '2026-01-01Z';"

    def check(self, here: Here) -> Iterator[Finding]:
        for where, expression in _stored(here):
            name = not_immutable(here, expression)
            if name:
                yield self.found(
                    here,
                    f"This fails: {name} in {where} is not immutable.",
                    self.safe,
                    severity=here.by_schema if name.removesuffix("()") not in _CERTAIN else None,
                )


_CERTAIN = frozenset({*_STABLE, "CURRENT_TIMESTAMP and its like", "random", "clock_timestamp"})


def _stored(here: Here) -> Iterator[tuple[str, Node | None]]:
    if here.kind == "IndexStmt":
        for item in here.node["indexParams"]:
            if "expr" in item["IndexElem"]:
                yield "an index", item["IndexElem"]["expr"]
        if "whereClause" in here.node:
            yield "an index's predicate", here.node["whereClause"]
        return
    if not here.says("generated"):
        return
    for definition in new_definitions(here):
        for item in definition.get("constraints", ()):
            constraint = fields_of(item)
            if constraint["contype"] == "CONSTR_GENERATED":
                yield f"the generated column {definition['colname']}", constraint["raw_expr"]


class VirtualColumnRefused(Rule):
    """A virtual generated column is asked for what it can't do yet."""

    majors = (18, 18)
    on = ("CreateStmt", "AT_AddColumn", "IndexStmt", "AT_AddConstraint")
    why = (
        "A virtual column has no user-defined type (no enum, no domain, no vector), calls no"
        " user-defined function, and has no index or unique constraint: the statement fails."
    )
    safe = "STORED instead (on a table in use: a plain column, filled by a trigger and in batches)."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN quiet mood"
        " GENERATED ALWAYS AS ('calm'::mood) VIRTUAL;"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN quiet text"
        " GENERATED ALWAYS AS (upper(note)) VIRTUAL;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        wrong = _indexed(here) if here.kind == "IndexStmt" else _defined(here)
        if wrong:
            yield self.found(here, f"This fails: {wrong}.", self.safe)


def _indexed(here: Here) -> str | None:
    columns = here.relation(here.table()).columns
    for item in here.node["indexParams"]:
        name = item["IndexElem"].get("name")
        if name in columns and columns[name].generated == "virtual":
            return f"{name} is a virtual column, which can't be indexed"
    return None


def _defined(here: Here) -> str | None:
    if not here.says("generated"):
        return None
    for definition in new_definitions(here):
        for item in definition.get("constraints", ()):
            constraint = fields_of(item)
            if (
                constraint["contype"] != "CONSTR_GENERATED"
                or constraint.get("generated_kind") != "v"
                or "typeName" not in definition
            ):
                continue
            of = here.state.type_of(definition["typeName"])
            if of.name in here.state.types or of.name in ("vector", "halfvec", "citext"):
                return f"{of} is user-defined, which a virtual column can't be"
            for name in functions_in(constraint["raw_expr"]):
                if here.state.function(name):
                    return f"{name[-1]}() is user-defined, which a virtual column can't call"
    return None
