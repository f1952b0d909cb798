"""What a revision needs and is not here, but it can be rehearsed without: types, collations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from zero_downtime.errors import RevisionFailed
from zero_downtime.history import Revision

_TYPE = re.compile(r'type "([^"]+)" does not exist')
_COLLATION = re.compile(r'collation "([^"]+)" for encoding ".*" does not exist')
# One of an operating system's locales, or of ICU's: en_US.utf8, de_DE@euro, und-x-icu.
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?([.@][\w.@-]+)?|[\w-]+-x-icu")


@dataclass(frozen=True)
class StandIn:
    """What takes the place of something by its name."""

    kind: Literal["type", "collation"]
    name: str

    @property
    def create(self) -> sql.Composed:
        """The statement that makes it."""
        if self.kind == "type":  # most such types are texts of a kind, and no more is known of them
            return sql.SQL("CREATE DOMAIN {} AS text").format(sql.Identifier(self.name))
        return sql.SQL("CREATE COLLATION {} (provider = libc, locale = 'C')").format(
            sql.Identifier(self.name)
        )

    @property
    def note(self) -> str:
        """What a reader has to know."""
        if self.kind == "type":
            return f"{self.name} is a type of a package that is not installed here: text stood in"
        return f'the collation {self.name} is not on this server: "C" stood in for it'


def stand_in(failed: RevisionFailed, revision: Revision) -> StandIn | None:
    """What would have kept the revision from failing; None where that is not ours to give."""
    reason = str(failed.facts["reason"])
    found = _TYPE.search(reason)
    if found is not None and found[1].partition(".")[0] in revision.missing:
        return StandIn("type", found[1])
    found = _COLLATION.search(reason)
    if found is not None and _LOCALE.fullmatch(found[1]):
        return StandIn("collation", found[1])
    return None
