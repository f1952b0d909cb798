"""Replica identities: by what subscribers find the row that was changed."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.words import short
from zero_downtime.sql.apply_publications import published_tables
from zero_downtime.sql.facts import Relation
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, columns_in, fields_of, names_of, path_of

_TIMEOUT = "SET lock_timeout = '2s';\n"


def identity_columns(state: Known, relation: Relation) -> tuple[str, ...] | None:
    """The columns by which a change is replicated; None: there are none, or all (full)."""
    if relation.replica_identity in ("n", "f"):
        return None
    if relation.replica_identity == "d":
        for constraint in relation.constraints.values():
            if constraint.kind == "primary key":
                return constraint.columns
        return None
    index = state.indexes.get(f"{relation.schema}.{relation.replica_identity}")
    return tuple(name for name in index.columns if name) if index else ()


def has_identity(state: Known, relation: Relation) -> bool:
    """Whether UPDATE and DELETE work on a table that is published."""
    return relation.replica_identity == "f" or identity_columns(state, relation) is not None


class PublishedWithoutIdentity(Rule):
    """A table without primary key or replica identity is published."""

    on = ("CreatePublicationStmt", "AlterPublicationStmt")
    why = (
        "Subscribers find the row that was changed by the primary key or the replica identity."
        " Without one every UPDATE and DELETE on the published table fails, in the running release"
        " too; INSERT works."
    )
    safe = (
        "A primary key first, or REPLICA IDENTITY USING INDEX of a unique index over NOT NULL"
        " columns; or publish its inserts only, WITH (publish = 'insert')."
    )
    bad = "CREATE PUBLICATION feed FOR TABLE scratch_notes;"
    good = "CREATE PUBLICATION feed FOR TABLE orders;"

    def check(self, here: Here) -> Iterator[Finding]:
        node = here.node
        after = here.state.publications.get(node["pubname"])
        if node.get("action") == "AP_DropObjects" or (after and not after.changes):
            return
        if any(fields_of(o)["defname"] == "publish" for o in node.get("options", ())):
            return
        for key in published_tables(here.state, node):
            relation = here.state.relation(key)
            if relation is None or not relation.known or relation.kind != "table":
                continue
            if has_identity(here.state, relation) or _gets_one(here, key):
                continue
            yield self.found(
                here,
                f"{short(key)} has no primary key: from here on UPDATE and DELETE on it fail.",
                f"ALTER TABLE {short(key)} ADD PRIMARY KEY USING INDEX …;  -- first",
                key,
                severity="warning" if here.is_new(key) else here.by_schema,
            )


def _gets_one(here: Here, key: str) -> bool:
    """Whether the statements that follow give the table an identity."""
    return any(
        kind == "AlterTableStmt"
        and here.state.key_of_range(node["relation"]) == key
        and any(_is_identity(fields_of(item)) for item in node.get("cmds", ()))
        for _, kind, node in here.following(key.rpartition(".")[2])
    )


def _is_identity(command: Node) -> bool:
    if command["subtype"] == "AT_ReplicaIdentity":
        return True
    added = fields_of(command.get("def")) if command["subtype"] == "AT_AddConstraint" else {}
    return added.get("contype") == "CONSTR_PRIMARY"


class PublishedKeyDropped(Rule):
    """A published table loses the key by which its changes are replicated."""

    on = ("AT_DropConstraint", "AT_DropColumn", "AT_ReplicaIdentity", "DropStmt")
    why = (
        "Without primary key and replica identity every UPDATE and DELETE on a published table"
        " fails from the moment of COMMIT."
    )
    safe = (
        "The new key in the same command, from an index that was built concurrently before;"
        " meanwhile REPLICA IDENTITY FULL."
    )
    bad = (
        "CREATE PUBLICATION feed FOR TABLE lines;\n"
        + _TIMEOUT
        + "ALTER TABLE lines DROP CONSTRAINT lines_pkey;"
    )
    good = (
        "CREATE PUBLICATION feed FOR TABLE lines;\n"
        + _TIMEOUT
        + "ALTER TABLE lines REPLICA IDENTITY FULL;"
    )
    also = ("uniqueness-dropped",)

    def at_end(self, there: There) -> Iterator[Finding]:
        if not there.state.publications:
            return
        told = set()
        for seen in there.of("AlterTableStmt", "DropStmt"):
            for key in _touched(there.state, seen.node):
                relation = there.state.relation(key)
                if relation is None or not relation.known or key in told:
                    continue
                publications = [p for p in there.state.published(key) if p.changes]
                if not publications or has_identity(there.state, relation):
                    continue
                before = there.before.relation(key)
                if before is None or not has_identity(there.before, before):
                    continue
                told.add(key)
                yield self.found(
                    seen,
                    f"{short(key)} is published ({publications[0].name}) and has nothing left by"
                    " which a subscriber could find a row: UPDATE and DELETE on it fail.",
                    f"ALTER TABLE {short(key)} REPLICA IDENTITY FULL;  -- before, or a new key",
                    key,
                )


def _touched(state: Known, node: Node) -> Iterator[str]:
    if "cmds" in node:
        subtypes = {fields_of(item)["subtype"] for item in node["cmds"]}
        if subtypes & {"AT_DropConstraint", "AT_DropColumn", "AT_ReplicaIdentity"}:
            yield state.key_of_range(node["relation"])
    elif node.get("removeType") == "OBJECT_INDEX":
        names = {path_of(item)[-1] for item in node["objects"]}
        for publication in state.publications.values():
            for key in publication.tables:
                if state.assume(key).replica_identity in names:
                    yield key


class ReplicaIdentityFull(Rule):
    """A table that has a primary key gets REPLICA IDENTITY FULL."""

    severity = "warning"
    default = False  # meant so where somebody reads the old values from the stream
    on = ("AT_ReplicaIdentity",)
    why = (
        "Every UPDATE and DELETE writes the whole old row into the WAL, and a subscriber without a"
        " fitting index reads its whole table for each."
    )
    safe = "REPLICA IDENTITY DEFAULT, the primary key."
    bad = _TIMEOUT + "ALTER TABLE orders REPLICA IDENTITY FULL;"
    good = _TIMEOUT + "ALTER TABLE scratch_notes REPLICA IDENTITY FULL;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        for item in here.node["cmds"]:
            definition = fields_of(fields_of(item).get("def"))
            if definition.get("identity_type") != "f":
                continue
            relation = here.relation(key)
            if any(c.kind == "primary key" for c in relation.constraints.values()):
                yield self.found(
                    here,
                    f"Every UPDATE and DELETE of {short(key)} writes the whole old row into the"
                    " WAL, though it has a primary key.",
                    f"ALTER TABLE {short(key)} REPLICA IDENTITY DEFAULT;",
                    key,
                )


class ReplicaIdentityRefused(Rule):
    """An index can't be the replica identity: partial, not unique, or over nullable columns."""

    on = ("AT_ReplicaIdentity",)
    why = (
        "The index of a replica identity must be unique, without a predicate or expressions, and"
        " its columns NOT NULL: the statement fails."
    )
    safe = "SET NOT NULL (by way of a validated CHECK) and a plain unique index first."
    bad = _TIMEOUT + "ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_code;"
    good = _TIMEOUT + "ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_pkey;"

    def check(self, here: Here) -> Iterator[Finding]:
        key = here.table()
        relation = here.relation(key)
        for item in here.node["cmds"]:
            name = fields_of(fields_of(item).get("def")).get("name")
            index = here.state.indexes.get(f"{relation.schema}.{name}") if name else None
            if index is None or fields_of(item)["subtype"] != "AT_ReplicaIdentity":
                continue
            of_index = (relation.columns.get(c) for c in index.columns if c)
            loose = [c.name for c in of_index if c and not c.not_null]
            reason = (
                "is not unique"
                if not index.unique
                else "has expressions"
                if None in index.columns
                else f"is over {loose[0]}, which may be NULL"
                if loose
                else None
            )
            if reason:
                yield self.found(
                    here,
                    f"This fails: {name} {reason}, so it can't tell the rows of {short(key)}"
                    " apart.",
                    self.safe,
                    key,
                    severity=here.by_schema,
                )


