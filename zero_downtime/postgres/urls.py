"""URLs of databases: as libpq reads them, and as they may be shown."""

from __future__ import annotations

import re

from psycopg.conninfo import conninfo_to_dict


def masked(url: str) -> str:
    """The URL or connection string with its password hidden."""
    hidden = re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", url)
    return re.sub(r"(password\s*=\s*)('[^']*'|[^\s&]+)", r"\1***", hidden, flags=re.IGNORECASE)


def libpq_url(url: str) -> str:
    """A SQLAlchemy URL (``postgresql+psycopg://…``) as libpq reads it."""
    return re.sub(r"^(postgres(?:ql)?)\+\w+://", r"postgresql://", url)


def database_name(url: str) -> str:
    """The database that a libpq URL or connection string names; empty when it names none."""
    return str(conninfo_to_dict(libpq_url(url)).get("dbname") or "")
