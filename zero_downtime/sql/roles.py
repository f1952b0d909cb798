"""The roles that a statement names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zero_downtime.sql.tree import walk


def roles_named(tree: Any) -> Iterator[str]:
    """The roles in a parse tree, PUBLIC and CURRENT_USER not among them; those granted are."""
    for _, fields in walk({"": tree}):
        for granted in fields.get("granted_roles", ()):
            yield granted["AccessPriv"]["priv_name"]
        if "roletype" in fields and fields.get("rolename"):
            yield fields["rolename"]
