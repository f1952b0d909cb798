"""Vector columns: defaults, type changes, versions of the extension."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.vectors.vector import (
    METHODS,
    bare,
    dimensions,
    is_filled,
    is_vector,
    new_definitions,
)
from zero_downtime.lint.words import short
from zero_downtime.sql.alter_types import using_is_plain
from zero_downtime.sql.tree import Node, constant, fields_of, options_of

_PAPERS = "CREATE TABLE papers (id bigint, v vector(3));\n"


class VectorDefault(Rule):
    """A vector column has a default of zeros, or one of other dimensions."""

    on = ("CreateStmt", "AT_AddColumn", "AT_ColumnDefault")
    words = ("vec",)
    severity = "warning"
    why = (
        "The cosine distance to a vector of zeros is undefined: pgvector leaves such rows out of a"
        " cosine index, and no search finds them. One of other dimensions fails when it is used."
    )
    safe = "No default: NULL says that there is no embedding yet, and IS NULL finds what to embed."
    bad = "CREATE TABLE papers (id bigint, v vector(3) NOT NULL DEFAULT '[0,0,0]');"
    good = "CREATE TABLE papers (id bigint, v vector(3));"

    def check(self, here: Here) -> Iterator[Finding]:
        for definition in new_definitions(here):
            if "typeName" not in definition:
                continue
            of = here.state.type_of(definition["typeName"])
            if bare(of) not in ("vector", "halfvec"):
                continue
            for item in definition.get("constraints", ()):
                default = fields_of(item)
                if default["contype"] == "CONSTR_DEFAULT":
                    parts = _parts(constant(default.get("raw_expr")))
                    yield from self._judge(here, definition["colname"], dimensions(of), parts)

    def _judge(
        self, here: Here, column: str, wanted: int | None, parts: list[float] | None
    ) -> Iterator[Finding]:
        safe = f"{column} vector({wanted or 'n'})  -- no default"
        if parts is None:
            return
        if wanted is not None and len(parts) != wanted:
            what = (
                f"The default of {column} has {len(parts)} dimensions and not {wanted}: an INSERT"
                " that leaves the column out fails, and so does adding it to a table with rows."
            )
            yield self.found(here, what, safe, here.table(), severity="error")
        elif not any(parts):
            what = (
                f"Rows with the default of {column}, all zeros, are in no cosine index: searches"
                " don't find them."
            )
            yield self.found(here, what, safe, here.table())


def _parts(text: object) -> list[float] | None:
    """The numbers of a vector's text."""
    try:
        return [float(part) for part in str(text).strip().removeprefix("[")[:-1].split(",")]
    except ValueError:
        return None


class VectorDimensionsChange(Rule):
    """A vector column gets other dimensions, or a type that its index doesn't take."""

    on = ("AT_AlterColumnType",)
    why = (
        "A vector can't become one of other dimensions: with rows in the table the statement"
        " fails (on an empty one, as in a test, it passes). While an index with operator classes of"
        " the old type is there, a change to halfvec fails too."
    )
    safe = (
        "A second column for the new embeddings, filled in the background, with an index of its"
        " own built concurrently; readers switch over; the old column goes in a later release."
    )
    bad = (
        _PAPERS + "INSERT INTO papers VALUES (1, '[1,2,3]');\n"
        "ALTER TABLE papers ALTER COLUMN v TYPE vector(4);"
    )
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN v_1024 vector(1024);"

    def check(self, here: Here) -> Iterator[Finding]:
        table = here.table()
        if here.is_new(table) and not is_filled(here, table):
            return
        for item in here.node["cmds"]:
            command = fields_of(item)
            if command["subtype"] != "AT_AlterColumnType":
                continue
            what = vector_change_fails(here, table, command)
            if what:
                new = here.state.type_of(fields_of(command["def"])["typeName"])
                name = command["name"]
                yield self.found(
                    here,
                    f"This fails: {what}.",
                    f"ALTER TABLE {short(table)} ADD COLUMN {name}_new {new};\n"
                    "fill it in the background, build its index concurrently, switch readers.",
                    table,
                )


