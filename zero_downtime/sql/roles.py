"""The roles that a statement names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def roles_named(tree: Any) -> Iterator[str]:
    """The roles in a parse tree, PUBLIC and CURRENT_USER not among them; those granted are."""
    if isinstance(tree, dict):
        for granted in tree.get("granted_roles", ()):
            yield granted["AccessPriv"]["priv_name"]
        if "roletype" in tree and tree.get("rolename"):
            yield tree["rolename"]
        for value in tree.values():
            yield from roles_named(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from roles_named(value)
