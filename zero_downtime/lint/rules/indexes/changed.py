"""Indexes that go before, or without, what replaces them."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.words import short
from zero_downtime.sql.facts import Index
from zero_downtime.sql.tree import fields_of, names_of, path_of


class ReplacementBuiltTooLate(Rule):
    """An index is dropped before the one that replaces it is built."""

    severity = "warning"
    on = ("OBJECT_INDEX",)
    why = (
        "Between the two no index serves the queries: each of them reads the whole table, at the"
        " worst moment, while the new index is being built."
    )
    safe = "Build the new index under another name, then drop the old one; rename it at the end."
    bad = (
        "DROP INDEX CONCURRENTLY orders_note;\n"
        "CREATE INDEX CONCURRENTLY orders_note_total ON orders (note, total);"
    )
    good = (
        "CREATE INDEX CONCURRENTLY orders_note_total ON orders (note, total);\n"
        "DROP INDEX CONCURRENTLY orders_note;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["removeType"] != "OBJECT_INDEX" or here.is_downgrade:
            return
        for item in here.node["objects"]:
            index = here.state.indexes.get(here.state.key_of(path_of(item)))
            if index is None or here.is_new(index.table) or not index.columns:
                continue
            if _covered(here, index):
                continue
            for statement, kind, node in here.rest:
                number = statement.transaction
                if kind != "IndexStmt" or (number and number == here.statement.transaction):
                    continue
                first = fields_of(node["indexParams"][0]).get("name")
                table = here.state.key_of_range(node["relation"])
                if table == index.table and first and first == index.columns[0]:
                    yield self.found(
                        here,
                        f"{short(index.name)} goes here, and what replaces it is built only in line"
                        f" {statement.location.line}: until then queries by {first} read all of"
                        f" {short(table)}.",
                        "Build the new one first, under another name; then drop this.",
                        table,
                    )
                    break


def _covered(here: Here, index: Index) -> bool:
    """Whether another index begins with the same column."""
    return any(
        other.name != index.name and other.columns[:1] == index.columns[:1] and other.plain
        for other in here.state.indexes_of(index.table)
    )


class IndexLostWithColumn(Rule):
    """A column is dropped, and with it an index over other columns as well."""

    severity = "warning"
    on = ("AT_DropColumn",)
    why = (
        "DROP COLUMN drops every index that mentions the column, those over several columns and"
        " those with a predicate too: queries by the other columns read the whole table from then"
        " on."
    )
    safe = "Build an index over the columns that stay CONCURRENTLY, before the column goes."
    bad = (
        "CREATE INDEX CONCURRENTLY lines_both ON lines (order_id, quantity);\n-- next file\n"
        "SET lock_timeout = '2s';\nALTER TABLE lines DROP COLUMN quantity;"
    )
    good = (
        "CREATE INDEX CONCURRENTLY lines_both ON lines (order_id, quantity);\n"
        "CREATE INDEX CONCURRENTLY lines_order ON lines (order_id, customer_id);\n-- next file\n"
        "SET lock_timeout = '2s';\n"
        "-- zd: ignore[drop-column] nobody reads it: no model maps it since March\n"
        "ALTER TABLE lines DROP COLUMN quantity;"
    )
    also = ("drop-column",)

    def check(self, here: Here) -> Iterator[Finding]:
        going = {command["name"] for command in here.commands("AT_DropColumn")}
        key = here.table()
        for index in here.state.indexes_of(key):
            lost = going & index.used_columns
            kept = [column for column in index.columns if column and column not in going]
            if not lost or not kept or index.born == here.state.unit:
                continue
            if kept[0] != index.columns[0] and not index.unique:
                continue  # nobody could use it by the columns that stay
            if any(
                other.columns[: len(kept)] == tuple(kept) and not going & other.used_columns
                for other in here.state.indexes_of(key)
            ):
                continue
            columns = ", ".join(kept)
            what = "constraint" if index.constraint else "index"
            yield self.found(
                here,
                f"The {what} {short(index.name)} goes with {', '.join(sorted(lost))}: queries by"
                f" {columns} read all of {short(key)} then.",
                f"CREATE INDEX CONCURRENTLY … ON {short(key)} ({columns});  -- before",
                key,
            )


class UniquenessDropped(Rule):
    """A unique index or constraint goes, and nothing else keeps the columns unique."""

    severity = "warning"
    on = ("OBJECT_INDEX", "AT_DropConstraint")
    why = (
        "INSERT … ON CONFLICT over these columns fails from now on (there is no unique or exclusion"
        " constraint that matches), and duplicates that come in stay."
    )
    safe = "First a release without ON CONFLICT over these columns, or another unique index."
    bad = "DROP INDEX CONCURRENTLY orders_code;"
    good = (
        "CREATE UNIQUE INDEX CONCURRENTLY orders_code_now ON orders (code);\n"
        "DROP INDEX CONCURRENTLY orders_code;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        yield from self._by_name(here)
        for index in self._going(here):
            columns = {column for column in index.columns if column}
            if not index.unique or index.born == here.state.unit or None in index.columns:
                continue
            kept = (
                other
                for other in here.state.indexes_of(index.table)
                if other.unique and other.name != index.name
            )
            if here.is_new(index.table) or any(set(other.columns) == columns for other in kept):
                continue
            if _unique_again(here, index.table, columns):
                continue
            named = ", ".join(column for column in index.columns if column)
            yield self.found(
                here,
                f"Nothing else keeps {named} of {short(index.table)} unique: INSERT … ON CONFLICT"
                f" ({named}) of the running release fails.",
                f"A release without ON CONFLICT ({named}) first.",
                index.table,
            )

    def _by_name(self, here: Here) -> Iterator[Finding]:
        """What the name alone tells of a table that was never shown."""
        for command in here.commands("AT_DropConstraint"):
            key, name = here.table(), command["name"]
            if not name.endswith("_pkey") or here.relation(key).known:
                continue
            if name in here.relation(key).constraints:
                continue
            yield self.found(
                here,
                f"{name} is the primary key of {short(key)}, by its name: INSERT … ON CONFLICT of"
                " the running release fails without it, and logical replication of UPDATE and"
                " DELETE too.",
                f"First a unique index: CREATE UNIQUE INDEX CONCURRENTLY … ON {short(key)} (…);",
                key,
            )

    def _going(self, here: Here) -> Iterator[Index]:
        if here.kind == "DropStmt":
            if here.node["removeType"] == "OBJECT_INDEX":
                for item in here.node["objects"]:
                    index = here.state.indexes.get(here.state.key_of(path_of(item)))
                    if index and not index.constraint and index.plain:
                        yield index
            return
        for command in here.commands("AT_DropConstraint"):
            for index in here.state.indexes_of(here.table()):
                if index.constraint == command["name"]:
                    yield index


def _unique_again(here: Here, table: str, columns: set[str]) -> bool:
    """Whether the same transaction makes the same columns unique again, under another name."""
    for kind, node in here.later:
        if kind == "IndexStmt" and node.get("unique") and "whereClause" not in node:
            names = {fields_of(item).get("name") for item in node["indexParams"]}
            if names == columns and here.state.key_of_range(node["relation"]) == table:
                return True
        elif kind == "AlterTableStmt" and here.state.key_of_range(node["relation"]) == table:
            added = (fields_of(fields_of(item).get("def")) for item in node.get("cmds", ()))
            if any(set(names_of(each.get("keys"))) == columns for each in added):
                return True
    return False


class IndexLeftInvalid(Rule):
    """An index ON ONLY a partitioned table never gets all its parts, and stays invalid."""

    severity = "warning"
    on = ("any",)
    why = (
        "CREATE INDEX ON ONLY makes an index that is invalid until one of every partition is"
        " attached. No query uses it before, and no unique one guards anything."
    )
    safe = "CREATE INDEX CONCURRENTLY on each partition, ALTER INDEX … ATTACH PARTITION for each."
    bad = (
        "SET lock_timeout = '2s';\nCREATE INDEX events_id ON ONLY events (id);\n"
        "-- next file\nCREATE TABLE boxes (id int);"
    )
    good = (
        "SET lock_timeout = '2s';\nCREATE INDEX events_id ON ONLY events (id);\n"
        "RESET lock_timeout;\n"
        "CREATE INDEX CONCURRENTLY events_1_id ON events_1 (id);\n"
        "CREATE INDEX CONCURRENTLY events_rest_id ON events_rest (id);\n"
        "ALTER INDEX events_id ATTACH PARTITION events_1_id;\n"
        "ALTER INDEX events_id ATTACH PARTITION events_rest_id;\n"
        "-- next file\nCREATE TABLE boxes (id int);"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        state = there.state
        if not there.is_last or there.direction == "downgrade" or state.unit < 2:
            return
        for index in state.indexes.values():
            relation = state.relation(index.table)
            if relation is None or relation.kind != "partitioned table":
                continue
            if not 0 < index.born < state.unit:
                continue
            attached = {i.table for i in state.indexes.values() if i.parent == index.name}
            missing = [key for key in state.children(index.table) if key not in attached]
            if missing:
                yield self.found(
                    there.seen[-1],
                    f"{short(index.name)} of {short(index.table)} is invalid: no migration attaches"
                    f" an index of {', '.join(map(short, missing))}.",
                    f"CREATE INDEX CONCURRENTLY … ON {short(missing[0])} (…);\n"
                    f"ALTER INDEX {short(index.name)} ATTACH PARTITION …;",
                    index.table,
                )
