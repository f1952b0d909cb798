"""Parameters of vector indexes and of the searches through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule, There
from zero_downtime.lint.rules.vectors.vector import METHODS, value_of, vector_index
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import constant, fields_of

_RANGES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "hnsw": {"m": (2, 100), "ef_construction": (4, 1000)},
    "ivfflat": {"lists": (1, 32768)},
}
_SETTINGS: Mapping[str, tuple[int, int]] = {
    "hnsw.ef_search": (1, 1000),
    "ivfflat.probes": (1, 32768),
}
_MODES: Mapping[str, tuple[str, ...]] = {
    "hnsw.iterative_scan": ("off", "relaxed_order", "strict_order"),
    "ivfflat.iterative_scan": ("off", "relaxed_order"),
}
_TABLE = "CREATE TABLE papers (id bigint, v vector(3));\n"


class VectorIndexParameter(Rule):
    """A vector index or search gets a parameter that pgvector refuses."""

    on = ("IndexStmt", "VariableSetStmt")
    words = ("hnsw", "ivfflat")
    why = (
        "m goes from 2 to 100, ef_construction from 4 to 1000 and at least to twice m (64 if not"
        " given), lists from 1 to 32768; hnsw.ef_search goes to 1000. Anything else fails."
    )
    safe = "m = 16 and ef_construction = 64 are the defaults of hnsw; lists: rows / 1000."
    bad = (
        _TABLE + "CREATE INDEX papers_v ON papers USING hnsw (v vector_l2_ops)"
        " WITH (m = 48, ef_construction = 64);"
    )
    good = (
        _TABLE + "CREATE INDEX papers_v ON papers USING hnsw (v vector_l2_ops)"
        " WITH (m = 48, ef_construction = 128);"
    )

    def check(self, here: Here) -> Iterator[Finding]:
        wrong = self._of_setting(here) if here.kind == "VariableSetStmt" else _of_index(here)
        if wrong and here.kind == "IndexStmt":
            yield self.found(here, f"This fails: {wrong}.", self.safe)
        elif wrong:  # until pgvector is loaded, the session takes any value, and then drops it
            what = f"pgvector does not take this value: {wrong}."
            yield self.found(here, what, self.safe, severity="warning")

    def _of_setting(self, here: Here) -> str | None:
        name = str(here.node.get("name", "")).lower()
        values = [constant(argument) for argument in here.node.get("args", ())]
        if not values:
            return None
        value = str(values[0])
        if name in _SETTINGS and value.lstrip("-").isdigit():
            low, high = _SETTINGS[name]
            return None if low <= int(value) <= high else f"{name} goes from {low} to {high}"
        if name in _MODES and value.lower() not in (*_MODES[name], "false", "no", "0"):
            return f"{name} is one of {', '.join(_MODES[name])}"
        return None


def _of_index(here: Here) -> str | None:
    index = vector_index(here)
    if index is None:
        return None
    ranges = _RANGES[index.method]
    for name, value in index.options.items():
        if name not in ranges:
            return f"{index.method} has no parameter {name}"
        low, high = ranges[name]
        if isinstance(value, int) and not low <= value <= high:
            return f"{name} goes from {low} to {high}, and here it is {value}"
    m, ef = index.options.get("m", 16), index.options.get("ef_construction", 64)
    if index.method == "hnsw" and isinstance(m, int) and isinstance(ef, int) and ef < 2 * m:
        return f"ef_construction ({ef}) must be at least twice m ({m})"
    return None


class VectorParameterWithoutReindex(Rule):
    """The parameters of a vector index change, and it isn't built anew."""

    severity = "warning"
    on = ("AT_SetRelOptions",)
    why = (
        "m, ef_construction and lists shape an index while it is built: ALTER INDEX … SET only"
        " writes them down, and the index stays as it was until it is built anew."
    )
    safe = "REINDEX INDEX CONCURRENTLY afterwards, outside a transaction."
    bad = "ALTER INDEX papers_v SET (m = 32, ef_construction = 128);"
    good = (
        "ALTER INDEX papers_v SET (m = 32, ef_construction = 128);\n"
        "REINDEX INDEX CONCURRENTLY papers_v;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for seen in there.of("AlterTableStmt"):
            key = there.state.key_of_range(seen.node["relation"])
            if not _sets_shape(seen.node.get("cmds", ())):
                continue
            index = there.state.indexes.get(key)
            if index and index.method not in METHODS:
                continue
            rebuilt = {
                there.state.key_of_range(each.node["relation"])
                for each in there.of("ReindexStmt")
                if "relation" in each.node
            }
            if key in rebuilt or (index and index.table in rebuilt):
                continue
            yield self.found(
                seen,
                f"{short(key)} keeps the shape that it was built with: the new parameters count"
                " from the next REINDEX on.",
                f"REINDEX INDEX CONCURRENTLY {short(key)};",
            )


def _sets_shape(commands: list[dict[str, object]]) -> bool:
    for item in commands:
        command = fields_of(item)
        if command["subtype"] == "AT_SetRelOptions":
            options = command.get("def", {}).get("List", {}).get("items", ())
            names = {fields_of(option)["defname"] for option in options}
            if names & {"m", "ef_construction", "lists"}:
                return all(value_of(fields_of(option)) is not None for option in options)
    return False