def vector_change_fails(here: Here, table: str, command: Node) -> str | None:
    """Why a change of a vector column's type can't work on a table with rows."""
    column = here.relation(table).columns.get(command["name"])
    definition = fields_of(command["def"])
    new = here.state.type_of(definition["typeName"])
    if column is None or not is_vector(column.type) or column.type.array or new.array:
        return None
    before, after = dimensions(column.type), dimensions(new)
    plain = "raw_default" not in definition or using_is_plain(
        definition["raw_default"], command["name"]
    )
    if plain and is_vector(new) and before and after and before != after:
        return f"vectors of {before} dimensions can't become vectors of {after}"
    if bare(new) != bare(column.type):
        for index in here.state.indexes_of(table):
            if index.method in METHODS and command["name"] in index.columns:
                return (
                    f"the operator class of {short(index.name)} does not accept {new};"
                    " drop that index first"
                )
    return None


class VectorDimensionsDropped(Rule):
    """A vector column with an approximate index loses its declared dimensions."""

    on = ("AT_AlterColumnType",)
    why = (
        "vector(n) to vector passes at once and keeps the index, which works on. But it can't be"
        " built any more: REINDEX fails, and a database restored from a dump has no such index."
    )
    safe = "Keep the dimensions; or make the index over (v::vector(n)) first and drop the old one."
    bad = (
        _PAPERS + "CREATE INDEX papers_v ON papers USING hnsw (v vector_l2_ops);\n"
        "ALTER TABLE papers ALTER COLUMN v TYPE vector;"
    )
    good = (
        _PAPERS + "CREATE INDEX papers_v ON papers USING hnsw ((v::vector(3)) vector_l2_ops);\n"
        "ALTER TABLE papers ALTER COLUMN v TYPE vector(3);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        table = here.table()
        for item in here.node["cmds"]:
            command = fields_of(item)
            column = here.relation(table).columns.get(command.get("name", ""))
            if command["subtype"] != "AT_AlterColumnType" or column is None:
                continue
            new = here.state.type_of(fields_of(command["def"])["typeName"])
            if not is_vector(new) or new.modifiers or not is_vector(column.type):
                continue
            for index in here.state.indexes_of(table):
                if index.method in METHODS and command["name"] in index.columns:
                    yield self.found(
                        here,
                        f"{short(index.name)} stays for now, but can't be built again without"
                        " dimensions: REINDEX and a restored dump fail on it.",
                        f"{command['name']} {column.type}  -- keep the dimensions",
                        table,
                    )


class VectorExtensionName(Rule):
    """The extension is asked for as pgvector."""

    on = ("CreateExtensionStmt",)
    why = "The extension of the pgvector project is called vector: pgvector is not found."
    safe = "CREATE EXTENSION IF NOT EXISTS vector;"
    bad = "CREATE EXTENSION IF NOT EXISTS pgvector;"
    good = "CREATE EXTENSION IF NOT EXISTS vector;"

    def check(self, here: Here) -> Iterator[Finding]:
        if here.node["extname"] == "pgvector":
            yield self.found(
                here,
                "This fails: there is no extension pgvector; pgvector's extension is vector.",
                self.safe,
                fix=here.statement.sql.replace("pgvector", "vector", 1),
            )


class VectorExtensionOutdated(Rule):
    """The vector extension is pinned to a version with known faults."""

    severity = "warning"
    on = ("CreateExtensionStmt", "AlterExtensionStmt")
    why = (
        "A parallel hnsw build before 0.8.2 can write beyond its memory, and vacuum before 0.8.3"
        " could damage an hnsw index; 0.5 brought hnsw, 0.7 halfvec, sparsevec and bit indexes."
    )
    safe = "Name no version, or 0.8.5 and later; then REINDEX what an older version built."
    bad = "CREATE EXTENSION vector VERSION '0.7.0';"
    good = "CREATE EXTENSION vector;"

    def check(self, here: Here) -> Iterator[Finding]:
        version = str(options_of(here.node.get("options")).get("new_version") or "")
        numbers = [int(part) for part in version.split(".") if part.isdigit()]
        if here.node["extname"] == "vector" and numbers and numbers < [0, 8, 3]:
            yield self.found(
                here,
                f"Version {version} of pgvector has faults in hnsw that 0.8.3 repaired.",
                self.safe,
            )
