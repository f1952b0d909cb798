"""Vector indexes that pgvector refuses to build."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.vectors.vector import (
    MOST_DIMENSIONS,
    MOST_INDEXED,
    VectorIndex,
    bare,
    dimensions,
    is_vector,
    new_definitions,
    opclasses,
    vector_index,
)

_TABLE = "CREATE TABLE papers (id bigint, v vector({}));\n"


class VectorIndexDimensions(Rule):
    """A vector index is asked for more dimensions than pgvector can index."""

    on = ("IndexStmt",)
    words = ("hnsw", "ivfflat")
    why = (
        "hnsw and ivfflat index up to 2,000 dimensions of a vector, 4,000 of a halfvec and 64,000"
        " of a bit string: a page holds no more. The statement fails."
    )
    safe = (
        "Index a half-precision copy, (v::halfvec(n)) halfvec_cosine_ops, and cast the same way in"
        " the queries; above 4,000 dimensions a binary or a shortened one."
    )
    bad = _TABLE.format(3072) + "CREATE INDEX papers_v ON papers USING hnsw (v vector_cosine_ops);"
    good = (
        _TABLE.format(3072)
        + "CREATE INDEX papers_v ON papers USING hnsw ((v::halfvec(3072)) halfvec_cosine_ops);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        index = vector_index(here)
        if index is None or index.type is None:
            return
        most, wanted = MOST_INDEXED.get(index.name), dimensions(index.type)
        if most is None or wanted is None or wanted <= most:
            return
        half = f"((column::halfvec({wanted})) halfvec_cosine_ops)"
        bits = f"((binary_quantize(column)::bit({wanted})) bit_hamming_ops)"
        small = index.name == "vector" and wanted <= MOST_INDEXED["halfvec"]
        yield self.found(
            here,
            f"This fails: {index.method} indexes at most {most} dimensions of a {index.name},"
            f" and here are {wanted}.",
            f"CREATE INDEX … USING hnsw {half if small else bits};",
            here.table(),
        )


class VectorIndexWithoutDimensions(Rule):
    """A vector index is asked of a column or expression that declares no dimensions."""

    on = ("IndexStmt",)
    words = ("hnsw", "ivfflat")
    why = "All vectors of an hnsw or ivfflat index have the same dimensions: without them it fails."
    safe = (
        "Declare the column as vector(n), or index (v::vector(n)) where the rows are those of one"
        " model: WHERE model = …"
    )
    bad = (
        "CREATE TABLE papers (id bigint, v vector);\n"
        "CREATE INDEX papers_v ON papers USING hnsw (v vector_cosine_ops);"
    )
    good = (
        "CREATE TABLE papers (id bigint, v vector);\nCREATE INDEX papers_v ON papers"
        " USING hnsw ((v::vector(768)) vector_cosine_ops) WHERE vector_dims(v) = 768;"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        index = vector_index(here)
        if index is None or index.type is None or index.type.modifiers or index.type.array:
            return
        if index.name in (*MOST_DIMENSIONS, "bit"):
            yield self.found(
                here,
                f"This fails: {index.method} needs to know the dimensions, and the"
                f" {index.name} that is indexed here declares none.",
                f"CREATE INDEX … ((column::{index.name}(n)) {index.opclass or '…'});",
                here.table(),
            )


class VectorIndexOperatorClass(Rule):
    """A vector index has no operator class, or one that its type or method doesn't have."""

    on = ("IndexStmt",)
    words = ("hnsw", "ivfflat")
    why = (
        "The operator class says for which distance an index is built. hnsw has no default one and"
        " fails; ivfflat silently takes Euclidean distance, and a search by cosine reads the whole"
        " table. A class of another type or method is an error."
    )
    safe = (
        "Name the class of the operator that the application orders by: <=> vector_cosine_ops,"
        " <-> vector_l2_ops, <#> vector_ip_ops, <+> vector_l1_ops (halfvec_…, sparsevec_…, bit_…"
        " for the other types)."
    )
    bad = _TABLE.format(3) + "CREATE INDEX papers_v ON papers USING hnsw (v);"
    good = _TABLE.format(3) + "CREATE INDEX papers_v ON papers USING hnsw (v vector_l2_ops);"

    def check(self, here: Here) -> Iterator[Finding]:
        index = vector_index(here)
        if index is None:
            return
        if not index.opclass:
            yield from self._missing(here, index)
            return
        of = opclass_type(index.opclass)
        if of is None:
            return  # an operator class that somebody made
        if index.type is not None and not _accepts(of, index):
            yield self.found(
                here,
                f"This fails: {index.opclass} does not accept {index.type}.",
                _these(index.method, index.name),
                here.table(),
            )
        elif index.opclass not in opclasses(index.method, of):
            yield self.found(
                here,
                f"This fails: {index.method} has no operator class {index.opclass}.",
                _these(index.method, of),
                here.table(),
            )

    def _missing(self, here: Here, index: VectorIndex) -> Iterator[Finding]:
        if index.method == "hnsw" or index.name in ("halfvec", "bit", "sparsevec"):
            yield self.found(
                here,
                f"This fails: {index.method} has no default operator class"
                f"{f' for {index.name}' if index.name else ''}.",
                _these(index.method, index.name or "vector"),
                here.table(),
            )
        else:
            yield self.found(
                here,
                "Without an operator class ivfflat is built for Euclidean distance (<->): ORDER BY"
                " with <=> or <#> won't use it.",
                _these("ivfflat", "vector"),
                here.table(),
                severity="warning",
            )


