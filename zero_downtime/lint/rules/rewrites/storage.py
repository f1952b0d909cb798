"""Tables and indexes that are copied to another place or kind of storage."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.words import rewrites_rows, short, waits
from zero_downtime.postgres.locks import LockMode
from zero_downtime.sql.tree import fields_of

_AE = LockMode.ACCESS_EXCLUSIVE


class PersistenceChange(Rule):
    """A table in use is made LOGGED or UNLOGGED."""

    on = ("AT_SetLogged", "AT_SetUnLogged")
    why = (
        "SET LOGGED and SET UNLOGGED copy the table and its indexes under ACCESS EXCLUSIVE. An"
        " unlogged table is empty after a crash, and never reaches a replica."
    )
    safe = "A new table of the wanted kind, filled in batches, that takes over the name."
    bad = "SET lock_timeout = '2s';\nALTER TABLE cache SET LOGGED;"
    good = "CREATE TABLE cache_logged (LIKE cache INCLUDING ALL);"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_SetLogged", "AT_SetUnLogged"):
            key = here.table()
            if key not in here.effect.rewrites:
                continue
            unlogged = command["subtype"] == "AT_SetUnLogged"
            word = "UNLOGGED" if unlogged else "LOGGED"
            lost = " And a crash empties an unlogged table." if unlogged else ""
            yield self.found(
                here,
                rewrites_rows(key, f"SET {word}") + lost,
                f"CREATE {'UNLOGGED ' if unlogged else ''}TABLE {short(key)}_new (LIKE {short(key)}"
                " INCLUDING ALL);  -- and fill it in batches",
                key,
            )


class TablespaceMove(Rule):
    """A table or index in use is moved to another tablespace."""

    on = ("AT_SetTableSpace", "AlterTableMoveAllStmt")
    why = (
        "The whole file is copied under ACCESS EXCLUSIVE. That of an index stops every query on"
        " its table as well, since each plan looks at all indexes."
    )
    safe = (
        "An index: build another one in the new tablespace CONCURRENTLY, and drop the old one. A"
        " table: an online tool such as pg_repack, or a new table filled in batches."
    )
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders SET TABLESPACE fast;"
    good = "CREATE INDEX CONCURRENTLY orders_note_fast ON orders (note) TABLESPACE fast;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "AlterTableMoveAllStmt":
            if here.node["orig_tablespacename"] == here.node["new_tablespacename"]:
                return
            yield self.found(
                here,
                f"Everything in {here.node['orig_tablespacename']} is copied, each under ACCESS"
                " EXCLUSIVE, and all the locks last until the last one is done.",
                self.safe,
            )
            return
        key = here.table()
        index = here.state.indexes.get(key)
        if here.node.get("objtype") == "OBJECT_INDEX" or index:
            yield from self._index(here, key, index.table if index else None)
            return
        for command in here.commands("AT_SetTableSpace"):
            if key in here.effect.rewrites:
                yield self.found(
                    here,
                    f"SET TABLESPACE copies all of {short(key)} to {command['name']} under ACCESS"
                    f" EXCLUSIVE: {waits(_AE, key)} until it is done.",
                    f"pg_repack --table {short(key)} --tablespace {command['name']}",
                    key,
                )

    def _index(self, here: Here, key: str, table: str | None) -> Iterator[Finding]:
        commands = map(fields_of, here.node["cmds"])
        space = next((c["name"] for c in commands if c["subtype"] == "AT_SetTableSpace"), None)
        if space in (None, "pg_default") or (
            table and (here.is_new(table) or here.partitioned(table))
        ):
            return
        on = short(table) if table else "its table"
        yield self.found(
            here,
            f"SET TABLESPACE copies all of {short(key)} under ACCESS EXCLUSIVE: every query on"
            f" {on}, SELECT included, waits until it is done, since each plan looks at all"
            " indexes.",
            f"CREATE INDEX CONCURRENTLY {short(key)}_new ON {on} (…) TABLESPACE {space};\n"
            f"DROP INDEX CONCURRENTLY {short(key)};",
            table,
            lock=_AE,
        )


class StorageForNewRowsOnly(Rule):
    """A column's storage or compression changes, which only new values follow."""

    severity = "warning"
    default = False
    on = ("AT_SetStorage", "AT_SetCompression")
    why = (
        "SET STORAGE and SET COMPRESSION are brief because they touch no row: the values that are"
        " there stay as they are until each row is written again."
    )
    safe = "Nothing to do if that is meant; otherwise update the old rows in batches."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN code SET STORAGE EXTERNAL;"
    good = "CREATE TABLE files (body text STORAGE EXTERNAL);"

    def check(self, here: Here) -> Iterator[Finding]:
        for command in here.commands("AT_SetStorage", "AT_SetCompression"):
            yield self.found(
                here,
                f"Only new values of {command['name']} follow this: the rows of"
                f" {short(here.table())} stay as they are.",
                self.safe,
                here.table(),
            )
