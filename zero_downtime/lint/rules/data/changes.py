"""Many rows changed or lost at once."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding, Severity
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.data.rows import (
    has_limit,
    is_bounded,
    is_one_row,
    source_tables,
)
from zero_downtime.lint.words import short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import fields_of


class UnbatchedUpdate(Rule):
    """All rows of a table in use are updated in one statement."""

    severity = "warning"
    on = ("UpdateStmt", "MergeStmt")
    why = (
        "Each row stays locked until the statement is done, so whoever wants to change one waits."
        " The table grows to up to twice its size, and standbys fall behind."
    )
    safe = (
        "Update a range of keys at a time, each in its own transaction, with a pause when standbys"
        " fall behind."
    )
    bad = "UPDATE orders SET note = 'x' WHERE note IS NULL;"
    good = "UPDATE orders SET note = 'x' WHERE note IS NULL AND id BETWEEN 1 AND 1000;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        if not _is_in_use(here, key) or is_bounded(here.node) or has_limit(here.node):
            return
        if here.inside and "whereClause" in here.node:
            return  # compared with a variable of the block, for all we know
        if here.kind == "MergeStmt" and not _merges_a_table(here):
            return
        if any(mode.blocks_writes for seen in here.holding for mode in seen.locks.values()):
            return  # see backfill-with-ddl
        what = f"Nothing bounds how many rows of {short(key)} this updates in one transaction"
        severity: Severity = "warning"
        if here.kind == "UpdateStmt" and "whereClause" not in here.node:
            what = f"This updates all rows of {short(key)} in one transaction"
            severity = "error"
        yield self.found(
            here,
            f"{what}: whoever wants to change one of them waits until it is done, and the table may"
            " grow to twice its size.",
            f"UPDATE {short(key)} SET … WHERE … AND id BETWEEN … AND …;"
            "  -- range by range, each in its own transaction",
            key,
            severity=severity,
        )


class UnbatchedDelete(Rule):
    """Any number of rows of a table in use are deleted in one statement."""

    severity = "warning"
    on = ("DeleteStmt",)
    why = (
        "Each row stays locked until the statement is done. Standbys fall behind, and what refers"
        " to the rows is looked through for each of them."
    )
    safe = "Delete a range of keys at a time, each in its own transaction."
    bad = "DELETE FROM lines l USING orders o WHERE l.order_id = o.id AND o.note IS NULL;"
    good = "DELETE FROM lines WHERE id IN (SELECT id FROM lines WHERE quantity = 0 LIMIT 1000);"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        if "whereClause" not in here.node or not _is_in_use(here, key) or here.inside:
            return
        if is_bounded(here.node) or has_limit(here.node):
            return
        if any(mode.blocks_writes for seen in here.holding for mode in seen.locks.values()):
            return  # see backfill-with-ddl
        yield self.found(
            here,
            f"Nothing bounds how many rows of {short(key)} this deletes in one transaction:"
            " whoever wants to change one of them waits until it is done.",
            f"DELETE FROM {short(key)} WHERE … AND id BETWEEN … AND …;"
            "  -- range by range, each in its own transaction",
            key,
        )


class DeleteWithoutWhere(Rule):
    """All rows of a table in use are deleted."""

    on = ("DeleteStmt",)
    why = (
        "The running release loses the rows it works with, and no downgrade brings them back. Row"
        " by row it also takes long, and locks each of them until it is done."
    )
    safe = "Say with WHERE which rows, in batches; drop the table if it is not needed."
    bad = "DELETE FROM lines;"
    good = "DELETE FROM lines WHERE id BETWEEN 1 AND 1000;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        if "whereClause" in here.node or not _is_in_use(here, key):
            return
        if here.is_downgrade and any(
            kind == "InsertStmt" and here.state.key_of_range(node["relation"]) == key
            for kind, node in here.upgrade
        ):
            return
        severity: Severity | None = None
        for _, kind, node in here.following("insert"):
            if kind == "InsertStmt" and here.state.key_of_range(node["relation"]) == key:
                severity = "warning"  # its content is replaced
                break
        yield self.found(
            here,
            f"This deletes every row of {short(key)}, those that the application has written"
            " included: they are lost.",
            f"DELETE FROM {short(key)} WHERE …;  -- say which",
            key,
            severity=severity,
        )


class TruncateTable(Rule):
    """A table in use is emptied."""

    on = ("TruncateStmt",)
    why = (
        "TRUNCATE waits for every query on the table and keeps all later ones waiting (ACCESS"
        " EXCLUSIVE). All rows are lost; with CASCADE also those of every table that refers to it."
    )
    safe = "DELETE in batches, of the rows that are really meant."
    bad = "SET lock_timeout = '2s';\nTRUNCATE lines;"
    good = "DELETE FROM lines WHERE id BETWEEN 1 AND 1000;"

    def check(self, here: Here) -> Iterator[Finding]:
        named = [here.state.key_of_range(fields_of(i)) for i in here.node.get("relations", ())]
        used = [key for key in named if _is_in_use(here, key)]
        if not used:
            return
        below = {child for key in named for child in here.state.descendants(key)}
        others = sorted(set(here.effect.rewrites) - set(named) - below)
        others = [o for o in others if here.relation(o).kind == "table" and not here.is_new(o)]
        also = f" So are those of {', '.join(map(short, others))}, by CASCADE." if others else ""
        key = used[0]
        temporary = all(here.relation(each).unlogged for each in used)
        names = " and ".join(map(short, used))
        yield self.found(
            here,
            f"All rows of {names} are lost.{also} Under ACCESS EXCLUSIVE"
            f" {waits(LockMode.ACCESS_EXCLUSIVE, key)} meanwhile.",
            f"DELETE FROM {short(key)} WHERE id BETWEEN … AND …;  -- in batches",
            key,
            severity="warning" if temporary else None,
        )


class UnbatchedInsert(Rule):
    """A table is copied into another one in one statement."""

    severity = "warning"
    default = False
    on = ("InsertStmt",)
    why = (
        "One long transaction: it keeps VACUUM from cleaning up anywhere, standbys fall behind, and"
        " rows that are written to the source meanwhile are missed."
    )
    safe = "Copy a range of keys at a time."
    bad = "INSERT INTO scratch_notes SELECT id, note FROM orders;"
    good = "INSERT INTO scratch_notes SELECT id, note FROM orders WHERE id BETWEEN 1 AND 1000;"

    def check(self, here: Here) -> Iterator[Finding]:
        query = here.node.get("selectStmt", {})
        select = fields_of(query)
        if "fromClause" not in select or is_bounded(select) or has_limit(query):
            return
        sources = source_tables(here, query)
        if sources and not here.holding:
            yield self.found(
                here,
                f"This copies all of {short(sources[0])} in one transaction.",
                f"INSERT INTO {short(here.table())} SELECT … WHERE id BETWEEN … AND …;",
                sources[0],
            )


class InsertWithoutColumns(Rule):
    """Rows are inserted without saying into which columns."""

    severity = "warning"
    default = False
    on = ("InsertStmt",)
    why = "The values go to the columns in their order, which the next column changes."
    safe = "List the columns."
    bad = "INSERT INTO scratch_notes VALUES (1, 'x');"
    good = "INSERT INTO scratch_notes (id, note) VALUES (1, 'x');"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("cols") or "selectStmt" not in here.node:
            return
        key = here.table()
        columns = ", ".join(here.relation(key).columns) or "…"
        yield self.found(
            here,
            f"Which columns of {short(key)} these values are for depends on their order there.",
            f"INSERT INTO {short(key)} ({columns}) …",
            key,
        )


def _merges_a_table(here: Here) -> bool:
    """Whether rows are changed by those of another table in use, all of them."""
    clauses = [fields_of(item) for item in here.node.get("mergeWhenClauses", ())]
    changes = any(each.get("commandType") in ("CMD_UPDATE", "CMD_DELETE") for each in clauses)
    source = here.node.get("sourceRelation", {})
    return changes and "RangeVar" in source and bool(source_tables(here, source))


def _is_in_use(here: Here, key: str) -> bool:
    if here.is_new(key) or not here.state.exists(key) or key.endswith(".alembic_version"):
        return False
    schema, _, name = key.partition(".")
    if schema == "pg_catalog" or name.startswith("pg_"):
        return False
    return not (here.kind in ("UpdateStmt", "DeleteStmt") and is_one_row(here, key))