def opclass_type(opclass: str) -> str | None:
    """The type of one of pgvector's own operator classes, as far as its name tells."""
    of = opclass.partition("_")[0]
    known = of in MOST_DIMENSIONS or of == "bit"
    return of if known and opclass.endswith("_ops") and opclass.count("_") == 2 else None


def _accepts(of: str, index: VectorIndex) -> bool:
    return index.type is not None and not index.type.array and index.name == of


def _these(method: str, of: str) -> str:
    names = opclasses(method, of) or opclasses("hnsw", of)
    return (
        f"CREATE INDEX … USING {method} (column {names[0]});  -- or {', '.join(names[1:])}"
        if (names)
        else f"Declare the column as vector(n), halfvec(n), sparsevec(n) or bit(n) for {method}."
    )


class VectorIndexForm(Rule):
    """A vector index is asked for what its method doesn't do: several columns, UNIQUE, order."""

    on = ("IndexStmt",)
    words = ("hnsw", "ivfflat")
    why = (
        "hnsw and ivfflat index one column, without UNIQUE, INCLUDE, ASC or DESC: the statement"
        " fails."
    )
    safe = (
        "Index the vector alone. Filters get indexes of their own, or a partial vector index"
        " (WHERE tenant = …) where few values matter."
    )
    bad = (
        "CREATE TABLE papers (id bigint, v vector(3), w vector(3));\nCREATE INDEX papers_v ON"
        " papers USING hnsw (v vector_l2_ops, w vector_l2_ops);"
    )
    good = (
        "CREATE TABLE papers (id bigint, v vector(3), w vector(3));\n"
        "CREATE INDEX papers_v ON papers USING hnsw (v vector_l2_ops);\n"
        "CREATE INDEX papers_w ON papers USING hnsw (w vector_l2_ops);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        index = vector_index(here)
        if index is None:
            return
        what = _refused(here, index)
        if what:
            yield self.found(
                here,
                f"This fails: {index.method} does not support {what}.",
                f"CREATE INDEX … USING {index.method} (column {index.opclass or '…'});",
                here.table(),
            )


def _refused(here: Here, index: VectorIndex) -> str | None:
    if here.node.get("unique"):
        return "UNIQUE"
    if len(index.elements) > 1:
        return "several columns"
    if "indexIncludingParams" in here.node:
        return "INCLUDE"
    first = index.elements[0]
    if first.get("ordering", "SORTBY_DEFAULT") != "SORTBY_DEFAULT":
        return "ASC or DESC"
    if first.get("nulls_ordering", "SORTBY_NULLS_DEFAULT") != "SORTBY_NULLS_DEFAULT":
        return "NULLS FIRST or LAST"
    return None


class VectorTooManyDimensions(Rule):
    """A vector column declares more dimensions than its type can have."""

    on = ("CreateStmt", "AT_AddColumn")
    words = ("vec",)
    why = "A vector or halfvec has at most 16,000 dimensions: the statement fails."
    safe = "A sparsevec for vectors that are mostly zero, else fewer dimensions."
    bad = "CREATE TABLE papers (id bigint, v vector(20000));"
    good = "CREATE TABLE papers (id bigint, v sparsevec(20000));"

    def check(self, here: Here) -> Iterator[Finding]:
        for definition in new_definitions(here):
            if "typeName" not in definition:
                continue
            of = here.state.type_of(definition["typeName"])
            wanted, most = dimensions(of), MOST_DIMENSIONS.get(bare(of), 0)
            if is_vector(of) and wanted is not None and not 1 <= wanted <= most:
                yield self.found(
                    here,
                    f"This fails: {definition['colname']} is a {bare(of)} of {wanted} dimensions,"
                    f" and the type takes 1 to {most}.",
                    f"{definition['colname']} sparsevec({max(wanted, 1)})",
                    here.table(),
                )
