"""What a server said when it refused a statement, whichever driver carried it."""

from __future__ import annotations

from typing import Any

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"
_QUERY_CANCELED = "57014"


def sqlstate(error: BaseException | None) -> str | None:
    """The five characters of PostgreSQL's error code (docs, appendix A); None for other errors."""
    while error is not None:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if code:
            return str(code)
        error = getattr(error, "orig", None) or error.__cause__
    return None


def gave_up(error: BaseException) -> bool:
    """Whether the server can't go on: it lacks room or memory, was shut down, or went away."""
    state = sqlstate(error)
    if state is None:  # the driver's own words
        return type(error).__name__ == "OperationalError"
    return state[:2] in ("08", "53", "57", "58", "XX") and state != _QUERY_CANCELED


def message(error: BaseException) -> str:
    """The server's primary message and detail on one line, without the driver's trimmings."""
    original: Any = getattr(error, "orig", None) or error
    diagnosis = getattr(original, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(original)
    detail = getattr(diagnosis, "message_detail", None)
    return " ".join(f"{said}: {detail}".split() if detail else said.split()).rstrip(".:")
