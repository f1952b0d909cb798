"""Changes of SQLAlchemy models over everything that a model can state."""

from model_changes import (
    columns,
    constraints,
    defaults,
    enums,
    indexes,
    keys,
    objects,
    tables,
    types,
)
from model_changes.change import Change

CHANGES: tuple[Change, ...] = tuple(
    change
    for module in (types, columns, defaults, enums, keys, constraints, indexes, tables, objects)
    for change in module.FAMILY.changes
)

__all__ = ["CHANGES", "Change"]
