"""Indexes that nobody needs, that fail, or that are not what they seem."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, repeated
from zero_downtime.lint.words import short
from zero_downtime.sql.apply_indexes import is_plain
from zero_downtime.sql.facts import Index
from zero_downtime.sql.tree import Node, fields_of, functions_in


def _elements(here: Here) -> list[Node]:
    return [fields_of(item) for item in here.node.get("indexParams", ())]


class DuplicateIndex(Rule):
    """A table in use gets an index that another one makes needless."""

    severity = "warning"
    on = ("IndexStmt",)
    why = (
        "An index over the first columns of another one answers nothing that the longer one does"
        " not. It costs every write, and room in memory."
    )
    safe = "Leave it out; or drop the old one, if the new one is to replace it."
    bad = "CREATE INDEX CONCURRENTLY orders_note_again ON orders (note);"
    good = "CREATE INDEX CONCURRENTLY orders_note_total ON orders (note, total);"

    def check(self, here: Here) -> Iterator[Finding]:
        key, elements = here.table(), _elements(here)
        if (
            here.is_new(key)
            or {"whereClause", "tableSpace"} & here.node.keys()
            or not all(map(is_plain, elements))
        ):
            return
        columns = tuple(element["name"] for element in elements)
        own = here.state.key_of((here.node.get("idxname", ""),))
        for other in here.state.indexes_of(key):
            if other.name == own or not other.plain or None in other.columns:
                continue
            if other.method != here.node.get("accessMethod", "btree"):
                continue
            if not self._is_needless(here, columns, other) or self._goes(here, other):
                continue
            yield self.found(
                here,
                f"{short(other.name)} on ({', '.join(str(c) for c in other.columns)}) does already"
                f" what this index on ({', '.join(columns)}) of {short(key)} would.",
                f"Leave it out; or, if it is to replace that one, after it:\n"
                f"DROP INDEX CONCURRENTLY {short(other.name)};",
                key,
            )
            return

    def _is_needless(self, here: Here, columns: tuple[str, ...], other: Index) -> bool:
        included = bool(here.node.get("indexIncludingParams"))
        if here.node.get("unique"):
            return other.unique and other.columns == columns and not included
        if other.method != "btree":
            return other.columns == columns
        return other.columns[: len(columns)] == columns and not included

    def _goes(self, here: Here, other: Index) -> bool:
        """Whether the old index is dropped later on, so that this one replaces it."""
        name = other.constraint or other.name.partition(".")[2]
        return any(
            kind in ("DropStmt", "AlterTableStmt") and name in statement.sql
            for statement, kind, _ in here.following(name, limit=None)
        )


class RepeatedIndexColumn(Rule):
    """An index names a column twice."""

    severity = "warning"
    on = ("IndexStmt",)
    words = (",",)
    why = "The second mention sorts nothing that the first has not; mostly another column is meant."
    safe = "Name each column once."
    bad = "CREATE INDEX CONCURRENTLY orders_twice ON orders (note, total, note);"
    good = "CREATE INDEX CONCURRENTLY orders_twice ON orders (note, total);"

    def check(self, here: Here) -> Iterator[Finding]:
        names = [(e["name"], str(e.get("opclass"))) for e in _elements(here) if "name" in e]
        for (name, _), times in repeated(names):
            yield self.found(
                here,
                f"The index on {short(here.table())} names {name} {times} times: perhaps"
                " another column is meant.",
                "Name each column once.",
                here.table(),
            )


class IndexOfUnsortableType(Rule):
    """A btree index on a column whose type has no order, or none of use."""

    severity = "warning"
    on = ("IndexStmt",)
    why = (
        "json, xml, point and their like have no btree operator class: the statement fails. jsonb,"
        " tsvector and geometry have one, which only finds values that are equal as a whole; what"
        " queries ask for (@>, @@, &&) needs GIN or GiST."
    )
    safe = "USING gin for jsonb, arrays and tsvector; USING gist for geometry and points."
    bad = (
        "CREATE TABLE files (id int PRIMARY KEY, tags jsonb);\n"
        "CREATE INDEX files_tags ON files (tags);"
    )
    good = (
        "CREATE TABLE files (id int PRIMARY KEY, tags jsonb);\n"
        "CREATE INDEX files_tags ON files USING gin (tags);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("accessMethod", "btree") != "btree" or here.node.get("unique"):
            return
        columns = here.relation(here.table()).columns
        for element in _elements(here):
            column = columns.get(element.get("name", ""))
            if column is None or "opclass" in element:
                continue
            name = here.state.base_type(column.type).name.rpartition(".")[2]
            if name not in (*_NO_ORDER, *_ORDER_OF_NO_USE) or column.type.array:
                continue
            method = "gin" if name in ("json", "jsonb", "tsvector") else "gist"
            result = "fails" if name in _NO_ORDER else "finds only values that are wholly equal"
            yield self.found(
                here,
                f"A btree index on {short(here.table())}.{element['name']}, which is"
                f" {column.type}, {result}.",
                f"CREATE INDEX … USING {method} ({element['name']});",
                here.table(),
            )


_NO_ORDER = ("json", "xml", "point", "box", "polygon", "circle", "line", "lseg", "path")
_ORDER_OF_NO_USE = ("jsonb", "tsvector", "geometry", "geography")


class IndexFunctionSearchPath(Rule):
    """An index or materialized view calls a function that needs the search_path."""

    on = ("IndexStmt", "CreateTableAsStmt", "RefreshMatViewStmt")
    majors = (17, 18)
    why = (
        "From PostgreSQL 17 on indexes are built (and rebuilt, and materialized views refreshed)"
        " with only pg_catalog in the search_path: a function that names a table or function"
        " without its schema fails there."
    )
    safe = "Name the schema in the function's body, or CREATE FUNCTION … SET search_path = …."
    bad = (
        "CREATE FUNCTION plain_text(t text) RETURNS text LANGUAGE sql IMMUTABLE\n"
        "  AS 'SELECT unaccent(t)';\n"
        "CREATE INDEX CONCURRENTLY orders_plain ON orders (plain_text(code));"
    )
    good = (
        "CREATE FUNCTION plain_text(t text) RETURNS text LANGUAGE sql IMMUTABLE\n"
        "  AS 'SELECT public.unaccent(t)';\n"
        "CREATE INDEX CONCURRENTLY orders_plain ON orders (plain_text(code));"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        for name in chain.from_iterable(map(functions_in, self._computed(here))):
            function = here.state.function(name)
            if function and function.by_search_path:
                needed = ", ".join(sorted(function.by_search_path))
                builds = "an index" if here.kind == "IndexStmt" else "a materialized view"
                yield self.found(
                    here,
                    f"{name[-1]}() finds {needed} by the search_path, which PostgreSQL"
                    f" {here.major} empties while it builds {builds}: this fails.",
                    f"ALTER FUNCTION {'.'.join(name)} SET search_path = public;",
                    here.table() if "relation" in here.node else None,
                )
                return

    def _computed(self, here: Here) -> list[Node]:
        """What PostgreSQL evaluates with no search_path."""
        node = here.node
        if here.kind == "IndexStmt":
            found = [element.get("expr") for element in _elements(here)]
            return [each for each in [*found, node.get("whereClause")] if each]
        if node.get("skipData"):
            return []
        if here.kind == "RefreshMatViewStmt":
            query = here.relation(here.table()).query
            return [query] if query else []
        filled = node.get("objtype") == "OBJECT_MATVIEW" and not node["into"].get("skipData")
        return [node["query"]] if filled else []


# Off by default


class IfNotExistsHidesInvalidIndex(Rule):
    """An index is built CONCURRENTLY with IF NOT EXISTS."""

    severity = "warning"
    default = False
    on = ("IndexStmt",)
    why = (
        "A concurrent build that fails leaves an INVALID index behind. The next run finds that"
        " name, does nothing and reports success: the index is never used."
    )
    safe = "DROP INDEX CONCURRENTLY IF EXISTS before, and no IF NOT EXISTS. zd upgrade does so."
    bad = "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_amount ON orders (amount);"
    good = (
        "DROP INDEX CONCURRENTLY IF EXISTS orders_amount;\n"
        "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("concurrent") and here.node.get("if_not_exists"):
            name = here.node["idxname"]
            yield self.found(
                here,
                f"If an earlier run failed, {name} is there and INVALID, and this does nothing"
                " about it.",
                f"DROP INDEX CONCURRENTLY IF EXISTS {name};\n"
                + re.sub(r"(?i)\s+if\s+not\s+exists", "", here.statement.sql, count=1)
                + ";",
                here.table(),
            )


class UnnamedIndex(Rule):
    """An index is made without a name."""

    severity = "warning"
    default = False
    on = ("IndexStmt",)
    why = (
        "PostgreSQL makes up a name. Run twice, the statement makes two indexes, and a downgrade"
        " has to guess what to drop."
    )
    safe = "CREATE INDEX name ON …"
    bad = "CREATE INDEX CONCURRENTLY ON orders (amount);"
    good = "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);"

    def check(self, here: Here) -> Iterator[Finding]:
        if "idxname" not in here.node:
            table = here.relation(here.table()).name
            columns = "_".join(e.get("name", "expr") for e in _elements(here))
            yield self.found(
                here,
                f"The index on {short(here.table())} gets a name that PostgreSQL makes up.",
                f"CREATE INDEX {table}_{columns}_idx ON {short(here.table())} …",
                here.table(),
            )


class WideIndex(Rule):
    """An index has more than three columns."""

    severity = "warning"
    default = False
    on = ("IndexStmt",)
    why = "Each further column makes the index larger and every write dearer, and sorts less."
    safe = "The columns by which rows are found; INCLUDE for those that are only read."
    bad = "CREATE INDEX CONCURRENTLY orders_wide ON orders (customer_id, state, total, note);"
    good = "CREATE INDEX CONCURRENTLY orders_wide ON orders (customer_id, state) INCLUDE (total);"

    def check(self, here: Here) -> Iterator[Finding]:
        width = len(_elements(here))
        if width > 3:
            yield self.found(
                here,
                f"An index over {width} columns of {short(here.table())} is large and dear.",
                self.safe,
                here.table(),
            )


class ManyIndexes(Rule):
    """A table gets its eleventh index, or a further one."""

    severity = "warning"
    default = False
    on = ("IndexStmt",)
    why = "Every INSERT writes every index, and an UPDATE of any indexed column does so too."
    safe = "Look in pg_stat_user_indexes for those that no query uses, and drop them."
    bad = "\n".join(
        f"CREATE INDEX CONCURRENTLY orders_{n} ON orders (amount, total, code) WHERE id > {n};"
        for n in range(7)
    )
    good = "CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        there = len(here.state.indexes_of(key))
        if there >= 10:
            yield self.found(
                here, f"{short(key)} has {there} indexes already; this is one more.", self.safe, key
            )


class IndexRowTooLarge(Rule):
    """A btree index on a text column without a limit."""

    severity = "warning"
    default = False
    on = ("IndexStmt",)
    why = (
        "A btree entry holds 2704 bytes. A longer value, once one comes, can't be inserted into the"
        " table any more."
    )
    safe = "varchar(n) with n at most 600, or an index on md5(column) or left(column, 100)."
    bad = "CREATE INDEX CONCURRENTLY customers_name ON customers (name);"
    good = "CREATE INDEX CONCURRENTLY customers_name ON customers (left(name, 100));"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("accessMethod", "btree") != "btree":
            return
        columns = here.relation(here.table()).columns
        for element in _elements(here):
            column = columns.get(element.get("name", ""))
            if column is None:
                continue
            of = here.state.base_type(column.type)
            if of.name in ("text", "bytea", "varchar") and not of.modifiers and not of.array:
                yield self.found(
                    here,
                    f"{short(here.table())}.{column.name} has no limit: a value over 2704 bytes"
                    " can't be inserted any more.",
                    f"CREATE INDEX … ON {short(here.table())} (left({column.name}, 100));",
                    here.table(),
                )


class ExpressionIndexWithoutAnalyze(Rule):
    """An index on an expression is built, and nothing gathers its statistics."""

    severity = "warning"
    default = False
    on = ("IndexStmt",)
    why = (
        "The planner knows the values of an expression only after the next ANALYZE: until"
        " autovacuum comes by it may not use the new index, or misuse it."
    )
    safe = "ANALYZE the table after the build."
    bad = "CREATE INDEX CONCURRENTLY orders_lower ON orders (lower(code));"
    good = "CREATE INDEX CONCURRENTLY orders_lower ON orders (lower(code));\nANALYZE orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        if here.is_new(key) or not any("expr" in element for element in _elements(here)):
            return
        for _, kind, node in here.rest:
            if kind == "VacuumStmt":
                tables = [fields_of(item)["relation"] for item in node.get("rels", ())]
                if not tables or key in map(here.state.key_of_range, tables):
                    return
        yield self.found(
            here,
            f"No statistics of the expression are there until the next ANALYZE of {short(key)}.",
            f"ANALYZE {short(key)};  -- after the build",
            key,
        )
