"""Foreign keys that are slow, of another type, or do what nobody expects."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Rule, There
from zero_downtime.lint.rules.constraints.new_keys import NewKey, new_keys
from zero_downtime.lint.words import short
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.foreign_keys import referenced_columns
from zero_downtime.sql.prediction import Prediction
from zero_downtime.sql.state import State
from zero_downtime.sql.tree import fields_of
from zero_downtime.sql.types import Type


class ForeignKeyWithoutIndex(Rule):
    """No index begins with the columns of a new foreign key."""

    severity = "warning"
    default = False
    on = ("AT_AddConstraint", "AT_AddColumn", "CreateStmt")
    words = ("references",)
    why = (
        "Each DELETE of a parent row, and each UPDATE of its key, looks for children: without an"
        " index it reads the whole child table while it holds the parent row locked."
    )
    safe = "An index on the columns of the key; on a table in use CONCURRENTLY, before the key."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE lines ADD CONSTRAINT lines_buyer\n"
        "  FOREIGN KEY (customer_id) REFERENCES customers NOT VALID;"
    )
    good = (
        "CREATE INDEX CONCURRENTLY lines_buyer ON lines (customer_id);\n"
        "SET lock_timeout = '2s';\nALTER TABLE lines ADD CONSTRAINT lines_buyer\n"
        "  FOREIGN KEY (customer_id) REFERENCES customers NOT VALID;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for key in new_keys(there):
            if not _lacks_index(there.state, key):
                continue
            table, columns = short(key.table.key), ", ".join(key.constraint.columns)
            parent = short(key.constraint.references or "")
            name = f"{key.table.name}_{'_'.join(key.constraint.columns)}_idx"
            concurrently = "" if key.is_table_new else "CONCURRENTLY "
            yield self.found(
                key.seen,
                f"No index of {table} begins with {columns}: each DELETE on {parent}, and each"
                f" UPDATE of its key, reads all of {table}.",
                f"CREATE INDEX {concurrently}{name} ON {table} ({columns});",
                key.table.key,
            )


def _lacks_index(state: State, key: NewKey) -> bool:
    wanted = set(key.constraint.columns)
    return key.table.known and not any(
        set(index.columns[: len(wanted)]) == wanted and index.plain
        for index in state.indexes_of(key.table.key)
    )


class ForeignKeyTypeMismatch(Rule):
    """A foreign key has another type than the column that it points to."""

    severity = "warning"
    on = ("AT_AddConstraint", "AT_AddColumn", "CreateStmt")
    words = ("references",)
    why = (
        "The smaller type runs out first: when the parent's numbers pass it, no child can be"
        " written. And each lookup casts one side."
    )
    safe = "The type of the parent's column."
    bad = (
        "SET lock_timeout = '2s';\n"
        "CREATE TABLE boxes (id int PRIMARY KEY, order_id int REFERENCES orders);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "CREATE TABLE boxes (id int PRIMARY KEY, order_id bigint REFERENCES orders);"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for key in new_keys(there):
            parent = there.state.relation(key.constraint.references or "")
            if parent is None:
                continue
            pointed = referenced_columns(Prediction(there.state, there.major), key.constraint)
            for name, other in zip(key.constraint.columns, pointed, strict=False):
                own, its = _types(there.state, key.table, name, parent, other)
                if own is None or its is None or _fit(own, its):
                    continue
                yield self.found(
                    key.seen,
                    f"{short(key.table.key)}.{name} is {own}, but {short(parent.key)}.{other},"
                    f" to which it points, is {its}.",
                    f"{name} {its}",
                    key.table.key,
                )


def _types(
    state: State, table: Relation, name: str, parent: Relation, other: str
) -> tuple[Type | None, Type | None]:
    own, its = table.columns.get(name), parent.columns.get(other)
    return (
        state.base_type(own.type) if own else None,
        state.base_type(its.type) if its else None,
    )


_TEXT = frozenset({"text", "varchar", "citext"})


def _fit(own: Type, its: Type) -> bool:
    return own.name == its.name or {own.name, its.name} <= _TEXT


class SetNullOnNotNullColumn(Rule):
    """A foreign key sets its column NULL when the parent goes, and the column is NOT NULL."""

    on = ("AT_AddConstraint", "AT_AddColumn", "AT_SetNotNull", "CreateStmt")
    words = ("references", "not null")
    why = (
        "ON DELETE SET NULL on a NOT NULL column makes every DELETE of a parent that has children"
        " fail, with an error about a column that the statement never named."
    )
    safe = "ON DELETE RESTRICT (or CASCADE) if the column is NOT NULL; else leave it nullable."
    bad = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD CONSTRAINT orders_buyer\n"
        "  FOREIGN KEY (customer_id) REFERENCES customers ON DELETE SET NULL NOT VALID;\n"
        "CREATE INDEX CONCURRENTLY orders_buyer ON orders (customer_id);"
    )
    good = (
        "SET lock_timeout = '2s';\nALTER TABLE orders ADD CONSTRAINT orders_buyer\n"
        "  FOREIGN KEY (customer_id) REFERENCES customers ON DELETE RESTRICT NOT VALID;\n"
        "CREATE INDEX CONCURRENTLY orders_buyer ON orders (customer_id);"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        told = set()
        for key in new_keys(there):
            told.add(key.constraint.name)
            yield from self._of(there, key)
        if there.direction == "downgrade":
            return
        for seen in there.of("AlterTableStmt"):
            if "not null" not in seen.statement.sql.lower():
                continue
            node = seen.node
            commands = map(fields_of, node.get("cmds", ()))
            names = {c["name"] for c in commands if c["subtype"] == "AT_SetNotNull"}
            table = there.state.relation(there.state.key_of_range(node["relation"]))
            if not names or table is None:
                continue
            for constraint in table.foreign_keys():
                if names & set(constraint.columns) and constraint.name not in told:
                    is_new = table.born == there.state.unit
                    yield from self._of(there, NewKey(seen, table, constraint, is_new, ()))

    def _of(self, there: There, key: NewKey) -> Iterator[Finding]:
        deleted, updated = key.constraint.on_delete == "n", key.constraint.on_update == "n"
        if not (deleted or updated):
            return
        for name in key.set_columns or key.constraint.columns:
            column = key.table.columns.get(name)
            if column is None or not column.not_null:
                continue
            event = "DELETE" if deleted else "UPDATE"
            parent = short(key.constraint.references or "")
            yield self.found(
                key.seen,
                f"{short(key.table.key)}.{name} is NOT NULL and ON {event} SET NULL: each {event}"
                f" of a row of {parent} that has children fails.",
                f"ON {event} RESTRICT, or ALTER TABLE {short(key.table.key)} ALTER COLUMN {name}"
                " DROP NOT NULL;",
                key.table.key,
                severity="warning" if key.is_table_new else None,
            )
            return


class ForeignKeyCascades(Rule):
    """A foreign key deletes or changes the children together with the parent."""

    severity = "warning"
    default = False
    on = ("AT_AddConstraint", "AT_AddColumn", "CreateStmt")
    words = ("references",)
    why = (
        "ON DELETE CASCADE turns the DELETE of one row into that of any number of others, in one"
        " transaction, without a word."
    )
    safe = "ON DELETE RESTRICT, and an application that deletes the children in batches."
    bad = (
        "SET lock_timeout = '2s';\n"
        "CREATE TABLE boxes (id int PRIMARY KEY, order_id bigint REFERENCES orders\n"
        "  ON DELETE CASCADE);"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "CREATE TABLE boxes (id int PRIMARY KEY, order_id bigint REFERENCES orders\n"
        "  ON DELETE RESTRICT);"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for key in new_keys(there):
            if "c" in (key.constraint.on_delete, key.constraint.on_update):
                parent, table = short(key.constraint.references or ""), short(key.table.key)
                yield self.found(
                    key.seen,
                    f"A DELETE or UPDATE on {parent} goes on to all its rows in {table},"
                    " however many.",
                    "ON DELETE RESTRICT",
                    key.table.key,
                )
