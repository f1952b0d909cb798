"""What happens during an upgrade, told while it happens."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from zero_downtime.history import Revision
from zero_downtime.sql.statement import Direction, Statement

_SECRETS = re.compile(
    r"\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)"  # dollar-quoted, perhaps cut off at the end
    r"|'(?:[^']|'')*(?:'|\Z)"
    r"|\b\d+(?:\.\d+)?\b",
    re.DOTALL,
)


@dataclass(frozen=True)
class Holder:
    """A session that is in our way."""

    pid: int | None  # None: a prepared transaction
    relation: str | None
    mode: str | None
    user: str | None
    application: str | None
    state: str | None
    seconds: float | None  # age of its transaction
    query: str | None  # with its literals masked
    autovacuum: bool = False
    waits_for_us: bool = False  # it will not leave before we do

    def __str__(self) -> str:
        if self.pid is None:
            return "a prepared transaction"
        about = [f'application "{self.application}"'] if self.application else []
        about += [f"user {self.user}"] if self.user else []
        if self.state:
            age = f" for {self.seconds:.1f} s" if self.seconds is not None else ""
            about.append(self.state + age)
        named = f"backend {self.pid}" + (f" ({', '.join(about)})" if about else "")
        return f"{named}: {self.query}" if self.query else named


@dataclass(frozen=True)
class RevisionBegins:
    revision: Revision
    direction: Direction


@dataclass(frozen=True)
class RevisionEnds:
    revision: Revision
    direction: Direction
    seconds: float


@dataclass(frozen=True)
class StatementBegins:
    statement: Statement


@dataclass(frozen=True)
class StatementEnds:
    """``waited`` are the seconds spent looking and pausing before the request that succeeded."""

    statement: Statement
    seconds: float
    requests: int = 1
    waited: float = 0.0


@dataclass(frozen=True)
class Skipped:
    """A statement whose effect the catalog already shows."""

    statement: Statement


@dataclass(frozen=True)
class LeftoverDropped:
    """An INVALID index that an earlier, interrupted build had left."""

    statement: Statement
    index: str


@dataclass(frozen=True)
class Waiting:
    """We look, or wait where it costs nobody anything; these sessions are in the way."""

    statement: Statement
    holders: tuple[Holder, ...]
    seconds: float


@dataclass(frozen=True)
class NotGranted:
    """We asked, did not get the lock in time, and gave way; or saw that it would be in vain.

    ``deadlock`` tells that it was a circle: who held what we wanted waited for what we held.
    """

    statement: Statement
    request: int
    holders: tuple[Holder, ...]
    again_in: float
    deadlock: bool = False


Event = (
    RevisionBegins
    | RevisionEnds
    | StatementBegins
    | StatementEnds
    | Skipped
    | LeftoverDropped
    | Waiting
    | NotGranted
)
Tell = Callable[[Event], None]


def without_values(text: str) -> str:
    """A query with ? in place of its literals and function bodies."""
    return _SECRETS.sub("?", text)


def masked_query(text: str | None, longest: int = 120) -> str | None:
    """A query without the values in it, on one line."""
    if not text or text == "<insufficient privilege>":
        return None
    line = " ".join(without_values(text).split())
    return line if len(line) <= longest else line[:longest] + " …"