class PublishedWithoutItsKey(Rule):
    """A column list or row filter of a publication leaves out or needs more than the key."""

    majors = (15, 18)
    on = ("CreatePublicationStmt", "AlterPublicationStmt")
    why = (
        "For UPDATE and DELETE the column list must hold the key, and the filter may use nothing"
        " but the key: otherwise every UPDATE and DELETE on the table fails."
    )
    safe = (
        "Put the key into the list; filter by its columns, or make an index with the filter's"
        " columns the replica identity, or REPLICA IDENTITY FULL for a filter."
    )
    bad = "CREATE PUBLICATION feed FOR TABLE orders (customer_id, total);"
    good = "CREATE PUBLICATION feed FOR TABLE orders (id, customer_id, total) WHERE (id > 100);"

    def check(self, here: Here) -> Iterator[Finding]:
        if any(fields_of(o)["defname"] == "publish" for o in here.node.get("options", ())):
            return
        for key, said in published_tables(here.state, here.node).items():
            relation = here.state.relation(key)
            if relation is None or not relation.known or relation.kind != "table":
                continue
            wanted = identity_columns(here.state, relation)
            wrong = None
            if "columns" in said:
                listed = set(names_of(said["columns"]))
                missing = [name for name in wanted or () if name not in listed]
                if missing:
                    wrong = f"its column list leaves out {', '.join(missing)}"
                elif relation.replica_identity == "f":
                    wrong = "a column list doesn't go with REPLICA IDENTITY FULL"
            if "whereClause" in said and wanted is not None:
                more = sorted(columns_in(said["whereClause"]) - set(wanted))
                if more:
                    wrong = f"its filter uses {', '.join(more)}, which is not in the key"
            if wrong and here.node.get("action") != "AP_DropObjects":
                yield self.found(
                    here,
                    f"UPDATE and DELETE on {short(key)} fail from here on: {wrong}.",
                    self.safe,
                    key,
                    severity="warning" if here.is_new(key) else here.by_schema,
                )
