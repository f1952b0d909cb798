"""Publications, and changes of tables that are in one."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.words import short
from zero_downtime.sql.apply_publications import published_tables
from zero_downtime.sql.tree import columns_in, fields_of, names_of, path_of

_FEED = "CREATE PUBLICATION feed FOR TABLE orders;\n"
_TIMEOUT = "SET lock_timeout = '2s';\n"


class NotPublishable(Rule):
    """A publication is given what has no WAL to publish, or a published table gives its WAL up."""

    on = ("CreatePublicationStmt", "AlterPublicationStmt", "AT_SetUnLogged")
    why = (
        "Only ordinary and partitioned tables that are logged can be published: PostgreSQL refuses"
        " views, unlogged and temporary tables, and SET UNLOGGED of a published table."
    )
    safe = "Publish the table below the view; SET LOGGED before, or DROP it from the publication."
    bad = "CREATE PUBLICATION feed FOR TABLE cache;"
    good = "CREATE PUBLICATION feed FOR TABLE customers;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.kind == "AlterTableStmt":
            key = here.table()
            if here.state.published(key):
                yield self._tell(here, key, "is published and can't become unlogged")
            return
        if here.node.get("action") == "AP_DropObjects":
            return
        for key in published_tables(here.state, here.node):
            relation = here.state.relation(key)
            if relation is None or not relation.known:
                continue
            if relation.kind not in ("table", "partitioned table"):
                yield self._tell(here, key, f"is a {relation.kind}, which can't be published")
            elif relation.unlogged or relation.temporary:
                kind = "unlogged" if relation.unlogged else "temporary"
                yield self._tell(here, key, f"is {kind}, which can't be published")

    def _tell(self, here: Here, key: str, what: str) -> Finding:
        return self.found(
            here,
            f"This fails: {short(key)} {what}.",
            self.safe,
            key,
            severity=here.by_schema,
        )


class PublishedColumnNeeded(Rule):
    """A column goes or changes its type that a publication's list or filter names."""

    majors = (15, 18)
    on = ("AT_DropColumn", "AT_AlterColumnType")
    why = (
        "PostgreSQL drops no column that a column list or filter of a publication names (nor"
        " changes the type of one in a filter): the statement fails."
    )
    safe = "ALTER PUBLICATION … SET TABLE … without the column first, in the same transaction."
    bad = (
        "CREATE PUBLICATION feed FOR TABLE orders (id, note);\n"
        + _TIMEOUT
        + "ALTER TABLE orders DROP COLUMN note;"
    )
    good = (
        "CREATE PUBLICATION feed FOR TABLE orders (id, note);\nALTER PUBLICATION feed SET TABLE"
        " orders (id);\n" + _TIMEOUT + "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'x';"
    )
    also = ("drop-column",)

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        for publication in here.state.published(key):
            said = publication.tables.get(key, {})
            listed = set(names_of(said.get("columns")))
            filtered = columns_in(said.get("whereClause"))
            for item in here.node["cmds"]:
                command = fields_of(item)
                name = command.get("name")
                drops = command["subtype"] == "AT_DropColumn"
                changes = command["subtype"] == "AT_AlterColumnType"
                if (drops and name in listed | filtered) or (changes and name in filtered):
                    yield self.found(
                        here,
                        f"This fails: the publication {publication.name} names"
                        f" {short(key)}.{name} in its"
                        f" {'filter' if name in filtered else 'column list'}.",
                        f"ALTER PUBLICATION {publication.name} SET TABLE {short(key)} (…);"
                        "  -- first",
                        key,
                        severity=here.by_schema,
                    )


