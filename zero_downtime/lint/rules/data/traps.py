"""Data changes that do something else than they look like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.data.rows import is_one_row
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import Node, constant, fields_of, tagged, text_of, walk

_WRITES = ("UpdateStmt", "DeleteStmt", "InsertStmt")


class OneValueForAllRows(Rule):
    """A volatile function in a subquery gives every updated row the same value."""

    on = ("UpdateStmt",)
    words = ("select", "values")
    why = (
        "A subquery that does not depend on the row is evaluated once: (SELECT gen_random_uuid())"
        " gives all rows one and the same value, where gen_random_uuid() gives each its own."
    )
    safe = "Call the function without SELECT around it, or let the subquery use the row."
    bad = "UPDATE orders SET note = (SELECT random()::text) WHERE id BETWEEN 1 AND 1000;"
    good = "UPDATE orders SET note = random()::text WHERE id BETWEEN 1 AND 1000;"

    def check(self, here: Here) -> Iterator[Finding]:
        relation = here.node["relation"]
        name = relation.get("alias", {}).get("aliasname") or relation["relname"]
        for target in here.node.get("targetList", ()):
            fields = fields_of(target)
            link = fields.get("val", {}).get("SubLink", {})
            if link.get("subLinkType") != "EXPR_SUBLINK" or _depends_on(link, name):
                continue
            if is_one_row(here, here.table()):
                continue
            if here.state.volatility(link) == "volatile":
                yield self.found(
                    here,
                    f"The subquery does not depend on the row, so it is evaluated once: every row"
                    f" gets the same {fields['name']}.",
                    "Call the function without SELECT around it.",
                    here.table(),
                )


def _depends_on(link: Node, name: str) -> bool:
    select = fields_of(link.get("subselect", {}))
    for column in tagged(select, "ColumnRef"):
        parts = column["fields"]
        if "fromClause" not in select or (len(parts) > 1 and text_of(parts[0]) == name):
            return True
    return False


class NotInWithNulls(Rule):
    """NOT IN is asked of a column that may hold NULL."""

    severity = "warning"
    on = _WRITES
    words = ("not",)
    why = (
        "If the subquery gives one NULL, x NOT IN (…) is never true: not a single row is changed,"
        " and nothing says so."
    )
    safe = "NOT EXISTS, or WHERE … IS NOT NULL in the subquery."
    bad = "DELETE FROM lines WHERE id < 1000 AND order_id NOT IN (SELECT amount FROM orders);"
    good = "DELETE FROM lines WHERE id < 1000 AND order_id NOT IN (SELECT id FROM orders);"

    def check(self, here: Here) -> Iterator[Finding]:
        for expression in tagged(here.node.get("whereClause"), "BoolExpr"):
            if expression["boolop"] != "NOT_EXPR":
                continue
            link = expression["args"][0].get("SubLink", {})
            if link.get("subLinkType") != "ANY_SUBLINK":
                continue
            found = _nullable_column(here, fields_of(link.get("subselect", {})))
            if found:
                table, column = found
                yield self.found(
                    here,
                    f"{short(table)}.{column} may be NULL: with one NULL there NOT IN is never"
                    " true, and this changes no row.",
                    f"NOT IN (SELECT {column} FROM {short(table)} WHERE {column} IS NOT NULL)",
                    table,
                )


def _nullable_column(here: Here, select: Node) -> tuple[str, str] | None:
    sources = select.get("fromClause", ())
    targets = select.get("targetList", ())
    if len(sources) != 1 or len(targets) != 1 or "RangeVar" not in sources[0]:
        return None
    reference = fields_of(targets[0]).get("val", {}).get("ColumnRef")
    if reference is None or "String" not in reference["fields"][-1]:
        return None
    name = text_of(reference["fields"][-1])
    table = here.state.key_of_range(sources[0]["RangeVar"])
    column = here.relation(table).columns.get(name)
    if column is None or column.not_null:
        return None
    for test in tagged(select.get("whereClause"), "NullTest"):
        if test.get("nulltesttype") == "IS_NOT_NULL":
            return None
    return table, name


class OffsetPaging(Rule):
    """Rows to change are counted out with OFFSET."""

    severity = "warning"
    on = _WRITES
    words = ("offset",)
    why = (
        "OFFSET reads and throws away all rows before it: the last page costs as much as the whole"
        " table. And what was changed moves to another page, so rows are missed or met twice."
    )
    safe = "WHERE key > the last one, ORDER BY key, LIMIT."
    bad = (
        "INSERT INTO scratch_notes SELECT id, note FROM orders ORDER BY id LIMIT 1000 OFFSET 2000;"
    )
    good = (
        "INSERT INTO scratch_notes SELECT id, note FROM orders WHERE id > 2000 ORDER BY id"
        " LIMIT 1000;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if not here.says("offset"):
            return
        if any(constant(offset) not in (0, None) for offset in _offsets(here.node)):
            yield self.found(
                here,
                "OFFSET reads all rows before it again for every page, and rows that change"
                " meanwhile move to another page: some are missed.",
                "WHERE id > …  -- the last one of the page before\nORDER BY id LIMIT …",
            )


def _offsets(node: Any) -> Iterator[Node]:
    for _, fields in walk(node):
        offset = fields.get("limitOffset")
        if isinstance(offset, dict):
            yield offset


class ConflictTargetNotUnique(Rule):
    """ON CONFLICT names columns that no unique index is on."""

    on = ("InsertStmt",)
    words = ("conflict",)
    why = (
        "PostgreSQL refuses it: “there is no unique or exclusion constraint matching the ON"
        " CONFLICT specification”. The migration stops here."
    )
    safe = "Name the columns of a unique index, or make one first."
    bad = "INSERT INTO orders (customer_id, note) VALUES (1, 'x') ON CONFLICT (note) DO NOTHING;"
    good = "INSERT INTO orders (customer_id, code) VALUES (1, 'x') ON CONFLICT (code) DO NOTHING;"

    def check(self, here: Here) -> Iterator[Finding]:
        infer = here.node.get("onConflictClause", {}).get("infer")
        relation = here.relation(here.table())
        if not infer or not relation.known or relation.is_partition or relation.parents:
            return
        if relation.kind not in ("table", "partitioned table"):
            return
        columns = [fields_of(item).get("name") for item in infer.get("indexElems", ())]
        if not columns or not all(columns) or "whereClause" in infer:
            return
        wanted = set(columns)
        unique = [set(i.columns) for i in here.state.indexes_of(relation.key) if i.unique]
        unique += [
            set(c.columns)
            for c in relation.constraints.values()
            if c.kind in ("primary key", "unique", "exclude")
        ]
        if wanted not in unique:
            listed = ", ".join(map(str, columns))
            yield self.found(
                here,
                f"{short(relation.key)} has no unique index on ({listed}): PostgreSQL refuses this"
                " ON CONFLICT, and the migration stops here.",
                f"CREATE UNIQUE INDEX CONCURRENTLY ON {short(relation.key)} ({listed});  -- first",
                relation.key,
                severity=here.by_schema,
            )


class DeleteReadsReferences(Rule):
    """Rows are deleted that other tables refer to without an index."""

    severity = "warning"
    on = ("DeleteStmt",)
    why = (
        "For every row that goes PostgreSQL looks for rows that refer to it. Without an index on"
        " the referring column each look reads that whole table: a thousand rows, a thousand reads."
    )
    safe = "Create the index CONCURRENTLY first."
    bad = "DELETE FROM customers WHERE name = 'x';"
    good = "DELETE FROM lines WHERE quantity = 0;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        if not here.state.referencing(key) or here.is_new(key) or is_one_row(here, key):
            return
        bare = []
        for child in here.state.referencing(key):
            for constraint in here.relation(child).foreign_keys():
                if constraint.references != key or here.is_new(child) or constraint.inherited:
                    continue
                leading = [index.columns[:1] for index in here.state.indexes_of(child)]
                if here.relation(child).known and constraint.columns[:1] not in leading:
                    bare.append((child, constraint.columns))
        if bare:
            child, columns = bare[0]
            others = f" (and {len(bare) - 1} more)" if len(bare) > 1 else ""
            listed = ", ".join(columns)
            yield self.found(
                here,
                f"{short(child)}.{listed}{others} refers to {short(key)} without an index: for each"
                f" row that is deleted here, all of {short(child)} is read.",
                f"CREATE INDEX CONCURRENTLY ON {short(child)} ({listed});  -- first",
                child,
            )
