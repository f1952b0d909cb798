"""Stand-ins for extensions that the embedded server lacks: pgcrypto and uuid-ossp in plain SQL.

Histories call their functions, mostly for a random UUID or a hash. What plain SQL can do is done
exactly, the rest raises an error. Where the server has the real extension, that one is used.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg

# Each stand-in has a function of such a name; the functions of an extension are in no dump.
_USED = r"""
SELECT e.extname FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_depend d ON d.refobjid = e.oid AND d.deptype = 'e'
  AND d.refclassid = 'pg_catalog.pg_extension'::regclass
JOIN pg_catalog.pg_proc p ON p.oid = d.objid AND d.classid = 'pg_catalog.pg_proc'::regclass
WHERE p.proname ~ '^zd_standin_' ORDER BY 1
"""


def install(folder: Path) -> str:
    """Copy the stand-ins to where the server may read; gives its extension_control_path."""
    shutil.copytree(Path(__file__).parent / "extension", folder / "extension")
    folder.chmod(0o755)
    (folder / "extension").chmod(0o755)
    return f"$system:{folder}"


def used_in(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """The extensions of a database that are stand-ins, by name."""
    return tuple(row[0] for row in connection.execute(_USED))
