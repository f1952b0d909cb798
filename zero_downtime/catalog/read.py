"""Read a catalog: pg_dump's statements as facts, plus what pg_dump hides.

Beside the dump: indexes that are INVALID (absent from it, or looking valid), materialized views
that are not filled, versions of extensions that somebody asked for, and what depends on what.
"""

from __future__ import annotations

import fnmatch
import getpass
import os
import re
import subprocess
from collections.abc import Iterator

import psycopg
from psycopg.conninfo import conninfo_to_dict

from zero_downtime.catalog.depends import read_depends
from zero_downtime.catalog.dump import load_facts, several
from zero_downtime.catalog.facts import NOTHING_IGNORED, Catalog, Fact, Identity
from zero_downtime.config import Ignore
from zero_downtime.errors import DatabaseError
from zero_downtime.postgres.literals import literal
from zero_downtime.postgres.names import quoted
from zero_downtime.postgres.server import Server
from zero_downtime.postgres.urls import masked

INVALID_INDEXES = """
    SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text,
           pg_get_indexdef(i.indexrelid), c.relkind = 'I'
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT i.indisvalid AND c.relnamespace <> 'pg_toast'::regnamespace
"""

UNFILLED = """
    SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'm' AND NOT c.relispopulated
"""

# The usual version differs from server to server and is no fact.
_UNUSUAL_VERSIONS = """
    SELECT e.extname, e.extversion FROM pg_extension e
    JOIN pg_available_extensions a ON a.name = e.extname WHERE e.extversion <> a.default_version
"""

_BOUNDS = """
    SELECT c.oid::regclass::text, pg_get_partition_constraintdef(c.oid) FROM pg_class c
    WHERE c.relispartition AND c.relkind IN ('r', 'p')
"""


def read_catalog(
    server: Server,
    database: str,
    *,
    url: str | None = None,
    ignore: Ignore | None = None,
    version_table: str = "alembic_version",
    lock_wait_ms: int = 5000,
) -> Catalog:
    """The catalog of a database on ``server``, or of a live one at ``url``.

    ``server`` lends its pg_dump, which reads servers of its own major and older. pg_dump takes
    ACCESS SHARE on every table and gives up after ``lock_wait_ms`` milliseconds. Raises
    DatabaseError when the database refuses.
    """
    conninfo = url or server.url(database)
    ignore = ignore or NOTHING_IGNORED
    dump = dump_of(server, conninfo, ignore, version_table, lock_wait_ms)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        major = connection.info.server_version // 10000
        connection.execute("SET search_path = ''")
        invalid = connection.execute(INVALID_INDEXES).fetchall()
        unfilled = connection.execute(UNFILLED).fetchall()
        bounds = connection.execute(_BOUNDS).fetchall()
        depends = read_depends(connection)
        # A live server has the versions that its packages brought.
        versions = [] if url else connection.execute(_UNUSUAL_VERSIONS).fetchall()
    facts = dict(_kept(load_facts(dump), ignore))
    for index, table, definition, partitioned in invalid:
        kind = "invalid partitioned index" if partitioned else "invalid index"
        identity = Identity(kind, index, of=table)
        facts[identity] = Fact(identity, f"INVALID {definition}", definition, len(facts))
    for extension, version in versions:
        name = quoted(str(extension))
        if Identity("extension", name) in facts:
            identity = Identity("extension version", name)
            sql = f"ALTER EXTENSION {name} UPDATE TO {literal(str(version))}"
            facts[identity] = Fact(identity, literal(str(version)), sql, len(facts))
    notes = tuple(
        (Identity("materialized view", name), "is not filled: reading it fails until REFRESH")
        for (name,) in unfilled
    )
    conditions = {str(name): str(condition) for name, condition in bounds if condition}
    return Catalog(facts, dump, major, notes, ignore, depends, conditions)


def dump_of(
    server: Server,
    conninfo: str,
    ignore: Ignore = NOTHING_IGNORED,
    version_table: str = "alembic_version",
    lock_wait_ms: int = 5000,
) -> str:
    """The schema dump of a database. Raises DatabaseError when it refuses."""
    arguments = [f"--exclude-schema={pattern}" for pattern in ignore.schemas]
    arguments += [f"--exclude-table={pattern}" for pattern in ignore.tables]
    if server.major >= 17:  # the option came with pg_dump 17
        arguments += [f"--exclude-extension={pattern}" for pattern in ignore.extensions]
    arguments += ["--no-owner"] if ignore.owners else []
    arguments += ["--no-privileges"] if ignore.privileges else []
    done = subprocess.run(
        [
            str(server.client("pg_dump")),
            "--schema-only",
            f"--exclude-table=*.{version_table}",
            f"--lock-wait-timeout={lock_wait_ms}",
            "--no-password",
            *arguments,
            f"--dbname={conninfo}",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PGAPPNAME": "zd", "LC_ALL": "C"},
        check=False,
    )
    if done.returncode:
        raise _refusal(done.stderr, conninfo)
    return done.stdout if ignore.owners else _without_our_own(done.stdout, conninfo)


def _without_our_own(dump: str, conninfo: str) -> str:
    """Whoever makes a thing owns it: on a scratch server that is we, and says nothing."""
    we = conninfo_to_dict(conninfo).get("user") or os.environ.get("PGUSER") or getpass.getuser()
    ours = rf"^ALTER .+ OWNER TO {re.escape(quoted(str(we)))};\n"
    return re.sub(ours, "", dump, flags=re.MULTILINE)


def _refusal(said: str, conninfo: str) -> DatabaseError:
    first = said.replace("pg_dump: error: ", "").split("\n")[0]
    reason = " ".join(first.removeprefix("query failed: ERROR: ").split())
    advice = "Check the URL and the server"
    if "permission denied" in said:
        advice = "pg_dump locks every table in ACCESS SHARE mode: grant SELECT on all of them"
    elif "lock timeout" in said or "canceling statement" in said:
        advice = "Another session holds a strong lock: try again when its DDL is done"
    elif "aborting because of server version mismatch" in said:
        advice = "Give programs of the server's major with --server BIN_DIR"
    return DatabaseError(database=masked(conninfo), reason=reason, advice=advice)


def _kept(facts: dict[Identity, Fact], ignore: Ignore) -> Iterator[tuple[Identity, Fact]]:
    def matches(name: str, patterns: tuple[str, ...]) -> bool:
        return any(fnmatch.fnmatchcase(name.strip('"'), pattern) for pattern in patterns)

    for identity, fact in facts.items():
        if identity.kind == "extension" and matches(identity.name, ignore.extensions):
            continue
        if identity.kind.endswith(" privileges"):
            lines = [line for line in fact.statements if not matches(_grantee(line), ignore.roles)]
            if not lines:
                continue
            fact = several(identity, lines, fact.position)
        yield identity, fact


def _grantee(line: str) -> str:
    """The role in a GRANT or REVOKE as pg_dump writes it."""
    found = re.search(
        r" (?:TO|FROM) (\"(?:[^\"]|\"\")+\"|\S+)(?: WITH GRANT OPTION)?(?: GRANTED BY .+)?\Z", line
    )
    return found[1] if found else ""
