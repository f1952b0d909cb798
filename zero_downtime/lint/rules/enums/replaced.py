"""An enum that is replaced by one of the same name."""

from __future__ import annotations

from collections.abc import Iterator

from zero_downtime.lint.finding import Finding
from zero_downtime.lint.rule import Rule, Seen, There
from zero_downtime.lint.words import short
from zero_downtime.sql.tree import names_of, path_of


class EnumValueRemoved(Rule):
    """An enum is replaced by one that lacks some of its values."""

    on = ("CreateEnumStmt", "RenameStmt")
    why = (
        "The running release still writes and compares the values that are gone, and its queries"
        " fail. Rows that hold them make the change of type fail."
    )
    safe = (
        "Keep the type, and forbid the value with a CHECK, NOT VALID, once nothing writes it any"
        " more."
    )
    bad = (
        "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TYPE mood RENAME TO mood_old;\n"
        "CREATE TYPE mood AS ENUM ('calm');\nCOMMIT;"
    )
    good = (
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE orders ADD CONSTRAINT never_busy CHECK (state <> 'busy') NOT VALID;"
    )

    def at_end(self, there: There) -> Iterator[Finding]:
        for seen, node in there.trees("CreateEnumStmt"):
            key = there.state.type_key(names_of(node["typeName"]))
            yield from self._compared(there, seen, key)
        for seen, node in there.trees("RenameStmt"):
            if node["renameType"] == "OBJECT_TYPE":
                path = path_of(node["object"])
                key = there.state.type_key((*path[:-1], node["newname"]))
                yield from self._compared(there, seen, key)

    def _compared(self, there: There, seen: Seen, key: str | None) -> Iterator[Finding]:
        old = there.before.types.get(key) if key else None
        new = there.state.types.get(key) if key else None
        if old is None or new is None or key is None or new.born == old.born:
            return
        gone = [value for value in old.values if value not in new.values]
        if not gone or not new.values:
            return
        listed = ", ".join(f"'{value}'" for value in gone)
        word = "is" if len(gone) == 1 else "are"
        yield self.found(
            seen,
            f"{listed} {word} no value of {short(key)} any more: queries of the running release"
            " that use it fail, and so does the change of type if rows hold it.",
            f"Keep the type; forbid what nothing writes any more:\n"
            f"ALTER TABLE … ADD CONSTRAINT … CHECK (… <> '{gone[0]}') NOT VALID;",
        )
