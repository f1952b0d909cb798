"""What is lost but looks like something new: perhaps a rename that was not declared."""

from __future__ import annotations

from zero_downtime.catalog import Catalog, Identity


def perhaps_renamed(lost: str, old: Catalog, new: Catalog) -> str:
    """How to declare the rename that ``lost`` looks like; empty when nothing looks like it."""
    identity = next((each for each in old.facts if str(each) == lost), None)
    if identity is None:
        return ""
    added = [each for each in new.facts if each.kind == identity.kind and each not in old.facts]
    if identity.kind == "column":
        definition = old.facts[identity].definition
        alike = [
            each for each in added
            if each.of == identity.of and new.facts[each].definition == definition
        ]  # fmt: skip
    elif identity.kind == "table":
        columns = _columns(old, identity)
        alike = [each for each in added if columns and _columns(new, each) == columns]
    else:
        return ""
    if not alike:
        return ""
    names = " or ".join(each.name for each in alike)
    bare = identity.name.rpartition(".")[2] if identity.kind == "table" else identity.name
    bare = bare.strip('"')
    return f'; or, if it is called {names} now, declare that: info=renamed_from("{bare}")'


def _columns(catalog: Catalog, table: Identity) -> set[tuple[str, str]]:
    return {
        (each.name, fact.definition)
        for each, fact in catalog.facts.items()
        if each.kind == "column" and each.of == table.name
    }
