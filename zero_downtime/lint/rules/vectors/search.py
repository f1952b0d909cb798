"""Vector indexes that are built and of little or no use to the searches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.rules.vectors.vector import (
    ALL_OPERATORS,
    METHODS,
    dimensions,
    is_filled,
    operator_of,
    vector_index,
)
from zero_downtime.lint.words import short
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import columns_in, names_of, tagged

_TABLE = "CREATE TABLE papers (id bigint, v vector(3));\n"


class VectorIndexOfOtherDistance(Rule):
    """A view or function searches by a distance for which the column has no index."""

    severity = "warning"
    on = ("ViewStmt",)
    why = (
        "A vector index serves the operator of its operator class and no other: a query that"
        " orders by <=> reads the whole table although there is an index for <->."
    )
    safe = "Build the index with the operator class of the operator in the queries."
    bad = (
        _TABLE + "CREATE INDEX papers_v ON papers USING hnsw (v vector_l2_ops);\n"
        "CREATE VIEW near AS SELECT id FROM papers ORDER BY v <=> '[1,2,3]' LIMIT 5;"
    )
    good = (
        _TABLE + "CREATE INDEX papers_v ON papers USING hnsw (v vector_cosine_ops);\n"
        "CREATE VIEW near AS SELECT id FROM papers ORDER BY v <=> '[1,2,3]' LIMIT 5;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for seen in there.of("ViewStmt"):
            for table, column, operator in _searches(there.state, seen.node["query"]):
                serves = _indexed_for(there.state, table, column)
                if serves and operator not in serves:
                    yield self.found(
                        seen,
                        f"The search by {operator} reads all of {short(table)}: the index on"
                        f" {column} is for {' and '.join(sorted(serves))}.",
                        f"CREATE INDEX CONCURRENTLY ON {short(table)} USING hnsw"
                        f" ({column} {_class_for(operator)});",
                        table,
                    )


def _searches(state: Known, query: object) -> Iterator[tuple[str, str, str]]:
    """Table, column and operator of the distances that a query orders by."""
    tables = state.relations_in(query)
    for clause in tagged(query, "SortBy"):
        for expression in tagged(clause, "A_Expr"):
            operator = names_of(expression.get("name"))[-1:]
            if operator and operator[0] in ALL_OPERATORS:
                for column in columns_in(expression):
                    for table in tables:
                        if column in state.assume(table).columns:
                            yield table, column, operator[0]


def _indexed_for(state: Known, table: str, column: str) -> set[str]:
    """The operators that the vector indexes of a column serve."""
    found = set()
    for index in state.indexes_of(table):
        if index.method in METHODS and column in index.used_columns:
            for opclass in index.opclasses:
                found.add(operator_of(opclass) or "<->")
    return found


def _class_for(operator: str) -> str:
    metrics = {"<->": "l2", "<#>": "ip", "<=>": "cosine", "<+>": "l1"}
    return f"vector_{metrics[operator]}_ops" if operator in metrics else "…"


class IvfflatWithoutRows(Rule):
    """An ivfflat index is built on a table that has no rows yet."""

    severity = "warning"
    on = ("IndexStmt",)
    words = ("ivfflat",)
    why = (
        "ivfflat finds the centres of its lists in the rows that are there when it is built. Built"
        " on an empty table, half of the nearest neighbours are never found, without an error,"
        " until the index is built anew."
    )
    safe = "hnsw needs no rows to learn from; or build ivfflat after the load."
    bad = (
        _TABLE
        + "CREATE INDEX papers_v ON papers USING ivfflat (v vector_l2_ops) WITH (lists = 100);"
    )
    good = _TABLE + "CREATE INDEX papers_v ON papers USING hnsw (v vector_l2_ops);"

    def check(self, here: Here) -> Iterator[Finding]:
        index = vector_index(here)
        table = here.table()
        if index is None or index.method != "ivfflat" or not here.is_new(table):
            return
        if here.relation(table).known and not is_filled(here, table):
            yield self.found(
                here,
                f"{short(table)} was made just now: ivfflat has no rows to learn its lists from,"
                " and will miss about half of the neighbours.",
                f"CREATE INDEX ON {short(table)} USING hnsw (…);  -- or ivfflat, after the load",
                table,
            )


class VectorInBtree(Rule):
    """A vector gets an ordinary (btree) index or a unique constraint."""

    severity = "warning"
    on = ("IndexStmt",)
    why = (
        "A btree finds equal vectors, never near ones; and an entry holds 2.7 kB: from about 670"
        " dimensions on, each INSERT fails."
    )
    safe = "USING hnsw (v vector_cosine_ops) for the search; equality by a hash of the source."
    bad = "CREATE TABLE papers (id bigint, v vector(768));\nCREATE INDEX papers_v ON papers (v);"
    good = (
        "CREATE TABLE papers (id bigint, v vector(768));\n"
        "CREATE INDEX papers_v ON papers USING hnsw (v vector_cosine_ops);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("accessMethod", "btree") != "btree":
            return
        columns = here.relation(here.table()).columns
        for item in here.node["indexParams"]:
            name = item["IndexElem"].get("name")
            if name not in columns or columns[name].type.array:
                continue
            of = columns[name].type
            if of.name.rpartition(".")[2] not in ("vector", "halfvec"):
                continue
            size = (dimensions(of) or 0) * (4 if of.name.endswith("vector") else 2) + 8
            fails = " and an INSERT of such a vector fails" if size > 2704 else ""
            yield self.found(
                here,
                f"A btree on {name} is of no use to a search for near vectors{fails}.",
                f"{_hnsw(here.statement.sql)}",
                here.table(),
            )


def _hnsw(sql: str) -> str:
    return re.sub(r"\(.*", "USING hnsw (column vector_cosine_ops);", sql, count=1, flags=re.S)
