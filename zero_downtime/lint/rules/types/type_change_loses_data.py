"""A type change that rounds or cuts what is there."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Here, Rule
from zero_downtime.lint.rules.types.change import changes
from zero_downtime.lint.words import short
from zero_downtime.sql.types import Type


class TypeChangeLosesData(Rule):
    """A column gets a type into which its values are rounded or cut without an error."""

    on = ("AT_AlterColumnType",)
    why = (
        "PostgreSQL rounds when a numeric, a float or a timestamp gets fewer digits, and drops the"
        " time of day when it becomes a date. No error tells, and no downgrade brings it back."
    )
    safe = "A new column beside the old one, which is dropped when nobody misses the difference."
    bad = "SET lock_timeout = '2s';\nALTER TABLE orders ALTER COLUMN placed TYPE date;"
    good = "SET lock_timeout = '2s';\nALTER TABLE orders ADD COLUMN placed_on date;"
    also = ("type-change-rewrite",)

    def check(self, here: Here) -> Iterator[Finding]:
        for change in changes(here):
            if change.column is None or not change.plain:
                continue
            old, new = here.state.base_type(change.column.type), here.state.base_type(change.new)
            lost = _lost(old, new)
            if lost:
                yield self.found(
                    here,
                    f"{old} to {new} {lost} in {short(change.key)}.{change.name}, without an error"
                    " and for good.",
                    f"ALTER TABLE {short(change.key)} ADD COLUMN {change.name}_new {new};  -- and"
                    f" keep {change.name} until nobody misses what it has more",
                    change.key,
                )


_INTEGERS = frozenset({"int2", "int4", "int8"})
_FLOATS = frozenset({"float4", "float8"})
_TIMES = frozenset({"timestamp", "timestamptz"})


def _lost(old: Type, new: Type) -> str | None:
    """What goes, as the end of "a to b …"; None when nothing does, or PostgreSQL would complain."""
    if old.array or new.array:
        return None
    if old.name in _TIMES and new.name == "date":
        return "drops the time of day"
    if old.name in _TIMES and new.name in ("time", "timetz"):
        return "drops the day"
    if old.name in {"numeric", *_FLOATS} and new.name in _INTEGERS:
        whole = old.name == "numeric" and len(old.modifiers) == 1
        return None if whole else "rounds away the fraction"
    if (old.name, new.name) == ("float8", "float4"):
        return "keeps six digits"
    if old.name == "numeric" and new.name in _FLOATS:
        return "makes exact numbers approximate"
    if old.name == new.name == "numeric" and new.modifiers:
        before, after = _scale(old), _scale(new)
        return "rounds away digits" if before is None or (after or 0) < before else None
    if old.name != new.name or old.name not in {*_TIMES, "time", "timetz"} or not new.modifiers:
        return None
    fewer = int(new.modifiers[0]) < int((*old.modifiers, "6")[0])
    return "rounds the fractions of a second" if fewer else None


def _scale(of: Type) -> int | None:
    """The digits after the point of a numeric; None: as many as there are."""
    return int([*of.modifiers, "0"][1]) if of.modifiers else None
