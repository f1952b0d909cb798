"""What pgvector accepts: types, operator classes and limits, as version 0.8.6 has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from zero_downtime.lint.rule import Here
from zero_downtime.sql.known import Known
from zero_downtime.sql.tree import Node, fields_of, kind_of, names_of, text_of
from zero_downtime.sql.types import Type

METHODS = ("hnsw", "ivfflat")
MOST_DIMENSIONS: Mapping[str, int] = {  # of a column
    "vector": 16_000,
    "halfvec": 16_000,
    "sparsevec": 1_000_000_000,
}
MOST_INDEXED: Mapping[str, int] = {"vector": 2_000, "halfvec": 4_000, "bit": 64_000}
OPERATORS: Mapping[str, str] = {"l2": "<->", "ip": "<#>", "cosine": "<=>", "l1": "<+>"}
_BIT_OPERATORS: Mapping[str, str] = {"hamming": "<~>", "jaccard": "<%>"}
_METRICS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("hnsw", "vector"): ("l2", "ip", "cosine", "l1"),
    ("hnsw", "halfvec"): ("l2", "ip", "cosine", "l1"),
    ("hnsw", "sparsevec"): ("l2", "ip", "cosine", "l1"),
    ("hnsw", "bit"): ("hamming", "jaccard"),
    ("ivfflat", "vector"): ("l2", "ip", "cosine"),
    ("ivfflat", "halfvec"): ("l2", "ip", "cosine"),
    ("ivfflat", "bit"): ("hamming",),
}


def is_vector(of: Type) -> bool:
    return bare(of) in MOST_DIMENSIONS


def bare(of: Type) -> str:
    """The name of a type without the schema that its extension was put into."""
    return of.name.rpartition(".")[2]


def opclasses(method: str, of: str) -> tuple[str, ...]:
    """The operator classes that a method has for a type."""
    return tuple(f"{of}_{metric}_ops" for metric in _METRICS.get((method, of), ()))


def operator_of(opclass: str) -> str | None:
    """The operator for which an index of an operator class is of use."""
    _, _, metric = opclass.removesuffix("_ops").partition("_")
    return {**OPERATORS, **_BIT_OPERATORS}.get(metric)


ALL_OPERATORS = frozenset({*OPERATORS.values(), *_BIT_OPERATORS.values()})


class VectorIndex(Struct, frozen=True):
    """A CREATE INDEX with one of pgvector's methods."""

    method: str
    elements: tuple[Node, ...]
    type: Type | None  # of what it indexes; None: not known
    opclass: str  # "": none given
    options: Mapping[str, object]

    @property
    def name(self) -> str:
        return bare(self.type) if self.type else ""


def vector_index(here: Here) -> VectorIndex | None:
    """The statement at hand as an approximate index."""
    node = here.node
    if node.get("accessMethod") not in METHODS:
        return None
    elements = tuple(fields_of(item) for item in node["indexParams"])
    first = elements[0]
    columns = here.relation(here.table()).columns
    of: Type | None
    if "name" in first:
        of = columns[first["name"]].type if first["name"] in columns else None
    else:
        of = type_of_expression(here.state, first["expr"])
    opclass = names_of(first.get("opclass"))
    options = {
        fields_of(item)["defname"]: value_of(fields_of(item)) for item in node.get("options", ())
    }
    return VectorIndex(node["accessMethod"], elements, of, opclass[-1] if opclass else "", options)


def type_of_expression(state: Known, expression: Node) -> Type | None:
    """The type of an indexed expression, when its text shows it."""
    kind, fields = kind_of(expression)
    if kind == "TypeCast":
        return state.type_of(fields["typeName"])
    if kind == "FuncCall" and text_of(fields["funcname"][-1]) == "binary_quantize":
        return Type("bit")
    return None


def value_of(option: Node) -> object:
    """A WITH option as a number, if it is one."""
    argument = option.get("arg")
    if not argument:
        return None
    kind, fields = kind_of(argument)
    if kind == "Integer":
        return fields.get("ival", 0)
    text = fields.get("fval") or fields.get("sval") or ""
    return int(text) if str(text).isdigit() else text


def dimensions(of: Type) -> int | None:
    """The declared dimensions of a vector (or bit) type."""
    return int(of.modifiers[0]) if of.modifiers and of.modifiers[0].isdigit() else None


def new_definitions(here: Here) -> Iterator[Node]:
    """The ColumnDefs of a CREATE TABLE or of the ADD COLUMNs of an ALTER TABLE."""
    if here.kind == "CreateStmt":
        for element in here.node.get("tableElts", ()):
            if "ColumnDef" in element:
                yield element["ColumnDef"]
    elif here.kind == "AlterTableStmt":
        for item in here.node.get("cmds", ()):
            command = fields_of(item)
            if command["subtype"] == "AT_AddColumn":
                yield fields_of(command["def"])


def is_filled(here: Here, table: str) -> bool:
    """Whether the statements before this one in its unit put rows into a table."""
    return any(
        seen.kind in ("CreateTableAsStmt", "SelectStmt", "DoStmt", "CallStmt")
        or (
            seen.kind in ("InsertStmt", "CopyStmt")
            and "relation" in seen.node
            and here.state.key_of_range(seen.node["relation"]) == table
        )
        for seen in here.so_far
    )
