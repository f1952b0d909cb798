"""Changes of check and exclusion constraints."""

from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, text
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint

from model_changes.change import Family, Part, item
from model_changes.keys import unnamed
from zero_downtime.schema import renamed_from

FAMILY = Family("constraint")
X = "INSERT INTO item VALUES (1, 5)"


def change(name: str, old: Any, new: Any, rows: str = X, **more: Any) -> None:
    FAMILY.change(name, old, new, rows=rows, **more)


def checked(condition: str, name: str | None = "it", **options: Any) -> Part:
    return item(Column("x", Integer), CheckConstraint(condition, name=name, **options))


change("check added", item(Column("x", Integer)), checked("x > 0"))
change("check dropped", checked("x > 0"), item(Column("x", Integer)))
change("check: condition", checked("x > 0"), checked("x > 1"))
change(
    "check: written otherwise",
    checked("x > 0 AND x < 9"),
    checked("((x) > 0) and (x < 9)"),
    no_change=True,
)
change("check: renamed", checked("x > 0", "old"), checked("x > 0", "new"))
change(
    "check: renamed, declared",
    checked("x > 0", "old"),
    checked("x > 0", "new", info=renamed_from("ck_item_old")),
)
change(
    "check without a name added",
    unnamed(item(Column("x", Integer))),
    unnamed(checked("x > 0", None)),
)
change(
    "check of the column itself",
    item(Column("x", Integer)),
    item(Column("x", Integer, CheckConstraint("x > 0", name="positive"))),
)
change("check: NOT VALID", item(Column("x", Integer)), checked("x > 0", postgresql_not_valid=True))
change("check: VALIDATE", checked("x > 0", postgresql_not_valid=True), checked("x > 0"))
change(
    "check of a Boolean",
    item(Column("x", Boolean(create_constraint=False))),
    item(Column("x", Boolean(create_constraint=True, name="is_bool"))),
    rows="INSERT INTO item VALUES (1, true)",
    no_change=True,
)


def booked(*elements: Any, **options: Any) -> Part:
    exclude = ExcludeConstraint(*elements, name="no_overlap", **options)
    return item(Column("room", Integer), Column("days", DATERANGE), exclude)


BOOKED = {
    "before": "CREATE EXTENSION btree_gist",
    "rows": "INSERT INTO item VALUES (1, 1, '[2026-01-01,2026-01-05)')",
}
change(
    "exclusion added",
    item(Column("room", Integer), Column("days", DATERANGE)),
    booked(("room", "="), ("days", "&&"), using="gist"),
    **BOOKED,
)
change(
    "exclusion: predicate",
    booked(("room", "="), ("days", "&&"), using="gist"),
    booked(("room", "="), ("days", "&&"), using="gist", where=text("room > 0")),
    **BOOKED,
)
change(
    "exclusion: operator",
    booked(("days", "&&"), using="gist"),
    booked(("days", "-|-"), using="gist"),
    **BOOKED,
)
change(
    "exclusion dropped",
    booked(("days", "&&"), using="gist"),
    item(Column("room", Integer), Column("days", DATERANGE)),
    **BOOKED,
)
