"""Rows that the user gives: the dump of a database, or its URL, from which it is only read."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from zero_downtime.errors import InputError
from zero_downtime.postgres.scratch import ScratchFolder
from zero_downtime.postgres.server import Server
from zero_downtime.postgres.urls import libpq_url, masked

# A dump says whose its objects are; the roles are not in it. What an extension that is not there
# would have made is missed soon enough by what needs it.
_HARMLESS = re.compile(
    r"role .* does not exist|extension .* is not available|extension .* does not exist"
    r"|schema \"public\" already exists|must be owner of extension"
    r"|could not open extension control file|unrecognized configuration parameter"
)
_GZIP = b"\x1f\x8b"
_FOREIGN = re.compile(
    rb"\s*(\\(c|connect)\s|(CREATE|DROP|ALTER)\s+(DATABASE|TABLESPACE)\s)", re.IGNORECASE
)
_COPY = re.compile(rb"COPY\s.*\sFROM\s+stdin", re.IGNORECASE)
_LACKING = re.compile(r'extension "([^"]+)" is not available')
_ERROR = re.compile(r"(?:ERROR|error):\s+(.*)")


def restore(data: str, server: Server) -> str:
    """A new database with what a dump holds, or a copy of the database at a URL. InputError."""
    if "://" in data:
        folder = ScratchFolder()
        try:
            dump = folder.path / "data.dump"
            _dump(libpq_url(data), dump, server)
            return _restored(dump, masked(data), server)
        finally:
            folder.remove()
    path = Path(data)
    if not path.exists():
        raise InputError(where=data, reason="is not there", advice="Check the path")
    if not _is_compressed(path):
        return _restored(path, data, server)
    folder = ScratchFolder()
    try:
        return _restored(_unpacked(path, folder.path / "dump"), data, server)
    finally:
        folder.remove()


def _dump(url: str, into: Path, server: Server) -> None:
    into.touch(mode=0o600)
    # pg_dump's own transaction is read-only; so is everything else in its session.
    options = f"{os.environ.get('PGOPTIONS', '')} -c default_transaction_read_only=on".strip()
    done = _run(
        [
            str(server.client("pg_dump")),
            "--format=custom",
            "--compress=0",
            "--no-password",
            "--lock-wait-timeout=5000",
            f"--file={into}",
            f"--dbname={url}",
        ],
        {"PGOPTIONS": options},
    )
    if done.returncode:
        advice = (
            "The role needs SELECT on all tables and sequences, and BYPASSRLS where row security"
            " would hide rows"
        )
        if "server version mismatch" in done.stderr:
            advice = (
                f"PostgreSQL {server.version} can't dump a newer server: give one with --server"
            )
        raise InputError(
            where=masked(url),
            reason=f"can't be dumped ({_first(done.stderr) or done.stderr.strip()})",
            advice=advice,
        )


def _restored(dump: Path, called: str, server: Server) -> str:
    if _is_plain(dump):
        _refuse_foreign_commands(dump, called)
    name = server.create_database()
    try:
        done = _run(_restoring(dump, server, server.url(name)), {})
        errors = [said for said in _ERROR.findall(done.stderr) if not _is_harmless(said)]
        if errors or (done.returncode and not _ERROR.search(done.stderr)):
            raise InputError(
                where=called,
                reason=f"can't be restored ({errors[0] if errors else done.stderr.strip()})",
                advice=_advice(done.stderr, server),
            )
        with server.connect(name) as connection:
            connection.execute("ANALYZE")
    except BaseException:
        server.drop_database(name)
        raise
    return name


def _advice(stderr: str, server: Server) -> str:
    lacking = list(dict.fromkeys(_LACKING.findall(stderr)))
    if lacking:
        return (
            f"The server lacks {', '.join(lacking)}: give one that has it with --server"
            " (a bin directory, or a URL)"
        )
    return (
        f"It has to be a dump of pg_dump, schema and rows, that PostgreSQL {server.version} takes"
    )


def _restoring(dump: Path, server: Server, url: str) -> list[str]:
    if _is_plain(dump):
        psql = [str(server.client("psql")), "--no-psqlrc", "--quiet", f"--output={os.devnull}"]
        return [*psql, f"--file={dump}", url]
    options = ["--no-owner", "--no-privileges", "--dbname", url]
    return [str(server.client("pg_restore")), *options, str(dump)]


def _is_plain(dump: Path) -> bool:
    """Whether it is SQL: the other formats are a folder, a tar file, or begin with PGDMP."""
    if dump.is_dir():
        return False
    start = _start(dump)
    return not start.startswith(b"PGDMP") and start[257:262] != b"ustar"


def _is_compressed(dump: Path) -> bool:
    return dump.is_file() and _start(dump).startswith(_GZIP)


def _start(dump: Path) -> bytes:
    with dump.open("rb") as file:
        return file.read(512)


def _unpacked(dump: Path, into: Path) -> Path:
    into.touch(mode=0o600)
    try:
        with gzip.open(dump) as packed, into.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            where=dump, reason=f"can't be unpacked ({error})", advice="Check the file"
        ) from error
    return into


def _refuse_foreign_commands(dump: Path, called: str) -> None:
    """A script that leaves its database, for one of its own, would do so on our server as well."""
    if b"\0" in _start(dump):
        raise InputError(
            where=called, reason="is no dump", advice="Give what pg_dump wrote, in any format"
        )
    rows = False
    with dump.open("rb") as file:
        for number, line in enumerate(file, 1):
            if rows:
                rows = line.rstrip() != b"\\."
            elif _FOREIGN.match(line):
                said = line.decode(errors="replace").strip()
                raise InputError(
                    where=f"{called}:{number}",
                    reason=f"leads to a database of its own ({said})",
                    advice="Dump the one database again with pg_dump, without --create",
                )
            else:
                rows = _COPY.match(line) is not None


def _run(
    command: Sequence[str | Path], more: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "PGAPPNAME": "zd rehearse", **more}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )


def _is_harmless(said: str) -> bool:
    return _HARMLESS.search(said) is not None


def _first(said: str) -> str:
    found = _ERROR.search(said)
    return found[1].strip() if found else ""
