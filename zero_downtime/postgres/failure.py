"""What a server said when it refused a statement, whichever driver carried it."""

from __future__ import annotations

from typing import Any

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"


def sqlstate(error: BaseException | None) -> str | None:
    """The five characters of PostgreSQL's error code (docs, appendix A); None for other errors."""
    while error is not None:
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if code:
            return str(code)
        error = getattr(error, "orig", None) or error.__cause__
    return None


def message(error: BaseException) -> str:
    """The server's primary message and detail on one line, without the driver's trimmings."""
    original: Any = getattr(error, "orig", None) or error
    diagnosis = getattr(original, "diag", None)
    said = getattr(diagnosis, "message_primary", None) or str(original)
    detail = getattr(diagnosis, "message_detail", None)
    return " ".join(f"{said}: {detail}".split() if detail else said.split()).rstrip(".:")