class SubscriberFirst(Rule):
    """A published table gets a column that its subscribers may not have yet."""

    severity = "warning"
    on = ("AT_AddColumn",)
    why = (
        "Schema changes are not replicated. The first row with the new column stops a subscriber"
        " that doesn't have it, and the publisher keeps WAL for it until the disk is full."
    )
    safe = (
        "Add the column on the subscribers first, then on the publisher; drop one the other way"
        " round. (A reader of the stream that is no PostgreSQL may not mind.)"
    )
    bad = _FEED + _TIMEOUT + "ALTER TABLE orders ADD COLUMN gift boolean;"
    good = (
        "CREATE PUBLICATION feed FOR TABLE orders (id, note);\n"
        + _TIMEOUT
        + "ALTER TABLE orders ADD COLUMN gift boolean;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        if not there.state.publications:
            return
        if not there.state.publications or there.direction == "downgrade":
            return
        told = set()
        for seen in there.of("AlterTableStmt"):
            subtypes = {fields_of(item)["subtype"] for item in seen.node.get("cmds", ())}
            key = there.state.key_of_range(seen.node["relation"])
            if "AT_AddColumn" not in subtypes or key in told:
                continue
            if there.state.assume(key).born == there.state.unit:
                continue
            for publication in there.state.published(key):
                if publication.name.startswith(_NO_TABLES_BEHIND):
                    continue
                if "columns" not in publication.tables.get(key, {}):
                    told.add(key)
                    yield self.found(
                        seen,
                        f"{short(key)} is published ({publication.name}): subscribers need the new"
                        " column before the first row with it arrives.",
                        "The same ALTER TABLE on every subscriber first.",
                        key,
                    )
                    break


# Publications that services make for themselves: what reads them keeps no tables of its own.
_NO_TABLES_BEHIND = ("supabase_realtime", "powersync", "electric_publication", "dbz_")


class PublishedTableTruncated(Rule):
    """A published table is truncated, and with it the copies of its subscribers."""

    severity = "warning"
    on = ("TruncateStmt",)
    why = "TRUNCATE is replicated like any other change: the subscribers' tables are emptied too."
    safe = "Leave truncate out of the publication where copies are to keep the rows."
    bad = _FEED + _TIMEOUT + "TRUNCATE orders CASCADE;"
    good = _FEED + "DELETE FROM orders WHERE id = 7;"
    also = ("truncate-table",)

    def check(self, here: Here) -> Iterator[Finding]:
        for item in here.node["relations"]:
            key = here.state.key_of_range(fields_of(item))
            found = here.state.published(key)
            if found and not here.is_new(key):
                yield self.found(
                    here,
                    f"{short(key)} is published ({found[0].name}): the copies of its subscribers"
                    " are emptied too.",
                    f"ALTER PUBLICATION {found[0].name} SET (publish = 'insert, update, delete');",
                    key,
                )


class PublicationDropped(Rule):
    """A publication goes, or a table is taken out of one."""

    severity = "warning"
    on = ("OBJECT_PUBLICATION", "AlterPublicationStmt")
    why = (
        "A subscriber whose publication is gone stops with an error and its slot keeps the WAL; one"
        " whose table is taken out just gets no more changes, without a word."
    )
    safe = "Drop or refresh the subscription first, and watch pg_replication_slots."
    bad = "DROP PUBLICATION feed;"
    good = "ALTER PUBLICATION feed ADD TABLE customers;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.is_downgrade:
            return
        if here.kind == "DropStmt":
            if here.node["removeType"] == "OBJECT_PUBLICATION" and not here.node.get("missing_ok"):
                name = path_of(here.node["objects"][0])[-1]
                if not _made_again(here, name):
                    yield self._tell(
                        here, f"Subscribers of {name} stop with an error; their slots keep the WAL."
                    )
        elif here.node.get("action") == "AP_DropObjects":
            names = map(short, published_tables(here.state, here.node))
            listed = ", ".join(names) or "these"
            yield self._tell(here, f"Subscribers get no more changes of {listed}, without a word.")

    def _tell(self, here: Here, message: str) -> Finding:
        return self.found(here, message, self.safe)


def _made_again(here: Here, name: str) -> bool:
    return any(
        kind == "CreatePublicationStmt" and node["pubname"] == name
        for _, kind, node in here.following("publication")
    )


class PublicationOfAllTables(Rule):
    """A publication covers all tables there are and will be."""

    severity = "warning"
    default = False
    on = ("CreatePublicationStmt",)
    why = (
        "Each table made later is published too: one without a primary key then refuses UPDATE and"
        " DELETE, and the subscriber stops at a table that it doesn't have."
    )
    safe = "FOR TABLE … or FOR TABLES IN SCHEMA …"
    bad = "CREATE PUBLICATION feed FOR ALL TABLES;"
    good = "CREATE PUBLICATION feed FOR TABLE orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node.get("for_all_tables"):
            yield self.found(
                here, "Every table is published, also those that are made later.", self.safe
            )
